/** `sqlite-wasm-run replica`: copies that follow a history on a real NATS server, driven from the command line. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, dirname, isAbsolute } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { lines } from '../kit/daemon-client.js';
import { testFolder } from '../kit/folder.js';
import { program, type Ran, runProgram } from '../kit/program.js';
import { NatsServer, serverVersion } from './nats-server.js';

const reason =
  serverVersion === undefined ? ' (skipped: set NATS_SERVER to a nats-server, or put one in PATH)' : '';
if (reason) console.log(`cli-replica${reason}`);

let folder: string;
let server: NatsServer;
let running: ChildProcess[];
let count = 0;
let name: string;
beforeAll(async () => {
  if (reason) return;
  server = new NatsServer();
  await server.start();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  folder = testFolder('cli-replica');
  running = [];
  name = `cli${++count}`;
});
afterEach(async () => {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

/** The PATH with a server, which `--server local` needs. */
const named = process.env['NATS_SERVER'];
const path =
  named && isAbsolute(named) ? `${dirname(named)}${delimiter}${process.env['PATH']}` : process.env['PATH'];

const history = (): string[] => ['--server', server.address, '--name', name];
const run = (...args: string[]): Ran =>
  runProgram(['replica', ...args], { cwd: folder, env: { PATH: path } });
const ask = (command: string, ...args: string[]): Ran => run(command, ...args, ...history());

interface Running {
  readonly child: ChildProcess;
  said(): string;
  /** Ends the process as a user does. Returns the exit code. */
  end(): Promise<number | null>;
}

/** Starts `replica run` with a database and a socket, both of which begin with `id`. */
async function start(id: string, ...more: string[]): Promise<Running> {
  const args = ['replica', 'run', '--db', `${id}.db`, '--socket', `${id}.s`, ...more];
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { ...process.env, PATH: path },
  });
  running.push(child);
  let said = '';
  child.stderr.on('data', (data) => {
    said += data;
  });
  const ended = once(child, 'exit');
  while (!said.includes('listening') && child.exitCode === null) {
    await Promise.race([once(child.stderr, 'data'), ended]);
  }
  return {
    child,
    said: () => said,
    async end() {
      child.kill('SIGTERM');
      await ended;
      return child.exitCode;
    },
  };
}

/** A client of the socket that begins with `id`. */
async function client(id: string): Promise<(sql: string) => Promise<string>> {
  const { ask } = await lines(folder, `${id}.s`);
  return ask;
}

