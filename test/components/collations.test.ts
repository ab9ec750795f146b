/** Collations of components, world `collating`: order, indexes, and the effects of a trap. */

import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { guest as guestPath } from '../kit/guests.js';

const guest = guestPath('collates');

describe.each(['direct', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true, grants: { sql: 'ro' } });
    db.loadExtension(guest);
  });
  afterEach(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    if (db.isOpen) db.close();
  });
  const column = (sql: string): unknown[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => Object.values(row)[0]);
  const failure = (sql: string): string => {
    try {
      db.exec(sql);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was thrown';
  };

  test('orders rows and indexes', () => {
    db.exec(
      "CREATE TABLE t(a TEXT COLLATE backwards); CREATE INDEX i ON t(a); INSERT INTO t VALUES('a'),('ü'),('b'),('')",
    );
    expect(column('SELECT a FROM t ORDER BY a')).toEqual(['ü', 'b', 'a', '']);
    expect(column("SELECT a FROM t WHERE a > 'b' COLLATE backwards")).toEqual(['a', '']);
    expect(column('PRAGMA integrity_check')).toEqual(['ok']);
  });
  test('cannot use session', () => {
    db.exec("CREATE TABLE t(a TEXT COLLATE calls); INSERT INTO t VALUES('b'),('a')");
    expect(column('SELECT a FROM t ORDER BY a')).toEqual(['a', 'b']);
  });
  test('that traps prevents commits until the transaction is rolled back, and the file stays intact', () => {
    db.exec('CREATE TABLE t(a TEXT COLLATE traps); CREATE INDEX i ON t(a)');
    db.exec("INSERT INTO t VALUES('a'),('b'),('c')");
    db.exec('BEGIN');
    expect(failure("INSERT INTO t VALUES('d'),('x'),('e')")).toMatch(
      /^traps: component collating trapped: .*unreachable/,
    );
    if (db.isTransaction) {
      expect(failure('COMMIT')).toMatch(/^traps: component collating trapped: /);
      if (db.isTransaction) db.exec('ROLLBACK');
    }
    expect(column('SELECT count(*) FROM t')).toEqual([3]);
    expect(failure("INSERT INTO t VALUES('x')")).not.toBe('nothing was thrown');
    db.exec('CREATE TABLE u(a); INSERT INTO u VALUES(1)');
    db.loadExtension(guest);
    expect(column('PRAGMA integrity_check')).toEqual(['ok']);
    expect(column('SELECT a FROM t ORDER BY a')).toEqual(['a', 'b', 'c']);
  });

  test('works with UNIQUE, GROUP BY, DISTINCT, min and max, and joins', () => {
    db.exec("CREATE TABLE t(a TEXT COLLATE backwards UNIQUE); INSERT INTO t VALUES('a'),('c'),('b')");
    expect(failure("INSERT INTO t VALUES('b')")).toBe('UNIQUE constraint failed: t.a');
    expect(db.prepare('SELECT min(a) AS low, max(a) AS high FROM t').get()).toEqual({ low: 'c', high: 'a' });
    expect(column('SELECT DISTINCT a FROM (SELECT a FROM t UNION ALL SELECT a FROM t) ORDER BY 1')).toEqual([
      'c',
      'b',
      'a',
    ]);
    expect(column('SELECT count(*) FROM t AS x JOIN t AS y ON x.a < y.a')).toEqual([3]);
    expect(column("SELECT a FROM t WHERE a BETWEEN 'c' AND 'b' ORDER BY a")).toEqual(['c', 'b']);
  });
  test('loaded again it replaces the first, even if an index uses it', () => {
    db.exec("CREATE TABLE t(a TEXT COLLATE backwards PRIMARY KEY); INSERT INTO t VALUES('a'),('b')");
    const statement = db.prepare('SELECT a FROM t ORDER BY a').iterate();
    expect(statement.next().value).toEqual({ a: 'b' });
    db.loadExtension(guest);
    expect([...statement]).toEqual([{ a: 'a' }]);
    expect(column('SELECT a FROM t ORDER BY a')).toEqual(['b', 'a']);
  });
});
