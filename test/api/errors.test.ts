/** Errors: SQLite's text for each code, the reasons, and the wrong byte of a malformed changeset. */

import { Changeset, ChangesetGroup, DatabaseSync, Rebaser } from 'sqlite-wasm-run';
import { afterEach, describe, expect, test } from 'vitest';
import '../../host/node/platform.js';
import { Core } from '../../host/core/core.js';
import {
  errorFrom,
  errorText,
  plainError,
  refusal,
  SqliteError,
  sqliteError,
} from '../../host/core/errors.js';
import { failure } from '../kit/outcome.js';

const opened: DatabaseSync[] = [];
afterEach(() => {
  for (const db of opened.splice(0)) db.close();
});

function database(sql: string): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  opened.push(db);
  db.exec(sql);
  return db;
}

const schema = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)';

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

test('every code has the text that SQLite has for it', () => {
  const { c, memory } = new Core({} as never);
  for (const code of [...Array(2048).keys(), -1, 2570, 5898, 6410]) {
    expect([code, errorText(code)]).toEqual([code, memory.cString(c.sqlite3_errstr(code))]);
  }
});

test('an error keeps its fields, also in another thread', () => {
  const error = sqliteError(1555, 'the message', { offset: 3 });
  expect(error).toMatchObject({ errcode: 1555, errstr: 'constraint failed', offset: 3 });
  expect(Object.keys(error)).toEqual(['name', 'code', 'errcode', 'errstr', 'offset']);
  const there = errorFrom(structuredClone(plainError(refusal('why'))));
  expect(there).toBeInstanceOf(SqliteError);
  expect(there).toMatchObject({ message: 'refused: why', errcode: 19, reason: 'refused', detail: 'why' });
});

test('the error has a reason if an option forbids the operation', () => {
  const db = database(schema);
  using session = db.createSession();
  db.exec('INSERT INTO t VALUES(1, 2)');
  const changes = session.changeset();
  const other = database('');
  expect(thrownBy(() => other.apply(changes, { refuse: true }))).toMatchObject({
    errcode: 19,
    reason: 'refused',
    message: expect.stringMatching(/^refused: /),
  });
  db.exec('CREATE TABLE keyless(a)');
  expect(thrownBy(() => db.createSession({ onUnrecorded: 'refuse' }))).toMatchObject({ reason: 'refused' });
});

describe('a malformed changeset names the byte', () => {
  const bytes = (): Uint8Array => {
    const db = database(schema);
    using session = db.createSession();
    db.exec('INSERT INTO t VALUES(1, 2)');
    return session.changeset();
  };
  const cut = (): Uint8Array => bytes().subarray(0, -1);
  const unknownType = (): Uint8Array => {
    const all = bytes().slice();
    all[8] = 9;
    return all;
  };
  const actions: [string, (changeset: Uint8Array) => unknown, string][] = [
    ['applyChangeset', (changeset) => database(schema).applyChangeset(changeset), ''],
    ['apply', (changeset) => database(schema).apply(changeset), 'read: '],
    ['invert', (changeset) => new Changeset(changeset).invert(), 'invert: '],
    ['concat', (changeset) => Changeset.concat(bytes(), changeset), 'concat: '],
    ['a group', (changeset) => new ChangesetGroup().add(changeset), 'concat: '],
    ['rebase', (changeset) => new Changeset(changeset).rebase(), 'rebase: '],
    ['a rebaser', (changeset) => new Rebaser().rebase(changeset), 'rebase: '],
    ['reading', (changeset) => [...new Changeset(changeset)], 'read: '],
  ];
  test.each(actions)('%s', (_, action, what) => {
    const size = cut().length;
    expect(failure(() => action(cut()))).toBe(
      `${what}malformed changeset: the changeset is truncated at byte ${size}`,
    );
    const error = thrownBy(() => action(unknownType()));
    const detail = 'malformed changeset: unknown value type 9 at byte 8';
    expect(error).toMatchObject({ message: `${what}${detail}`, errcode: 11, reason: 'malformed', detail });
    expect(error).toMatchObject({ errstr: 'database disk image is malformed' });
  });
  test('the error for a damaged rebase buffer differs from that for a damaged changeset', () => {
    expect(failure(() => new Changeset(bytes()).rebase(Uint8Array.of(1, 2, 3)))).toBe(
      'rebase: a rebase buffer is malformed',
    );
  });
});
