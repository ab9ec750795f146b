/**
 * Tables that violate the canonical ABI, or the rules of plans and batches. Only the component may fail, never the
 * connection or the file.
 */

import { join } from 'node:path';
import { DatabaseSync, SqliteError } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sharedFolder } from '../kit/folder.js';
import { guest as guestPath } from '../kit/guests.js';

const guest = guestPath('hostile-tables');

const folder = sharedFolder('hostile-tables');
let file: string;
let files = 0;
let db: DatabaseSync;

afterEach(() => {
  if (db.isOpen) db.close();
  delete process.env.SQLITE_WASM_RUN_CALLS;
});

/** The rows, or "done", or the SQL error. Any other exception is a fault of the host. */
function outcome(sql: string): unknown {
  try {
    if (!/^(SELECT|PRAGMA)/.test(sql)) {
      db.exec(sql);
      return 'done';
    }
    using statement = db.prepare(sql);
    return statement.all().map((row) => Object.values(row));
  } catch (error) {
    if (error instanceof SqliteError) return error.message;
    throw error;
  }
}

/** Makes the component do `kind` in `what`, one of the functions of test/guests/hostile-tables.c. */
const set = (what: number, kind: number): unknown => outcome(`SELECT hostile_mode(${100 * what + kind})`);

/** Checks that the connection works, that the component works after it is loaded again, and that the file is intact. */
function expectUsable(): void {
  if (db.isTransaction) db.exec('ROLLBACK');
  set(0, 0); // behaves again
  expect(outcome('SELECT sum(a) FROM t')).toEqual([[6]]);
  expect(outcome('BEGIN; INSERT INTO t VALUES (4); ROLLBACK')).toBe('done');
  db.loadExtension(guest);
  expect(outcome('SELECT count(*) FROM wild')).toEqual([[3]]);
  expect(outcome('INSERT INTO v(a) VALUES (1)')).toBe('done');
  expect(outcome('PRAGMA integrity_check')).toEqual([['ok']]);
  db.exec('DROP TABLE v; CREATE VIRTUAL TABLE v USING shifty'); // a table stays with the instance that made it
  using other = new DatabaseSync(file, { readOnly: true });
  expect(other.prepare('SELECT sum(a) AS v FROM t').get()).toEqual({ v: 6 });
}

const trapped = (why = ''): RegExp => new RegExp(`^\\w+: component hostile-tables trapped: .*${why}`);
const read = "SELECT a, b, c FROM wild WHERE a >= 1 AND b = 'abc' ORDER BY a";
const all = [1, 2, 3].map((n) => [n, 'abc', n]);

type Expected = RegExp | string | unknown[][];
function expectOutcome(found: unknown, wanted: Expected, title: string): void {
  if (wanted instanceof RegExp) expect(String(found), title).toMatch(wanted);
  else expect(found, title).toEqual(wanted);
}

