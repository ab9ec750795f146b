/** backup(): a whole database, page by page, while it is in use. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { backup, DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';

let folder: string;
const opened: DatabaseSync[] = [];
beforeEach(() => {
  folder = testFolder('backup');
});
afterEach(() => {
  for (const db of opened.splice(0)) if (db.isOpen) db.close();
});
const path = (name = 'copy.db'): string => join(folder, name);

function database(sql = '', file = ':memory:'): DatabaseSync {
  const db = new DatabaseSync(file);
  opened.push(db);
  db.exec(sql);
  return db;
}

const filled = `CREATE TABLE t(a INTEGER PRIMARY KEY, b);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000) INSERT INTO t SELECT i, hex(zeroblob(200)) FROM n`;
const count = (file: string): unknown => {
  using db = new DatabaseSync(file);
  return { ...db.prepare('SELECT count(*) AS n, max(a) AS last FROM t').get() };
};

test('copies a database in parts, between which other code runs', async () => {
  const db = database(filled);
  const parts: { totalPages: number; remainingPages: number }[] = [];
  const pages = await backup(db, path(), { rate: 50, progress: (part) => parts.push(part) });
  expect(pages).toBe(db.prepare('PRAGMA page_count').get()?.page_count);
  expect(parts.length).toBe(Math.ceil(pages / 50) - 1);
  expect(parts[0]).toEqual({ totalPages: pages, remainingPages: pages - 50 });
  expect(count(path())).toEqual({ n: 2000, last: 2000 });
  expect(await backup(db, pathToFileURL(path('url.db')))).toBe(pages);
  expect(readFileSync(path('url.db')).equals(readFileSync(path()))).toBe(true);
});

test('changes that the source writes meanwhile are copied too', async () => {
  const db = database(filled, path('source.db'));
  const progress = (): void => {
    db.exec('INSERT INTO t VALUES((SELECT max(a) FROM t)+1, 1)');
  };
  await backup(db, path(), { rate: 20, progress });
  expect(count(path())).toEqual({ ...db.prepare('SELECT count(*) AS n, max(a) AS last FROM t').get() });
});

test('of an attached database, into an existing file', async () => {
  const db = database(`ATTACH ':memory:' AS side; CREATE TABLE side.t(a); INSERT INTO side.t VALUES(7)`);
  database(filled, path()).close();
  await backup(db, path(), { source: 'side' });
  expect(count(path())).toEqual({ n: 1, last: 7 });
});

test('what fails leaves the target as it was, and the source can be closed', async () => {
  const db = database(filled);
  database('CREATE TABLE t(a); INSERT INTO t VALUES(5)', path()).close();
  const thrown = new Error('mine');
  const progress = (): void => {
    throw thrown;
  };
  await expect(backup(db, path(), { rate: 10, progress })).rejects.toBe(thrown);
  expect(count(path())).toEqual({ n: 1, last: 5 });
  await expect(backup(db, path(), { rate: 10, progress: () => db.close() })).rejects.toMatchObject({
    code: 'ERR_INVALID_STATE',
  });
  expect(db.isOpen).toBe(false);
  expect(count(path())).toEqual({ n: 1, last: 5 });
});

test('wrong arguments', async () => {
  const db = database();
  await expect(backup({} as DatabaseSync, path())).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  await expect(backup(db, path(), { rate: 1.5 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  await expect(backup(db, path(), { source: 'none' })).rejects.toThrow('unknown database none');
  writeFileSync(path('text'), 'this is not a database '.repeat(100));
  await expect(backup(database(filled), path('text'))).rejects.toThrow('file is not a database');
});
