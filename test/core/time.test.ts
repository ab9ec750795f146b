/** Statements that do not end. SQLite is interrupted; if a component is computing, its thread is terminated. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync, DatabaseWorker, SqliteError, TimeoutError } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';
import { sharedFolder } from '../kit/folder.js';
import { guest as guestPath } from '../kit/guests.js';
import { nativeShell } from '../kit/oracle.js';
import { program } from '../kit/program.js';

const guest = guestPath('hostile');

/** Never ends, but can be interrupted. */
const endless = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';
/** Never ends and cannot be interrupted. */
const runaway = 'SELECT hostile(17)';
/** Writes more than the cache holds, so that the file is changed before the transaction is committed. */
const largeTransaction = `PRAGMA cache_size = 2; BEGIN; UPDATE t SET b = randomblob(2000);
  INSERT INTO t SELECT a + 1000, randomblob(2000) FROM t;`;

const folder = sharedFolder('time');

/** A file with a table of 100 rows. */
function made(name: string): string {
  const file = join(folder, name);
  const db = new DatabaseSync(file);
  db.exec(`CREATE TABLE t(a INTEGER PRIMARY KEY, b);
    WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100) INSERT INTO t SELECT x, 'kept' FROM c`);
  db.close();
  return file;
}

/** Checks with every available SQLite that the table is unchanged. */
function expectIntact(file: string): void {
  const sql =
    "SELECT count(*) || ' ' || sum(b = 'kept') || ' ' || (SELECT * FROM pragma_integrity_check) AS v FROM t";
  const native = nativeShell();
  if (native) {
    const { stdout, stderr } = spawnSync(native, [file, sql], { encoding: 'utf8' });
    expect(stderr + stdout).toBe('100 100 ok\n');
  }
  const db = new DatabaseSync(file);
  expect(db.prepare(sql).get()?.v).toBe('100 100 ok');
  db.close();
}

