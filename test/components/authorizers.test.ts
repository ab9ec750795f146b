/** Authorizers of components, world `authorizing`, together with those of the user, the shell and other components. */

import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sharedFolder } from '../kit/folder.js';
import { guest as guestPath } from '../kit/guests.js';
import { program } from '../kit/program.js';

const guest = guestPath('authorizes');

const folder = sharedFolder('authorizers');

describe.each(['direct', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true, grants: { sql: 'ro' } });
    db.exec('CREATE TABLE t(a, secret); INSERT INTO t VALUES(1, 2); CREATE TABLE trap(a)');
    db.loadExtension(guest);
  });
  afterEach(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    if (db.isOpen) db.close();
  });
  const failure = (sql: string): string => {
    try {
      db.exec(sql);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was thrown';
  };

  test('denies and ignores', () => {
    expect(failure('DROP TABLE t')).toBe('not authorized');
    expect(db.prepare('SELECT * FROM t').get()).toEqual({ a: 1, secret: null });
  });
  test('that traps denies from then on, with an error that names it and the remedy; ROLLBACK is allowed', () => {
    db.exec('BEGIN; SAVEPOINT s; INSERT INTO t VALUES(3, 4)');
    const why =
      'not authorized: the authorizer of component authorizing is no longer usable, because authorizer failed with ' +
      `"wasm trap: wasm \`unreachable\` instruction executed"; everything except ROLLBACK is refused until it is loaded again from ${guest}`;
    expect(failure('SELECT a FROM trap')).toBe(why);
    expect(failure('SELECT 1')).toBe(why);
    expect(failure('COMMIT')).toBe(why);
    expect(failure('RELEASE s')).toBe(why);
    expect(failure('SAVEPOINT u')).toBe(why);
    expect(failure('ROLLBACK TO s')).toBe('nothing was thrown');
    expect(failure('ROLLBACK')).toBe('nothing was thrown');
    db.loadExtension(guest);
    expect(db.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 1 });
    expect(failure('DROP TABLE t')).toBe('not authorized');
  });
  test('that traps is not named for what another refuses', () => {
    failure('SELECT a FROM trap');
    db.loadExtension(guest);
    db.setAuthorizer(() => constants.SQLITE_DENY);
    expect(failure('SELECT 1')).toBe('not authorized');
  });

  test('and one of the user: an action that either refuses is refused, in any order', () => {
    const { SQLITE_DENY, SQLITE_OK, SQLITE_UPDATE } = constants;
    db.setAuthorizer((action) => (action === SQLITE_UPDATE ? SQLITE_DENY : SQLITE_OK));
    expect(failure('UPDATE t SET a = 2')).toBe('not authorized');
    expect(failure('DROP TABLE t')).toBe('not authorized');
    db.setAuthorizer(null);
    expect(failure('UPDATE t SET a = 2')).toBe('nothing was thrown');
    expect(failure('DROP TABLE t')).toBe('not authorized');
  });
  test('several are all called; one that has trapped denies, whatever the others return', () => {
    const other = join(folder, 'other.wasm');
    copyFileSync(guest, other);
    db.loadExtension(other);
    expect(db.prepare('SELECT * FROM t').get()).toEqual({ a: 1, secret: null });
    expect(failure('SELECT a FROM trap')).toMatch(/^not authorized: the authorizer of component authorizing/);
    expect(failure('SELECT 1')).toMatch(/^not authorized: the authorizer of component authorizing/);
  });
});

test("the shell's own authorizer and a component's are both called", () => {
  const script = `CREATE TABLE t(a, secret);\n.load ${guest}\n.auth on\nSELECT a FROM t;\nDROP TABLE t;\n`;
  const { stdout, stderr } = spawnSync(process.execPath, [program, '--allow-sql=ro', ':memory:'], {
    input: script,
    encoding: 'utf8',
  });
  expect(stdout).toContain('authorizer: READ "t" "a" "main" NULL');
  expect(stderr).toContain('not authorized');
});

test('the shell reports which component refuses everything, and allows a rollback', () => {
  const script = `CREATE TABLE trap(a);\n.load ${guest}\nBEGIN;\nSELECT a FROM trap;\nSELECT 1;\nROLLBACK;\n.load ${guest}\nSELECT 2;\n`;
  const { stdout, stderr } = spawnSync(process.execPath, [program, '--allow-sql=ro', ':memory:'], {
    input: script,
    encoding: 'utf8',
  });
  expect(stdout).toBe('2\n');
  const said = stderr.split('\n').filter((line) => line.includes('the authorizer of component authorizing'));
  expect(said).toHaveLength(2);
  expect(said[1]).toContain('everything except ROLLBACK is refused until it is loaded again from');
});
