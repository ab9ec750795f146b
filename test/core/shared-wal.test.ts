/** WAL databases that several connections, threads and processes use at once, including native sqlite3. */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { DatabaseSync } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';
import type { LockSystem } from '../../host/node/byte-locks.js';
import { flawOf, type Mappings, systemMappings } from '../../host/node/mapping.js';
import { systemLocks } from '../../host/node/system-locks.js';
import { dist } from '../../scripts/sources.js';
import { testFolder } from '../kit/folder.js';
import { nativeShell } from '../kit/oracle.js';
import { runBank } from '../programs/bank-run.js';
import { Connection } from '../programs/connection.js';
import { codeOf, hasStrace, hold, native, ours, run, traced } from '../programs/run.js';

const READONLY = 0x1;
const READWRITE = 0x2;
const CREATE = 0x4;
const URI = 0x40;
const BUSY = 5;
const BUSY_SNAPSHOT = 517;
const IOERR_SHMMAP = 5386;

const root = process.geteuid?.() === 0;
const nobody = 65_534;
const shell = nativeShell() ?? '';
const found = systemMappings();
const mapped = typeof found === 'string' ? undefined : found;
if (typeof found === 'string') console.error(`no shared WAL, its tests are skipped: ${found}`);

function database(sql = 'CREATE TABLE c(n); INSERT INTO c VALUES (0)'): string {
  const path = join(testFolder('files'), 'x.db');
  using db = new Connection(path);
  db.exec(`PRAGMA journal_mode=wal; ${sql}`);
  return path;
}

/** The WAL and its index as they are in the folder. */
function left(path: string): string[] {
  return ['-wal', '-shm'].filter((suffix) => existsSync(path + suffix));
}

