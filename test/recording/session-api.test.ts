/** Functions of sessions that node:sqlite does not have. */

import { Changeset, ChangesetGroup, DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failure } from '../kit/outcome.js';

let db: DatabaseSync;
beforeEach(() => {
  db = new DatabaseSync(':memory:');
  db.exec(
    'CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE u(a INTEGER PRIMARY KEY); CREATE TABLE nk(x)',
  );
});
afterEach(() => {
  if (db.isOpen) db.close();
});

const tablesOf = (bytes: Uint8Array): string[] => [...new Changeset(bytes)].map(({ table }) => table);

test('sessions return their changeset in pieces, as bytes and as a stream', async () => {
  const session = db.createSession();
  db.exec(
    'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<2000) INSERT INTO t SELECT x, hex(x) FROM c',
  );
  for (const kind of ['changeset', 'patchset'] as const) {
    const pieces: Uint8Array[] = [];
    session.writeTo((piece) => pieces.push(piece), kind);
    expect(pieces.length).toBeGreaterThan(10);
    expect(new Uint8Array(Buffer.concat(pieces))).toEqual(session[kind]());
    const stream = kind === 'changeset' ? session.changesetStream() : session.patchsetStream();
    expect((await Changeset.from(stream as unknown as AsyncIterable<Uint8Array>)).bytes).toEqual(
      session[kind](),
    );
  }
  using group = new ChangesetGroup();
  group.add(session.changeset());
  const pieces: Uint8Array[] = [];
  group.outputTo((piece) => pieces.push(piece));
  expect(pieces.length).toBeGreaterThan(10);
  expect(new Uint8Array(Buffer.concat(pieces))).toEqual(group.output().bytes);
});

test('an exception of the function that receives pieces is rethrown unchanged', () => {
  const session = db.createSession();
  db.exec('INSERT INTO t VALUES(1,2)');
  const error = new Error('enough');
  expect(() =>
    session.writeTo(() => {
      throw error;
    }),
  ).toThrow(error);
  expect(session.changeset().length).toBeGreaterThan(0);
});

