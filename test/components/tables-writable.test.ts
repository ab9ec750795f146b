/** Writable tables of components, world `tabular-writable`: changes, transactions, savepoints and permanent data. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sharedFolder } from '../kit/folder.js';
import { guest as guestPath } from '../kit/guests.js';
import { scripts } from '../kit/sample-scripts.js';

const guest = guestPath('tables-writable');

const folder = sharedFolder('tables-writable');

describe.each(['direct', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  const open = (path = ':memory:'): void => {
    db = new DatabaseSync(path, { allowExtension: true, grants: { sql: 'rw' } });
    db.loadExtension(guest);
  };
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    open();
    db.exec(
      "CREATE VIRTUAL TABLE v USING store(unique); INSERT INTO v VALUES (1, 'a', NULL), (2, 'b', x'00')",
    );
    called();
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
  /** The calls of the component since the last query. */
  const called = (table = ''): unknown[] =>
    column('SELECT call FROM journal').filter((call) => String(call).includes(` ${table}`));
  const outcome = (sql: string): unknown => {
    try {
      db.exec(sql);
      return 'done';
    } catch (error) {
      const { errcode, message } = error as { errcode?: number; message: string };
      return [errcode, message];
    }
  };
  const duplicate = [2067, 'UNIQUE constraint failed: v.a'];

  describe('changes', () => {
    test('come with their rowids, and with the columns that keep their values', () => {
      db.exec("INSERT INTO v(b) VALUES ('c'); INSERT INTO v(rowid, c) VALUES (77, 2.5)");
      db.exec("UPDATE v SET c = b WHERE rowid = 2; UPDATE v SET rowid = 5, a = NULL WHERE b = 'a'");
      db.exec('DELETE FROM v WHERE c = 2.5');
      expect(called().filter((call) => /insert|update|delete/.test(String(call)))).toEqual([
        'insert v 3 abort',
        'insert at v 77 abort',
        "update v 2 2 kept kept the text 'b'",
        'update v 1 5 NULL kept kept',
        'delete v 77',
      ]);
      expect(rows('SELECT rowid, * FROM v')).toEqual([
        [2, 2, 'b', 'b'],
        [3, null, 'c', null],
        [5, null, 'a', null],
      ]);
    });
    test('give the number of rows and the last rowid', () => {
      expect(db.prepare("INSERT INTO v(rowid, b) VALUES (9, 'x'), (12, 'y')").run()).toEqual({
        changes: 2,
        lastInsertRowid: 12,
      });
      expect(db.prepare('UPDATE v SET c = 1 WHERE rowid > 2').run().changes).toBe(2);
      expect(db.prepare('DELETE FROM v').run().changes).toBe(4);
    });
    test('carry values of every type', () => {
      for (const value of [
        'NULL',
        '-9223372036854775808',
        '1e308',
        "'a' || char(0) || 'ü'",
        "''",
        "x''",
        "x'00ff'",
        'hex(zeroblob(200000))',
        'zeroblob(300000)',
      ]) {
        db.exec(`DELETE FROM v; INSERT INTO v(c) VALUES (${value})`);
        const same = `SELECT c IS ${value} AND typeof(c) = typeof(${value}) FROM v`;
        expect(column(same), value).toEqual([1]);
        db.exec(`UPDATE v SET c = 0; UPDATE v SET c = ${value}`);
        expect(column(same), value).toEqual([1]);
      }
    });
    test('accept a rowid as a text or a real number only if it represents an integer', () => {
      expect(outcome("INSERT INTO v(rowid) VALUES ('7'), (9.0)")).toBe('done');
      expect(outcome("UPDATE v SET rowid = '8' WHERE rowid = 7")).toBe('done');
      expect(outcome('UPDATE v SET rowid = 10.0 WHERE rowid = 9')).toBe('done');
      expect(column('SELECT rowid FROM v')).toEqual([1, 2, 8, 10]);
      for (const wrong of ['8.5', "'x'", "x'38'", '1e30', 'NULL']) {
        expect(outcome(`UPDATE v SET rowid = ${wrong} WHERE rowid = 8`), wrong).toEqual([
          20,
          'datatype mismatch',
        ]);
      }
    });
    test.each([
      ['', [1, 2, 4], duplicate],
      ['OR ABORT', [1, 2, 4], duplicate],
      ['OR FAIL', [1, 2, 4, 7], duplicate],
      ['OR IGNORE', [1, 2, 4, 7, 8], 'done'],
      ['OR REPLACE', [1, 4, 7, 2, 8], 'done'],
      ['OR ROLLBACK', [1, 2], duplicate],
    ])('%s deal with conflicts', (mode, left, wanted) => {
      db.exec('BEGIN; INSERT INTO v(a) VALUES (4)');
      expect(outcome(`INSERT ${mode} INTO v(a) VALUES (7), (2), (8)`)).toEqual(wanted);
      expect(column('SELECT a FROM v')).toEqual(left);
      expect(db.isTransaction).toBe(mode !== 'OR ROLLBACK');
    });
  });

  describe('transactions', () => {
    test('begin with the first change and end with all others', () => {
      db.exec(
        'BEGIN; SELECT * FROM v; INSERT INTO v(a) VALUES (3); UPDATE v SET b = 1 WHERE rowid = 1; COMMIT',
      );
      expect(called()).toEqual([
        'begin v',
        'insert v 3 abort',
        'update v 1 1 kept 1 kept',
        'sync v',
        'commit v',
      ]);
      db.exec('BEGIN; INSERT INTO v(a) VALUES (4); ROLLBACK');
      expect(called()).toEqual(['begin v', 'insert v 4 abort', 'rollback v']);
      expect(column('SELECT a FROM v')).toEqual([1, 2, 3]);
    });
    test('that cannot be synced are rolled back', () => {
      db.exec('CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)');
      db.exec("INSERT INTO v(b, c) VALUES ('fail:sync', 1299)");
      expect(outcome('COMMIT')).toEqual([1299, 'sync failed as asked']);
      expect(db.isTransaction).toBe(false);
      expect(called()).toEqual(['begin v', 'insert v 3 abort', 'sync v', 'rollback v']);
      expect(column('SELECT count(*) FROM t')).toEqual([0]);
      expect(column('SELECT a FROM v')).toEqual([1, 2]);
    });
    test('have savepoints, counted from 0', () => {
      db.exec('BEGIN; INSERT INTO v(a) VALUES (3); SAVEPOINT x; INSERT INTO v(a) VALUES (4)');
      db.exec('SAVEPOINT y; DELETE FROM v WHERE a = 1; ROLLBACK TO y; RELEASE y; ROLLBACK TO x; COMMIT');
      expect(called().filter((call) => !/insert/.test(String(call)))).toEqual([
        'begin v',
        'savepoint v 0',
        'savepoint v 1',
        'savepoint v 2', // of the DELETE, which could fail half way
        'delete v 1',
        'release v 2',
        'rollback-to v 1',
        'release v 1',
        'rollback-to v 0',
        'sync v',
        'commit v',
      ]);
      expect(column('SELECT a FROM v')).toEqual([1, 2, 3]);
    });
    test('roll back to savepoints from before the table took part', () => {
      db.exec('BEGIN; SAVEPOINT x; SAVEPOINT y; INSERT INTO v(a) VALUES (3); ROLLBACK TO x');
      expect(called()).toEqual([
        'begin v',
        'savepoint v 0',
        'savepoint v 1',
        'insert v 3 abort',
        'rollback-to v 0',
      ]);
      db.exec('INSERT INTO v(a) VALUES (4); COMMIT');
      expect(column('SELECT a FROM v')).toEqual([1, 2, 4]);
      called();
      db.exec('SAVEPOINT x; INSERT INTO v(a) VALUES (5); ROLLBACK TO x');
      expect(called()).toEqual(['begin v', 'insert v 4 abort', 'rollback v', 'begin v']);
      db.exec('INSERT INTO v(a) VALUES (6); ROLLBACK TO x; INSERT INTO v(a) VALUES (7); RELEASE x');
      expect(column('SELECT a FROM v')).toEqual([1, 2, 4, 7]);
    });
    test('that failed to begin a savepoint begin it again', () => {
      db.exec('CREATE VIRTUAL TABLE w USING store(); BEGIN; INSERT INTO v(a) VALUES (3)');
      db.exec("INSERT INTO w(b) VALUES ('fail:savepoint')");
      expect(outcome('SAVEPOINT x')).toEqual([1, 'savepoint failed as asked']);
      db.exec('INSERT INTO v(a) VALUES (4); SAVEPOINT x; INSERT INTO v(a) VALUES (5); ROLLBACK TO x; COMMIT');
      expect(column('SELECT a FROM v')).toEqual([1, 2, 3, 4]);
    });
    test.each(['begin', 'savepoint', 'release', 'rollback-to', 'insert', 'update', 'delete', 'sync'])(
      'in which %s fails, with its code',
      (where) => {
        db.exec(`INSERT INTO v(b, c) VALUES ('${where === 'sync' ? '' : `fail:${where}`}', 1299)`);
        const statements = [
          'BEGIN',
          where === 'sync'
            ? "INSERT INTO v(b, c) VALUES ('fail:sync', 1299)"
            : 'UPDATE v SET c = 5 WHERE rowid = 1',
          'INSERT INTO v(a) VALUES (9)',
          'SAVEPOINT x',
          'ROLLBACK TO x',
          'RELEASE x',
          'DELETE FROM v WHERE a = 9',
          'COMMIT',
        ];
        const failed = statements.map(outcome).filter((came) => came !== 'done');
        expect(failed[0]).toEqual([1299, `${where} failed as asked`]);
        if (where !== 'savepoint') expect(failed).toHaveLength(1);
        expect(db.isTransaction).toBe(false);
        expect(outcome("DELETE FROM v WHERE b LIKE 'fail:%'; INSERT INTO v(a) VALUES (10)")).toBe('done');
        expect(column('PRAGMA integrity_check')).toEqual(['ok']);
      },
    );
  });

  describe('a table', () => {
    test('that is created takes part at once; one that is rolled back is not destroyed', () => {
      db.exec('BEGIN; CREATE VIRTUAL TABLE w USING store(); INSERT INTO w VALUES (1, 2, 3); ROLLBACK');
      expect(called('w')).toEqual(['create w', 'insert w 1 abort', 'rollback w', 'disconnect w']);
      db.exec('SAVEPOINT x; CREATE VIRTUAL TABLE w USING store(); INSERT INTO w VALUES (1, 2, 3)');
      db.exec('ROLLBACK TO x; RELEASE x');
      expect(called('w')).toEqual(['create w', 'insert w 1 abort', 'rollback w', 'disconnect w']);
      db.exec('BEGIN; SAVEPOINT x; CREATE VIRTUAL TABLE w USING store(); SAVEPOINT y; ROLLBACK TO x; COMMIT');
      expect(called('w')).toEqual([
        'create w',
        'savepoint w 0',
        'savepoint w 1',
        'rollback w',
        'disconnect w',
      ]);
      db.exec('CREATE VIRTUAL TABLE w USING store(); DROP TABLE w');
      expect(called('w')).toEqual(['create w', 'sync w', 'commit w', 'destroy w']);
    });
    test('that is dropped is destroyed; a DROP that is rolled back connects it', () => {
      db.exec('BEGIN; DROP TABLE v; ROLLBACK');
      expect(column('SELECT a FROM v')).toEqual([1, 2]);
      expect(called()).toEqual(['destroy v', 'connect v']);
      db.exec("INSERT INTO v(b, c) VALUES ('fail:destroy', 1299)");
      expect(outcome('DROP TABLE v')).toEqual([1299, 'destroy failed as asked']);
      expect(outcome('DROP TABLE v')).toBe('done');
      expect(outcome('SELECT * FROM v')).toEqual([1, 'no such table: v']);
    });
    test('is renamed', () => {
      db.exec('ALTER TABLE v RENAME TO w');
      expect(column('SELECT a FROM w')).toEqual([1, 2]);
      expect(called()).toEqual(['rename v', 'disconnect w', 'connect w']);
      db.exec('BEGIN; INSERT INTO w(a) VALUES (3); ALTER TABLE w RENAME TO x; INSERT INTO x(a) VALUES (4)');
      expect(column('SELECT a FROM x')).toEqual([1, 2, 3, 4]);
      db.exec('ROLLBACK');
      expect(column('SELECT a FROM w')).toEqual([1, 2]);
      db.exec("INSERT INTO w(b, c) VALUES ('fail:rename', 1299)");
      expect(outcome('ALTER TABLE w RENAME TO x')).toEqual([1299, 'rename failed as asked']);
      expect(column('SELECT count(*) FROM w')).toEqual([3]);
    });
    test('fails with its own code, and errstr is SQLite’s description of it', () => {
      db.exec("INSERT INTO v(b, c) VALUES ('fail:integrity', 1299)");
      let error: unknown;
      try {
        db.exec('PRAGMA integrity_check');
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({
        errcode: 1299,
        errstr: 'constraint failed',
        message: 'integrity failed as asked',
      });
    });
    test('has its integrity checked', () => {
      expect(column('PRAGMA integrity_check')).toEqual(['ok']);
      db.exec("INSERT INTO v(b) VALUES ('damaged')");
      expect(column('PRAGMA integrity_check')).toEqual(['v: damaged row 3']);
      expect(column('PRAGMA quick_check')).toEqual(['v (quick): damaged row 3']);
      expect(column('PRAGMA integrity_check(v)')).toEqual(['v: damaged row 3']);
      db.exec("DELETE FROM v; INSERT INTO v(b, c) VALUES ('fail:integrity', 1299)");
      expect(outcome('PRAGMA integrity_check')).toEqual([1299, 'integrity failed as asked']);
    });
    test('without transactions keeps its changes after a rollback', () => {
      db.exec('CREATE VIRTUAL TABLE l USING loose(); BEGIN; INSERT INTO l VALUES (1, 2, 3); ROLLBACK');
      expect(called('l')).toEqual(['create l', 'insert l 1 abort']);
      expect(rows('SELECT * FROM l')).toEqual([[1, 2, 3]]);
    });
    test('that is eponymous is changed like other tables', () => {
      db.exec('INSERT INTO pad VALUES (5, 6, 7); BEGIN; DELETE FROM pad; ROLLBACK');
      expect(rows('SELECT * FROM pad')).toEqual([[5, 6, 7]]);
    });
  });

  describe('a shadow table', () => {
    const file = (): string => join(folder, `${calls}.db`);
    beforeEach(() => {
      db.close();
      rmSync(file(), { force: true });
      open(file());
      db.exec(
        "CREATE VIRTUAL TABLE k USING store(stored); INSERT INTO k VALUES (1, 'one', x'01'), (2, 'two', 2.5)",
      );
    });
    const kept = [
      [1, 1, 'one', Uint8Array.of(1)],
      [2, 2, 'two', 2.5],
    ];
    test('keeps committed changes, even if another program opens the file next', () => {
      db.exec(
        "BEGIN; INSERT INTO k(a) VALUES (3); ROLLBACK; BEGIN; INSERT INTO k VALUES (4, 'fail:sync', 1)",
      );
      expect(outcome('COMMIT')).toEqual([1, 'sync failed as asked']);
      db.close();
      open(file());
      expect(rows('SELECT rowid, * FROM k')).toEqual(kept);
      expect(rows('SELECT * FROM k_data')).toEqual(kept);
      expect(called()).toEqual(['connect k']);
      db.exec('BEGIN; DROP TABLE k; ROLLBACK');
      expect(rows('SELECT rowid, * FROM k')).toEqual(kept);
      db.exec('ALTER TABLE k RENAME TO l');
      expect(rows('SELECT rowid, * FROM l')).toEqual(kept);
      expect(column("SELECT name FROM sqlite_schema WHERE name LIKE '%_data'")).toEqual(['l_data']);
      db.exec('DROP TABLE l');
      expect(rows('SELECT * FROM sqlite_schema')).toEqual([]);
    });
    test('is writable only for the component if the connection is defensive', () => {
      const refused = [1, 'table k_data may not be modified'];
      expect(outcome('DELETE FROM k_data')).toEqual(refused);
      expect(outcome('DROP TABLE k_data')).toEqual([1, 'table k_data may not be dropped']);
      expect(rows("SELECT type FROM pragma_table_list WHERE name = 'k_data'")).toEqual([['shadow']]);
      expect(outcome('CREATE TABLE other_data(x)')).toBe('done'); // there is no table named "other"
      db.enableDefensive(false);
      expect(outcome('UPDATE k_data SET b = 1 WHERE id = 2')).toBe('done');
    });
    test('is recorded by sessions', () => {
      using session = db.createSession();
      db.exec("UPDATE k SET b = 'zwei' WHERE a = 2");
      const text = Buffer.from(session.changeset()).toString('latin1');
      expect(text).toMatch(/k_data(.|\n)*zwei/);
    });
  });

  test('SQL is refused when SQLite does not allow it', () => {
    db.exec('CREATE VIRTUAL TABLE t USING store(tries); INSERT INTO t(a) VALUES (1); UPDATE t SET a = 2');
    db.exec('BEGIN; INSERT INTO t(a) VALUES (1); SAVEPOINT x; ROLLBACK TO x; RELEASE x; ROLLBACK');
    db.exec('PRAGMA integrity_check; DELETE FROM t; ALTER TABLE t RENAME TO u; DELETE FROM u; DROP TABLE u');
    const came = rows('SELECT place, call FROM tried');
    const free = ['session: 0 bytes', 'spi: 42', 'changeset: held'];
    for (const [place] of came) {
      const sentences = came.filter(([name]) => name === place).map(([, sentence]) => sentence);
      const refused = ['session', 'spi', 'changeset'].map(
        (name) =>
          `${name}: 21 ${name} cannot be used while ${String(place)} runs: SQLite does not allow SQL there`,
      );
      const never = ['best-index', 'begin', 'commit', 'rollback', 'disconnect'].includes(String(place));
      const syncing = [
        'session: 21 session cannot be used while sync runs: SQLite is ending the transaction',
      ];
      const wanted = never ? refused : place === 'sync' ? [...syncing, ...free.slice(1)] : free;
      expect(sentences, String(place)).toEqual(wanted);
    }
    expect([...new Set(came.map(([place]) => place))].sort()).toEqual([
      ...['begin', 'best-index', 'commit', 'connect', 'create', 'delete', 'destroy', 'disconnect', 'insert'],
      ...['integrity', 'release', 'rename', 'rollback', 'rollback-to', 'savepoint', 'sync', 'update'],
    ]);
  });

  describe('scripts have the same results as with an ordinary table', () => {
    test.each([1, 2, 3, 4, 5, 6])('number %i', (seed) => {
      using own = new DatabaseSync(':memory:');
      own.exec('CREATE TABLE v(a UNIQUE, b, c)');
      db.exec('DROP TABLE v; CREATE VIRTUAL TABLE v USING store(unique)');
      for (const each of [db, own]) each.exec("INSERT INTO v VALUES (1, 'a', NULL), (2, 'b', x'00')");
      const run = (on: DatabaseSync, sql: string): unknown => {
        let came: unknown = 'done';
        try {
          on.exec(sql);
        } catch (error) {
          const { errcode, message } = error as { errcode?: number; message: string };
          came = [errcode, message];
        }
        using statement = on.prepare('SELECT rowid, a, b, c FROM v');
        const last = on.prepare('SELECT last_insert_rowid() AS last').get();
        return { came, rows: statement.all(), transaction: on.isTransaction, last };
      };
      const before: string[] = [];
      for (const sql of scripts(seed, 300)) {
        before.push(sql);
        expect(run(db, sql), before.slice(-12).join('; ')).toEqual(run(own, sql));
      }
      if (db.isTransaction) db.exec('ROLLBACK');
      expect(column('PRAGMA integrity_check')).toEqual(['ok']);
    });
  });
});