describe.skipIf(!mapped || typeof systemLocks() === 'string')('a WAL database', () => {
  test('is used by two connections, each with its own snapshot', () => {
    const path = database();
    using one = new Connection(path);
    using two = new Connection(path);
    one.exec('BEGIN; SELECT n FROM c');
    two.exec('UPDATE c SET n=1');
    expect([one.value('SELECT n FROM c'), two.value('SELECT n FROM c')]).toEqual([0, 1]);
    expect(codeOf(() => one.exec('UPDATE c SET n=2'))).toBe(BUSY_SNAPSHOT);
    one.exec('COMMIT; BEGIN IMMEDIATE');
    expect(codeOf(() => two.exec('UPDATE c SET n=3'))).toBe(BUSY);
    one.exec('UPDATE c SET n=4; COMMIT');
    expect(two.value('SELECT n FROM c')).toBe(4);
    two.close();
    expect(left(path)).toEqual(['-wal', '-shm']);
    one.close();
    expect(left(path)).toEqual([]);
  });

  test.skipIf(!shell)('that is open here is used by native sqlite3', () => {
    const path = database();
    using db = new Connection(path);
    expect(db.value('SELECT n FROM c')).toBe(0);
    expect(native(shell, path, 'UPDATE c SET n=n+1', 'SELECT n FROM c')).toBe('1');
    expect(db.value('SELECT n FROM c')).toBe(1);
    db.exec('BEGIN IMMEDIATE; UPDATE c SET n=7');
    expect(run([shell, path, 'SELECT n FROM c']).output).toBe('1');
    expect(run([shell, path, 'UPDATE c SET n=8']).output).toMatch(/database is locked/);
    db.exec('COMMIT');
    expect(native(shell, path, 'SELECT n FROM c')).toBe('7');
  });

  test.skipIf(!shell)('that native sqlite3 has open is used here', async () => {
    const path = database();
    const script = 'SELECT n FROM c;\n.system echo ready\n.once /dev/null\nBEGIN;\nSELECT n FROM c;\n';
    const other = await hold([shell, path], script);
    {
      using db = new Connection(path);
      for (let i = 0; i < 100; i++) db.exec('UPDATE c SET n=n+1');
      expect(db.value('SELECT n FROM c')).toBe(100);
    }
    expect(left(path)).toEqual(['-wal', '-shm']);
    expect(await other.release()).toMatch(/^0\nready/);
    expect(left(path)).toEqual([]);
    expect(native(shell, path, 'SELECT n FROM c')).toBe('100');
  });

  test.skipIf(!shell)('waits for a writer of the other kind by the busy timeout', async () => {
    const path = database();
    const other = await hold(
      [shell, path],
      'BEGIN IMMEDIATE;\nUPDATE c SET n=5;\n.system echo ready; sleep 1\nCOMMIT;\n',
    );
    using db = new Connection(path, { timeout: 30_000 });
    db.exec('UPDATE c SET n=n+1');
    expect(db.value('SELECT n FROM c')).toBe(6);
    await other.release();
  });

  test('is incremented exactly by threads, and a terminated thread leaves no lock', async () => {
    const path = database();
    const source = `const { workerData, parentPort } = require('node:worker_threads');
      import(workerData.api).then(({ DatabaseSync }) => {
        const db = new DatabaseSync(workerData.path, { timeout: 60000 });
        if (workerData.hold) {
          db.exec('BEGIN IMMEDIATE; UPDATE c SET n=-1');
          parentPort.postMessage('held');
          setInterval(() => db.isOpen, 1000);
          return;
        }
        for (let i = 0; i < 200; i++) db.exec('UPDATE c SET n=n+1');
        db.close();
      });`;
    const api = pathToFileURL(join(dist, 'index.js')).href;
    const start = (holds: boolean): Worker =>
      new Worker(source, { eval: true, workerData: { api, path, hold: holds } });
    const ended = (worker: Worker): Promise<void> =>
      new Promise((resolve, reject) => worker.on('error', reject).on('exit', () => resolve()));
    using db = new Connection(path, { timeout: 60_000 });
    const others = [ended(start(false)), ended(start(false))];
    for (let i = 0; i < 200; i++) db.exec('UPDATE c SET n=n+1');
    await Promise.all(others);
    expect(db.value('SELECT n FROM c')).toBe(600);

    const holder = start(true);
    await new Promise((resolve) => holder.on('message', resolve));
    using quick = new Connection(path);
    expect(codeOf(() => quick.exec('UPDATE c SET n=0'))).toBe(BUSY);
    await holder.terminate();
    db.exec('UPDATE c SET n=n+1');
    expect(db.value('SELECT n FROM c')).toBe(601);
  });

  test('bank: two writers and a reader of ours, and native ones', async () => {
    const path = join(testFolder('files'), 'bank.db');
    const result = await runBank(path, shell || undefined, 6);
    expect(result).toMatchObject({ wrong: 0, said: '', kills: 0 });
    expect(result.counted).toBe(result.acknowledged);
    expect(result.counted).toBeGreaterThan(100);
    expect(result.reads.ours).toBeGreaterThan(10);
    if (shell) expect(native(shell, path, 'PRAGMA integrity_check')).toBe('ok');
    expect(left(path)).toEqual([]);
  });

  describe.skipIf(!shell)('after a kill', () => {
    test('of ours is recovered by native sqlite3, and by us', () => {
      const path = database();
      run(
        ours(
          path,
          0,
          'PRAGMA wal_autocheckpoint=0',
          '.repeat 50 UPDATE c SET n=n+1',
          'BEGIN',
          'UPDATE c SET n=-1',
          '.kill',
        ),
      );
      expect(left(path)).toEqual(['-wal', '-shm']);
      const copy = join(testFolder('files'), 'x.db');
      for (const suffix of ['', '-wal', '-shm']) copyFileSync(path + suffix, copy + suffix);
      expect(native(shell, path, 'PRAGMA integrity_check', 'SELECT n FROM c')).toBe('ok\n50');
      using db = new Connection(copy);
      expect([db.value('PRAGMA integrity_check'), db.value('SELECT n FROM c')]).toEqual(['ok', 50]);
    });

    test('of native sqlite3 is recovered by us, whatever is in the index', () => {
      const path = database();
      const updates = 'UPDATE c SET n=n+1;\n'.repeat(25);
      run(
        [shell, path],
        `PRAGMA wal_autocheckpoint=0;\n${updates}.system cp ${path}-shm ${path}.old\n${updates}.system kill -9 $PPID\n`,
      );
      expect(left(path)).toEqual(['-wal', '-shm']);
      // The index as a power failure may leave it: valid but older than the WAL, or with any content.
      for (const index of [readFileSync(`${path}.old`), Buffer.alloc(32_768, 0x5a)]) {
        const copy = join(testFolder('files'), 'x.db');
        for (const suffix of ['', '-wal']) copyFileSync(path + suffix, copy + suffix);
        writeFileSync(`${copy}-shm`, index);
        using db = new Connection(copy);
        expect([db.value('PRAGMA integrity_check'), db.value('SELECT n FROM c')]).toEqual(['ok', 50]);
      }
    });

    test('of ours while native sqlite3 has it open', async () => {
      const path = database();
      const other = await hold([shell, path], 'SELECT n FROM c;\n.system echo ready\n');
      run(ours(path, 0, '.repeat 50 UPDATE c SET n=n+1', 'BEGIN', 'UPDATE c SET n=-1', '.kill'));
      using db = new Connection(path);
      expect(db.value('SELECT n FROM c')).toBe(50);
      db.exec('UPDATE c SET n=n+1');
      expect(native(shell, path, 'SELECT n FROM c')).toBe('51');
      await other.release();
    });
  });

  test('with a WAL of several regions, while the memory grows by 200 MB', () => {
    const path = database('CREATE TABLE b(x)');
    using db = new Connection(path, { timeout: 10_000 });
    const fill = `WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM i WHERE n<5000)
      INSERT INTO b SELECT zeroblob(3500) FROM i`;
    db.exec(`PRAGMA wal_autocheckpoint=0; ${fill}`);
    expect(statSync(`${path}-shm`).size).toBe(65_536);
    db.grow(100 * 2 ** 20);
    if (shell) native(shell, path, 'PRAGMA wal_autocheckpoint=0', fill);
    else db.exec(fill);
    expect(db.value('SELECT count(*) FROM b')).toBe(10_000);
    db.grow(100 * 2 ** 20);
    db.exec(fill);
    expect(statSync(`${path}-shm`).size).toBe(32_768 * 4);
    if (shell) {
      const said = native(
        shell,
        path,
        'SELECT count(*) FROM b',
        'PRAGMA wal_checkpoint(TRUNCATE)',
        'DELETE FROM b WHERE rowid>1',
      );
      expect(said).toMatch(/^15000\n0\|0\|0/);
      expect(db.value('SELECT count(*) FROM b')).toBe(1);
    }
    expect(db.value('PRAGMA integrity_check')).toBe('ok');
  });

  test('frees its memory without a trace in the index of the others', () => {
    const path = database();
    using one = new Connection(path);
    one.exec('UPDATE c SET n=1');
    const others = Array.from({ length: 20 }, () => new Connection(path));
    for (const other of others) expect(other.value('SELECT n FROM c')).toBe(1);
    for (const other of others) other.close();
    const before = readFileSync(`${path}-shm`);
    using filler = new Connection(':memory:');
    filler.exec(`CREATE TABLE b(x); WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM i WHERE n<2000)
      INSERT INTO b SELECT randomblob(3000) FROM i`);
    expect(readFileSync(`${path}-shm`).equals(before)).toBe(true);
    expect(one.value('SELECT n FROM c')).toBe(1);
    if (process.platform === 'linux') {
      const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
      expect(maps.filter((line) => line.endsWith(`${path}-shm`)).length).toBe(1);
    }
  });

  test('is abandoned if the memory moved', () => {
    const path = database();
    let moved = 0;
    const moving = {
      ...(mapped as Mappings),
      addressOf: (memory: Uint8Array) => (mapped as Mappings).addressOf(memory) + moved,
    };
    {
      using db = new Connection(path, { mappings: () => moving });
      expect(db.value('SELECT n FROM c')).toBe(0);
      moved = 65_536;
      expect(db.value('SELECT n FROM c')).toBe(0); // nobody looks while it does not grow
      db.grow(65_536);
      expect(codeOf(() => db.value('SELECT n FROM c'))).toBe(IOERR_SHMMAP);
      expect(() => db.value('SELECT n FROM c')).toThrow(
        /the memory has moved, so .*-shm is no longer mapped: open the database again/,
      );
      moved = 0;
    }
    using db = new Connection(path);
    expect(db.value('SELECT n FROM c')).toBe(0);
  });

  test('is shared only if a trial shows that mapping works', () => {
    const real = mapped as Mappings;
    const broken: [Partial<Mappings>, string][] = [
      [{ map: () => 12 }, 'mmap failed with error 12'],
      [{ map: () => 0 }, 'bytes written to the mapping do not reach the file'],
      [
        { map: (...[at, length, fd, offset]) => real.map(at, length, fd, offset, true) },
        'bytes written to the mapping do not reach the file',
      ],
      [{ unmap: () => 0 }, 'it cannot be removed'],
      [{ addressOf: (memory) => real.addressOf(memory) + 1 }, 'it does not start at a page'],
    ];
    for (const [part, flaw] of broken) expect(flawOf({ ...real, ...part })).toBe(flaw);
    let asked = 0;
    const moving = {
      ...real,
      addressOf: (memory: Uint8Array) => real.addressOf(memory) + (asked++ > 1 ? 4096 : 0),
    };
    expect(flawOf(moving)).toBe('it moves when it grows');
    expect(flawOf(real)).toBe(undefined);
  });

  test('that another is opening is opened a little later, without a busy timeout', async () => {
    const path = database();
    using first = new Connection(path);
    expect(first.value('SELECT n FROM c')).toBe(0);
    first.close();
    const source = `const { workerData, parentPort } = require('node:worker_threads');
      const { openSync, closeSync } = require('node:fs');
      import(workerData.module).then(({ systemLocks }) => {
        const fd = openSync(workerData.path, 'a+');
        systemLocks().of(fd).set('write', 128, 1);
        parentPort.postMessage('held');
        setTimeout(() => closeSync(fd), 300);
      });`;
    const module = pathToFileURL(join(dist, 'internals.js')).href;
    const worker = new Worker(source, { eval: true, workerData: { module, path: `${path}-shm` } });
    const ended = new Promise((resolve) => worker.on('exit', resolve));
    await new Promise((resolve) => worker.on('message', resolve));
    const start = performance.now();
    using db = new Connection(path);
    expect(db.value('SELECT n FROM c')).toBe(0);
    expect(performance.now() - start).toBeGreaterThan(100);
    await ended;
  });

  test('maps two regions at once if the pages of the system are large', () => {
    const path = database('CREATE TABLE b(x)');
    const large = { ...(mapped as Mappings), pageSize: 65_536 };
    using db = new Connection(path, { mappings: () => large });
    db.exec(`PRAGMA wal_autocheckpoint=0; INSERT INTO b VALUES (1)`);
    expect(statSync(`${path}-shm`).size).toBe(65_536);
    for (let i = 0; i < 3; i++) {
      db.exec(`WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM i WHERE n<3000)
        INSERT INTO b SELECT zeroblob(3500) FROM i`);
    }
    expect(statSync(`${path}-shm`).size).toBe(131_072);
    using other = new Connection(path);
    expect(other.value('SELECT count(*) FROM b')).toBe(9001);
    if (shell)
      expect(native(shell, path, 'SELECT count(*) FROM b', 'PRAGMA integrity_check')).toBe('9001\nok');
  });

  test.skipIf(!hasStrace())('on a full disk fails with an error, and is whole after it', () => {
    const path = database();
    const { output } = traced(
      ['-f', '-e', 'trace=pwrite64', '-e', 'inject=pwrite64:error=ENOSPC', '-P', `${path}-shm`],
      ours(path, 0, 'SELECT n FROM c'),
    );
    expect(output).toMatch(/^4874 disk I\/O error: ENOSPC/); // SQLITE_IOERR_SHMSIZE
    using db = new Connection(path);
    expect(db.value('SELECT n FROM c')).toBe(0);
    // There must be no holes, because a signal would end a process that writes to one.
    expect(statSync(`${path}-shm`).blocks * 512).toBeGreaterThanOrEqual(32_768);
  });

  test.skipIf(!shell)('is checkpointed in every mode as by native sqlite3, and leaves the same files', () => {
    const modes = ['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'];
    const checkpoints = modes
      .map((mode) => `INSERT INTO c VALUES ('${mode}');\nPRAGMA wal_checkpoint(${mode});\n`)
      .join('');
    const script = (
      end: string,
    ): string => `PRAGMA journal_mode=wal;\nPRAGMA wal_autocheckpoint=0;\nCREATE TABLE c(n);
.connection 1\n.open x.db\nBEGIN;\nSELECT count(*) FROM c;\n.connection 0\n${checkpoints}
.connection 1\nSELECT count(*) FROM c;\nINSERT INTO c VALUES (0);\nCOMMIT;\nSELECT count(*) FROM c;\n.connection 0\n${checkpoints}
PRAGMA wal_autocheckpoint=10;\n${'INSERT INTO c VALUES (zeroblob(9000));\n'.repeat(20)}PRAGMA wal_checkpoint;\n${end}`;
    const ends = [
      '',
      '.filectrl persist_wal 1\n',
      '.filectrl persist_wal 1\n.filectrl persist_wal -1\nPRAGMA journal_size_limit=1000;\n.filectrl persist_wal\n',
      'PRAGMA journal_size_limit=20000;\nPRAGMA wal_autocheckpoint=0;\nINSERT INTO c VALUES (zeroblob(90000));\nPRAGMA wal_checkpoint(RESTART);\nINSERT INTO c VALUES (1);\n.system ls -l x.db-wal | cut -d " " -f 5\n',
      '.connection 1\n.close\n.connection 0\nPRAGMA journal_mode=delete;\nINSERT INTO c VALUES (1);\nPRAGMA journal_mode=wal;\n',
      'PRAGMA journal_mode=delete;\n',
      'PRAGMA locking_mode=exclusive;\nINSERT INTO c VALUES (1);\nSELECT count(*) FROM c;\n.connection 1\nSELECT 1 FROM c;\n',
    ];
    for (const end of ends) {
      const [theirs, own] = [[shell], [process.execPath, join(dist, 'cli/main.js')]].map(
        ([program = '', ...args]) => {
          const cwd = testFolder('files');
          const { stdout, stderr } = spawnSync(program, [...args, 'x.db'], {
            cwd,
            input: script(end),
            encoding: 'utf8',
          });
          const files = readdirSync(cwd).map((name) => [name, statSync(join(cwd, name)).size]);
          return { stdout, stderr, files };
        },
      );
      expect(own).toEqual(theirs);
      expect(theirs?.stdout).toContain('1|');
    }
  });

  test('returns to a journal only when no other connection has it open', () => {
    const path = database();
    using one = new Connection(path);
    using two = new Connection(path);
    expect(two.value('SELECT n FROM c')).toBe(0);
    expect(codeOf(() => one.exec('PRAGMA journal_mode=delete'))).toBe(BUSY);
    two.close();
    expect(one.value('PRAGMA journal_mode=delete')).toBe('delete');
    expect(left(path)).toEqual([]);
    using three = new Connection(path);
    three.exec('UPDATE c SET n=1; PRAGMA journal_mode=wal');
    one.exec('UPDATE c SET n=n+1');
    expect(three.value('SELECT n FROM c')).toBe(2);
  });

  describe('to read only', () => {
    const open = (path: string, query: string, flags = READONLY): Connection =>
      new Connection(`file:${path}?${query}`, { flags: flags | URI });
    /** A database with its last transaction only in the WAL, because its writer was killed. */
    const abandoned = (): string => {
      const path = database();
      run(ours(path, 0, 'PRAGMA wal_autocheckpoint=0', 'UPDATE c SET n=7', '.kill'));
      expect(left(path)).toEqual(['-wal', '-shm']);
      return path;
    };

    test('sees what a writer commits meanwhile', () => {
      const path = database();
      using writer = new Connection(path);
      writer.exec('UPDATE c SET n=1');
      using reader = new DatabaseSync(path, { readOnly: true });
      const read = reader.prepare('SELECT n FROM c');
      expect(read.get()).toEqual({ n: 1 });
      writer.exec('UPDATE c SET n=2');
      expect(read.get()).toEqual({ n: 2 });
      expect(() => reader.exec('UPDATE c SET n=3')).toThrow('attempt to write a readonly database');
      if (shell) native(shell, path, 'UPDATE c SET n=4');
      else writer.exec('UPDATE c SET n=4');
      expect(read.get()).toEqual({ n: 4 });
    });

    test('reads what a writer left that was killed, and without the last transaction as immutable', () => {
      const path = abandoned();
      using fixed = open(path, 'immutable=1');
      expect(fixed.value('SELECT n FROM c')).toBe(0);
      using db = new Connection(path, { flags: READONLY });
      expect(db.value('SELECT n FROM c')).toBe(7);
      expect(codeOf(() => db.exec('UPDATE c SET n=8'))).toBe(8);
    });

    test('maps an index that it may not write, and survives that the memory grows', () => {
      const path = database();
      using writer = new Connection(path);
      writer.exec('UPDATE c SET n=1');
      using reader = open(path, 'readonly_shm=1', READWRITE);
      expect(reader.value('SELECT n FROM c')).toBe(1);
      for (let i = 2; i < 5; i++) {
        reader.grow(50 * 2 ** 20);
        if (shell) native(shell, path, 'UPDATE c SET n=n+1');
        else writer.exec('UPDATE c SET n=n+1');
        expect(reader.value('SELECT n FROM c')).toBe(i);
      }
      expect(codeOf(() => reader.exec('UPDATE c SET n=9'))).toBe(8);
      writer.exec('UPDATE c SET n=n+1');
      expect(reader.value('SELECT n FROM c')).toBe(5);
    });

    test('makes its own index while no process may write it, and leaves it when a writer comes', () => {
      const path = abandoned();
      const before = statSync(`${path}-shm`).mtimeMs;
      using reader = open(path, 'readonly_shm=1');
      expect(reader.value('SELECT n FROM c')).toBe(7);
      expect(reader.value('SELECT n FROM c')).toBe(7);
      expect(statSync(`${path}-shm`).mtimeMs).toBe(before);
      using writer = new Connection(path);
      writer.exec('UPDATE c SET n=n+1');
      expect(reader.value('SELECT n FROM c')).toBe(8);
      writer.exec('PRAGMA wal_checkpoint(TRUNCATE); UPDATE c SET n=n+1');
      expect(reader.value('SELECT n FROM c')).toBe(9);
      writer.close();
      // While the reader has the index open, the next writer must not truncate the mapped file.
      const fd = openSync(`${path}-shm`, 'r+');
      expect((systemLocks() as LockSystem).of(fd).test(128, 1)).toBe(1);
      closeSync(fd);
    });

    test('fails with SQLITE_READONLY_RECOVERY or SQLITE_READONLY_CANTINIT if the index would have to be written', () => {
      const path = database();
      using writer = new Connection(path);
      writer.exec('UPDATE c SET n=1');
      const fd = openSync(`${path}-shm`, 'r+');
      try {
        writeSync(fd, Buffer.alloc(20, 0xff), 0, 20, 100); // WalCkptInfo.aReadMark: no mark is in use
        using unmarked = open(path, 'readonly_shm=1');
        expect(codeOf(() => unmarked.value('SELECT n FROM c'))).toBe(1288);
        if (shell) {
          const { output } = run([shell, '-readonly', `file:${path}?readonly_shm=1`, 'SELECT n FROM c']);
          expect(output).toMatch(/attempt to write a readonly database \(8\)/);
        }
        writeSync(fd, Buffer.alloc(136), 0, 136, 0);
        using headless = open(path, 'readonly_shm=1');
        expect(codeOf(() => headless.value('SELECT n FROM c'))).toBe(264);
      } finally {
        closeSync(fd);
      }
      expect(writer.value('SELECT n FROM c')).toBe(1); // it recovers
    });

    /** Operations that are not allowed, on a database in the named state. */
    const forbidden: [string, (path: string) => void][] = [
      ['clean, folder', (path) => chmodSync(join(path, '..'), 0o555)],
      ['clean, file', (path) => chmodSync(path, 0o444)],
      ['left, folder', (path) => chmodSync(join(path, '..'), 0o555)],
      ['left, index', (path) => chmodSync(`${path}-shm`, 0o444)],
      ['left, reading the index', (path) => chmodSync(`${path}-shm`, 0o600)],
      ['left, reading the WAL', (path) => chmodSync(`${path}-wal`, 0o600)],
      ['live, folder', (path) => chmodSync(join(path, '..'), 0o555)],
      ['live, file', (path) => chmodSync(path, 0o444)],
      ['live, index', (path) => chmodSync(`${path}-shm`, 0o444)],
      ['live, WAL', (path) => chmodSync(`${path}-wal`, 0o444)],
    ];
    test.skipIf(!root || !shell).each(forbidden)(
      'without permissions, as native sqlite3: %s',
      (name, forbid) => {
        const prepare = (): { path: string; close: () => void } => {
          const path = name.startsWith('left') ? abandoned() : database();
          const writer = name.startsWith('live') ? new Connection(path) : undefined;
          writer?.exec('UPDATE c SET n=3');
          const base = join(path, '..');
          chmodSync(base, 0o777);
          copyFileSync(shell, join(base, 'sqlite3'));
          for (const file of readdirSync(base)) chmodSync(join(base, file), 0o777);
          forbid(path);
          return { path, close: () => writer?.close() };
        };
        const statements = ['SELECT n FROM c', 'SELECT n FROM c', 'UPDATE c SET n=4', 'SELECT n FROM c'];
        const theirs = prepare();
        const expected = statements.map((sql) => {
          const program = join(theirs.path, '../sqlite3');
          const { stdout, stderr, error } = spawnSync(program, [theirs.path, '-cmd', '.timeout 0', sql], {
            uid: nobody,
            encoding: 'utf8',
          });
          if (error) throw error;
          return /readonly/.test(stderr)
            ? 8
            : /unable to open/.test(stderr)
              ? 14
              : `${stderr}${stdout.trim()}`;
        });
        theirs.close();
        const own = prepare();
        process.seteuid?.(nobody);
        try {
          const got = statements.map((sql) => {
            using db = new Connection(own.path, { flags: READWRITE | CREATE });
            let value: string | number | undefined;
            const code = codeOf(() => {
              value = db.value(sql);
            });
            return code === undefined ? `${value ?? ''}` : code & 0xff;
          });
          expect(got).toEqual(expected);
        } finally {
          process.seteuid?.(0);
          own.close();
        }
      },
    );

    test('is shown and compared on the command line while a writer has it', () => {
      const [path, other] = [
        database('CREATE TABLE t(k INTEGER PRIMARY KEY, v)'),
        database('CREATE TABLE t(k INTEGER PRIMARY KEY, v)'),
      ];
      using writer = new Connection(path);
      writer.exec("INSERT INTO t VALUES (1, 'one')");
      using second = new Connection(other);
      second.exec("INSERT INTO t VALUES (1, 'one'), (2, 'two')");
      const changes = join(testFolder('files'), 'x.cs');
      const tool = join(dist, 'cli/main.js');
      const made = run([process.execPath, tool, 'changeset', 'diff', path, other, '-o', changes]);
      expect(made).toEqual({ output: '', status: 0 });
      const { output } = run([process.execPath, tool, 'changeset', 'show', changes, '--db', path]);
      expect(output).toMatch(/v.*two/);
    });
  });
});
