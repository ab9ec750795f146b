/** The session component's SQL functions, and every misuse of a handle. */

import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let db: DatabaseSync;

beforeEach(() => {
  db = new DatabaseSync(':memory:', { allowExtension: true });
  db.loadExtension('session');
  db.exec('CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, age INT)');
});
afterEach(() => db.close());

function value(sql: string, ...parameters: (string | number | bigint | null)[]): unknown {
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  const row = statement.get(...parameters);
  return row && Object.values(row)[0];
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

const carol = '5403010000757365727300120001000000000000000303056361726F6C01000000000000004B';

test('captures what the C library writes', () => {
  const h = value("SELECT session_create('main')") as bigint;
  expect(value('SELECT session_attach(?, NULL)', h)).toBe(1n);
  db.exec("INSERT INTO users VALUES (3, 'carol', 75)");
  expect(value('SELECT hex(session_changeset(?))', h)).toBe(carol);
  expect(value('SELECT session_delete(?)', h)).toBe(1n);
  expect(value('SELECT session_delete(?)', h)).toBe(0n);
});

test('an empty changeset is an empty blob, not NULL', () => {
  const h = value("SELECT session_create('main')") as bigint;
  expect(value('SELECT typeof(session_changeset(?1)) || length(session_changeset(?1))', h)).toBe('blob0');
});

test('attach returns 0 if a table currently records nothing', () => {
  db.exec('CREATE TABLE nokey(a); CREATE VIEW v AS SELECT 1');
  const h = value("SELECT session_create('main')") as bigint;
  expect(value("SELECT session_attach(?, 'users')", h)).toBe(1n);
  expect(value("SELECT session_attach(?, 'USERS')", h)).toBe(1n);
  expect(value("SELECT session_attach(?, 'nokey')", h)).toBe(0n);
  expect(value("SELECT session_attach(?, 'later')", h)).toBe(0n);
  expect(value("SELECT session_attach(?, 'v')", h)).toBe(0n);
  db.exec('CREATE TABLE later(id INTEGER PRIMARY KEY); INSERT INTO later VALUES (1)');
  expect(value("SELECT session_attach(?, 'later')", h)).toBe(1n);
  expect(value('SELECT hex(session_changeset(?))', h)).toBe('5401016C61746572001200010000000000000001');
});

describe('session_changeset in every kind of statement that writes', () => {
  let h: bigint;
  beforeEach(() => {
    h = value("SELECT session_create('main')") as bigint;
    value('SELECT session_attach(?, ?)', h, 'users');
    db.exec(
      "CREATE TABLE outbox(id INTEGER PRIMARY KEY, body BLOB); INSERT INTO users VALUES (3, 'carol', 75)",
    );
  });

  test.each([
    ['INSERT ... SELECT', 'INSERT INTO outbox SELECT 1, session_changeset(H)'],
    ['INSERT ... VALUES', 'INSERT INTO outbox VALUES (1, session_changeset(H))'],
    ['CREATE TABLE ... AS', 'DROP TABLE outbox; CREATE TABLE outbox AS SELECT session_changeset(H) AS body'],
    ['UPDATE', 'INSERT INTO outbox VALUES (1, NULL); UPDATE outbox SET body = session_changeset(H)'],
    ['REPLACE', 'REPLACE INTO outbox VALUES (1, session_changeset(H))'],
    ['in a transaction', 'BEGIN; INSERT INTO outbox VALUES (1, session_changeset(H)); COMMIT'],
    ['in a savepoint', 'SAVEPOINT s; INSERT INTO outbox VALUES (1, session_changeset(H)); RELEASE s'],
    [
      'trigger',
      `CREATE TEMP TABLE keep AS SELECT H AS h; CREATE TABLE go(x); CREATE TEMP TRIGGER t AFTER INSERT ON go
       BEGIN INSERT INTO outbox VALUES (1, session_changeset((SELECT h FROM keep))); END; INSERT INTO go VALUES (1)`,
    ],
    [
      'DELETE',
      'INSERT INTO outbox VALUES (1, session_changeset(H)); DELETE FROM outbox WHERE body != session_changeset(H)',
    ],
  ])('%s', (_name, sql) => {
    db.exec(sql.replaceAll(/\bH\b/g, String(h)));
    expect(value('SELECT hex(body) FROM outbox')).toBe(carol);
    expect(value('PRAGMA integrity_check')).toBe('ok');
  });

  test('RETURNING', () => {
    expect(value(`INSERT INTO outbox VALUES (1, NULL) RETURNING hex(session_changeset(${h}))`)).toBe(carol);
  });
});

test('attached databases and temp have sessions of their own', () => {
  db.exec(
    "ATTACH ':memory:' AS side; CREATE TABLE side.t(a INTEGER PRIMARY KEY); CREATE TEMP TABLE tt(a INTEGER PRIMARY KEY)",
  );
  const side = value("SELECT session_create('side')") as bigint;
  const temp = value("SELECT session_create('temp')") as bigint;
  for (const h of [side, temp]) value('SELECT session_attach(?, NULL)', h);
  db.exec("INSERT INTO side.t VALUES (1); INSERT INTO tt VALUES (2); INSERT INTO users VALUES (9, 'x', 1)");
  expect(value('SELECT hex(session_changeset(?))', side)).toBe('54010174001200010000000000000001');
  expect(value('SELECT hex(session_changeset(?))', temp)).toBe('5401017474001200010000000000000002');
});

test('several sessions on one connection, handles that grow', () => {
  const a = value("SELECT session_create('main')") as bigint;
  const b = value("SELECT session_create('main')") as bigint;
  expect(b > a && a > 0n).toBe(true);
  value("SELECT session_attach(?, 'users')", a);
  db.exec("INSERT INTO users VALUES (1, 'a', 1)");
  value("SELECT session_attach(?, 'users')", b);
  db.exec("INSERT INTO users VALUES (3, 'carol', 75)");
  expect(value('SELECT hex(session_changeset(?))', b)).toBe(carol);
  expect(value('SELECT length(session_changeset(?))', a)).toBe(BigInt(carol.length / 2 + 2 + 9 + 3 + 9));
});

describe('every misuse of a handle is an error that explains it', () => {
  test('unknown', () => {
    expect(messageOf(() => value('SELECT session_changeset(7)'))).toBe(
      'unknown session 7: a handle comes from session_create',
    );
  });

  test('deleted', () => {
    const h = value("SELECT session_create('main')") as bigint;
    value('SELECT session_delete(?)', h);
    expect(messageOf(() => value('SELECT session_changeset(?)', h))).toBe(`session ${h} was already deleted`);
    expect(messageOf(() => value('SELECT session_attach(?, NULL)', h))).toBe(
      `session ${h} was already deleted`,
    );
  });

  test('a handle that get() returned is accepted, although it is a number', () => {
    const { h } = db.prepare("SELECT session_create('main') AS h").get() as { h: number };
    expect(db.prepare('SELECT typeof(?) AS t').get(h)?.t).toBe('real');
    expect(db.prepare('SELECT session_isempty(?) AS v').get(h)?.v).toBe(1);
    expect(db.prepare('SELECT session_delete(?) AS v').get(h)?.v).toBe(1);
  });

  test("another connection's", () => {
    const other = new DatabaseSync(':memory:', { allowExtension: true });
    other.loadExtension('session');
    const statement = other.prepare("SELECT session_create('main') AS h");
    statement.setReadBigInts(true);
    const h = (statement.get() as { h: bigint }).h;
    const sentence = `session ${h} belongs to another connection: use it on the connection that created it`;
    expect(messageOf(() => value('SELECT session_changeset(?)', h))).toBe(sentence);
    expect(messageOf(() => value('SELECT session_delete(?)', h))).toBe(sentence);
    other.close();
    expect(messageOf(() => value('SELECT session_changeset(?)', h))).toBe(sentence);
  });

  test.each([
    ['-1', '-1'],
    ['0', '0'],
    ["'abc'", "the text 'abc'"],
    ['NULL', 'NULL'],
    ['9223372036854775808', 'the real number 9.22337203685478e+18'],
    ['1.5', 'the real number 1.5'],
  ])('%s', (handle, shown) => {
    for (const call of [
      `session_changeset(${handle})`,
      `session_attach(${handle}, NULL)`,
      `session_delete(${handle})`,
    ]) {
      const name = call.split('(')[0];
      expect(messageOf(() => value(`SELECT ${call}`))).toBe(
        `${name}: ${shown} is not a session handle; session_create('main') makes one`,
      );
    }
  });

  test('a database that is not attached', () => {
    db.exec("ATTACH ':memory:' AS side");
    expect(messageOf(() => value("SELECT session_create('nix')"))).toBe(
      "unknown database 'nix'; attached are 'main', 'temp', 'side'",
    );
    expect(messageOf(() => value('SELECT session_create(NULL)'))).toBe(
      "session_create: the database name must be text, such as 'main'; got NULL",
    );
  });
});

test('a table that lost a column ends the capture with a message', () => {
  const h = value("SELECT session_create('main')") as bigint;
  value('SELECT session_attach(?, NULL)', h);
  db.exec("INSERT INTO users VALUES (1, 'a', 1); ALTER TABLE users DROP COLUMN age");
  expect(messageOf(() => value('SELECT session_changeset(?)', h))).toBe(
    'database schema has changed: a recorded table was dropped, renamed or lost a column; session_take (take() in code) returns the changes recorded before that, and then the others',
  );
});

test('closing a connection ends its sessions', () => {
  const other = new DatabaseSync(':memory:', { allowExtension: true });
  other.loadExtension('session');
  other.exec(
    "CREATE TABLE t(a INTEGER PRIMARY KEY); CREATE TEMP TABLE s AS SELECT session_create('main') AS h",
  );
  other.exec('SELECT session_attach(h, NULL) FROM s; INSERT INTO t VALUES (1)');
  other.close();
  expect(value('SELECT 1')).toBe(1n);
});
