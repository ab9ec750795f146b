/** The daemon: its two protocols, its transactions, its end, and its files after a kill. */

import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as api from 'sqlite-wasm-run';
import { Changeset, DatabaseSync } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';
import { torture } from '../../scripts/torture-daemon.js';
import { folder, frames, lines, start } from '../kit/daemon-client.js';

const captured = (): unknown[] =>
  [...new Changeset(new Uint8Array(readFileSync(join(folder, 'o.cs'))))].map(({ op, new: values }) => [
    op,
    ...values,
  ]);

describe('lines', () => {
  test('SQL over several lines, rows, errors, status, quit', async () => {
    const { ended, child } = await start();
    const { greeting, ask } = await lines();
    expect(greeting).toBe('sqlite-wasm-run daemon 1 a.db\n');
    expect(statSync(join(folder, 's')).mode & 0o777).toBe(0o600);
    expect(await ask('CREATE TABLE t(a INTEGER PRIMARY KEY, b);')).toBe(
      '-- ok, 0 rows, 0 changes; the changeset does not contain its schema changes\n',
    );
    expect(await ask("INSERT INTO t VALUES(1,\n'a;b'),(2,NULL);")).toBe('-- ok, 0 rows, 2 changes\n');
    expect(await ask("SELECT a, b, x'00ff', 1.0, 'x\ty' FROM t;")).toBe(
      "1\ta;b\tx'00ff'\t1.0\tx\\ty\n2\t\\N\tx'00ff'\t1.0\tx\\ty\n-- ok, 2 rows, 0 changes\n",
    );
    expect(await ask('INSERT INTO t VALUES(1,1);')).toBe('-- error 1555: UNIQUE constraint failed: t.a\n');
    expect(await ask('SAVEPOINT x;')).toBe(
      '-- error 21: savepoints need an open transaction here: run BEGIN first\n',
    );
    expect(await ask('.status')).toBe('-- 2 transactions captured: t +2 ~0 -0, schema !1\n');
    await ask('quit');
    await ended;
    expect(child.exitCode).toBe(0);
    expect(captured()).toEqual([
      ['insert', 1n, 'a;b'],
      ['insert', 2n, null],
    ]);
    expect(existsSync(join(folder, 'o.cs.journal'))).toBe(false);
    const db = new DatabaseSync(join(folder, 'a.db'));
    expect(
      db.prepare("SELECT group_concat(name) AS names FROM sqlite_schema WHERE type='table'").get(),
    ).toEqual({
      names: 't',
    });
    db.close();
  });
});

test('rowids beyond 2^53 are captured and do not prevent writing', async () => {
  const { ended, child } = await start();
  const [one, other] = [await lines(), await lines()];
  await one.ask('CREATE TABLE m(a INTEGER PRIMARY KEY, b);');
  expect(await one.ask('INSERT INTO m VALUES(1234567890123456789, 1);')).toBe('-- ok, 0 rows, 1 changes\n');
  expect(await one.ask('BEGIN;')).toMatch(/^-- ok/);
  expect(await one.ask('INSERT INTO m VALUES(9223372036854775807, 2);')).toMatch(/^-- ok/);
  expect(await one.ask('COMMIT;')).toMatch(/^-- ok/);
  expect(await other.ask('UPDATE m SET b = 3;')).toBe('-- ok, 0 rows, 2 changes\n');
  await other.ask('quit');
  await ended;
  expect(child.exitCode).toBe(0);
  expect(captured()).toEqual([
    ['insert', 1234567890123456789n, 3n],
    ['insert', 9223372036854775807n, 3n],
  ]);
});

