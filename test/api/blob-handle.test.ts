/** BLOB handles, compared with SQL; and SQLite's error log. */

import { join } from 'node:path';
import {
  type BlobHandle,
  Changeset,
  ChangesetGroup,
  BlobHandle as Class,
  DatabaseSync,
  Rebaser,
  setErrorLog,
} from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';

const bytes = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7 + (i >> 8)) & 0xff);

describe('openBlob', () => {
  let db: DatabaseSync;
  beforeEach(() => {
    db = new DatabaseSync(':memory:');
    db.exec(`
      CREATE TABLE t(id INTEGER PRIMARY KEY, b, k UNIQUE);
      INSERT INTO t VALUES(1, zeroblob(3000000), 'one'), (2, 'text', 'two'), (3, 5, 'three'), (4, NULL, 'four'), (5, x'', 'x');
      ATTACH ':memory:' AS aux; CREATE TABLE aux.u(b); INSERT INTO u VALUES(x'010203');
    `);
  });
  afterEach(() => db[Symbol.dispose]());
  const stored = (id: number): unknown => db.prepare('SELECT b FROM t WHERE id = ?').get(id)?.b;

  test('reads and writes parts of any size, as SQL sees them', () => {
    using blob = db.openBlob('t', 'b', 1);
    expect(blob.length).toBe(3_000_000);
    const expected = new Uint8Array(3_000_000);
    for (const [offset, length] of [
      [0, 1],
      [5, 0],
      [1000, 70_000],
      [2_999_999, 1],
      [100_000, 2_500_000],
      [3_000_000, 0],
    ] as const) {
      const part = bytes(length, offset);
      blob.write(part, offset);
      expected.set(part, offset);
      expect(blob.read(offset, length)).toEqual(part);
    }
    blob.write(new Uint16Array([0x0201]).buffer, 7);
    expected.set([1, 2], 7);
    blob.close();
    expect(Buffer.compare(stored(1) as Uint8Array, expected)).toBe(0);
    using again = db.openBlob('t', 'b', 1n, { readOnly: true });
    expect(Buffer.compare(again.read(), expected)).toBe(0);
    expect(Buffer.compare(again.read(2_000_000), expected.subarray(2_000_000))).toBe(0);
  });

  test('of text, of an empty value, of an attached database; in another row', () => {
    using blob = db.openBlob('t', 'b', 2);
    blob.write(Buffer.from('T'));
    expect(Buffer.from(blob.read()).toString()).toBe('Text');
    blob.reopen(5);
    expect([blob.length, blob.read()]).toEqual([0, new Uint8Array(0)]);
    blob.reopen(1n);
    expect(blob.read(10, 3)).toEqual(new Uint8Array(3));
    using other = db.openBlob('u', 'b', 1, { db: 'aux' });
    expect(other.read(1)).toEqual(Uint8Array.of(2, 3));
    expect(stored(2)).toBe('Text');
  });

  test.each<[string, () => unknown, string | RegExp]>([
    ['a number', () => db.openBlob('t', 'b', 3), 'cannot open value of type integer'],
    ['NULL', () => db.openBlob('t', 'b', 4), 'cannot open value of type null'],
    ['no row', () => db.openBlob('t', 'b', 9), 'no such rowid: 9'],
    ['no table', () => db.openBlob('x', 'b', 1), 'no such table: main.x'],
    ['no column', () => db.openBlob('t', 'x', 1), 'no such column: "x"'],
    ['an indexed column', () => db.openBlob('t', 'k', 1), 'cannot open indexed column for writing'],
    [
      'a fraction',
      () => db.openBlob('t', 'b', 1.5),
      /"rowid" argument must be an integer of 64 bits, not 1.5/,
    ],
    [
      'no number',
      () => db.openBlob('t', 'b', '1' as never),
      'The "rowid" argument must be a number or a bigint.',
    ],
    ['too large a number', () => db.openBlob('t', 'b', 2n ** 63n), /integer of 64 bits/],
    [
      'an unknown option',
      () => db.openBlob('t', 'b', 1, { readonly: true } as never),
      /did you mean "readOnly"/,
    ],
    ['text to write', () => db.openBlob('t', 'b', 1).write('x' as never), /The "bytes" argument must be an/],
    [
      'beyond the end',
      () => db.openBlob('t', 'b', 2).read(2, 3),
      'bytes 2 to 5 are not all in the value, which has 4 bytes',
    ],
    ['before the start', () => db.openBlob('t', 'b', 2).read(-1), 'bytes -1 to 4 are not all in the value'],
    [
      'too much',
      () => db.openBlob('t', 'b', 2).write(new Uint8Array(5)),
      'bytes 0 to 5 are not all in the value',
    ],
    [
      'to read only',
      () => db.openBlob('t', 'b', 2, { readOnly: true }).write(new Uint8Array(1)),
      'the BLOB handle is read-only',
    ],
    ['new BlobHandle()', () => new (Class as unknown as new () => BlobHandle)(), 'Illegal constructor'],
  ])('%s is refused', (_what, action, message) => {
    expect(action).toThrow(message);
    expect(stored(2)).toBe('text');
  });

  test('once its row is changed or deleted, only closing works', () => {
    using blob = db.openBlob('t', 'b', 2);
    db.exec("UPDATE t SET b = 'other' WHERE id = 2");
    const gone = 'the BLOB handle has lost its row, which was changed or deleted: open it again';
    expect(() => blob.read()).toThrow(gone);
    expect(() => blob.write(Uint8Array.of(1))).toThrow(gone);
    expect(() => blob.reopen(1)).toThrow(gone);
    expect(blob.length).toBe(0);
    using second = db.openBlob('t', 'b', 1);
    expect(() => second.reopen(3)).toThrow('cannot open value of type integer');
    expect(() => second.read()).toThrow(
      'the BLOB handle has no value since reopen(3) failed (cannot open value of type integer): open it again',
    );
    using third = db.openBlob('t', 'b', 1);
    expect(() => third.reopen(99)).toThrow('no such rowid: 99');
    expect(() => third.reopen(1)).toThrow('has no value since reopen(99) failed (no such rowid: 99)');
  });

  test.each([
    ['sqlite_schema', 'sql'],
    ['SQLITE_MASTER', 'sql'],
    ['f_data', 'block'],
  ])('%s is not written while the database is defensive, as by an UPDATE', (table, column) => {
    db.exec('CREATE VIRTUAL TABLE f USING fts5(x)');
    expect(() => db.exec(`UPDATE ${table} SET ${column}=1`)).toThrow(/^table \w+ may not be modified/i);
    expect(() => db.openBlob(table, column, 1)).toThrow(
      `table ${table} may not be modified while the database is defensive`,
    );
    db.openBlob(table, column, 1, { readOnly: true }).close();
    db.enableDefensive(false);
    db.openBlob(table, column, 1).close();
  });

  test('ends with its database, and keeps nothing open', () => {
    const path = join(testFolder('blob'), 'a.db');
    const own = new DatabaseSync(path);
    own.exec("CREATE TABLE t(b); INSERT INTO t VALUES('value')");
    const blob = own.openBlob('t', 'b', 1);
    blob.write(Buffer.from('V'));
    own.close();
    expect(() => blob.read()).toThrow('BLOB handle is not open');
    expect(() => blob.close()).toThrow('BLOB handle is not open');
    blob[Symbol.dispose]();
    using other = new DatabaseSync(path);
    other.exec("INSERT INTO t VALUES('free')");
    expect(
      other
        .prepare('SELECT b FROM t')
        .all()
        .map(({ b }) => b),
    ).toEqual(['Value', 'free']);
  });

  test.each(['close', 'reopen', 'write'] as const)('%s within its own write is refused', (what) => {
    using blob = db.openBlob('t', 'b', 1);
    let said = '';
    using _session = db.createSession({
      filter: () => {
        try {
          if (what === 'close') blob.close();
          else if (what === 'reopen') blob.reopen(2);
          else blob.write(Uint8Array.of(9), 1);
        } catch (error) {
          said = (error as Error).message;
        }
        return true;
      },
    });
    blob.write(Uint8Array.of(1));
    expect(said).toBe('BLOB handle cannot be used in its own callback');
    expect(blob.read(0, 2)).toEqual(Uint8Array.of(1, 0));
    expect(stored(2)).toBe('text');
  });

  test('closing the database reports what an open handle could not commit, but not after a rollback', () => {
    const own = new DatabaseSync(':memory:');
    own.exec(
      'CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(a REFERENCES p DEFERRABLE INITIALLY DEFERRED, b)',
    );
    own.exec("INSERT INTO c VALUES(NULL, 'x')");
    own.openBlob('c', 'b', 1);
    own.exec('INSERT INTO c VALUES(7, 1)');
    expect(() => own.close()).toThrow('FOREIGN KEY constraint failed');
    expect(own.isOpen).toBe(false);
    db.exec('BEGIN');
    const blob = db.openBlob('t', 'b', 1);
    blob.write(Uint8Array.of(9));
    db.exec('ROLLBACK');
    expect(() => blob.read()).toThrow('the BLOB handle has lost its row');
    blob.close();
    expect(() => db.openBlob('t\0', 'b', 1)).toThrow('must not contain null characters');
  });

  test('sessions and captures record what is written', () => {
    using copy = new DatabaseSync(':memory:');
    db.exec('DELETE FROM t WHERE id <> 2');
    copy.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, b, k UNIQUE); INSERT INTO t VALUES(2, 'text', 'two')");
    using session = db.createSession();
    using capture = db.capture();
    using blob = db.openBlob('t', 'b', 2);
    blob.write(Buffer.from('EX'), 1);
    expect([...new Changeset(session.changeset())].map(({ op }) => op)).toHaveLength(1);
    copy.applyChangeset(session.changeset());
    expect(copy.prepare('SELECT b FROM t').get()).toEqual({ b: 'tEXt' });
    expect(capture.entries()).toHaveLength(1);
  });
});