/** Repeats a request until the answer is right. */
async function until(action: () => Promise<string>, wanted: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const got = await action();
    if (got === wanted) return;
    if (tries > 200) expect(got).toBe(wanted);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

describe.skipIf(reason !== '')(`over ${serverVersion ?? 'no server'}${reason}`, () => {
  test('one copy writes, another one reads; log, undo, verify and snapshot ask the one that runs', async () => {
    const a = await start('a', '--create', ...history());
    expect(a.said()).toBe('listening on a.s; online at message 0\n');
    const b = await start('b', '--read-only', ...history());
    const [write, read] = [await client('a'), await client('b')];
    expect(await write('CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, n INT);')).toBe(
      '-- ok, 0 rows, 0 changes\n',
    );
    expect(await write('INSERT INTO t(n) VALUES(1),(2) RETURNING id;')).toBe(
      '1\n2\n-- ok, 2 rows, 2 changes\n',
    );
    await until(() => read('SELECT * FROM t;'), '1\t1\n2\t2\n-- ok, 2 rows, 0 changes\n');
    expect(await read('DELETE FROM t;')).toBe(
      '-- error 8: this copy is read-only (--read-only): write to another copy\n',
    );
    const log = ask('log').out.replaceAll(/\d{4}-\S+Z {2}[0-9a-f]{8}/g, 'WHEN WHO');
    expect(log).toBe(
      '1  WHEN WHO  ! CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, n INT)  (sql)\n2  WHEN WHO  t +2  (sql)\n',
    );
    expect(ask('log', '2', '--db', 'a.db').out).toMatch(
      /^2 .*\n\ntransaction .*\nt\n {2}\+ id=1, n=1\n {2}\+ id=2, n=2\n$/,
    );
    expect(ask('log', '1', '--db', 'a.db').out).toMatch(/\n! CREATE TABLE t\(/);
    expect(JSON.parse(ask('log', '2', '--db', 'a.db', '--json').out)).toMatchObject({
      sequence: 2,
      transactions: [{ entries: [{ tables: [{ name: 't' }] }] }],
    });
    expect(ask('undo', '2', '--db', 'a.db')).toEqual({
      code: 0,
      out: '',
      err: 'message 3 undoes message 2\n',
    });
    await until(() => read('SELECT count(*) FROM t;'), '0\n-- ok, 1 rows, 0 changes\n');
    const again = ask('undo', '2', '--db', 'a.db');
    expect([again.code, again.err]).toEqual([
      3,
      expect.stringContaining('other transactions have changed the same rows'),
    ]);
    expect(ask('undo', '1', '--db', 'a.db').err).toContain('changes the schema, which cannot be undone');
    expect(ask('undo', '2', '--db', 'b.db').err).toContain('this copy is read-only (--read-only)');
    expect(ask('verify', '--db', 'a.db').code).toBe(0);
    expect(ask('verify', '--db', 'b.db')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\S+: 1 table at message 3\n\S+: equal\n$/),
    });
    expect(ask('snapshot', '--trim', '--db', 'a.db').err).toMatch(
      /^stored snapshot-\S+: \d+ bytes, after message 3\nremoved 2 messages and 0 objects\n$/,
    );
    expect(ask('log').out.match(/^\d+/gm)).toEqual(['3']);
    const c = await start('c', ...history());
    expect(c.said()).toMatch(/^loaded a snapshot of \d+ bytes\nlistening on c\.s; online at message 3\n$/);
    for (const one of [a, b, c]) expect(await one.end()).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['a.db', 'b.db', 'c.db']);
  });

  test('a transaction of several requests: rolled back, committed, with a schema change; it runs again on the new state', async () => {
    await start('a', '--create', ...history());
    await start('b', ...history());
    const [a, b] = [await client('a'), await client('b')];
    await a('CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, n INT);');
    await until(() => b('SELECT count(*) FROM t;'), '0\n-- ok, 1 rows, 0 changes\n');
    await a('BEGIN;');
    await a('INSERT INTO t(n) VALUES(1);');
    await a('ROLLBACK;');
    expect(await a('COMMIT;')).toBe('-- error 1: cannot commit - no transaction is active\n');
    await a('BEGIN;');
    await a('CREATE TABLE u(k TEXT PRIMARY KEY NOT NULL);');
    await a("INSERT INTO u VALUES('x');");
    expect(await a('COMMIT;')).toBe('-- ok, 0 rows, 0 changes\n');
    await until(() => b('SELECT * FROM u;'), 'x\n-- ok, 1 rows, 0 changes\n');
    // Both insert a row with the id 1, one of them in a transaction that is open when the message of the other arrives.
    await b('BEGIN;');
    await b('INSERT INTO t(n) VALUES(20);');
    await a('INSERT INTO t(n) VALUES(10);');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await b('UPDATE t SET n=n+1;');
    await b('COMMIT;');
    for (const one of [a, b]) {
      await until(() => one('SELECT * FROM t ORDER BY id;'), '1\t11\n2\t21\n-- ok, 2 rows, 0 changes\n');
    }
    expect(await a('UPDATE _sqlite_wasm_run_replica SET sequence=0;')).toContain('-- error 23: ');
    expect(await a('VACUUM;')).toContain('-- error');
  });

  test('--max-rows: a copy stops before a message with more rows and reports it', async () => {
    await start('a', '--create', ...history());
    const b = await start('b', '--max-rows', '2', ...history());
    const [write, read] = [await client('a'), await client('b')];
    await write('CREATE TABLE t(a INTEGER PRIMARY KEY);');
    await write('INSERT INTO t VALUES(1), (2);');
    await until(() => read('SELECT count(*) FROM t;'), '2\n-- ok, 1 rows, 0 changes\n');
    await write('INSERT INTO t VALUES(3), (4), (5);');
    const what = async () => String(b.said().includes('changes 3 rows, and this copy accepts 2'));
    await until(what, 'true');
    expect(await b.end()).not.toBe(0);
  });

  test('--wait answers with a sequence number; --policy reject: rejected transactions are listed, shown, retried and dropped', async () => {
    const a = await start('a', '--create', '--wait', ...history());
    const one = await client('a');
    await one('CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, n INT);');
    await one("INSERT INTO t VALUES('x', 1);");
    const b = await start('b', '--policy', 'reject', ...history());
    const two = await client('b');
    await until(() => two('SELECT n FROM t;'), '1\n-- ok, 1 rows, 0 changes\n');
    expect(await b.end()).toBe(0);
    await one("UPDATE t SET n=2 WHERE id='x';");
    expect(ask('log').out.match(/^\d+/gm)).toEqual(['1', '2', '3']);
    // Written while offline, so that it conflicts with the changes of the other copy.
    const offline = ['--server', 'nats://127.0.0.1:1', '--name', name];
    const away = await start('b', '--policy', 'reject', ...offline);
    const three = await client('b');
    await three("UPDATE t SET n=n+10 WHERE id='x';");
    await three("INSERT INTO t VALUES('x2', 1);");
    expect((await three('.status')).startsWith('-- offline at message 2, 2 transactions pending')).toBe(true);
    await away.end();
    expect(run('status', '--db', 'b.db', '--json').out).toContain('"pending": 2');
    const back = await start('b', '--policy', 'reject', ...history());
    const four = await client('b');
    await until(() => four('SELECT n FROM t ORDER BY id;'), '2\n1\n-- ok, 2 rows, 0 changes\n');
    const [id = ''] = run('rejected', '--db', 'b.db').out.split(' ');
    expect(run('rejected', '--db', 'b.db').out).toMatch(
      /^\S+ {2}\S+ {2}conflict at message 3: its changes conflict with the history/,
    );
    expect(run('rejected', 'show', id.slice(0, 8), '--db', 'b.db').out).toBe("t\n  ~ id='x' | n: 1 -> 11\n");
    expect(ask('rejected', 'retry', id, '--db', 'b.db')).toMatchObject({
      code: 0,
      err: `${id} is message 5 now\n`,
    });
    expect(run('rejected', '--db', 'b.db').out).toBe('');
    await until(() => one("SELECT n FROM t WHERE id='x';"), '12\n-- ok, 1 rows, 0 changes\n');
    expect(run('rejected', 'drop', id, '--db', 'b.db')).toMatchObject({ code: 1 });
    expect(run('rejected', 'drpo', '--db', 'b.db')).toMatchObject({
      code: 2,
      err: 'sqlite-wasm-run replica rejected: unknown action "drpo"; did you mean drop?\n',
    });
    await Promise.all([a.end(), back.end()]);
  });

  test('changes of another program are refused, adopted and published; a detached copy is a plain database', async () => {
    const a = await start('a', '--create', ...history());
    const one = await client('a');
    await one('CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, n INT);');
    await one("INSERT INTO t VALUES('x', 1), ('y', 1), ('z', 1);");
    await until(() => one('.status'), '-- online at message 2\n');
    await a.end();
    const file = `${folder}/a.db`;
    {
      using database = new DatabaseSync(file);
      database.exec(
        "UPDATE t SET n=5 WHERE id='x'; DELETE FROM t WHERE id='y'; INSERT INTO t VALUES('w', 0)",
      );
    }
    const refused = await start('a', ...history());
    expect(refused.said()).toContain('another program wrote to');
    expect(ask('adopt', '--db', 'a.db').err).toMatch(/^3 changes pending as transaction \S+\n$/);
    expect(ask('adopt', '--db', 'a.db').err).toBe('nothing differs\n');
    {
      using database = new DatabaseSync(file);
      database.exec('CREATE TABLE other(x)');
    }
    expect(ask('adopt', '--db', 'a.db').err).toContain('the schema was changed too');
    {
      using database = new DatabaseSync(file);
      database.exec('DROP TABLE other');
    }
    expect(ask('adopt', '--db', 'a.db').err).toBe('nothing differs\n');
    expect(run('detach', '--db', 'a.db')).toMatchObject({
      code: 1,
      err: expect.stringContaining('1 transaction pending'),
    });
    await start('a', ...history());
    await until(
      async () =>
        ask('log')
          .out.split('\n')
          .slice(2)
          .join('')
          .replace(/\S+Z {2}\S+/, ''),
      '3    t +1 ~1 -1',
    );
    const b = await start('b', ...history());
    const two = await client('b');
    await until(() => two('SELECT * FROM t ORDER BY id;'), 'w\t0\nx\t5\nz\t1\n-- ok, 3 rows, 0 changes\n');
    expect(run('detach', '--db', 'b.db').err).toContain('end it first');
    await b.end();
    expect(run('detach', '--db', 'b.db')).toMatchObject({ code: 0 });
    using database = new DatabaseSync(`${folder}/b.db`);
    expect(database.prepare('SELECT name FROM sqlite_schema').all()).toEqual([
      { name: 't' },
      { name: 'sqlite_autoindex_t_1' },
    ]);
  });

  test('--server local starts a server whose port stays, and ends it', async () => {
    name = 'own';
    const local = ['--server', 'local', '--name', name];
    const a = await start('a', '--create', ...local);
    const address = /server: (\S+)\n/.exec(a.said())?.[1];
    const one = await client('a');
    await one('CREATE TABLE t(id INTEGER PRIMARY KEY);');
    expect(run('log', '--server', `${address}`, '--name', name).out).toContain('CREATE TABLE t');
    await a.end();
    expect(run('log', '--server', `${address}`, '--name', name)).toMatchObject({ code: 1 });
    expect(run('log', '--db', 'a.db', ...local).out).toContain('CREATE TABLE t');
    const b = await start('a', ...local);
    expect(b.said()).toContain(`server: ${address}\n`);
    expect(b.said()).toContain('online at message 1');
    expect(await b.end()).toBe(0);
  }, 30_000);

  test('one process runs a copy; a request to its socket ends it', async () => {
    const a = await start('a', '--create', ...history());
    const second = run('run', '--db', 'a.db', ...history());
    expect(second).toMatchObject({
      code: 1,
      err: expect.stringMatching(/process \d+ is already running a replica on a\.db/),
    });
    const one = await client('a');
    const ended = once(a.child, 'exit');
    expect(await one('.quit')).toBe('-- online at message 0\n');
    await ended;
    expect(a.child.exitCode).toBe(0);
    expect(existsSync(`${folder}/a.db-replica`)).toBe(false);
  });
});

