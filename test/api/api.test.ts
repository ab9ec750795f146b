/** DatabaseSync and StatementSync. If this Node has node:sqlite, the same cases run against it. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as own from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sharedFolder } from '../kit/folder.js';

type Api = Pick<typeof own, 'DatabaseSync' | 'constants'>;

/** node:sqlite, with the types of this API; undefined if it is older than in Node 26. */
async function nodeSqlite(): Promise<Api | undefined> {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 26) return undefined;
  const name = 'node:sqlite';
  return (await import(name)) as Api;
}

const peer = await nodeSqlite();
const apis: [string, Api][] = [
  ['sqlite-wasm-run', own],
  ...(peer ? [['node:sqlite', peer] as [string, Api]] : []),
];

const folder = sharedFolder('api');

function thrownBy(action: () => unknown): { code?: string; errcode?: number; message: string; name: string } {
  try {
    action();
  } catch (error) {
    return error as never;
  }
  throw new Error('nothing was thrown');
}

describe.each(apis)('%s', (name, { DatabaseSync, constants }) => {
  let db: own.DatabaseSync;
  beforeEach(() => {
    db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT)');
  });
  afterEach(() => {
    if (db.isOpen) db.close();
  });

  describe('databases in memory that connections share', () => {
    const uri = 'file:shared?mode=memory&cache=shared';
    test('share data by name until the last connection is closed', () => {
      const one = new DatabaseSync(uri);
      const two = new DatabaseSync(uri);
      const other = new DatabaseSync(uri.replace('shared?', 'other?'));
      one.exec('CREATE TABLE t(a); INSERT INTO t VALUES(1)');
      expect(two.prepare('SELECT * FROM t').all()).toEqual([{ a: 1 }]);
      two.exec('INSERT INTO t VALUES(2)');
      expect(one.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 2 });
      expect(other.prepare('SELECT name FROM sqlite_schema').all()).toEqual([]);
      one.exec('BEGIN; INSERT INTO t VALUES(3)');
      expect(() => two.exec('INSERT INTO t VALUES(4)')).toThrow(/^database (?:table )?is locked/);
      one.exec('COMMIT');
      for (const db of [one, two, other]) db.close();
      using again = new DatabaseSync(uri);
      expect(again.prepare('SELECT name FROM sqlite_schema').all()).toEqual([]);
    });
    test('without a name too', () => {
      using one = new DatabaseSync('file::memory:?cache=shared');
      using two = new DatabaseSync('file::memory:?cache=shared');
      using apart = new DatabaseSync(':memory:');
      one.exec('CREATE TABLE t(a); INSERT INTO t VALUES(1)');
      expect(two.prepare('SELECT * FROM t').all()).toEqual([{ a: 1 }]);
      expect(apart.prepare('SELECT name FROM sqlite_schema').all()).toEqual([]);
    });
  });
  describe('opening and closing', () => {
    test('a file, and its location', () => {
      const path = join(folder, `${name}.db`);
      const first = new DatabaseSync(path);
      first.exec('CREATE TABLE x(a); INSERT INTO x VALUES (7)');
      expect(first.location()).toBe(path);
      first.close();
      for (const same of [path, Buffer.from(path), pathToFileURL(path)]) {
        const again = new DatabaseSync(same, { readOnly: true });
        expect(again.prepare('SELECT a FROM x').get()).toEqual({ a: 7 });
        expect(thrownBy(() => again.exec('INSERT INTO x VALUES (8)'))).toMatchObject({
          code: 'ERR_SQLITE_ERROR',
          errcode: 8,
          message: 'attempt to write a readonly database',
        });
        again.close();
      }
      expect(db.location()).toBe(null);
    });

    test('closing twice is an error, disposing is not', () => {
      db.close();
      expect(db.isOpen).toBe(false);
      expect(thrownBy(() => db.close())).toMatchObject({
        code: 'ERR_INVALID_STATE',
        message: 'database is not open',
      });
      db[Symbol.dispose]();
      expect(thrownBy(() => db.exec('SELECT 1')).code).toBe('ERR_INVALID_STATE');
      expect(thrownBy(() => db.prepare('SELECT 1')).code).toBe('ERR_INVALID_STATE');
      expect(thrownBy(() => db.createSession()).code).toBe('ERR_INVALID_STATE');
    });

    test('can wait for open()', () => {
      const later = new DatabaseSync(':memory:', { open: false });
      expect(later.isOpen).toBe(false);
      later.open();
      expect(thrownBy(() => later.open())).toMatchObject({
        code: 'ERR_INVALID_STATE',
        message: 'database is already open',
      });
      later.close();
      later.open();
      later.close();
    });

    test('an invalid path is refused', () => {
      for (const wrong of [1, null, {}, 'a\0b']) {
        expect(thrownBy(() => new DatabaseSync(wrong as never))).toMatchObject({
          code: 'ERR_INVALID_ARG_TYPE',
          message: 'The "path" argument must be a string, Uint8Array, or URL without null bytes.',
        });
      }
      expect(thrownBy(() => new DatabaseSync(':memory:', { readOnly: 1 } as never))).toMatchObject({
        code: 'ERR_INVALID_ARG_TYPE',
        message: 'The "options.readOnly" argument must be a boolean.',
      });
      expect(thrownBy(() => new DatabaseSync(join(folder, 'no/such/folder.db')))).toMatchObject({
        code: 'ERR_SQLITE_ERROR',
        errcode: 14,
      });
    });

    test('a statement of a closed database', () => {
      const statement = db.prepare('SELECT 1');
      db.close();
      expect(thrownBy(() => statement.get())).toMatchObject({
        code: 'ERR_INVALID_STATE',
        message: 'statement has been finalized',
      });
    });
  });

  describe('values', () => {
    test('are bound and returned', () => {
      const insert = db.prepare('INSERT INTO t VALUES (?, ?, ?)');
      expect(insert.run(1, 'text é\u{1F600}', null)).toEqual({ changes: 1, lastInsertRowid: 1 });
      insert.run(2, 2.5, 'x'.repeat(100_000));
      insert.run(3n, Uint8Array.of(1, 2, 255), '');
      insert.run(4, new Uint8Array(), 'nul\0inside');
      insert.run(5, -9007199254740991n, 'a');
      expect(db.prepare('SELECT * FROM t').all()).toEqual([
        { id: 1, a: 'text é\u{1F600}', b: null },
        { id: 2, a: 2.5, b: 'x'.repeat(100_000) },
        { id: 3, a: Uint8Array.of(1, 2, 255), b: '' },
        { id: 4, a: new Uint8Array(), b: 'nul\0inside' },
        { id: 5, a: -9007199254740991, b: 'a' },
      ]);
    });

    test('booleans, undefined and buffers are converted', () => {
      const statement = db.prepare('SELECT ? AS v, typeof(?1) AS type');
      expect(statement.get(true)).toEqual({ v: 1, type: 'integer' });
      expect(statement.get(false)).toEqual({ v: 0, type: 'integer' });
      expect(statement.get(undefined)).toEqual({ v: null, type: 'null' });
      expect(statement.get(7)).toEqual({ v: 7, type: 'real' });
      expect(statement.get(7n)).toEqual({ v: 7, type: 'integer' });
      expect(statement.get(Uint8Array.of(1, 2).buffer)).toEqual({ v: Uint8Array.of(1, 2), type: 'blob' });
      expect(statement.get(new Uint16Array([513]))).toEqual({ v: Uint8Array.of(1, 2), type: 'blob' });
    });

    test('rows have no prototype, whatever their columns are called', () => {
      const row = db.prepare('SELECT 1 AS "constructor", 2 AS "__proto__", 3 AS "a ""b"').get();
      expect(Object.getPrototypeOf(row)).toBe(null);
      expect(Object.keys(row ?? {})).toEqual(['constructor', '__proto__', 'a "b']);
    });

    test('integers that do not fit a number need readBigInts', () => {
      const statement = db.prepare('SELECT 9007199254740993 AS v');
      expect(thrownBy(() => statement.get())).toMatchObject({
        code: 'ERR_OUT_OF_RANGE',
        message: expect.stringContaining('9007199254740993'),
      });
      statement.setReadBigInts(true);
      expect(statement.get()).toEqual({ v: 9007199254740993n });
      expect(db.prepare('SELECT 9007199254740991 AS v').get()).toEqual({ v: 9007199254740991 });
      expect(db.prepare('SELECT -9007199254740991 AS v').get()).toEqual({ v: -9007199254740991 });
    });

    test('unknown names are refused', () => {
      const statement = db.prepare('SELECT ?, ?');
      for (const wrong of [{}, [1], new Date(), Symbol('x'), () => 1]) {
        expect(thrownBy(() => statement.get(1, wrong as never))).toMatchObject({
          code: 'ERR_INVALID_ARG_TYPE',
          message: 'Provided value cannot be bound to SQLite parameter 2.',
        });
      }
      for (const nothing of ['', '-- a comment']) {
        expect(thrownBy(() => db.prepare(nothing))).toMatchObject({
          code: 'ERR_INVALID_ARG_VALUE',
          message: 'The SQL query contains no statements.',
        });
      }
    });
  });

  describe('parameters', () => {
    test('by name, with and without prefix', () => {
      const statement = db.prepare('SELECT :a AS a, @b AS b, $c AS c');
      expect(statement.get({ a: 1, b: 2, c: 3 })).toEqual({ a: 1, b: 2, c: 3 });
      expect(statement.get({ ':a': 4, '@b': 5, $c: 6 })).toEqual({ a: 4, b: 5, c: 6 });
      expect(thrownBy(() => statement.get({ d: 1 }))).toMatchObject({
        code: 'ERR_INVALID_STATE',
        message: "Unknown named parameter 'd'",
      });
      statement.setAllowUnknownNamedParameters(true);
      expect(statement.get({ d: 1, a: 9 })).toMatchObject({ a: 9 });
    });

    test('bare names that are ambiguous', () => {
      const statement = db.prepare('SELECT $a, @a');
      expect(thrownBy(() => statement.get({ a: 1 }))).toMatchObject({
        code: 'ERR_INVALID_STATE',
        message: "Cannot create bare named parameter 'a' because of conflicting names '$a' and '@a'.",
      });
    });

    test('too many', () => {
      expect(thrownBy(() => db.prepare('SELECT ?').get(1, 2))).toMatchObject({
        code: 'ERR_SQLITE_ERROR',
        errcode: 25,
        message: 'column index out of range',
      });
    });

    test('named ones first, then the others by position', () => {
      expect(db.prepare('SELECT ? AS a, :n AS n, ? AS b').get({ n: 1 }, 2, 3)).toEqual({ a: 2, n: 1, b: 3 });
    });
  });

  describe('statements', () => {
    beforeEach(() => db.exec("INSERT INTO t VALUES (1, 10, 'x'), (2, 20, 'y'), (3, 30, 'z')"));

    test('get of no row is undefined', () => {
      expect(db.prepare('SELECT 1 WHERE 0').get()).toBe(undefined);
      expect(db.prepare('SELECT 1 WHERE 0').all()).toEqual([]);
    });

    test('iterate, abandoned and run again', () => {
      const statement = db.prepare('SELECT id FROM t ORDER BY id');
      expect([...statement.iterate()].map((row) => row.id)).toEqual([1, 2, 3]);
      for (const row of statement.iterate()) {
        expect(row.id).toBe(1);
        break;
      }
      db.exec('DROP TABLE t'); // would be locked if the statement still ran
    });

    test('columns', () => {
      expect(db.prepare('SELECT id, a AS other, b || 1 AS e FROM t').columns()).toEqual([
        { column: 'id', database: 'main', name: 'id', table: 't', type: 'INTEGER' },
        { column: 'a', database: 'main', name: 'other', table: 't', type: null },
        { column: null, database: null, name: 'e', table: null, type: null },
      ]);
    });

    test('sourceSQL and expandedSQL', () => {
      const statement = db.prepare('SELECT ? /* c */');
      statement.get("it's");
      expect(statement.sourceSQL).toBe('SELECT ? /* c */');
      expect(statement.expandedSQL).toBe("SELECT 'it''s' /* c */");
    });

    test('rows as arrays', () => {
      const statement = db.prepare('SELECT id, b FROM t WHERE id < 3');
      statement.setReturnArrays(true);
      expect(statement.all()).toEqual([
        [1, 'x'],
        [2, 'y'],
      ]);
    });

    test('follow a changed schema', () => {
      const statement = db.prepare('SELECT * FROM t WHERE id = 1');
      expect(statement.get()).toEqual({ id: 1, a: 10, b: 'x' });
      db.exec('ALTER TABLE t ADD COLUMN c DEFAULT 5');
      expect(statement.get()).toEqual({ id: 1, a: 10, b: 'x', c: 5 });
    });

    test('errors carry the code', () => {
      expect(thrownBy(() => db.prepare('INSERT INTO t(id) VALUES (1)').run())).toMatchObject({
        code: 'ERR_SQLITE_ERROR',
        errcode: 1555,
        errstr: 'constraint failed',
        message: 'UNIQUE constraint failed: t.id',
      });
      expect(thrownBy(() => db.prepare('SELEC 1'))).toMatchObject({
        errcode: 1,
        message: 'near "SELEC": syntax error',
      });
    });

    test('isTransaction', () => {
      expect(db.isTransaction).toBe(false);
      db.exec('BEGIN');
      expect(db.isTransaction).toBe(true);
      db.exec('COMMIT');
    });

    test('foreign keys are enforced by default', () => {
      db.exec('CREATE TABLE child(p REFERENCES t)');
      expect(thrownBy(() => db.exec('INSERT INTO child VALUES (99)')).errcode).toBe(787);
      const loose = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
      loose.exec(
        'CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p); INSERT INTO c VALUES (9)',
      );
      loose.close();
    });
  });

  describe('functions', () => {
    test('receive and return values of every type', () => {
      db.function('same', (value) => value);
      expect(
        db.prepare("SELECT same(1) a, same('é') b, same(x'00ff') c, same(NULL) d, same(1.5) e").get(),
      ).toEqual({
        a: 1,
        b: 'é',
        c: Uint8Array.of(0, 255),
        d: null,
        e: 1.5,
      });
    });

    test('have as many arguments as they declare, or any number', () => {
      db.function('two', (a, b) => `${a}${b}`);
      db.function('count', { varargs: true }, (...values) => values.length);
      expect(db.prepare('SELECT two(1, 2) a, count() b, count(1, 2, 3) c').get()).toEqual({
        a: '12',
        b: 0,
        c: 3,
      });
      expect(thrownBy(() => db.prepare('SELECT two(1)')).message).toBe(
        'wrong number of arguments to function two()',
      );
    });

    test('receive bigints if requested', () => {
      db.function('kind', { useBigIntArguments: true }, (value) => typeof value);
      expect(db.prepare('SELECT kind(1) v').get()).toEqual({ v: 'bigint' });
    });

    test('their exceptions are rethrown unchanged, and the next query works', () => {
      class Mine extends Error {}
      const mine = new Mine('mine');
      db.function('boom', () => {
        throw mine;
      });
      expect(thrownBy(() => db.prepare('SELECT boom()').get())).toBe(mine);
      expect(db.prepare('SELECT 1 v').get()).toEqual({ v: 1 });
    });

    test('can query their own database', () => {
      db.exec('INSERT INTO t VALUES (1, 42, NULL)');
      const inner = db.prepare('SELECT a FROM t WHERE id = ?');
      db.function('lookup', (id) => inner.get(id)?.a ?? null);
      expect(db.prepare('SELECT lookup(1) v').get()).toEqual({ v: 42 });
    });
  });

  describe('sessions', () => {
    const users = 'CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, age INT)';

    test('record, and apply elsewhere', () => {
      db.exec(users);
      const session = db.createSession();
      db.exec("INSERT INTO users VALUES (3, 'carol', 75)");
      const changeset = session.changeset();
      expect(Buffer.from(changeset).toString('hex')).toBe(
        '5403010000757365727300120001000000000000000303056361726f6c01000000000000004b',
      );
      expect(session.patchset()[0]).toBe(0x50);
      session.close();
      expect(thrownBy(() => session.changeset()).code).toBe('ERR_INVALID_STATE');
      expect(thrownBy(() => session.close()).code).toBe('ERR_INVALID_STATE');

      const copy = new DatabaseSync(':memory:');
      copy.exec(users);
      expect(copy.applyChangeset(changeset)).toBe(true);
      expect(copy.prepare('SELECT * FROM users').all()).toEqual([{ id: 3, name: 'carol', age: 75 }]);
      copy.close();
    });

    test('of one table, of another database', () => {
      db.exec(`${users}; ATTACH ':memory:' AS side; CREATE TABLE side.o(id INTEGER PRIMARY KEY)`);
      const one = db.createSession({ table: 't' });
      const side = db.createSession({ db: 'side' });
      db.exec("INSERT INTO users VALUES (1, 'a', 1); INSERT INTO side.o VALUES (5)");
      expect(one.changeset().length).toBe(0);
      expect(Buffer.from(side.changeset()).toString('hex')).toBe('5401016f001200010000000000000005');
    });

    test('conflicts: kinds, answers, filters, exceptions', () => {
      db.exec(`${users}; INSERT INTO t VALUES (1, 1, 'here')`);
      const source = new DatabaseSync(':memory:');
      source.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT)');
      const session = source.createSession();
      source.exec("INSERT INTO t VALUES (1, 2, 'there')");
      const changeset = session.changeset();
      source.close();

      expect(db.applyChangeset(changeset)).toBe(false);
      const kinds: number[] = [];
      const omit = (kind: number): number => {
        kinds.push(kind);
        return constants.SQLITE_CHANGESET_OMIT;
      };
      expect(db.applyChangeset(changeset, { onConflict: omit })).toBe(true);
      expect(kinds).toEqual([constants.SQLITE_CHANGESET_CONFLICT]);
      expect(db.prepare('SELECT b FROM t').get()).toEqual({ b: 'here' });
      const tables: string[] = [];
      const none = (table: string): boolean => {
        tables.push(table);
        return false;
      };
      expect(db.applyChangeset(changeset, { filter: none })).toBe(true);
      expect(tables).toEqual(['t']);
      const mine = new Error('mine');
      const fail = (): never => {
        throw mine;
      };
      expect(thrownBy(() => db.applyChangeset(changeset, { onConflict: fail }))).toBe(mine);
      expect(thrownBy(() => db.applyChangeset(changeset, { filter: fail }))).toBe(mine);
      expect(db.prepare('SELECT b FROM t').get()).toEqual({ b: 'here' });
      const replace = (): number => constants.SQLITE_CHANGESET_REPLACE;
      expect(db.applyChangeset(changeset, { onConflict: replace })).toBe(true);
      expect(db.prepare('SELECT b FROM t').get()).toEqual({ b: 'there' });
    });

    test('bytes that are not a changeset are an error', () => {
      expect(thrownBy(() => db.applyChangeset('x' as never))).toMatchObject({
        code: 'ERR_INVALID_ARG_TYPE',
        message: 'The "changeset" argument must be a Uint8Array.',
      });
      expect(thrownBy(() => db.applyChangeset(Uint8Array.of(1, 2, 3)))).toMatchObject({
        code: 'ERR_SQLITE_ERROR',
        errcode: 11,
      });
      expect(db.applyChangeset(new Uint8Array())).toBe(true);
    });

    test('end with their database, in any order', () => {
      db.exec(users);
      const session = db.createSession();
      db.exec("INSERT INTO users VALUES (1, 'a', 1)");
      db.close();
      expect(thrownBy(() => session.changeset()).code).toBe('ERR_INVALID_STATE');
      session[Symbol.dispose]();
      db.open();
      expect(thrownBy(() => session.changeset()).code).toBe('ERR_INVALID_STATE');
    });
  });
});