describe('setErrorLog', () => {
  afterEach(() => setErrorLog(undefined));

  test('receives what SQLite logs for every database of the thread', () => {
    const log: [number, string][] = [];
    setErrorLog((code, message) => log.push([code, message]));
    using db = new DatabaseSync(':memory:');
    expect(() => db.exec('SELECT x')).toThrow('no such column');
    db.exec('CREATE TABLE t(a PRIMARY KEY, b)');
    using session = db.createSession();
    db.exec('INSERT INTO t VALUES(1, 2)');
    using other = new DatabaseSync(':memory:');
    other.applyChangeset(session.changeset());
    expect(log).toEqual([
      [1, 'no such column: x in "SELECT x"'],
      [17, 'sqlite3changeset_apply(): no such table: t'],
    ]);
    setErrorLog(undefined);
    expect(() => db.exec('SELECT y')).toThrow();
    expect(log).toHaveLength(2);
  });

  test('SQLite cannot be used in it', () => {
    using db = new DatabaseSync(':memory:');
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1, 'x')");
    using session = db.createSession();
    using capture = db.capture();
    using blob = db.openBlob('t', 'b', 1);
    using group = new ChangesetGroup();
    using rebaser = new Rebaser();
    using other = new DatabaseSync(':memory:');
    const statement = db.prepare('SELECT 1');
    const rows = statement.iterate();
    const closed = new DatabaseSync(':memory:', { open: false });
    const uses: Record<string, () => unknown> = {
      'new DatabaseSync': () => new DatabaseSync(':memory:'),
      open: () => closed.open(),
      exec: () => other.exec('SELECT 1'),
      location: () => other.location(),
      limits: () => other.limits.length,
      function: () => other.function('f', () => 1),
      createSession: () => other.createSession(),
      close: () => other.close(),
      get: () => statement.get(),
      next: () => rows.next(),
      columns: () => statement.columns(),
      'statement.close': () => statement.close(),
      changeset: () => session.changeset(),
      enabled: () => session.enabled,
      'session.close': () => session.close(),
      lost: () => capture.lost(),
      'capture.close': () => capture.close(),
      read: () => blob.read(),
      'group.add': () => group.add(new Uint8Array(0)),
      'group.close': () => group.close(),
      'new ChangesetGroup': () => new ChangesetGroup(),
      'rebaser.close': () => rebaser.close(),
      'new Rebaser': () => new Rebaser(),
      invert: () => new Changeset(new Uint8Array(0)).invert(),
    };
    const said: Record<string, unknown> = {};
    setErrorLog(() => {
      for (const [name, use] of Object.entries(uses)) {
        try {
          said[name] = use();
        } catch (error) {
          said[name] = (error as Error).message;
        }
      }
    });
    expect(() => db.exec('SELECT x')).toThrow('no such column: x');
    setErrorLog(undefined);
    const why = 'databases cannot be used while SQLite writes to its error log';
    expect(said).toEqual(Object.fromEntries(Object.keys(uses).map((name) => [name, why])));
    expect([...rows]).toHaveLength(1);
    other.exec('SELECT 1');
  });

  test('its exceptions, such as for using a database, are uncaught', async () => {
    using db = new DatabaseSync(':memory:');
    const said: string[] = [];
    setErrorLog(() => {
      try {
        db.exec('SELECT 1');
      } catch (error) {
        said.push((error as Error).message);
      }
      throw new Error('of the log');
    });
    const uncaught = new Promise<unknown>((resolve) => {
      const known = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const listener of known) process.on('uncaughtException', listener);
        resolve(error);
      });
    });
    expect(() => db.exec('SELECT x')).toThrow('no such column: x');
    expect(said).toEqual(['databases cannot be used while SQLite writes to its error log']);
    expect(await uncaught).toEqual(new Error('of the log'));
    setErrorLog(undefined);
    db.exec('SELECT 1');
    expect(() => setErrorLog('x' as never)).toThrow('The "log" argument must be a function or undefined.');
  });
});
