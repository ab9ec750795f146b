/**
 * Statements with more than 100,000 steps, during which the interpreter returns and continues. The results must not
 * change.
 */

import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, expect, test } from 'vitest';

const series = (count: number): string =>
  `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<${count})`;

let db: DatabaseSync;
const row = (sql: string): unknown[] => Object.values(db.prepare(sql).get() ?? {});

beforeEach(() => {
  db = new DatabaseSync(':memory:');
  db.exec(
    `CREATE TABLE t(a INTEGER PRIMARY KEY, b); ${series(200_000)} INSERT INTO t SELECT x, x % 7 FROM c`,
  );
});
afterEach(() => {
  db.close();
});

test('the time is constant within a statement', () => {
  const sql = `${series(500_000)} SELECT min(n) = max(n), count(*) FROM
    (SELECT julianday('now', 'subsec', (x*0) || ' days') AS n FROM c)`;
  expect(row(sql)).toEqual([1, 500_000]);
  expect(row(`${series(2)} SELECT count(*) FROM c WHERE julianday('now') > 2460000`)).toEqual([2]);
});

test('the next execution reads the time again', async () => {
  const statement = db.prepare("SELECT strftime('%f', 'now') AS n");
  const first = statement.get()?.n;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(statement.get()?.n).not.toBe(first);
});

test('an error late in a statement undoes all of it', () => {
  expect(() => db.exec('UPDATE t SET a = CASE WHEN a = 150000 THEN 200000 ELSE a END')).toThrow(
    /UNIQUE constraint failed: t.a/,
  );
  expect(() => db.exec('CREATE UNIQUE INDEX i ON t(b) WHERE a > 199990')).toThrow(
    /UNIQUE constraint failed: t.b/,
  );
  expect(row('SELECT count(*), sum(a), (SELECT count(*) FROM sqlite_schema) FROM t')).toEqual([
    200_000, 20_000_100_000, 1,
  ]);
  expect(row('PRAGMA integrity_check')).toEqual(['ok']);
});

test('a function that runs long statements within a long statement', () => {
  const inner = db.prepare('SELECT sum(a) AS n FROM t');
  db.function('inner', () => inner.get()?.n as number);
  expect(row('SELECT count(*), sum(CASE WHEN a % 50000 = 0 THEN inner() ELSE 0 END) FROM t')).toEqual([
    200_000,
    4 * 20_000_100_000,
  ]);
});

test('triggers, iterations, and subqueries that compare rows', () => {
  db.exec(
    'CREATE TABLE log(n); CREATE TRIGGER r AFTER UPDATE ON t BEGIN INSERT INTO log VALUES(new.a - old.a + new.b); END',
  );
  db.exec('UPDATE t SET b = b + 1');
  expect(row('SELECT count(*), sum(n) FROM log')).toEqual(row('SELECT count(*), sum(b) FROM t'));
  let count = 0;
  let last = 0;
  for (const { a } of db.prepare('SELECT a FROM t WHERE b = 3').iterate()) {
    expect(a as number).toBeGreaterThan(last);
    last = a as number;
    count += 1;
  }
  expect(count).toBe(row('SELECT count(*) FROM t WHERE b = 3')[0]);
  expect(
    db
      .prepare('SELECT b, count(*) AS n, max(a) AS m FROM t GROUP BY b, a % 2 ORDER BY b DESC, m LIMIT 2')
      .all(),
  ).toMatchObject([
    { b: 7, n: 14_285, m: 199_989 },
    { b: 7, n: 14_286, m: 199_996 },
  ]);
  expect(
    row(
      'SELECT count(*), sum(r) FROM (SELECT row_number() OVER (PARTITION BY b ORDER BY a DESC) AS r FROM t)',
    )[0],
  ).toBe(200_000);
});

test('long text that is read again after its table changed', () => {
  db.exec("CREATE TABLE big(a INTEGER PRIMARY KEY, b); INSERT INTO big VALUES(1, printf('%.50000c', 'x'))");
  db.function('touch', (n) => {
    if (Number(n) % 40_000 === 0) db.exec(`UPDATE big SET b = ${n} || substr(b, length(${n}) + 1)`);
    return n;
  });
  expect(
    row(
      `${series(200_000)} SELECT group_concat(DISTINCT substr(b, 1, 6)) FROM c, big WHERE touch(x) % 40000 = 1`,
    )[0],
  ).toBe('xxxxxx,40000x,80000x,120000,160000');
});

test('a function that throws late ends it', () => {
  db.function('stop', (n) => {
    if (n === 150_000) throw new Error('stopped');
    return n;
  });
  expect(() => db.exec('UPDATE t SET b = stop(a)')).toThrow('stopped');
  expect(row('SELECT max(b) FROM t')).toEqual([6]);
});
