/** Serialized databases, compared with files, and with node:sqlite if the running Node has it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { expect, test } from 'vitest';
import { type Case, table } from '../kit/api-table.js';
import { testFolder } from '../kit/folder.js';

const cases: Case[] = [
  ['open().serialize().length', '4096'],
  ['open().serialize(1)', '! ERR_INVALID_ARG_TYPE The "dbName" argument must be a string.'],
  ['open().deserialize()', '! ERR_INVALID_ARG_TYPE The "buffer" argument must be a Uint8Array.'],
  [
    'open().deserialize(new ArrayBuffer(9))',
    '! ERR_INVALID_ARG_TYPE The "buffer" argument must be a Uint8Array.',
  ],
  [
    'open().deserialize(new Uint8Array(0))',
    '! ERR_INVALID_ARG_VALUE The "buffer" argument must not be empty.',
  ],
  [
    'open().deserialize(new Uint8Array(9), { dbName: 1 })',
    '! ERR_INVALID_ARG_TYPE The "options.dbName" argument must be a string.',
  ],
];
table('serialize and deserialize', cases);

const filled = (path = ':memory:'): DatabaseSync => {
  const db = new DatabaseSync(path);
  db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1, 'one'), (2, zeroblob(20000))");
  return db;
};
const rows = (db: DatabaseSync, schema = 'main'): unknown =>
  db.prepare(`SELECT a, length(b) AS n FROM ${schema}.t ORDER BY a`).all();
const both = [
  { a: 1, n: 3 },
  { a: 2, n: 20000 },
];

test('the bytes are those of the file, and can be used as a file', () => {
  const folder = testFolder('serialized');
  const path = join(folder, 'a.db');
  using db = filled(path);
  const bytes = db.serialize();
  expect(Buffer.compare(bytes, readFileSync(path))).toBe(0);
  writeFileSync(join(folder, 'b.db'), bytes);
  using copy = new DatabaseSync(join(folder, 'b.db'));
  expect(rows(copy)).toEqual(both);
});

test('a database replaces another; statements and functions stay valid, and the file stays', () => {
  const path = join(testFolder('serialized'), 'a.db');
  const bytes = filled().serialize();
  using db = new DatabaseSync(path);
  db.exec('CREATE TABLE other(x)');
  db.function('twice', (x) => Number(x) * 2);
  const statement = db.prepare('SELECT twice(21) AS v');
  statement.get();
  db.deserialize(bytes);
  bytes.fill(0);
  expect(rows(db)).toEqual(both);
  expect(statement.get()).toEqual({ v: 42 });
  db.exec('INSERT INTO t VALUES(3, zeroblob(500000))');
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  using file = new DatabaseSync(path);
  expect(file.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'other' }]);
});

test('an attached database; one in WAL mode; an empty one', () => {
  const path = join(testFolder('serialized'), 'a.db');
  using wal = filled(path);
  wal.exec('PRAGMA journal_mode = wal; INSERT INTO t VALUES(3, NULL)');
  using db = new DatabaseSync(':memory:');
  db.exec("ATTACH ':memory:' AS aux");
  db.deserialize(wal.serialize(), { dbName: 'aux' });
  expect(rows(db, 'aux')).toEqual([...both, { a: 3, n: null }]);
  expect(db.serialize('aux').length).toBeGreaterThan(20_000);
  expect(() => db.serialize('nope')).toThrow('unknown or empty database nope');
  expect(() => db.deserialize(wal.serialize(), { dbName: 'nope' })).toThrow('unknown or empty database nope');
});

test('a database that another connection locks is busy', () => {
  const path = join(testFolder('serialized'), 'a.db');
  using one = filled(path);
  using other = new DatabaseSync(path);
  one.exec('BEGIN EXCLUSIVE');
  expect(() => other.serialize()).toThrow('database is locked');
  one.exec('ROLLBACK');
  expect(other.serialize()).toHaveLength(readFileSync(path).length);
});

test('is refused while something that refers to the old database is open', () => {
  using db = filled();
  const bytes = db.serialize();
  const session = db.createSession();
  expect(() => db.deserialize(bytes)).toThrow('a session or capture is recording: close it');
  session.close();
  db.exec('BEGIN; DELETE FROM t');
  expect(() => db.deserialize(bytes)).toThrow('database is locked: a transaction or a backup is open');
  db.exec('ROLLBACK');
  db.function('f', () => {
    db.deserialize(bytes);
    return 1;
  });
  expect(() => db.prepare('SELECT f()').get()).toThrow('database cannot be deserialized while in a callback');
  db.deserialize(new Uint8Array(100).fill(7));
  expect(() => rows(db)).toThrow('file is not a database');
});
