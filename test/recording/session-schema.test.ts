/**
 * Sessions with tables that are dropped, renamed or lose columns. SQLite returns no changes for them, but this package
 * does.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Changeset, DatabaseSync, type Session } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';

let db: DatabaseSync;
let session: Session;
beforeEach(() => {
  db = new DatabaseSync(':memory:', { allowExtension: true });
  db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE TABLE u(a INTEGER PRIMARY KEY)');
  session = db.createSession();
});
afterEach(() => db.close());

const texts = (bytes: Uint8Array): string[] =>
  [...new Changeset(bytes)].map(({ table, op, new: fresh }) => `${table} ${op} ${fresh}`).sort();
const cutOff =
  'database schema has changed: a recorded table was dropped, renamed or lost a column; ' +
  'session_take (take() in code) returns the changes recorded before that, and then the others';

const lost =
  'database schema has changed: a recorded table was dropped, renamed or lost a column; ' +
  'a capture would have kept the changes recorded before that';

describe.each([
  ['ALTER TABLE t DROP COLUMN c', 't', ''],
  ['ALTER TABLE t RENAME TO v', 'v', ','],
  ['DROP TABLE t', undefined, ''],
])('%s', (statement, after, rest) => {
  const insertAfter = after ? `INSERT INTO ${after}(a, b) VALUES(2, 2);` : '';
  const second = [...(after ? [`${after} insert 2,2${rest}`] : []), 'u insert 2'].sort();

  test('changes before it are taken separately, then the changes after it', () => {
    db.exec("INSERT INTO t VALUES(1, 'x', 5); INSERT INTO u VALUES(1)");
    const before = session.changeset();
    db.exec(statement);
    db.exec(`${insertAfter} INSERT INTO u VALUES(2)`);
    for (const read of [
      () => session.changeset(),
      () => session.patchset(),
      () => session.changesetStream(),
    ]) {
      expect(read).toThrow(cutOff);
    }
    expect(session.isEmpty).toBe(false);
    expect(session.warnings()).toContainEqual({
      kind: 'schema-changed',
      table: 't',
      message: expect.stringMatching(
        /; session_take \(take\(\) in code\) returns the changes recorded before that, and then the others$/,
      ),
    });
    expect(session.take()).toEqual(before);
    expect(texts(session.changeset())).toEqual(second);
    expect(texts(session.take())).toEqual(second);
    expect(session.isEmpty).toBe(true);
    expect(session.warnings().filter(({ kind }) => kind === 'schema-changed')).toEqual([]);
  });

  test('a rollback restores the session', () => {
    db.exec("INSERT INTO t VALUES(1, 'x', 5); BEGIN; INSERT INTO t VALUES(2, 'y', 6)");
    db.exec(`${statement}; INSERT INTO u VALUES(2)`);
    expect(() => session.changeset()).toThrow(cutOff);
    db.exec('ROLLBACK; INSERT INTO u VALUES(3)');
    expect(texts(session.changeset())).toEqual(['t insert 1,x,5', 'u insert 3']);
    db.exec(
      `BEGIN; INSERT INTO t VALUES(2, 'y', 6); SAVEPOINT p; ${statement}; INSERT INTO u VALUES(4); ROLLBACK TO p`,
    );
    db.exec('INSERT INTO u VALUES(5)');
    const whole = ['t insert 1,x,5', 't insert 2,y,6', 'u insert 3', 'u insert 5'];
    expect(texts(session.changeset())).toEqual(whole);
    db.exec('COMMIT');
    expect(texts(session.changeset())).toEqual(whole);
  });

  test('undone by an error that ends the transaction, too', () => {
    db.exec("INSERT INTO u VALUES(1); BEGIN; INSERT INTO t VALUES(1, 'x', 5)");
    db.exec(statement);
    expect(() => db.exec('INSERT OR ROLLBACK INTO u VALUES(1)')).toThrow(/UNIQUE/);
    expect(db.isTransaction).toBe(false);
    expect(texts(session.changeset())).toEqual(['u insert 1']);
  });

  test('committed with changes of the same transaction before and after it', () => {
    db.exec(
      `BEGIN; INSERT INTO t VALUES(1, 'x', 5); ${statement}; ${insertAfter} INSERT INTO u VALUES(2); COMMIT`,
    );
    expect(texts(session.take())).toEqual(['t insert 1,x,5']);
    expect(texts(session.take())).toEqual(second);
  });
});

test('several times: one part each; a rollback undoes only its own', () => {
  db.exec("INSERT INTO t VALUES(1, 'x', 5); ALTER TABLE t DROP COLUMN c; INSERT INTO t VALUES(2, 'y')");
  db.exec("BEGIN; DROP TABLE t; INSERT INTO u VALUES(9); ROLLBACK; INSERT INTO t VALUES(3, 'z')");
  db.exec('ALTER TABLE t RENAME TO v; INSERT INTO v VALUES(4, 4)');
  expect(texts(session.take())).toEqual(['t insert 1,x,5']);
  expect(texts(session.take())).toEqual(['t insert 2,y', 't insert 3,z']);
  expect(texts(session.take())).toEqual(['v insert 4,4']);
});

test('a statement that takes nothing from the session leaves it in one piece', () => {
  db.exec("CREATE TABLE other(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1, 'x', 5)");
  db.exec('ALTER TABLE t ADD COLUMN d DEFAULT 7; ALTER TABLE t RENAME COLUMN b TO e; DROP TABLE other');
  db.exec('CREATE TEMP TABLE w(a INTEGER PRIMARY KEY); INSERT INTO w VALUES(1); DROP TABLE w');
  expect(() => db.exec('DROP TABLE nothere')).toThrow(/no such table/);
  db.exec('INSERT INTO t VALUES(2, 2, 2, 2)');
  expect(texts(session.changeset())).toEqual(['t insert 1,x,5,7', 't insert 2,2,2,2']);
});

test('a table that was created and dropped without leaving a change is not lost', () => {
  db.exec('CREATE TABLE w(a INTEGER PRIMARY KEY); INSERT INTO w VALUES(1); DELETE FROM w; DROP TABLE w');
  db.exec(
    'BEGIN; CREATE TABLE w(a INTEGER PRIMARY KEY); INSERT INTO w VALUES(1); DELETE FROM w; DROP TABLE w',
  );
  db.exec('INSERT INTO u VALUES(1)');
  expect(texts(session.changeset())).toEqual(['u insert 1']);
  db.exec('COMMIT');
  expect(texts(session.changeset())).toEqual(['u insert 1']);
  db.exec('CREATE TABLE w(a INTEGER PRIMARY KEY); INSERT INTO w VALUES(1); DELETE FROM w; DROP TABLE w');
  expect(texts(session.take())).toEqual(['u insert 1']);
  expect(session.changeset()).toHaveLength(0);
});

test('the settings of the session also apply afterwards', () => {
  session.close();
  session = db.createSession({ filter: ['t', 'v'], indirect: true });
  session.enabled = true;
  db.exec("INSERT INTO t VALUES(1, 'x', 5); ALTER TABLE t RENAME TO v");
  db.exec('INSERT INTO v VALUES(2, 2, 2); INSERT INTO u VALUES(1)');
  session.enabled = false;
  db.exec('INSERT INTO v VALUES(3, 3, 3)');
  expect(session.enabled).toBe(false);
  session.take();
  const [only, ...none] = [...new Changeset(session.changeset())];
  expect([only?.table, only?.indirect, only?.new, none]).toEqual(['v', true, [2n, 2n, 2n], []]);
});

test('changes that another connection removes are lost, with a message', () => {
  const folder = mkdtempSync(join(tmpdir(), 'session-'));
  try {
    const path = join(folder, 'x.db');
    const [one, two] = [new DatabaseSync(path), new DatabaseSync(path)];
    one.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    const own = one.createSession();
    one.exec('INSERT INTO t VALUES(1, 2); BEGIN; ALTER TABLE t DROP COLUMN b; ROLLBACK');
    two.exec('ALTER TABLE t DROP COLUMN b');
    expect(() => own.changeset()).toThrow(lost);
    expect(own.warnings().map(({ message }) => message)).toContain(
      't: it lost 1 columns since the session began; its recorded changes can no longer be read',
    );
    one.close();
    two.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a recorded table whose CREATE is rolled back ends a session, as in the C library, and no capture', () => {
  const capture = db.capture();
  db.exec(
    'INSERT INTO u VALUES(1); BEGIN; CREATE TABLE w(a INTEGER PRIMARY KEY); INSERT INTO w VALUES(1); ROLLBACK',
  );
  expect(() => session.changeset()).toThrow(lost);
  expect(() => session.take()).toThrow(lost);
  expect(texts(capture.read())).toEqual(['u insert 1']);
});

describe('a schema change inside a statement that writes is refused, because SQLite would read freed memory', () => {
  const locked = expect.objectContaining({
    errcode: 6,
    message: expect.stringMatching(
      /^cannot change the schema inside a statement that writes while a session or capture/,
    ),
  });
  beforeEach(() => {
    db.exec('CREATE TABLE other(x INTEGER PRIMARY KEY, y)');
    db.function('exec_sql', (text) => {
      db.exec(String(text));
      return 1;
    });
    db.function('run_sql', (text) => Number(db.prepare(String(text)).run().changes));
  });

  test.each([
    "INSERT INTO u VALUES(exec_sql('ALTER TABLE other ADD COLUMN q'))",
    "INSERT INTO u VALUES(run_sql('ALTER TABLE other ADD COLUMN q DEFAULT 4'))",
    "INSERT INTO u SELECT exec_sql('ALTER TABLE other RENAME TO another') UNION ALL SELECT 8",
    "UPDATE t SET b=exec_sql('ALTER TABLE other DROP COLUMN y')",
    "DELETE FROM t WHERE exec_sql('CREATE TABLE late(x)')",
    "REPLACE INTO u VALUES(exec_sql('ANALYZE'))",
  ])('%s', (sql) => {
    const capture = db.capture();
    db.exec('INSERT INTO t VALUES(4, 4, 4)');
    const before = db.prepare('SELECT sql FROM sqlite_schema').all();
    for (const begin of ['', 'BEGIN']) {
      db.exec(begin);
      expect(() => db.exec(sql)).toThrow(locked);
      db.exec('INSERT INTO u VALUES(NULL)');
      if (begin) db.exec('COMMIT');
    }
    expect(db.prepare('SELECT sql FROM sqlite_schema').all()).toEqual(before);
    expect(capture.warnings()).toEqual([]);
    expect(texts(capture.read())).toHaveLength(3);
    expect(texts(session.changeset())).toEqual(texts(capture.read()));
  });

  test.each(['ROLLBACK', 'ROLLBACK TO one'])('%s, if the transaction changed the schema', (inner) => {
    db.exec('BEGIN; SAVEPOINT one; ALTER TABLE other ADD COLUMN q');
    expect(() => db.prepare('INSERT INTO u VALUES(exec_sql(?))').run(inner)).toThrow(locked);
    db.exec('INSERT INTO u VALUES(5); COMMIT');
    expect(texts(session.changeset())).toEqual(['u insert 5']);
  });

  test.each([
    'PRAGMA schema_version=99',
    'PRAGMA writable_schema=RESET',
    '/* compiled */ explain pragma main.WRITABLE_SCHEMA(reset)',
  ])('%s', (inner) => {
    db.enableDefensive(false);
    const set = db.prepare('INSERT INTO u VALUES(exec_sql(?))');
    expect(() => set.run(inner)).toThrow(locked);
    db.exec('INSERT INTO u VALUES(5)');
    expect(texts(session.changeset())).toEqual(['u insert 5']);
  });

  test('not inside one that reads, nor without a session', () => {
    const capture = db.capture();
    db.exec("SELECT exec_sql('ALTER TABLE other ADD COLUMN q')");
    expect(capture.entries().map(({ kind }) => kind)).toEqual(['ddl']);
    capture.close();
    session.close();
    db.exec("INSERT INTO u VALUES(exec_sql('ALTER TABLE other ADD COLUMN r'))");
    expect(db.prepare('SELECT count(*) AS n FROM u').get()).toEqual({ n: 1 });
  });
});

