/** Overflows of the JavaScript stack, which SQLite's code uses, during a call. */

import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';

const lost = /^database is not open: an exception passed through SQLite/;

/** Calls `action` at every depth of the stack, the last one first, until it has succeeded 50 times; counts by outcome. */
function atEveryDepth(action: () => void): { done: number; overflows: number; others: string[] } {
  const counts = { done: 0, overflows: 0, others: [] as string[] };
  const deeper = (): void => {
    try {
      deeper();
    } catch {
      // The stack ended.
    }
    if (counts.done >= 50 || counts.others.length >= 50) return;
    try {
      action();
      counts.done += 1;
    } catch (error) {
      if (error instanceof RangeError) counts.overflows += 1;
      else counts.others.push(error instanceof Error ? error.message : String(error));
    }
  };
  deeper();
  return counts;
}

test('functions that run SQL that calls them again end at a limit, and the connection stays usable', () => {
  using db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b); BEGIN');
  db.function('again', (a) => {
    db.prepare('INSERT INTO t VALUES(?, again(?))').run(Number(a) + 1, Number(a) + 1);
    return 1;
  });
  expect(() => db.exec('INSERT INTO t VALUES(0, again(0))')).toThrow(
    /^too many nested calls of SQL in functions: the limit is 100$/,
  );
  db.exec('INSERT INTO t VALUES(0, 0); COMMIT');
  expect(db.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 1 });
});

describe.each([
  ['exec', (db: DatabaseSync) => () => db.exec('INSERT INTO t(a) VALUES(1)')],
  [
    'run',
    (db: DatabaseSync) => {
      const insert = db.prepare('INSERT INTO t(a) VALUES(?)');
      return () => insert.run(1);
    },
  ],
  [
    'all',
    (db: DatabaseSync) => {
      const insert = db.prepare('INSERT INTO t(a) VALUES(?) RETURNING a');
      return () => insert.all(1);
    },
  ],
  [
    'a function',
    (db: DatabaseSync) => {
      const insert = db.prepare('INSERT INTO t(a) VALUES(1)');
      db.function('nested', () => Number(insert.run().changes));
      return () => db.prepare('SELECT nested()').get();
    },
  ],
])('%s, with little stack left', (_name, prepare) => {
  test.each(['delete', 'wal'])('what was acknowledged is there (%s)', (mode) => {
    const path = join(testFolder('overflow'), 'a.db');
    using db = new DatabaseSync(path);
    using other = new DatabaseSync(path);
    db.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE t(n INTEGER PRIMARY KEY, a)`);
    const counts = atEveryDepth(prepare(db));
    expect(counts.overflows).toBeGreaterThan(0);
    if (counts.others.length > 0) {
      // The engine is unusable, so all databases of this thread are closed and the file is unlocked.
      for (const message of counts.others)
        expect(message).toMatch(/^database is not open|^statement has been finalized/);
      expect(() => db.exec('SELECT 1')).toThrow(lost);
      expect(() => other.exec('SELECT 1')).toThrow(lost);
      expect([db.isOpen, other.isOpen]).toEqual([false, false]);
    }
    using again = new DatabaseSync(path, { timeout: 0 });
    const { n } = again.prepare('SELECT count(*) AS n FROM t').get() as { n: number };
    expect(n).toBeGreaterThanOrEqual(counts.done);
    expect(n).toBeLessThanOrEqual(counts.done + counts.overflows + counts.others.length);
    again.exec('INSERT INTO t(a) VALUES(2)');
    expect(again.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  });
});

test('sessions, captures, statements and iterations of a lost connection can be ended', () => {
  const path = join(testFolder('overflow'), 'a.db');
  let isLost = false;
  {
    using db = new DatabaseSync(path);
    db.exec('CREATE TABLE t(n INTEGER PRIMARY KEY, a); INSERT INTO t(a) VALUES(1), (2), (3)');
    using session = db.createSession();
    using capture = db.capture();
    using statement = db.prepare('SELECT * FROM t');
    const rows = statement.iterate();
    rows.next();
    db.exec('BEGIN; INSERT INTO t(a) VALUES(4)');
    const nested = `SELECT ${'1 + ('.repeat(300)}1${')'.repeat(300)}`; // SQLite's compiler goes as deep
    isLost = atEveryDepth(() => db.exec(nested)).others.length > 0;
    if (isLost) {
      expect(() => session.changeset()).toThrow('database is not open');
      expect(() => capture.read()).toThrow('database is not open');
      expect(() => statement.get()).toThrow(/not open|finalized/);
      expect(() => rows.next()).toThrow(/not open|finalized|invalidated/);
      db.open();
      expect(db.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 3 });
    }
  }
  expect(isLost).toBe(true);
});