test('--locking none opens a database that another has locked', async () => {
  const held = new DatabaseSync(join(folder, 'a.db'));
  held.exec('CREATE TABLE t(a INTEGER PRIMARY KEY); BEGIN EXCLUSIVE');
  const { ended, child } = await start('--locking', 'none');
  const { ask } = await lines();
  expect(await ask('INSERT INTO t VALUES(1);')).toBe('-- ok, 0 rows, 1 changes\n');
  await ask('quit');
  await ended;
  expect(child.exitCode).toBe(0);
  expect(captured()).toEqual([['insert', 1n]]);
  held.exec('ROLLBACK');
  held.close();
});

describe('frames', () => {
  test('parameters, values without loss, errors with codes, status', async () => {
    await start();
    const { ask } = await frames();
    await ask({ id: 1, sql: 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)' });
    const values = [{ integer: '9007199254740993' }, { real: '2' }, 2.5, { blob: '00ff' }, null, 'ü', 7];
    const sql = 'SELECT ?1 AS a, ?2, ?3, ?4, ?5, ?6, ?7';
    expect(await ask({ id: 'x', sql, params: values })).toMatchObject({
      id: 'x',
      rows: [values],
      changes: 0,
    });
    expect(await ask({ id: 2, sql: 'INSERT INTO t VALUES(5,1)' })).toEqual({
      id: 2,
      columns: [],
      rows: [],
      changes: 1,
      lastInsertRowid: 5,
    });
    expect(await ask({ id: 3, sql: 'INSERT INTO t VALUES(5,1)' })).toEqual({
      id: 3,
      error: { code: 19, extendedCode: 1555, message: 'UNIQUE constraint failed: t.a' },
    });
    expect(await ask({ id: 4, sql: 'SELECT 1; SELECT 2;' })).toMatchObject({
      error: { message: 'a request must contain exactly one statement' },
    });
    expect(await ask({ id: 5 })).toMatchObject({ error: { code: 21 } });
    expect(await ask({ id: 6, command: 'status' })).toEqual({
      id: 6,
      status: {
        transactions: 2,
        tables: [{ table: 't', inserts: 1, updates: 0, deletes: 0 }],
        statements: 1,
      },
    });
  });
});

describe('transactions', () => {
  test('of one client make the others wait; rolled back, they leave nothing', async () => {
    const { ended } = await start();
    const [one, other] = [await lines(), await lines()];
    await one.ask('CREATE TABLE t(a INTEGER PRIMARY KEY);');
    await one.ask('BEGIN;');
    await one.ask('INSERT INTO t VALUES(1);');
    const waiting = other.ask('SELECT count(*) FROM t;');
    await one.ask('INSERT INTO t VALUES(2);');
    await one.ask('COMMIT;');
    expect(await waiting).toBe('2\n-- ok, 1 rows, 0 changes\n');
    await one.ask('BEGIN;');
    await one.ask('DELETE FROM t;');
    await one.ask('ROLLBACK;');
    await one.ask('quit');
    await ended;
    expect(captured()).toEqual([
      ['insert', 1n],
      ['insert', 2n],
    ]);
  });
  test('of a client that disconnects, or is idle, are rolled back', async () => {
    await start('--patience', '0.3');
    const [one, other, third] = [await lines(), await lines(), await lines()];
    await one.ask('CREATE TABLE t(a INTEGER PRIMARY KEY);');
    await one.ask('BEGIN;');
    await one.ask('INSERT INTO t VALUES(1);');
    one.socket.destroy();
    expect(await other.ask('SELECT count(*) FROM t;')).toBe('0\n-- ok, 1 rows, 0 changes\n');
    await other.ask('BEGIN;');
    await other.ask('INSERT INTO t VALUES(1);');
    expect(await third.ask('SELECT count(*) FROM t;')).toBe('0\n-- ok, 1 rows, 0 changes\n');
    expect(await other.ask('COMMIT;')).toBe('-- error 4: transaction rolled back: idle for 0.3 s\n');
  });
  test('a commit that fails is not captured until it succeeds', async () => {
    const { ended } = await start();
    const { ask } = await lines();
    await ask('PRAGMA foreign_keys=ON;');
    await ask('CREATE TABLE p(a INTEGER PRIMARY KEY);');
    await ask('CREATE TABLE t(a INTEGER PRIMARY KEY, p REFERENCES p DEFERRABLE INITIALLY DEFERRED);');
    await ask('BEGIN;');
    await ask('INSERT INTO t VALUES(1,1);');
    expect(await ask('COMMIT;')).toBe('-- error 787: FOREIGN KEY constraint failed\n');
    await ask('INSERT INTO p VALUES(1);');
    expect(await ask('COMMIT;')).toBe('-- ok, 0 rows, 0 changes\n');
    await ask('quit');
    await ended;
    expect(captured()).toHaveLength(2);
  });
});

describe('the end', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s writes the changeset and exits with 0', async (signal) => {
    const { child, ended } = await start();
    const { ask } = await lines();
    await ask('CREATE TABLE t(a INTEGER PRIMARY KEY);');
    await ask('INSERT INTO t VALUES(1);');
    child.kill(signal);
    await ended;
    expect(child.exitCode).toBe(0);
    expect(captured()).toEqual([['insert', 1n]]);
  });
  test('killed and started again, it continues; started after its end, it adds to its output', async () => {
    for (const id of [1, 2, 3]) {
      const { child, ended } = await start();
      const { ask } = await lines();
      await ask('CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY);');
      await ask(`INSERT INTO t VALUES(${id});`);
      child.kill(id === 1 ? 'SIGKILL' : 'SIGTERM');
      await ended;
    }
    expect(captured().sort()).toEqual([
      ['insert', 1n],
      ['insert', 2n],
      ['insert', 3n],
    ]);
  });
  test.each([
    ['is being replaced', (operation: string) => operation.startsWith('renameSync'), 1],
    ['was replaced', (operation: string) => operation.startsWith('renameSync'), 2],
    [
      'was replaced and its journal records that',
      (operation: string) => operation.startsWith('renameSync'),
      4,
    ],
    [
      'was removed from the records of the database',
      (operation: string) => operation.startsWith('rmSync o.cs.journal'),
      0,
    ],
  ])('killed when its output %s: the next one continues and cleans up', async (_, at, behind) => {
    const run = async (faults: object, ...statements: string[]): Promise<unknown> => {
      process.env.FILE_FAULTS = JSON.stringify({ under: folder, ...faults });
      const { child, ended } = await start();
      const { ask } = await lines();
      for (const sql of statements) await ask(sql);
      child.kill('SIGTERM');
      await ended;
      return child.signalCode;
    };
    const statements = ['CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY);', 'INSERT INTO t VALUES(1);'];
    await run({ log: join(folder, 'log') }, ...statements);
    const operations = readFileSync(join(folder, 'log'), 'utf8')
      .split('\n')
      .map((line) => line.replace(/^\d+ /, '').replace(`${folder}/`, ''));
    const kill = operations.findIndex(at) + 1 + behind;
    for (const name of ['a.db', 'o.cs', 'log']) rmSync(join(folder, name));
    expect(await run({ kill }, ...statements)).toBe('SIGKILL');
    await run({}, 'INSERT INTO t VALUES(2);');
    expect(captured().sort()).toEqual([
      ['insert', 1n],
      ['insert', 2n],
    ]);
    expect(readdirSync(folder).sort()).toEqual(['a.db', 'o.cs']);
    const after = new DatabaseSync(join(folder, 'a.db'));
    expect(after.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 't' }]);
    after.close();
  });
  test('a second daemon on the same socket is refused', async () => {
    await start();
    const { child, said } = await start('--output', 'p.cs');
    expect(child.exitCode).toBe(1);
    expect(said()).toContain('another daemon listens on s');
  });
  test('killed at random under load: nothing is missing or duplicated', async () => {
    expect(await torture(api, 6)).toMatchObject({ different: 0, lost: 0 });
  });
});