test('by rowid, the filter is called again for a table that another connection created again', () => {
  const path = join(testFolder('hidden'), 'h.db');
  using own = new DatabaseSync(path);
  own.exec('CREATE TABLE h(_rowid_); CREATE TABLE k(x)');
  const recorded = own.createSession({ rowid: true });
  own.exec('INSERT INTO h VALUES(1); INSERT INTO k VALUES(1)');
  using other = new DatabaseSync(path);
  other.exec('DROP TABLE h; CREATE TABLE h(y)');
  own.exec('INSERT INTO h VALUES(2),(3)');
  expect(texts(recorded.changeset()).filter((text) => text.startsWith('h '))).toHaveLength(2);
  recorded.close();
});

test('a lower PRAGMA schema_version is not taken for a rollback', () => {
  db.enableDefensive(false);
  const capture = db.capture();
  db.exec('BEGIN; INSERT INTO t VALUES(1, 2, 3); ALTER TABLE t DROP COLUMN c; PRAGMA schema_version=1');
  db.exec('INSERT INTO t VALUES(2, 3)');
  const entries = () => capture.entries().map((entry) => ('sql' in entry ? entry.sql : texts(entry.bytes)));
  const captured = [['t insert 1,2,3'], 'ALTER TABLE t DROP COLUMN c', ['t insert 2,3']];
  expect(entries()).toEqual(captured);
  db.exec('COMMIT');
  expect(entries()).toEqual(captured);
  expect(texts(session.take())).toEqual(['t insert 1,2,3']);
  expect(texts(session.take())).toEqual(['t insert 2,3']);
});

test('in SQL: session_take(h), and the table that is a session', () => {
  db.loadExtension('session');
  db.exec("CREATE VIRTUAL TABLE temp.s USING session; INSERT INTO t VALUES(1, 'x', 5); DROP TABLE t");
  const take = db.prepare('SELECT session_take(handle) AS c FROM s');
  expect(() => db.prepare('SELECT changeset FROM s').get()).toThrow(cutOff);
  expect(() => db.prepare('SELECT session_changeset(handle) FROM s').get()).toThrow(cutOff);
  expect(texts(take.get()?.c as Uint8Array)).toEqual(['t insert 1,x,5']);
  expect(take.get()?.c).toHaveLength(0);
  db.exec('INSERT INTO u VALUES(1)');
  expect(texts(db.prepare('SELECT changeset AS c FROM s').get()?.c as Uint8Array)).toEqual(['u insert 1']);
});