describe('in a thread of its own', () => {
  const extensions = [{ path: guest, grants: { sql: 'rw' } as const }];

  test('a database is used as in any', async () => {
    const db = new DatabaseWorker(':memory:', { database: { readBigInts: true }, extensions });
    await db.exec('CREATE TABLE t(a, b)');
    expect(await db.run('INSERT INTO t VALUES (?, ?), (?, NULL)', [1n, Uint8Array.of(1, 2), 'x'])).toEqual({
      changes: 2n,
      lastInsertRowid: 2n,
    });
    expect(await db.all('SELECT * FROM t')).toEqual([
      { a: 1n, b: Uint8Array.of(1, 2) },
      { a: 'x', b: null },
    ]);
    expect(await db.all('SELECT :n AS n, hostile(0) AS h', [{ n: 'named' }])).toEqual([
      { n: 'named', h: 1n },
    ]);
    await expect(db.all('SELECT nosuch')).rejects.toThrow(SqliteError);
    await expect(db.all('SELECT nosuch')).rejects.toMatchObject({
      errcode: 1,
      message: 'no such column: nosuch',
    });
    await db.close();
    await expect(db.exec('SELECT 1')).rejects.toMatchObject({ code: 'ERR_INVALID_STATE' });
  });

  test('statements that can be interrupted are, and the connection stays usable', async () => {
    const db = new DatabaseWorker(':memory:', { timeout: 200 });
    await db.exec('CREATE TEMP TABLE t(a)');
    await expect(db.all(endless)).rejects.toMatchObject({
      code: 'ERR_SQLITE_TIMEOUT',
      connectionLost: false,
    });
    expect(await db.all('SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }]);
    await db.close();
  });

  test('a component that never ends loses the connection, and the file is unchanged', async () => {
    const file = made('worker.db');
    const db = new DatabaseWorker(file, { extensions });
    await db.exec(largeTransaction);
    const stuck = db.all(runaway, [], { timeout: 200 });
    const behind = db.exec('INSERT INTO t VALUES (5000, 1)');
    const [first, second] = await Promise.allSettled([stuck, behind]);
    for (const one of [first, second]) {
      if (one.status === 'fulfilled') throw new Error('it came to an end');
      expect(one.reason).toBeInstanceOf(TimeoutError);
      expect(one.reason).toMatchObject({ connectionLost: true });
      expect(one.reason.message).toContain('uncommitted transactions are rolled back');
    }
    expect(existsSync(`${file}-journal`)).toBe(true);
    expectIntact(file);
    expect(await db.all('SELECT count(*) AS n, hostile(0) AS h FROM t')).toEqual([{ n: 100, h: 1 }]);
    await db.close();
    expectIntact(file);
  });

  test('a thread reports that its database cannot be opened', async () => {
    const db = new DatabaseWorker(join(folder, 'no/such/folder.db'));
    await expect(db.exec('SELECT 1')).rejects.toThrow(SqliteError);
    await db.close();
    const unknown = new DatabaseWorker(':memory:', { extensions: ['nowhere'] });
    await expect(unknown.exec('SELECT 1')).rejects.toThrow('no such file: nowhere');
    await unknown.close();
  });
});

describe('--timeout, without a terminal', () => {
  const shell = (args: string[], input: string): { stdout: string; stderr: string; status: number | null } =>
    spawnSync(process.execPath, [program, ...args], { input, encoding: 'utf8', cwd: folder });

  test('statements within the limit are not interrupted', () => {
    const statements = Array.from({ length: 200 }, (_, i) => `SELECT ${i};\n`).join('');
    const { stdout, stderr, status } = shell(['--timeout', '2', ':memory:'], statements);
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toHaveLength(201);
    expect(status).toBe(0);
  });

  test('statements that can be interrupted are', () => {
    const { stderr, status } = shell(['--timeout', '0.3', ':memory:'], `${endless};\n`);
    expect(stderr).toContain('a statement ran for more than 0.3 seconds: interrupting it (--timeout)\n');
    expect(stderr).toContain('interrupted');
    expect(status).toBe(1);
  });

  test('a component in an endless loop is stopped with the shell, and the file is unchanged', () => {
    const file = made('pipe.db');
    const input = `.load ${guest}\n${largeTransaction}\n${runaway};\nSELECT 'not reached';\n`;
    const { stdout, stderr, status } = shell(['--allow-sql', '--timeout', '1', file], input);
    expect(stderr).toContain('could not be interrupted, so its connection was closed');
    expect(stdout).not.toContain('not reached');
    expect(status).toBe(1);
    expect(existsSync(`${file}-journal`)).toBe(true);
    expectIntact(file);
  });

  test.each([
    ['returns its name', 'e'],
    ['describes its functions', 'v'],
  ])('a component that never ends while it %s is ended, too', (_what, mode) => {
    const bytes = readFileSync(guest);
    bytes.write(mode, bytes.indexOf('MODE:') + 5);
    const file = join(folder, `endless-${mode}.wasm`);
    writeFileSync(file, bytes);
    const began = Date.now();
    const args = ['--allow-sql', '--timeout', '2', ':memory:'];
    const { stdout, stderr, status } = shell(args, `.load ${file}\nSELECT 'not reached';\n`);
    expect(stderr).toContain(
      'a component took more than 2 seconds to load and could not be interrupted, so its connection was closed',
    );
    expect(stdout).toBe('');
    expect(status).toBe(1);
    expect(Date.now() - began).toBeLessThan(10_000);
  });

  test('a load within a statement is part of it, and one that ends in time is allowed', () => {
    const input = `SELECT load_extension('${guest}') IS NULL;\n.load ${guest}\nSELECT hostile(0);\n`;
    const { stdout, stderr } = shell(['--allow-sql', '--timeout', '20', ':memory:'], input);
    expect(stderr).toBe('');
    expect(stdout).toBe('1\n1\n');
  });

  test('a component is not prepared for longer', () => {
    const file = join(folder, 'fresh.wasm');
    writeFileSync(file, Buffer.concat([readFileSync(guest), Buffer.from([0, 2, 1, 0x66])])); // which no cache has
    const { stderr, status } = shell(
      ['--allow-sql', '--timeout', '0.05', ':memory:'],
      `.load ${file}\nSELECT 1;\n`,
    );
    expect(stderr).toMatch(
      /could not be prepared within 0\.05 seconds|a component took more than 0\.05 seconds/,
    );
    expect(status).toBe(1);
  });
});

const hasTmux = spawnSync('tmux', ['-V']).status === 0;
if (!hasTmux) console.error('no tmux: the test of Ctrl-C is skipped');

describe.skipIf(!hasTmux)('on a terminal', () => {
  const socket = `time-${process.pid}`;
  const tmux = (...args: string[]): string => {
    const { stdout, stderr, status } = spawnSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      cwd: folder,
      env: { ...process.env, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8' },
    });
    if (status !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`);
    return stdout;
  };
  const type = (line: string): void => {
    tmux('send-keys', '-l', line.replace(/;$/, '\\;'));
    tmux('send-keys', 'Enter');
  };
  const shows = async (pattern: RegExp): Promise<void> => {
    for (const end = Date.now() + 20_000; ; await sleep(50)) {
      const text = tmux('capture-pane', '-p', '-S', '-200').trimEnd();
      if (pattern.test(text)) return;
      if (Date.now() > end) throw new Error(`the screen never matched ${pattern}:\n${text}`);
    }
  };

  test('Ctrl-C ends a component that never ends, and the shell continues with the same database', async () => {
    const file = made('terminal.db');
    tmux('new-session', '-d', '-x', '150', '-y', '60', 'env', 'PS1=$ ', 'HISTFILE=', 'sh');
    try {
      type(
        `SQLITE_HISTORY='${folder}/history' '${process.execPath}' '${program}' --allow-sql; echo left with $?`,
      );
      await shows(/^sqlite> *$/m);
      type(`.open ${file}`);
      type(`.load ${guest}`);
      type(largeTransaction.replace(/\s+/g, ' '));
      type("SELECT 'ready', count(*) FROM t;");
      await shows(/ready +│ +200/);
      type(`${runaway};`);
      await sleep(500);
      tmux('send-keys', 'C-c');
      await shows(/a statement was interrupted by Ctrl-C and could not be interrupted[\s\S]*sqlite> *$/);
      type("SELECT 'again', count(*), sum(b = 'kept') FROM t;");
      await shows(/again +│ +100 +│ +100/);
      type('.quit');
      await shows(/left with 0/);
    } finally {
      tmux('kill-server');
    }
    expectIntact(file);
  });
});