/** Whether the action still fails. */
function fails(action: () => void): boolean {
  try {
    action();
    return false;
  } catch {
    return true;
  }
}

describe('beyond node:sqlite', () => {
  test('an unknown option is refused by name', () => {
    expect(thrownBy(() => new own.DatabaseSync(':memory:', { readonly: true } as never)).message).toMatch(
      /^unknown option "readonly"; did you mean "readOnly"\?$/,
    );
  });

  test('a database is not closed from inside its own callback', () => {
    const db = new own.DatabaseSync(':memory:');
    db.function('close', () => db.close());
    expect(thrownBy(() => db.prepare('SELECT close()').get()).message).toBe(
      'database cannot be closed while in a callback',
    );
    expect(db.prepare('SELECT 1 v').get()).toEqual({ v: 1 });
    db.close();
  });

  test('a WAL database is opened and written, and stays in WAL mode', () => {
    const path = join(folder, 'wal.db');
    const db = new own.DatabaseSync(path);
    expect(db.prepare('PRAGMA journal_mode = wal').get()).toEqual({ journal_mode: 'wal' });
    db.exec('CREATE TABLE x(a); INSERT INTO x VALUES (1)');
    const second = new own.DatabaseSync(path);
    expect(second.prepare('SELECT * FROM x').all()).toEqual([{ a: 1 }]);
    second.exec('UPDATE x SET a=2');
    expect(db.prepare('SELECT * FROM x').all()).toEqual([{ a: 2 }]);
    second.close();
    db.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('wal.db'))).toEqual(['wal.db']);
    const again = new own.DatabaseSync(path);
    expect(again.prepare('SELECT * FROM x').all()).toEqual([{ a: 2 }]);
    again.close();
  });

  test('collected objects are freed', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const path = join(folder, 'forgotten.db');
    const forget = (): void => {
      const writer = new own.DatabaseSync(path);
      writer.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1),(2); BEGIN EXCLUSIVE');
      writer.prepare('SELECT * FROM t').iterate().next();
      writer.createSession();
    };
    forget();
    const next = new own.DatabaseSync(path);
    const write = (): void => next.exec('INSERT INTO t VALUES (3)');
    expect(write).toThrow('database is locked');
    for (let i = 0; i < 20 && fails(write); i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(next.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 3 });
    next.close();
  });

  test('an abandoned iteration releases its table when it is collected', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const db = new own.DatabaseSync(':memory:');
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1),(2)');
    const forget = (): void => {
      db.prepare('SELECT * FROM t').iterate().next();
    };
    forget();
    const drop = (): void => db.exec('DROP TABLE t');
    expect(drop).toThrow('locked');
    for (let i = 0; i < 20 && fails(drop); i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(() => db.exec('SELECT * FROM t')).toThrow('no such table');
    db.close();
  });

  test('memory of closed databases is used again', () => {
    const grown = (): number => process.memoryUsage().arrayBuffers + process.memoryUsage().external;
    const once = (): void => {
      const db = new own.DatabaseSync(':memory:');
      db.exec('CREATE TABLE x(a); INSERT INTO x VALUES (zeroblob(20000000))');
      db.prepare('SELECT * FROM x'); // forgotten on purpose
      db.createSession();
      db.close();
    };
    once();
    const before = grown();
    for (let i = 0; i < 20; i++) once();
    expect(grown() - before).toBeLessThan(40_000_000);
  });
});