describe('what is recorded', () => {
  test('a filter is called once for each table of each session, also for those that it refuses', () => {
    const asked: string[] = [];
    const refuse = (name: string) => (table: string) => {
      asked.push(`${name}:${table}`);
      return false;
    };
    const first = db.createSession({ filter: refuse('first') });
    const second = db.createSession({ filter: refuse('second') });
    for (let i = 100; i < 110; i++) db.exec(`INSERT INTO t VALUES(${i}, 'x'); INSERT INTO u VALUES(${i})`);
    expect(asked.sort()).toEqual(['first:t', 'first:u', 'second:t', 'second:u']);
    first.close();
    const third = db.createSession({ filter: (table) => table === 't' });
    db.exec("INSERT INTO t VALUES(110, 'x')");
    expect(second.isEmpty).toBe(true);
    expect(tablesOf(third.changeset())).toEqual(['t']);
  });

  test('some tables, all, or those that a filter or globs select', () => {
    const some = db.createSession({ tables: ['u'] });
    const globs = db.createSession({ filter: ['*', '!t'] });
    const filtered = db.createSession({ filter: (table) => table === 't' });
    db.exec('INSERT INTO t VALUES(1,2); INSERT INTO u VALUES(1)');
    expect(tablesOf(some.changeset())).toEqual(['u']);
    expect(tablesOf(globs.changeset())).toEqual(['u']);
    expect(tablesOf(filtered.changeset())).toEqual(['t']);
  });
  test('tables that are attached later, one by one or all', () => {
    const session = db.createSession({ tables: [] });
    db.exec('INSERT INTO t VALUES(1,2)');
    expect(session.attach('t')).toBe(true);
    expect(session.attach('nk')).toBe(false);
    expect(session.attach('later')).toBe(false);
    db.exec('CREATE TABLE later(a INTEGER PRIMARY KEY)');
    db.exec(
      'INSERT INTO t VALUES(2,2); INSERT INTO u VALUES(1); INSERT INTO nk VALUES(1); INSERT INTO later VALUES(1)',
    );
    expect([...new Changeset(session.changeset())].map(({ table, new: [key] }) => [table, key])).toEqual([
      ['t', 2n],
      ['later', 1n],
    ]);
    expect(session.attach()).toBe(true);
    db.exec('INSERT INTO u VALUES(2)');
    expect(tablesOf(session.changeset())).toEqual(['t', 'later', 'u']);
    expect(failure(() => session.attach(5 as unknown as string))).toBe(
      'The "table" argument must be a string.',
    );
  });
  test('only while enabled; marked if indirect', () => {
    const session = db.createSession({ enabled: false, indirect: true });
    expect([session.enabled, session.indirect]).toEqual([false, true]);
    db.exec('INSERT INTO t VALUES(1,2)');
    expect(session.isEmpty).toBe(true);
    session.enabled = true;
    db.exec('INSERT INTO t VALUES(2,2)');
    expect(
      [...new Changeset(session.changeset())].map(({ indirect, new: values }) => [indirect, values[0]]),
    ).toEqual([[true, 2n]]);
    expect(session.memoryUsed).toBeGreaterThan(0);
  });
  test('take empties the session and keeps its settings', () => {
    const session = db.createSession({ filter: ['t'], indirect: true });
    db.exec('INSERT INTO t VALUES(1,2)');
    expect(tablesOf(session.take())).toEqual(['t']);
    expect(session.changeset()).toHaveLength(0);
    db.exec('INSERT INTO t VALUES(2,2); INSERT INTO u VALUES(2)');
    expect(tablesOf(session.changeset())).toEqual(['t']);
    expect(session.indirect).toBe(true);
  });
  test('the size is counted if requested', () => {
    expect(failure(() => db.createSession().changesetSize)).toMatch(
      /does not count its size: create it with the option size$/,
    );
    const session = db.createSession({ size: true });
    db.exec('INSERT INTO t VALUES(1,2)');
    expect(session.changesetSize).toBeGreaterThanOrEqual(session.changeset().length);
  });
  test('generated columns are left out, so names fit the stored ones', () => {
    db.exec('CREATE TABLE g(a INTEGER PRIMARY KEY, v AS (a+1), s AS (a*2) STORED, b)');
    const session = db.createSession({ table: 'g' });
    db.exec('INSERT INTO g(a, b) VALUES(1, 2)');
    expect([...new Changeset(session.changeset())][0]?.new).toEqual([1n, 2n]);
  });
});

describe('omitted changes are reported', () => {
  test('tables without a key, missing ones, NULL keys, virtual tables without shadow tables', () => {
    db.exec(
      "CREATE TABLE n(a TEXT PRIMARY KEY); INSERT INTO n VALUES(NULL),('x'); CREATE VIRTUAL TABLE f USING fts5(x); CREATE VIRTUAL TABLE d USING dbstat",
    );
    const all = db.createSession();
    const kinds = all.warnings().map(({ kind, table }) => `${table}: ${kind}`);
    expect(kinds).toEqual(expect.arrayContaining(['nk: no-key', 'n: null-key', 'd: virtual-table']));
    expect(kinds).not.toContain('t: no-key');
    expect(kinds.filter((kind) => kind.startsWith('f'))).toEqual([]);
    const later = db.createSession({ tables: ['later'] });
    expect(later.warnings().map(({ message }) => message)).toEqual([
      'later: the table does not exist yet; it is recorded once it is created',
    ]);
  });
  test('or refused', () => {
    expect(failure(() => db.createSession({ onUnrecorded: 'refuse' }))).toBe(
      'refused: nk: a table without a PRIMARY KEY is not recorded; create the session with the option rowid',
    );
    db.createSession({ onUnrecorded: 'refuse', rowid: true });
  });
});

describe('ends', () => {
  test('in any order, more than once by using', () => {
    const session = db.createSession();
    session[Symbol.dispose]();
    session[Symbol.dispose]();
    const other = db.createSession();
    db.close();
    other[Symbol.dispose]();
    expect(failure(() => other.changeset())).toBe('database is not open');
    db.open();
    expect(failure(() => other.changeset())).toBe('session is not open');
  });
});
