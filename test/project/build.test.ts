/** When the build runs again. */

import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isChanged } from '../../scripts/changed.js';
import { sharedFolder } from '../kit/folder.js';

test('sources are changed if one is newer, added or removed, or if nothing was built', () => {
  const folder = sharedFolder('changed');
  const [built, inner, deep, single] = ['built', 'src/inner', 'src/inner/a.ts', 'b.json'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  const sources = [join(folder, 'src'), single];
  const setTimes = (): void => {
    for (const path of [deep, inner, ...sources]) utimesSync(path, 1000, 1000);
  };
  mkdirSync(inner, { recursive: true });
  for (const path of [deep, single]) writeFileSync(path, '');
  setTimes();
  expect(isChanged(built, sources)).toBe(true);
  writeFileSync(built, '');
  utimesSync(built, 2000, 2000);
  expect(isChanged(built, sources)).toBe(false);
  for (const path of [deep, single]) {
    utimesSync(path, 3000, 3000);
    expect(isChanged(built, sources)).toBe(true);
    setTimes();
  }
  expect(isChanged(built, sources)).toBe(false);
  const added = join(inner, 'added.ts');
  writeFileSync(added, '');
  utimesSync(added, 1000, 1000);
  expect(isChanged(built, sources)).toBe(true);
  setTimes();
  expect(isChanged(built, sources)).toBe(false);
  rmSync(added);
  expect(isChanged(built, sources)).toBe(true);
});
