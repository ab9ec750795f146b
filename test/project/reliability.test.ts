/** The suites of scripts/reliability detect the faults that they test for. */

import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runMptest } from '../../scripts/reliability/mptest.js';
import { lose, modes } from '../../scripts/reliability/power-loss.js';
import { compareShells } from '../../scripts/reliability/speedtest1.js';
import { discardedBy, runByApi, testsOf } from '../../scripts/reliability/speedtest1-script.js';
import { testFolder } from '../kit/folder.js';
import { nativeProgram, nativeShell } from '../kit/oracle.js';
import { hasStrace, native as nativeSays, ours, traced } from '../programs/run.js';

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

test.skipIf(!native)('a disk that keeps every write loses no transaction', async () => {
  const { ran, failures } = await lose(mode('PERSIST, FULL'), testFolder('power'), 8, 2, 2);
  expect(ran).toBeGreaterThan(500);
  expect(failures).toEqual([]);
});

describe.skipIf(!native || !hasStrace())(
  'injection: native SQLite does everything that is allowed there',
  () => {
    const statements = [1, 2, 3, 4].map((value) => `INSERT INTO t VALUES (${value})`);
    const commands = (path: string, journal = 'truncate'): [string, ...string[]][] => {
      const all = [`PRAGMA journal_mode=${journal}`, 'PRAGMA synchronous=FULL', ...statements];
      return [[nativeProgram('statements') ?? '', path, ...all], ours(path, 0, ...all)];
    };
    const make = (): string => {
      const path = join(realpathSync(testFolder('injection')), 'x.db');
      nativeSays(native ?? '', path, 'CREATE TABLE t(a)');
      return path;
    };
    const codes = (output: string): number[] => output.split('\n').map((line) => Number.parseInt(line, 10));

    test.each(['EACCES', 'EMFILE', 'EIO', 'ENOSPC'])('a kept journal opened to read, after %s', (error) => {
      for (const i of [0, 1]) {
        const path = make();
        const options = ['-f', '-e', `inject=openat:error=${error}:when=2`, '-P', `${path}-journal`];
        const { output } = traced(options, commands(path)[i] ?? ['']);
        expect(codes(output)).toEqual([778]);
        expect(nativeSays(native ?? '', path, 'SELECT group_concat(a) FROM t')).toBe('1,3,4');
      }
    });

    test('a database that cannot be looked at before its WAL index is opened', () => {
      const path = make();
      nativeSays(native ?? '', path, 'PRAGMA journal_mode=wal');
      const { output } = traced(
        ['-f', '-e', 'inject=statx:error=EIO:when=3', '-P', path],
        ours(path, 0, ...statements),
      );
      expect(output).toMatch(/^1802 disk I\/O error: EIO: i\/o error, fstat .*x\.db$/);
      expect(nativeSays(native ?? '', path, 'SELECT group_concat(a) FROM t')).toBe('2,3,4');
    });

    test('a kept journal that cannot be synced once the transaction is committed', () => {
      const rows = [1, 2, 3].map((when) => {
        const found = [0, 1].map((i) => {
          const path = make();
          const options = ['-f', '-e', `inject=fdatasync:error=EIO:when=${when}`, '-P', `${path}-journal`];
          const { output } = traced(options, commands(path, 'persist')[i] ?? ['']);
          expect(codes(output)).toEqual([1034]);
          return nativeSays(native ?? '', path, 'SELECT group_concat(a) FROM t');
        });
        expect(found[1]).toBe(found[0]);
        return found[1];
      });
      expect(rows).toEqual(['2,3,4', '2,3,4', '1,2,3,4']);
    });

    test.each(['EIO', 'EACCES'])(
      'locks that cannot be released, after %s: everything is committed',
      (error) => {
        for (const i of [0, 1]) {
          const locks = traced(['-f', '-e', 'trace=fcntl'], commands(make())[i] ?? ['']).calls.split('\n');
          const calls = locks.filter((line) => /fcntl\(\d+<[^>]*x\.db>/.test(line));
          // At the end of a transaction, a write lock is lowered to a read lock.
          const ends = calls.flatMap((line, at) => {
            const isLowered =
              /F_RDLCK.*l_len=510/.test(line) && /F_WRLCK.*l_len=510/.test(calls[at - 1] ?? '');
            return isLowered ? [at + 1] : [];
          });
          const path = make();
          const options = ['-f', '-e', `inject=fcntl:error=${error}:when=${ends[1]}+`, '-P', path];
          const { output } = traced(options, commands(path)[i] ?? ['']);
          expect(codes(output)).toEqual([2314, 2314, 2314]);
          expect(nativeSays(native ?? '', path, 'SELECT group_concat(a) FROM t')).toBe('1,2,3,4');
        }
      },
    );
  },
);

/** SQL in the format of test/programs/trace.c. */
const sqlOf = (text: string): string => `\n#SQL ${Buffer.byteLength(text)}\n${text}\n`;
const tracedSql = Buffer.from(
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

test.skipIf(!native)('speedtest1: a difference between two shells fails, and is named', () => {
  const tests = testsOf(tracedSql);
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
  const rows = await runByApi(testsOf(tracedSql), join(testFolder('api'), 'a.db'), isDiscarded);
  const first = 0x8689_8e84 ^ (Math.imul(0x44f9_eac8, 1_103_515_245) + 12_345);
  expect(rows).toBe(`I${BigInt(first >>> 0)}\nT${Buffer.from('ö').toString('latin1')}\nF\nB01\n`);
});

test.skipIf(!native)(
  'mptest: clients run every command, and a result that does not match fails',
  async () => {
    const folder = testFolder('scripts');
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'more.subtest'),
      "--wait all\nSELECT 7;\n--match 7\n/* --match 8 */ --if vfsname() GLOB 'other'\nSELECT 1;\n--match 2\n--endif\n",
    );
    const script = join(folder, 'all.test');
    writeFileSync(
      script,
      `/* a comment */ CREATE TABLE t(a); -- another one
--task 1 first
  INSERT INTO t VALUES (1.5), ('a ''b'), (NULL), (''); -- it's a comment
  SELECT a FROM t ORDER BY rowid; SELECT count(*) FROM t;
  --match 1.5 'a ''b' nil '' 4
  SELECT eval('SELECT a, 2 FROM t WHERE a=1.5');
  --match '1.5 2'
  SELECT 'abc'; SELECT 'ignored';
  --reset
  SELECT 'abc';
  --glob a?c*
  SELECT 'abc';
  --notglob a
  --if 1 > 2
    SELECT 'yes';
  --else
    SELECT 'no';
  --endif
  --match no
  --show-sql-errors off
  SELECT * FROM absent;
  --match error(1) 'no such table: absent'
  --finish
  BEGIN; DELETE FROM t;
  --exit 1
--end
--task 2
  --sleep 1
  SELECT 1;
  --match 2
  SELECT * FROM missing;
  --glob error*
  --bogus
--end
--wait 2
--source more.subtest
DROP TABLE t;
`,
    );
    const { ran, failures } = await runMptest(script, 'delete', 'all ours');
    expect(failures.map((one) => `${one.case}: ${one.what}`.replace(folder, ''))).toEqual([
      'client02: line 3 of all.test:27:',
      'client02: Expected [2]',
      'client02:      Got [1]',
      'client02: (errcode=1) no such table: missing',
      'client02: line 6 of all.test:27: unknown command --bogus',
    ]);
    expect(ran).toBe(2); // of client 2; client 1 ended before it said what it counted
  },
);
