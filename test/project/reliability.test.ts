/** The suites of scripts/reliability see the faults that they are for. */

import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { lose, modes } from '../../scripts/reliability/power-loss.js';
import { compareShells } from '../../scripts/reliability/speedtest1.js';
import { discardedBy, runByApi, testsOf } from '../../scripts/reliability/speedtest1-script.js';
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

/** As test/programs/trace.c prints it. */
const sqlOf = (text: string): string => `\n#SQL ${Buffer.byteLength(text)}\n${text}\n`;
const traced = Buffer.from(
  [
    '-- Speedtest1 for SQLite 3\n',
    sqlOf('CREATE TABLE t(a, b);'),
    ' 100 - inserts.......... ',
    sqlOf("INSERT INTO t\nVALUES (random(), 'ö'), (2.5, x'01')"),
    '   0.001s\n 110 - nothing...   0.000s\n 120 - queries... ',
    sqlOf('SELECT * FROM t'),
    sqlOf('SELECT 1;'),
    '   0.001s\n',
  ].join(''),
);

test.skipIf(!native)('speedtest1: what differs between two shells fails, by its name', () => {
  const tests = testsOf(traced);
  expect(tests.map(({ title }) => title)).toEqual(['setup', '100 inserts', '110 nothing', '120 queries']);
  const run = (...options: string[]): string[] =>
    compareShells(tests, testFolder('shells'), [native ?? ''], [native ?? '', ...options]).map(
      (one) => one.case,
    );
  expect(run()).toEqual([]);
  expect(run('-cmd', 'PRAGMA reverse_unordered_selects=1')).toContain('120 queries');
  expect(run('-cmd', 'PRAGMA page_size=512')).toEqual(['the bytes of the database']);
  expect(run('-cmd', '.bogus')).toContain('the end');
});

test('speedtest1: the rows by the API are those that the program counts', async () => {
  const isDiscarded = discardedBy(
    'speedtest1_exec("DELETE FROM t;\\n" "x");\n speedtest1_exec(\n"SELECT 1;");',
  );
  const rows = await runByApi(testsOf(traced), join(testFolder('api'), 'a.db'), isDiscarded);
  const first = 0x8689_8e84 ^ (Math.imul(0x44f9_eac8, 1_103_515_245) + 12_345);
  expect(rows).toBe(`I${BigInt(first >>> 0)}\nT${Buffer.from('ö').toString('latin1')}\nF\nB01\n`);
});
