/** The owners of sessions and held changesets: the user and each component. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import {
  Changeset,
  DatabaseSync,
  DatabaseWorker,
  decodeCapture,
  type Grants,
  hostInterfaces,
} from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import '../../host/node/platform.js';
import { Handles, wasUsers } from '../../host/recording/session-handles.js';
import { dist } from '../../scripts/sources.js';
import { guest } from '../kit/guests.js';
import { connectionOf } from '../kit/internals.js';

let db: DatabaseSync;

beforeEach(() => {
  db = new DatabaseSync(':memory:', { allowExtension: true });
  db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
});
afterEach(() => {
  db.close();
  delete process.env.SQLITE_WASM_RUN_CALLS;
});

function value(sql: string, ...parameters: unknown[]): unknown {
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  return Object.values(statement.get(...parameters) ?? {})[0];
}

function failure(action: () => unknown): { message: string; errcode?: number } {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  return { message: 'nothing was thrown' };
}

const load = (name: string, grants: Grants = {}): void => db.loadExtension(guest(name), { grants });
const changesOf = (bytes: unknown): number => [...new Changeset(bytes as Uint8Array)].length;

describe('handles', () => {
  test('are small in the main thread, numbers that get() returns, and grow', () => {
    // Test files run in threads; the program does not.
    const source = `
      import { DatabaseSync } from ${JSON.stringify(join(dist, 'index.js'))};
      const db = new DatabaseSync(':memory:', { allowExtension: true });
      db.loadExtension('session');
      const made = db.prepare("SELECT session_create('main') AS a, session_create('main') AS b").get();
      console.log(JSON.stringify(made));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
      encoding: 'utf8',
    });
    const { a, b } = JSON.parse(stdout) as { a: number; b: number };
    expect(a).toBeLessThan(100_000);
    expect(b).toBe(a + 1);
  });

  test('are below 2^53 in every thread, and differ between threads', async () => {
    const handles = new Set<unknown>();
    for (let i = 0; i < 3; i++) {
      const worker = new DatabaseWorker(':memory:', { extensions: ['session'] });
      try {
        const [row] = await worker.all("SELECT session_create('main') AS h");
        expect(row?.h).toSatisfy(Number.isSafeInteger);
        handles.add(row?.h);
      } finally {
        await worker.close();
      }
    }
    expect(handles.size).toBe(3);
  });

  test.each([0, 1, 2, 2047, 2048, 5000])('are below 2^53 in thread %i, up to the last', (thread) => {
    const handles = new Handles('user', thread);
    const first = handles.next() ?? 0n;
    const last = ((first >> 42n) << 42n) + 2n ** 42n - 1n; // the highest serial and sequence
    expect(first).toBeGreaterThan(0n);
    expect(last).toBeLessThan(2n ** 53n);
  });

  test('of more than 65,535 sessions: deleted, unknown and foreign ones are distinguished', () => {
    const [one, other, components] = [new Handles('user'), new Handles('user'), new Handles('component')];
    const first = one.next() ?? 0n;
    const others = other.next() ?? 0n;
    const component = components.next() ?? 0n;
    let last = first;
    for (let i = 0; i < 200_000; i++) {
      const next = one.next() ?? 0n;
      if (next <= last || next === others) expect.fail(`${next} comes after ${last}`);
      last = next;
    }
    for (const handle of [first, first + 65_534n, last]) expect(one.gave(handle)).toBe(true);
    for (const handle of [
      0n,
      1n,
      first - 1n,
      first + 65_535n,
      last + 1n,
      others,
      component,
      2n ** 60n,
      -1n,
    ]) {
      expect(one.gave(handle)).toBe(false);
    }
    expect([first, others, last].map(wasUsers)).toEqual([true, true, true]);
    expect([component, 0n, 2n ** 52n, -1n].map(wasUsers)).toEqual([false, false, false, false]);
  });

  test('of a deleted session, an unknown one, and one of another connection', () => {
    db.loadExtension('session');
    const said = (handle: bigint): string =>
      failure(() => value('SELECT session_changeset(?)', handle)).message;
    const h = value("SELECT session_create('main')") as bigint;
    expect(said(h + 1n)).toBe(`unknown session ${h + 1n}: a handle comes from session_create`);
    value('SELECT session_delete(?)', h);
    expect(said(h)).toBe(`session ${h} was already deleted`);
    using other = new DatabaseSync(':memory:', { allowExtension: true });
    other.loadExtension('session');
    const theirs = BigInt(Number(other.prepare("SELECT session_create('main') AS h").get()?.h));
    expect(said(theirs)).toBe(
      `session ${theirs} belongs to another connection: use it on the connection that created it`,
    );
  });
});

describe.each(['direct', 'linked', 'wrapped'])('a component, calls %s,', (calls) => {
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
  });

  test('without grants is loaded, and cannot see or use the user’s sessions', () => {
    load('owners');
    db.loadExtension('session');
    using capture = db.capture();
    const h = value("SELECT session_create('main', 't')") as bigint;
    const session = db.createSession();
    db.exec("INSERT INTO t VALUES (1, 'x'), (2, 'y')");
    expect(value('SELECT own_list()')).toBe('');
    const none = `unknown session ${h}: a handle comes from session_create; the user's sessions need --allow-sessions, or grants.sessions in code`;
    for (const call of ['own_changeset', 'own_take', 'own_stop', 'own_delete', 'own_attach']) {
      expect(failure(() => value(`SELECT ${call}(?)`, h))).toMatchObject({ message: none, errcode: 21 });
    }
    // It cannot use handles that it guesses, whether they exist or existed.
    const guessed = Array.from({ length: 40 }, (_, i) => h - 20n + BigInt(i));
    for (const guess of guessed) {
      expect(failure(() => value('SELECT own_delete(?)', guess)).message).toMatch(/^unknown session/);
    }
    db.exec("INSERT INTO t VALUES (3, 'z')");
    expect(changesOf(value('SELECT session_changeset(?)', h))).toBe(3);
    expect(changesOf(session.changeset())).toBe(3);
    expect(decodeCapture(capture.read()).length).toBeGreaterThan(0);
  });

  test('without grants cannot make sessions or a diff that read the user’s rows', () => {
    load('owners');
    const refused = (what: string): object => ({
      message: `${what} reads rows of the database, which this component may not do: allow it with --allow-sql, or grants.sql in code`,
      errcode: 23,
    });
    expect(failure(() => value("SELECT own_create('main')"))).toMatchObject(refused('a session'));
    db.exec("ATTACH ':memory:' AS other; CREATE TABLE other.t(a INTEGER PRIMARY KEY, b)");
    expect(failure(() => value("SELECT own_diff(1, 'other', 't')")).message).toMatch(/^unknown session 1:/);
  });

  test('granted SQL has its own sessions, which no one else can use, and which end with it', () => {
    load('owners', { sql: 'ro' });
    db.loadExtension('session');
    const h = value("SELECT own_create('main')") as bigint;
    value('SELECT own_attach(?)', h);
    db.exec("INSERT INTO t VALUES (1, 'x')");
    expect(changesOf(value('SELECT own_changeset(?)', h))).toBe(1);
    expect(value('SELECT own_list()')).toBe(String(h));
    expect(value('SELECT count(*) FROM sessions')).toBe(0n);
    expect(failure(() => value('SELECT session_changeset(?)', h)).message).toMatch(
      /unknown session \d+: a handle/,
    );
    expect(failure(() => hostInterfaces(db).session.changeset(h)).message).toMatch(/^unknown session/);
    db.exec("ATTACH ':memory:' AS other; CREATE TABLE other.t(a INTEGER PRIMARY KEY, b)");
    expect(value("SELECT own_diff(?, 'other', 't')", h)).toBe(1n);
    expect(value('SELECT own_delete(?)', h)).toBe(1n);
    expect(failure(() => value('SELECT own_delete(?)', h))).toMatchObject({ errcode: 12 });

    const again = value("SELECT own_create('main')") as bigint;
    expect(failure(() => value('SELECT own_trap()')).message).toContain('trapped');
    load('owners', { sql: 'ro' });
    expect(value('SELECT own_list()')).toBe('');
    expect(failure(() => value('SELECT own_changeset(?)', again)).message).toMatch(/^unknown session/);
  });

  test('loaded again loses its sessions; the user’s sessions stay, even if session.wasm is loaded again', () => {
    db.loadExtension('session');
    const users = value("SELECT session_create('main', 't')") as bigint;
    load('owners', { sql: 'ro' });
    const own = value("SELECT own_create('main')") as bigint;
    value('SELECT own_attach(?)', own);
    load('owners', { sql: 'ro' });
    db.loadExtension('session');
    expect(value('SELECT own_list()')).toBe('');
    expect(failure(() => value('SELECT own_changeset(?)', own)).message).toMatch(/^unknown session/);
    db.exec("INSERT INTO t VALUES (1, 'x')");
    expect(changesOf(value('SELECT session_changeset(?)', users))).toBe(1);
  });

  test('granted the user’s sessions uses them, and its own', () => {
    load('owners', { sql: 'ro', sessions: true });
    db.loadExtension('session');
    const users = value("SELECT session_create('main', 't')") as bigint;
    const own = value("SELECT own_create('main')") as bigint;
    db.exec("INSERT INTO t VALUES (1, 'x')");
    expect(value('SELECT own_list()')).toBe(`${users} ${own}`);
    expect(changesOf(value('SELECT own_take(?)', users))).toBe(1);
    expect(value('SELECT own_delete(?)', users)).toBe(1n);
    expect(failure(() => value('SELECT session_changeset(?)', users)).message).toMatch(
      /was already deleted$/,
    );
  });

  test('counts its own sessions and changesets only', () => {
    load('owners', { sql: 'ro' });
    db.loadExtension('session');
    for (let i = 0; i < 10_000; i++) db.createSession();
    expect(failure(() => db.createSession()).message).toMatch(/^the connection already has 10000 sessions/);
    expect(value("SELECT own_create('main') > 0")).toBe(1n);
    expect(value('SELECT own_count(20000)')).toBe(10_000n);
    expect(failure(() => value("SELECT own_hold(x'', 1)")).message).toMatch(
      /^the component already has 10000 changesets/,
    );
    const { changeset } = hostInterfaces(db, { interfaces: ['changeset'] });
    expect(changeset.create()).toBe(1);
  });

  test('reads and drops no changeset that another holds', () => {
    load('owners');
    const { changeset } = hostInterfaces(db, { interfaces: ['changeset'] });
    const number = changeset.create();
    changeset.append(number, Uint8Array.of(1, 2, 3));
    expect(failure(() => value('SELECT own_size(?)', number))).toMatchObject({ errcode: 21 });
    expect(failure(() => value('SELECT own_drop(?)', number))).toMatchObject({ errcode: 21 });
    expect(value("SELECT own_hold(x'ff', 5)")).toBe(1n); // its own first one
    expect(value('SELECT own_size(1)')).toBe(5n);
    expect(changeset.size(number)).toBe(3n);
    load('owners');
    expect(failure(() => value('SELECT own_size(1)'))).toMatchObject({ errcode: 21 });
  });
});

test('sessions can be listed even when SQLite does not allow SQL, such as in a hook', async () => {
  const { sessions } = hostInterfaces(db).session;
  db.createSession();
  const listed = connectionOf(db).within('a hook', () => sessions());
  expect(listed).toHaveLength(1);
});

describe('SQL of a component', () => {
  const run = (sql: string): unknown => value('SELECT sql_query(?)', sql);

  beforeEach(() => db.loadExtension('session'));

  test('calls session functions with its own rights: it cannot read, stop or end the user’s sessions', () => {
    load('sql', { sql: 'rw' });
    const users = value("SELECT session_create('main', 't')") as bigint;
    db.exec("INSERT INTO t VALUES (1, 'x')");
    for (const call of [
      `session_changeset(${users})`,
      `session_take(${users})`,
      `session_delete(${users})`,
    ]) {
      expect(failure(() => run(`SELECT ${call}`)).message).toMatch(/unknown session .*--allow-sessions/);
    }
    expect(run('SELECT count(*) FROM sessions')).toBe(0n);
    const own = run("SELECT session_create('main', 't')") as bigint;
    db.exec("INSERT INTO t VALUES (2, 'y')");
    expect(changesOf(run(`SELECT session_changeset(${own})`))).toBe(1);
    expect(failure(() => value('SELECT session_changeset(?)', own)).message).toMatch(/unknown session/);
    expect(changesOf(value('SELECT session_changeset(?)', users))).toBe(2);
  });

  test('gets no rights from a component that was granted more', () => {
    load('owners', { sql: 'ro', sessions: true });
    load('sql', { sql: 'rw' });
    const users = value("SELECT session_create('main', 't')") as bigint;
    expect(failure(() => run(`SELECT own_delete(${users})`)).message).toMatch(/unknown session/);
    expect(value('SELECT own_delete(?)', users)).toBe(1n);
  });

  test('granted the user’s sessions reads them', () => {
    load('sql', { sql: 'ro', sessions: true });
    const users = value("SELECT session_create('main', 't')") as bigint;
    db.exec("INSERT INTO t VALUES (1, 'x')");
    expect(changesOf(run(`SELECT session_changeset(${users})`))).toBe(1);
  });
});