describe.each(['direct', 'wrapped'])('calls %s:', (calls) => {
  const direct = calls === 'direct';
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    files += 1;
    file = join(folder, `${files}.db`);
    db = new DatabaseSync(file, { allowExtension: true, grants: { memory: 2 ** 23 } });
    db.loadExtension(guest);
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3); CREATE VIRTUAL TABLE v USING shifty');
  });

  // Faults of every kind of result. The last column is the outcome if jco's wrappers read the result. They read all
  // results except those of filter, fetch, insert, update and delete, which are called directly.
  const kinds: [title: string, kind: number, here: RegExp, wrapped?: RegExp][] = [
    ['a result outside the memory', 1, trapped('')],
    ['a result that is not aligned', 2, trapped('not aligned'), /./],
    ['a result of an unknown kind', 3, trapped('')],
    ['an error whose text is outside the memory', 4, trapped('')],
    ['an error whose text is not UTF-8', 5, /^\ufffd\ufffd$/],
    ['an error that says "done"', 6, /^done$/],
    ['an error of a negative code', 7, /^negative$/],
    ['a trap', 8, trapped('unreachable')],
    ['endless recursion', 9, trapped('')],
    ['a result across the end of the memory', 12, trapped('outside its memory'), /./],
    ['an error that says "no error"', 13, /^success$/],
    ['an error whose text has 4 GiB', 14, trapped('')],
  ];
  test.each<[name: string, what: number, before: string, statement: string, direct?: boolean]>([
    ['connect', 1, '', 'CREATE VIRTUAL TABLE w USING shifty'],
    ['destroy', 2, 'CREATE VIRTUAL TABLE w USING shifty', 'DROP TABLE w'],
    ['best-index', 3, '', read],
    ['open', 4, '', read],
    ['filter', 5, '', read, true],
    ['fetch', 6, '', read, true],
    ['insert', 7, '', "INSERT INTO v(a, b) VALUES (1, 'text')", true],
    ['update', 8, '', "UPDATE v SET a = 5, b = 'text'", true],
    ['delete', 9, '', 'DELETE FROM v', true],
    ['begin', 10, '', 'INSERT INTO v(a) VALUES (1)'],
    ['sync', 11, 'BEGIN; INSERT INTO v(a) VALUES (1); INSERT INTO t VALUES (9)', 'COMMIT'],
    ['savepoint', 12, 'BEGIN; INSERT INTO v(a) VALUES (1); INSERT INTO t VALUES (9)', 'SAVEPOINT x'],
    ['release', 13, 'BEGIN; INSERT INTO v(a) VALUES (1); SAVEPOINT x', 'RELEASE x'],
    ['rollback-to', 14, 'BEGIN; INSERT INTO v(a) VALUES (1); SAVEPOINT x', 'ROLLBACK TO x'],
    ['rename', 15, 'CREATE VIRTUAL TABLE w USING shifty', 'ALTER TABLE w RENAME TO z'],
    ['integrity', 16, '', 'PRAGMA integrity_check'],
  ])('%s', (_name, what, before, statement, own = false) => {
    for (const [title, kind, here, wrapped] of kinds) {
      db.exec('DROP TABLE IF EXISTS w; DROP TABLE IF EXISTS z');
      db.exec(before);
      if (!statement.startsWith('SELECT')) outcome('SELECT count(*) FROM v'); // it is connected
      set(what, kind);
      expectOutcome(outcome(statement), (direct && own ? undefined : wrapped) ?? here, title);
      if (what === 11) {
        expect(db.isTransaction, title).toBe(false); // committed, or rolled back
        db.exec('DELETE FROM t WHERE a = 9');
      }
      expectUsable();
    }
  });

  test.each([
    ['disconnect', 17, 'VACUUM', 'SELECT count(*) FROM t', [[3]]],
    ['close', 18, 'SELECT 1', read, all],
    ['commit', 19, 'BEGIN; INSERT INTO v(a) VALUES (1)', 'COMMIT', 'done'],
    ['rollback', 20, 'BEGIN; INSERT INTO v(a) VALUES (1)', 'ROLLBACK', 'done'],
  ])(
    'a trap in %s, which cannot return an error, makes the next call fail',
    (_name, what, before, statement, wanted) => {
      outcome('SELECT count(*) FROM v');
      if (what !== 17) outcome(before);
      set(what, 8);
      if (what === 17) outcome(before);
      expect(outcome(statement)).toEqual(wanted);
      if (what !== 17) {
        expect(outcome(read)).toMatch(
          /^wild: component hostile-tables is no longer usable, because .*; load it again$/,
        );
      }
      expectUsable();
    },
  );

  test('a memory that grows within a call, and a trap after the result', () => {
    for (const [what, sql, wanted] of [
      [1, 'CREATE VIRTUAL TABLE w USING shifty', 'done'],
      [3, read, all],
      [5, read, all],
      [6, read, all],
      [7, "INSERT INTO v(a, b) VALUES (1, 'text')", 'done'],
      [8, "UPDATE v SET a = 5, b = 'text'", 'done'],
      [9, 'DELETE FROM v', 'done'],
      [16, 'PRAGMA integrity_check', [['ok']]],
    ] as const) {
      set(what, 10);
      expect(outcome(sql), sql).toEqual(wanted);
      set(what, 11);
      if (what === 1) db.exec('DROP TABLE w');
      else expectOutcome(outcome(sql), trapped('unreachable'), sql);
      expectUsable();
    }
  });

  test.each<[string, number, Expected]>([
    ['outside the memory', 20, trapped('')],
    ['of 4 GiB', 21, trapped('')],
    ['that is not UTF-8', 22, 'done'],
    ['with U+0000', 23, 'the component declares an invalid table: it contains U+0000'],
    ['of a table numbered 4294967295', 24, 'done'],
    ['of 2100 columns', 25, 'the component declares an invalid table: too many columns on x'],
    ['cut short', 30, 'the component declares an invalid table: incomplete input'],
    ['that is a SELECT', 31, 'the component declares an invalid table: syntax error'],
    ['with AS SELECT', 32, /^the component declares an invalid table: /],
    ['without rowids and key', 33, 'the component declares an invalid table: PRIMARY KEY missing on table x'],
    ['of a view', 34, 'the component declares an invalid table: syntax error'],
    ['that is empty', 35, 'the component declares an invalid table: syntax error'],
    ['with computed columns', 36, /virtual tables cannot use computed columns$/],
    ['with more statements', 37, 'done'],
    ['without rowids, of a writable table', 38, /a writable table must have rowids$/],
    ['with a subquery', 39, /subqueries prohibited in CHECK constraints$/],
  ])('a declaration %s', (_what, kind, wanted) => {
    set(1, kind);
    expectOutcome(outcome('CREATE VIRTUAL TABLE w USING shifty'), wanted, '');
    expectUsable();
  });

  const plan = (what: string): string => `wild: the component's plan ${what}`;
  test.each<[string, number, Expected, string?]>([
    ['usages outside the memory', 20, trapped('')],
    ['4,294,967,295 usages', 21, trapped('')],
    ['more usages than constraints', 22, plan('uses more constraints than exist')],
    ['arguments with gaps', 23, plan('does not number its arguments from 1 on')],
    ['an argument of 4,294,967,295', 24, plan('does not number its arguments from 1 on')],
    ['an argument twice', 25, plan('does not number its arguments from 1 on')],
    ['a cost of NaN', 26, plan('has the cost NaN, which is not a number of 0 or more')],
    ['a cost below 0', 27, plan('has the cost -1e+300, which is not a number of 0 or more')],
    ['an infinite cost of 2^64 rows', 28, all],
    [
      'a constraint that cannot be used',
      29,
      plan('uses constraint 1, which cannot be used'),
      'SELECT x.a FROM wild AS x, wild AS y WHERE x.a = y.b AND x.c IN (1, 2, 3)',
    ],
    [
      'all values of a term that is not an IN',
      30,
      plan('requests all values of constraint 0, which is not an IN'),
    ],
    ['a text with U+0000', 31, plan('has a text that contains U+0000')],
    ['a text outside the memory', 32, trapped('')],
    ['a text that is not UTF-8', 33, all],
    ['a plan of an unknown kind', 34, trapped('')],
    ['an order that the rows do not have', 35, all],
    ['more rows than the announced one', 36, all],
    ['usages that are not aligned', 37, trapped('not aligned')],
    ['a text that looks like one of the host’s', 38, all],
    ['a number of -2^31', 39, all],
    ['an omit that is not a bool', 40, trapped('')],
    ['an ordered that is not a bool', 41, trapped('')],
  ])('a plan with %s', (_what, kind, wanted, sql = read) => {
    set(3, kind);
    expectOutcome(outcome(sql), wanted, '');
    expectUsable();
  });

  const outside = trapped('outside its memory');
  test.each<[string, number, Expected, Expected?]>([
    ['values that are not whole rows', 20, trapped('returned 5 values for \\d rows of 4 columns')],
    ['more rowids than rows', 21, trapped('returned \\d values for 3 rows of 4 columns')],
    ['no rows before the end', 22, trapped('returned no rows, but did not report the end')],
    ['more rows than requested', 23, trapped('returned 1000 rows, but at most \\d+ were requested')],
    ['rowids outside the memory', 24, outside, trapped('')],
    ['values outside the memory', 25, outside, trapped('')],
    ['4,294,967,295 rowids', 26, trapped('4294967295 rows, but'), trapped('')],
    ['67,108,864 rows', 27, trapped('67108864 rows, but'), trapped('')],
    ['a value of an unknown kind', 28, trapped('kind 200'), trapped('')],
    ['a text outside the memory', 29, outside, trapped('')],
    ['a text of 4 GiB', 30, trapped('which is more than its memory'), trapped('')],
    ['a blob of 2 GiB', 31, trapped('which is more than its memory'), /^[\da-c,]+$/],
    ['a short text that is not UTF-8', 32, trapped('not UTF-8'), /^[\da-c,]+$/],
    ['a long text that is not UTF-8', 33, trapped('not UTF-8'), /^[\da-c,]+$/],
    ['values that are not aligned', 34, trapped('not aligned')],
    ['rowids that are not aligned', 35, trapped('not aligned')],
    ['overlapping values', 37, trapped('which is more than its memory'), /^[\da-c,]+$/],
    ['an empty last batch at an invalid address', 39, /^[\da-c,]*$/],
    ['a kind with bits above its byte', 40, /^[\da-c,]+$/],
  ])('a batch with %s', (_what, kind, here, wrapped) => {
    for (const what of [5, 6]) {
      set(what, kind);
      expectOutcome(outcome(read), (direct ? undefined : wrapped) ?? here, `${what}`);
      expectUsable();
    }
  });

  test('endless rows are returned as long as they are requested', () => {
    set(5, 38);
    expect(outcome('SELECT count(*) FROM (SELECT a FROM wild LIMIT 5000)')).toEqual([[5000]]);
    expectUsable();
  });

  test.each<[string, number, Expected]>([
    ['that is text', 20, [['damaged']]],
    ['of no kind', 21, trapped('')],
    ['outside the memory', 22, trapped('')],
    ['of 4 GiB', 23, trapped('')],
    ['that is not UTF-8', 24, [['\ufffd\ufffd']]],
    ['with U+0000', 25, [['a']]],
  ])('a result of integrity %s', (_what, kind, wanted) => {
    outcome('SELECT count(*) FROM v');
    set(16, kind);
    expectOutcome(outcome('PRAGMA integrity_check'), wanted, '');
    expectUsable();
  });

  test.each([1, 2, 3, 4, 5, 6])('arguments and rows put by a hostile cabi_realloc, number %i', (how) => {
    for (const sql of [
      `SELECT a FROM wild('${'x'.repeat(70_000)}') WHERE b = 'abcdefgh' AND c IN (1, 2, 'yz')`,
      `INSERT INTO v VALUES ('abc', x'00ff', '${'y'.repeat(70_000)}')`,
      "UPDATE v SET a = 'abc', b = 2.5",
      'CREATE VIRTUAL TABLE temp.w USING shifty(one, two)',
    ]) {
      outcome(`SELECT hostile_mode(${9000 + how})`);
      const found = outcome(sql);
      if (found !== 'done' && !Array.isArray(found)) expect(String(found), sql).toMatch(trapped(''));
      outcome('DROP TABLE IF EXISTS w');
      expectUsable();
    }
  });
});
