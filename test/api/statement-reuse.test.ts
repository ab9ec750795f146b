/**
 * Statements that are not finalized: the next statement with the same SQL reuses the C statement, and the memory is
 * bounded.
 */

import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { constants, DatabaseSync } from 'sqlite-wasm-run';
import { beforeEach, expect, test } from 'vitest';
import { connectionOf } from '../kit/internals.js';
import { failure } from '../kit/outcome.js';

let db: DatabaseSync;
beforeEach(() => {
  db = new DatabaseSync(':memory:');
  db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1,'x'),(2,'y')");
});

/** The number of C statements of the connection. */
function count(): number {
  const { engine, db: address } = connectionOf(db);
  let found = 0;
  let statement = 0;
  for (;;) {
    statement = engine.core.c.sqlite3_next_stmt(address, statement);
    if (statement === 0) return found;
    found += 1;
  }
}

test('a loop without await uses one C statement for one text', () => {
  for (let i = 0; i < 10_000; i++) db.prepare('SELECT b FROM t WHERE a=?').get(1);
  expect(count()).toBe(1);
});

test('and a bounded number for many texts', () => {
  for (let i = 0; i < 20_000; i++) db.prepare(`SELECT ${i} FROM t WHERE a=?`).get(1);
  expect(count()).toBeLessThan(8000);
});

test('each statement has its own parameters, options and results', () => {
  const sql = 'SELECT a, b, :p AS p FROM t WHERE a=:a';
  const one = db.prepare(sql);
  const two = db.prepare(sql, { readBigInts: true, returnArrays: true });
  expect(one.get({ a: 1, p: 'one' })).toEqual({ a: 1, b: 'x', p: 'one' });
  expect(two.get({ a: 2 })).toEqual([2n, 'y', null]);
  expect(one.get({ a: 2 })).toEqual({ a: 2, b: 'y', p: null });
  expect(one.columns().map(({ name }) => name)).toEqual(['a', 'b', 'p']);
  const first = one.iterate({ a: 1, p: 5 });
  const second = two.iterate({ a: 1, p: 6 });
  expect([first.next().value, second.next().value]).toEqual([{ a: 1, b: 'x', p: 5 }, [1n, 'x', 6]]);
  const third = db.prepare(sql).get({ a: 2, p: 7 });
  expect(third).toEqual({ a: 2, b: 'y', p: 7 });
  expect([first.next().done, second.next().done]).toEqual([true, true]);
});

test('a statement that was removed from the cache is compiled again when it is used', () => {
  const old = db.prepare('SELECT b FROM t WHERE a=?');
  expect(old.get(1)).toEqual({ b: 'x' });
  for (let i = 0; i < 20_000; i++) db.prepare(`SELECT ${i} FROM t WHERE a=?`).get(1);
  expect(old.get(2)).toEqual({ b: 'y' });
  expect(old.sourceSQL).toBe('SELECT b FROM t WHERE a=?');
  db.close();
  expect(failure(() => old.get(1))).toBe('statement has been finalized');
});

test('a statement that is executed by its own function is not given to another', () => {
  const sql = 'SELECT f(a) AS r FROM t';
  let depth = 0;
  db.function('f', (a) => {
    depth += 1;
    if (depth > 1) return a;
    return Number(db.prepare(sql).all().length);
  });
  expect(db.prepare(sql).all()).toEqual([{ r: 2 }, { r: 2 }]);
});

test('statements are compiled again after the schema, a function or a setting changed', () => {
  const sql = 'SELECT f(b) AS r FROM t WHERE a=1';
  db.function('f', (_b) => 'first');
  expect(db.prepare(sql).get()).toEqual({ r: 'first' });
  db.function('f', (_b) => 'second');
  expect(db.prepare(sql).get()).toEqual({ r: 'second' });
  db.prepare('SELECT * FROM t').all();
  db.exec('DROP TABLE t');
  expect(failure(() => db.prepare('SELECT * FROM t'))).toBe('no such table: t');
  db.prepare('CREATE TABLE t(only)').run();
  db.prepare('SELECT * FROM t').all();
  db.prepare('DROP TABLE t').run();
  expect(failure(() => db.prepare('SELECT * FROM t'))).toBe('no such table: t');
  db.applyCapture([{ kind: 'ddl', sql: 'CREATE TABLE t(x, y)' }]);
  expect(db.prepare('SELECT * FROM t').columns()).toHaveLength(2);
});

test('an authorizer is called for each statement', () => {
  const sql = 'SELECT b FROM t WHERE a=1';
  const kept = db.prepare(sql);
  kept.get();
  let asked = 0;
  db.setAuthorizer(() => {
    asked += 1;
    return constants.SQLITE_OK;
  });
  db.prepare(sql).get();
  const once = asked;
  db.prepare(sql).get();
  expect(asked).toBe(2 * once);
  db.setAuthorizer(() => constants.SQLITE_DENY);
  expect(failure(() => db.prepare(sql))).toBe('not authorized');
  expect(failure(() => kept.get())).toBe('not authorized');
});

test('an iteration that is collected ends', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  (() => db.prepare('SELECT * FROM t').iterate().next())();
  for (let i = 0; i < 50 && failure(() => db.exec('DROP TABLE t')) !== 'nothing was thrown'; i++) {
    collect();
    await setTimeout(10);
  }
  expect(failure(() => db.prepare('SELECT * FROM t'))).toBe('no such table: t');
});

test('closing a statement does not close another with the same text', () => {
  const sql = 'SELECT a FROM t WHERE a=1';
  const one = db.prepare(sql);
  const two = db.prepare(sql);
  one.close();
  expect(failure(() => one.get())).toBe('statement has been finalized');
  expect(two.get()).toEqual({ a: 1 });
  one[Symbol.dispose]();
  const standing = db.prepare(sql);
  standing.iterate().next();
  standing.close();
  db.exec('DROP TABLE t');
});