test.each([
  ['replica status', '--db FILE is missing; see sqlite-wasm-run replica status --help'],
  [
    'replica run --db a.db --name x',
    '--server nats://HOST is missing; see sqlite-wasm-run replica run --help',
  ],
  [
    'replica run --db a.db --server nats://h --nam x',
    'unknown option --nam; did you mean --name? See sqlite-wasm-run replica run --help',
  ],
  [
    'replica log --server foo://user:secret@h --name x',
    '--server: "foo://h" is not the address of a NATS server, such as nats://HOST, nats://HOST:PORT or tls://HOST',
  ],
  [
    'replica log --server nats://h --name x y',
    '"y" is not the number of a message, as "replica log" prints it',
  ],
  [
    'replica log --server nats://h --name x.y',
    '--name x.y: The "options.name" argument must be 1 to 100 letters, digits, "-" and "_".',
  ],
  [
    'replica log --server local --name x',
    '--server local needs --db FILE, because the storage of the server is next to the database',
  ],
  [
    'replica run --db a.db --server nats://h --name x --policy merge',
    '--policy takes rerun, reject, ours or theirs, not "merge"; see sqlite-wasm-run replica run --help',
  ],
  [
    'replica run --db a.db --server nats://h --name x --read-only --create',
    '--create cannot be used with --read-only',
  ],
  [
    'replica run --db a.db --server nats://h --name x --max-rows 0',
    '--max-rows takes a number from 1 to 2147483647, not "0"',
  ],
])('%s', (line, message) => {
  const { code, err } = runProgram(line.split(' '), { cwd: folder });
  expect([code, err]).toEqual([2, `sqlite-wasm-run ${line.split(' ').slice(0, 2).join(' ')}: ${message}\n`]);
  expect(readdirSync(folder)).toEqual([]);
});

test('a group of commands, each with help', () => {
  const { code, err } = runProgram(['replica', 'statsu']);
  expect([code, err]).toEqual([
    2,
    'sqlite-wasm-run replica: unknown command "statsu"; did you mean status?\n',
  ]);
  expect(runProgram(['replica', 'adopt', '--help']).out).toContain(
    'Turn changes of another program to the file into a transaction.',
  );
  const { out } = runProgram(['completion', 'bash']);
  for (const word of ['rejected', 'retry', '--read-only', 'rerun']) expect(out).toContain(word);
});
