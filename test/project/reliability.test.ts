/** The suites of scripts/reliability see the faults that they are for. */

import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { lose, modes } from '../../scripts/reliability/power-loss.js';
import { testFolder } from '../kit/folder.js';
import { nativeShell } from '../kit/oracle.js';

const native = nativeShell();
const mode = (name: string) => modes.find((one) => one.name === name) ?? expect.fail(name);

test.skipIf(!native).each([
  ['TRUNCATE, FULL', /journal$/],
  ['TRUNCATE, FULL', /a\.db$/],
  ['DELETE, EXTRA', /^files$/],
  ['WAL, FULL', /wal$/],
  ['WAL, FULL', /a\.db$/],
])('%s: a disk that forgets to sync %s loses transactions', async (name, forgotten) => {
  const forgets = (path: string): boolean => forgotten.test(basename(path));
  const { failures } = await lose(mode(name), testFolder('power'), 10, 2, 1, forgets);
  expect(failures.length).toBeGreaterThan(5);
});

test.skipIf(!native)('a disk that forgets nothing loses nothing', async () => {
  const { ran, failures } = await lose(mode('PERSIST, FULL'), testFolder('power'), 8, 2, 2);
  expect(ran).toBeGreaterThan(500);
  expect(failures).toEqual([]);
});
