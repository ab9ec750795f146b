/** Functions, aggregates and tables of components that run SQL which calls them again or ends the transaction. */

import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sharedFolder } from '../kit/folder.js';
import { guest as guestPath } from '../kit/guests.js';

const guest = guestPath('full');

const folder = sharedFolder('reentry');

describe.each(['direct', 'linked', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  let file: string;
  let count = 0;
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    count += 1;
    file = join(folder, `${calls}-${count}.db`);
    db = new DatabaseSync(file, { allowExtension: true, grants: { sql: 'rw' } });
    db.loadExtension(guest);
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t(a) VALUES (1), (2), (3)');
    db.exec('CREATE TABLE u(a UNIQUE); INSERT INTO u VALUES (1); CREATE VIRTUAL TABLE r USING runs');
  });
  afterEach(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    if (db.isOpen) db.close();
  });
  const rows = (sql: string): unknown[][] => {
    using statement = db.prepare(sql);
    return statement.all().map((row) => Object.values(row));
  };
  const column = (sql: string): unknown[] => rows(sql).map(([first]) => first);
  const outcome = (sql: string): unknown => {
    try {
      db.exec(sql);
      return 'done';
    } catch (error) {
      const { errcode, message } = error as { errcode?: number; message: string };
      return [errcode, message];
    }
  };
  const text = (sql: string): string => `'${sql.replaceAll("'", "''")}'`;

  test('a function in a function, an aggregate in an aggregate, a scan in a scan', () => {
    expect(column(`SELECT ask(${text("SELECT ask('SELECT 42')")})`)).toEqual([42]);
    const inner = "SELECT total_of('SELECT ' || a) FROM t";
    expect(column(`SELECT total_of(${text(inner)}) FROM t`)).toEqual([18]);
    expect(column(`SELECT at_end(${text(inner)}) FROM t`)).toEqual([6]);
    expect(
      column(`SELECT value FROM answers(${text("SELECT value * 2 FROM answers('SELECT a FROM t')")})`),
    ).toEqual([2, 4, 6]);
  });

  test('each inside each, row by row, within open scans', () => {
    const numbers =
      'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100) SELECT x FROM n';
    const sum = "SELECT sum(value) + total_of('SELECT ' || value) FROM answers('SELECT a FROM t WHERE a <= ";
    expect(
      rows(`SELECT value, ask(${text(sum)} || min(value, 3) || ''')') FROM answers(${text(numbers)})`),
    ).toEqual(Array.from({ length: 100 }, (_, i) => [i + 1, [2, 6, 12][Math.min(i, 2)]]));
    const over = 'OVER (ORDER BY value ROWS 1 PRECEDING)';
    expect(
      column(
        `SELECT total_of('SELECT ask(''SELECT ' || value || ''')') ${over} FROM answers('SELECT a FROM t')`,
      ),
    ).toEqual([1, 3, 5]);
    db.exec(
      `INSERT INTO r VALUES (${text("INSERT INTO r VALUES ('INSERT INTO t(a) SELECT value + 10 FROM answers(''SELECT a FROM t'')')")})`,
    );
    expect(column('SELECT a FROM t')).toEqual([1, 2, 3, 11, 12, 13]);
  });

  test.each([
    'SELECT ask((SELECT b FROM t))',
    'SELECT value FROM answers((SELECT b FROM t))',
    'SELECT total_of((SELECT b FROM t))',
    'SELECT at_end((SELECT b FROM t))',
    'SELECT total_of((SELECT b FROM t)) OVER ()',
    'INSERT INTO r SELECT b FROM t',
  ])('%s in itself ends 16 deep with an error', (sql) => {
    using update = db.prepare('UPDATE t SET b = ?');
    update.run(sql);
    for (let times = 0; times < 3; times++) {
      expect(outcome(sql)).toEqual([1, 'too many nested calls of components through SQL: the limit is 16']);
    }
    expect(column(`SELECT ask('SELECT count(*) FROM answers(''SELECT a FROM t'')')`)).toEqual([3]);
  });

  test('errors pass through all levels', () => {
    const wrong = text("SELECT * FROM answers('SELECT nosuch')");
    for (const sql of [
      `SELECT ask(${wrong})`,
      `SELECT at_end(${wrong})`,
      `INSERT INTO r VALUES (${wrong})`,
    ]) {
      expect(outcome(sql)).toEqual([1, 'no such column: nosuch']);
    }
  });

  describe('SQL from within a table’s functions', () => {
    test('does not drop the table that it runs for', () => {
      const refused = [6, 'r cannot be dropped while its component is being called for it'];
      expect(outcome("INSERT INTO r VALUES ('DROP TABLE r')")).toEqual(refused);
      for (const [place, sql] of [
        ['open', 'SELECT * FROM r'],
        ['rename', 'ALTER TABLE r RENAME TO s'],
      ] as const) {
        db.exec(`INSERT INTO r VALUES ('at ${place}: DROP TABLE r')`);
        expect(outcome(sql), place).toEqual(refused);
      }
      expect(outcome("SELECT * FROM answers('DROP TABLE r')")).toBe('done');
      expect(outcome('SELECT * FROM r')).toEqual([1, 'no such table: r']);
    });

    test('cannot end a transaction that is being committed', () => {
      db.loadExtension('session');
      for (const sql of ['BEGIN', 'COMMIT', 'ROLLBACK', 'SAVEPOINT y', 'RELEASE x', 'ROLLBACK TO x']) {
        db.exec(`SAVEPOINT x; INSERT INTO t(a) VALUES (9); INSERT INTO r VALUES ('at sync: ${sql}')`);
        expect(outcome('RELEASE x'), sql).toEqual([23, 'not authorized: the transaction is being committed']);
        expect(column('SELECT count(*) FROM t'), sql).toEqual([3]);
        if (db.isTransaction) db.exec('ROLLBACK');
      }
      db.exec("BEGIN; INSERT INTO r VALUES ('at sync: INSERT INTO t(a) VALUES (9)'); COMMIT");
      expect(column('SELECT max(a) FROM t')).toEqual([9]);
    });

    test('cannot run a savepoint even if it was compiled before', () => {
      expect(column("SELECT ask('SAVEPOINT y')")).toEqual([null]);
      db.exec("RELEASE y; BEGIN; INSERT INTO r VALUES ('at sync: SAVEPOINT y')");
      expect(outcome('COMMIT')).toEqual([23, 'not authorized: the transaction is being committed']);
    });

    test.each(['begin', 'commit', 'rollback'])('is refused in %s', (place) => {
      db.exec(`INSERT INTO r VALUES ('at ${place}: ROLLBACK')`);
      if (place !== 'commit') db.exec('BEGIN; INSERT INTO t(a) VALUES (9)');
      const came = outcome("INSERT INTO r VALUES ('SELECT 1')");
      if (place === 'begin') {
        expect(came).toEqual([21, 'spi cannot be used while begin runs: SQLite does not allow SQL there']);
      }
      if (db.isTransaction) db.exec('ROLLBACK');
      expect(outcome('BEGIN; INSERT INTO t(a) VALUES (10); COMMIT; DROP TABLE r')).toBe('done');
      expect(column('SELECT a FROM t')).toEqual([1, 2, 3, 10]);
    });
  });

  // The change must be in the file, or fail; it must not be only in the cache.
  describe('a transaction that is rolled back from within', () => {
    const aborted = [516, 'abort due to ROLLBACK'];
    test.each([
      "DELETE FROM t WHERE a = (SELECT coalesce(ask('ROLLBACK'), 1))",
      "UPDATE t SET b = 7 WHERE a IN (SELECT coalesce(ask('ROLLBACK'), 1))",
      "INSERT INTO t(b) SELECT max(coalesce(ask('ROLLBACK'), a)) FROM t WHERE a = 1",
      "INSERT INTO t(b) VALUES (ask('ROLLBACK'))",
      "INSERT INTO u SELECT a + coalesce((SELECT count(*) FROM answers('ROLLBACK')), 1) FROM t",
      "INSERT INTO r SELECT CASE a WHEN 1 THEN 'ROLLBACK' ELSE 'SELECT 1' END FROM t",
      'INSERT INTO u SELECT a + 100 FROM t',
    ])('ends the statement: %s', (sql) => {
      db.exec('BEGIN; INSERT INTO t(a) VALUES (50)');
      if (!sql.includes('ROLLBACK')) db.exec("INSERT INTO r VALUES ('at savepoint: ROLLBACK')");
      expect(outcome(sql)).toEqual(aborted);
      expect(db.isTransaction).toBe(false);
      using other = new DatabaseSync(file);
      for (const table of ['t', 'u']) {
        const all = `SELECT * FROM ${table}`;
        expect(db.prepare(all).all(), table).toEqual(other.prepare(all).all());
      }
      expect(column('SELECT a FROM t')).toEqual([1, 2, 3]);
      expect(column('PRAGMA integrity_check')).toEqual(['ok']);
      expect(outcome('BEGIN; INSERT INTO u VALUES (7); COMMIT')).toBe('done');
    });
    test('by a conflict too', () => {
      db.exec('BEGIN; INSERT INTO t(a) VALUES (50)');
      const sql = text('INSERT OR ROLLBACK INTO u VALUES (1)');
      expect(outcome(`DELETE FROM t WHERE a = (SELECT ask(${sql}))`)).toEqual([
        2067,
        'UNIQUE constraint failed: u.a',
      ]);
      expect(column('SELECT a FROM t')).toEqual([1, 2, 3]);
    });
    test('continues if no connection writes', () => {
      db.exec('BEGIN; INSERT INTO t(a) VALUES (50)');
      expect(column("SELECT coalesce(ask('ROLLBACK'), 5) UNION ALL SELECT count(*) FROM t")).toEqual([5, 3]);
    });
  });
});
