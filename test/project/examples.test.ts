/** The examples run and print the documented output. */

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/sources.js';

const folder = join(root, 'test/examples');
const tsx = createRequire(import.meta.url).resolve('tsx');

const expected: Record<string, string[]> = {
  'undo-redo': [
    'done: write, read (done); 2 tasks',
    'undone once: write, read; 2 tasks',
    'undone twice: nothing; 0 tasks',
    'redone: write, read (done); 2 tasks',
  ],
  'outbox-sync': ["2 [ [Object: null prototype] { id: 1, name: 'tea', price: 3 } ]"],
  'two-clients': [
    "    kind: 'data',",
    'server: 1 oat milk 0, 2 bread 5, 4 jam 1',
    'ben: 1 oat milk 0, 2 bread 5, 4 jam 1',
    'rebased: true 1 oat milk 0, 2 bread 5, 4 jam 1',
  ],
  'audit-log': [
    'teller update account 1: balance 100 -> 70',
    'teller update account 2: balance 50 -> 80',
    'manager delete account 1: id 1 -> null',
    'manager delete account 1: owner ann -> null',
    'manager delete account 1: balance 70 -> null',
  ],
  embedding: ['item update [ 1n, 2.5 ] [ undefined, 5 ]', 'item update [ 2n, 4n ] [ undefined, 8n ]'],
};

test('the list of examples is complete', () => {
  const folders = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== 'replica-server',
  );
  expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort());
});

test.each(Object.entries(expected))('%s', (name, lines) => {
  const out = execFileSync(process.execPath, ['--import', `file://${tsx}`, join(folder, name, 'main.ts')], {
    encoding: 'utf8',
  });
  for (const line of lines) expect(out.split('\n')).toContain(line);
});
