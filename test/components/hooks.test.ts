/**
 * Hooks of components, world `hooked`: the calls that they receive, the commits that they refuse, and the effects of a
 * trap.
 */

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sharedFolder } from '../kit/folder.js';
import { guest as guestPath } from '../kit/guests.js';

const guest = guestPath('hooks');

const folder = sharedFolder('hooks');

describe.each(['direct', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  let said: string[];
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true, grants: { sql: 'ro' } });
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY); CREATE TABLE forbidden(a); CREATE TABLE trap(a)');
    db.loadExtension(guest);
    said = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      said.push(
        String(text)
          .replace(/^.*: info: /, '')
          .trim(),
      );
      return true;
    });
  });
  afterEach(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    vi.restoreAllMocks();
    if (db.isOpen) db.close();
  });
  const column = (sql: string): unknown[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => Object.values(row)[0]);
  const failure = (sql: string): string => {
    try {
      db.exec(sql);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was thrown';
  };

  test('receive rows, commits and rollbacks', () => {
    db.exec('INSERT INTO t VALUES(3); BEGIN; UPDATE t SET a=4; DELETE FROM t WHERE a=4; ROLLBACK');
    expect(said).toEqual(['insert main.t 3', 'commit', 'update main.t 4', 'delete main.t 4', 'rollback']);
  });
  test('refuse a commit', () => {
    expect(failure('INSERT INTO forbidden VALUES(1)')).toBe('constraint failed');
    expect(column('SELECT count(*) FROM forbidden')).toEqual([0]);
    db.exec('INSERT INTO t VALUES(1)');
    expect(column('SELECT a FROM t')).toEqual([1]);
  });
  test('that trap prevent commits until a rollback', () => {
    expect(failure('INSERT INTO trap VALUES(1)')).not.toBe('nothing was thrown');
    if (db.isTransaction) db.exec('ROLLBACK');
    expect(column('SELECT count(*) FROM trap')).toEqual([0]);
    db.exec('INSERT INTO t VALUES(1)');
    expect(column('PRAGMA integrity_check')).toEqual(['ok']);
  });
  test('of the WAL leave automatic checkpoints on', () => {
    const path = join(folder, `wal-${calls}.db`);
    const own = new DatabaseSync(path, { allowExtension: true, grants: { sql: 'ro' } });
    own.exec('PRAGMA journal_mode=WAL; CREATE TABLE t(a)');
    own.loadExtension(guest);
    own.exec(
      'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<3000) INSERT INTO t SELECT zeroblob(3000) FROM c',
    );
    expect(said).toContain('wal');
    const row = own.prepare('PRAGMA wal_checkpoint').get() as { log: number; checkpointed: number };
    expect(row.checkpointed).toBe(row.log);
    own.close();
  });

  test('of several components are all called; each of them can refuse a commit', () => {
    const other = join(folder, 'other.wasm');
    copyFileSync(guest, other);
    db.loadExtension(other);
    db.exec('INSERT INTO t VALUES(3)');
    expect(said).toEqual(['insert main.t 3', 'insert main.t 3', 'commit', 'commit']);
    expect(failure('INSERT INTO forbidden VALUES(1)')).toBe('constraint failed');
    expect(column('SELECT count(*) FROM forbidden')).toEqual([0]);
  });
  test('loaded again they are called once, by the new instance', () => {
    db.loadExtension(guest);
    db.exec('INSERT INTO t VALUES(3)');
    expect(said).toEqual(['insert main.t 3', 'commit']);
  });
  test('do not affect sessions and their changesets', () => {
    const session = db.createSession();
    db.exec('INSERT INTO t VALUES(5)');
    expect(session.changeset().length).toBeGreaterThan(0);
    expect(failure('INSERT INTO forbidden VALUES(1)')).toBe('constraint failed');
    db.exec('DELETE FROM t');
    expect(session.changeset()).toHaveLength(0);
  });
});
