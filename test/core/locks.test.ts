import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LockSystem } from '../../host/node/byte-locks.js';
import { nodeFileSystem } from '../../host/node/files.js';
import { systemLocks } from '../../host/node/system-locks.js';
import { testFolder } from '../kit/folder.js';
import { nativeShell } from '../kit/oracle.js';
import { Connection } from '../programs/connection.js';
import { codeOf, finish, hold, native, ours, run } from '../programs/run.js';

const OPEN_URI = 0x40;
const READONLY = 0x1;
const shell = nativeShell() ?? '';

const locks = systemLocks();
if (typeof locks === 'string') console.error(`no file locks, their tests are skipped: ${locks}`);

function database(sql = 'CREATE TABLE c(n); INSERT INTO c VALUES (0)'): string {
  const path = join(testFolder('files'), 'x.db');
  using db = new Connection(path);
  db.exec(sql);
  return path;
}

/** Operations of another connection, and whether they are allowed while one holds SHARED, RESERVED or EXCLUSIVE. */
const probes = ['SELECT count(*) FROM c', 'BEGIN IMMEDIATE', 'BEGIN EXCLUSIVE'];
const held = [
  ['SHARED', 'BEGIN; SELECT n FROM c', [true, true, false]],
  ['RESERVED', 'BEGIN IMMEDIATE', [true, false, false]],
  ['EXCLUSIVE', 'BEGIN EXCLUSIVE', [false, false, false]],
] as const;

function mayOurs(path: string): boolean[] {
  return probes.map((sql) => {
    using db = new Connection(path);
    const code = codeOf(() => db.exec(sql));
    expect([undefined, 5]).toContain(code);
    return code === undefined;
  });
}

function mayNative(path: string): boolean[] {
  return probes.map((sql) => {
    const { output, status } = run([shell, path, sql]);
    if (status !== 0) expect(output).toMatch(/database is locked/);
    return status === 0;
  });
}

describe.skipIf(typeof locks === 'string')('locks', () => {
  describe.each(held)('%s', (_level, sql, expected) => {
    test('of ours is seen by another connection of this process', () => {
      const path = database();
      using db = new Connection(path);
      db.exec(sql);
      expect(mayOurs(path)).toEqual(expected);
      db.exec('COMMIT');
      expect(mayOurs(path)).toEqual([true, true, true]);
    });

    test.skipIf(!shell)('of ours is seen by native sqlite3', () => {
      const path = database();
      using db = new Connection(path);
      db.exec(sql);
      expect(mayNative(path)).toEqual(expected);
      db.exec('COMMIT');
      expect(mayNative(path)).toEqual([true, true, true]);
    });

    test.skipIf(!shell)('of native sqlite3 is seen by us', async () => {
      const path = database();
      const other = await hold([shell, path], `${sql};\n.system echo ready\n`);
      expect(mayOurs(path)).toEqual(expected);
      await other.release();
      expect(mayOurs(path)).toEqual([true, true, true]);
    });
  });

  test('two processes of this package and a native one count to exactly 1200', async () => {
    const path = database();
    const count = 'BEGIN IMMEDIATE; UPDATE c SET n=n+1; COMMIT';
    const mine = ours(path, 60_000, `.repeat 400 ${count}`);
    const outputs = await Promise.all([
      finish(mine),
      finish(mine),
      shell ? finish([shell, '-bail', path], `.timeout 60000\n${`${count};\n`.repeat(400)}`) : finish(mine),
    ]);
    expect(outputs).toEqual(['', '', '']);
    using db = new Connection(path);
    expect(db.value('SELECT n FROM c')).toBe(1200);
    expect(db.value('PRAGMA integrity_check')).toBe('ok');
  });

  test("one's own reserved lock does not count as another writer's", () => {
    const path = database();
    const files = nodeFileSystem({ locking: 'auto' });
    const [one, two] = [files.open(path, 0x102).file, files.open(path, 0x102).file];
    one.lock(1);
    one.lock(2);
    two.lock(1);
    expect([one.checkReservedLock(), two.checkReservedLock()]).toEqual([false, true]);
    one.unlock(1);
    expect([one.checkReservedLock(), two.checkReservedLock()]).toEqual([false, false]);
    one.close();
    two.close();
  });

  test('a waiting writer keeps new readers out', () => {
    const path = database();
    using reader = new Connection(path);
    using writer = new Connection(path);
    reader.exec('BEGIN; SELECT n FROM c');
    writer.exec('BEGIN IMMEDIATE; UPDATE c SET n=1');
    expect(codeOf(() => writer.exec('COMMIT'))).toBe(5);
    expect(mayOurs(path)).toEqual([false, false, false]);
    reader.exec('COMMIT');
    writer.exec('COMMIT');
    expect(reader.value('SELECT n FROM c')).toBe(1);
  });

  test('reading or closing the file elsewhere in the process drops no lock', () => {
    const path = database();
    using db = new Connection(path);
    db.exec('BEGIN EXCLUSIVE');
    readFileSync(path);
    const other = new Connection(path);
    expect(codeOf(() => other.exec('SELECT * FROM c'))).toBe(5);
    other.close();
    expect(mayOurs(path)).toEqual([false, false, false]);
    if (shell) expect(mayNative(path)).toEqual([false, false, false]);
  });

  describe('WAL if files cannot be mapped into memory', () => {
    const wal = 'PRAGMA journal_mode=wal; CREATE TABLE c(n); INSERT INTO c VALUES (0)';
    const mappings = (): string => 'nothing is mapped here';
    const open = (path: string, flags?: number): Connection =>
      new Connection(path, { mappings, ...(flags && { flags }) });

    test("a database is one connection's at a time", () => {
      const path = database(wal);
      using one = open(path);
      using two = open(path);
      expect(one.value('SELECT n FROM c')).toBe(0);
      expect((codeOf(() => two.exec('SELECT n FROM c')) ?? 0) & 0xff).toBe(5);
      one.exec('UPDATE c SET n=1');
      if (shell) expect(mayNative(path)).toEqual([false, false, false]);
      one.close();
      expect(two.value('SELECT n FROM c')).toBe(1);
      expect(two.value('PRAGMA journal_mode')).toBe('wal');
    });

    test('which the error of the other reports, and they do not wait for each other forever', () => {
      const path = database(wal);
      const files = nodeFileSystem({ locking: 'auto' }, systemLocks, mappings);
      const [one, two] = [files.open(path, 0x102).file, files.open(path, 0x102).file];
      const memory = new Uint8Array(0);
      one.lock(1);
      one.walIndex.open(0, 32_768, true, false);
      one.unlock(0);
      expect(() => two.lock(1)).toThrow(
        /in WAL mode can be open in one connection at a time, because nothing is mapped here; another connection has it open/,
      );
      one.walIndex.close(memory, false);
      two.lock(1);
      two.walIndex.open(0, 32_768, true, false);
      expect(() => one.lock(1)).toThrow(/one connection at a time/);
      two.close();
      one.lock(1);
      one.close();
    });

    test('two connections from before the change to WAL mode block each other', () => {
      const path = database();
      using one = open(path);
      using two = open(path);
      expect([one.value('SELECT n FROM c'), two.value('SELECT n FROM c')]).toEqual([0, 0]);
      one.exec('PRAGMA journal_mode=wal; UPDATE c SET n=1');
      expect((codeOf(() => two.exec('SELECT n FROM c')) ?? 0) & 0xff).toBe(5);
      one.exec('PRAGMA journal_mode=delete');
      expect(two.value('SELECT n FROM c')).toBe(1);
      two.exec('UPDATE c SET n=2');
      expect(one.value('SELECT n FROM c')).toBe(2);
    });

    test.skipIf(!shell)('goes from native sqlite3 to us and back', async () => {
      const path = join(testFolder('files'), 'x.db');
      native(shell, path, 'PRAGMA journal_mode=wal', 'CREATE TABLE c(n)', 'INSERT INTO c VALUES (1)');
      // The native process ends without a checkpoint, so its changes are only in the WAL.
      const script = 'PRAGMA wal_autocheckpoint=0;\nINSERT INTO c VALUES (2);\n.system kill -9 $PPID\n';
      run([shell, path], script);
      expect(existsSync(`${path}-wal`)).toBe(true);
      {
        using db = open(path);
        expect(db.value('SELECT sum(n) FROM c')).toBe(3);
        db.exec('INSERT INTO c VALUES (3)');
      }
      const answer = native(
        shell,
        path,
        'PRAGMA journal_mode',
        'PRAGMA integrity_check',
        'SELECT sum(n) FROM c',
      );
      expect(answer).toBe('wal\nok\n6');
    });

    test.skipIf(!shell)('is busy at once while native sqlite3 has it open, and free after', async () => {
      const path = database(wal);
      const other = await hold([shell, path], 'SELECT n FROM c;\n.system echo ready\n');
      using db = open(path);
      const start = performance.now();
      expect((codeOf(() => db.exec('SELECT n FROM c')) ?? 0) & 0xff).toBe(5);
      expect(performance.now() - start).toBeLessThan(1000);
      await other.release();
      expect(db.value('SELECT n FROM c')).toBe(0);
    });

    test('cannot be read-only, and the message explains why', () => {
      const path = database(wal);
      using db = open(path, READONLY);
      expect(() => db.exec('SELECT n FROM c')).toThrow(
        /read-only: it is in WAL mode, and nothing is mapped here/,
      );
    });
  });
});

describe('without locks', () => {
  const none = (): string => 'koffi is not installed';
  const unsupported: LockSystem = {
    call: 'fcntl',
    of: () => ({ set: () => constants.errno.ENOTSUP, test: () => -constants.errno.EINVAL }),
    meaning: () => 'unsupported',
  };
  const providers = [
    ['koffi is not installed', none],
    ['its file system does not support it', () => unsupported],
  ] as const;
  const filled = (name = 'x.db'): string => {
    const path = join(testFolder('files'), name);
    using db = new Connection(path, { vfs: 'node-none' });
    db.exec('CREATE TABLE c(n); INSERT INTO c VALUES (3)');
    return path;
  };

  test('opening is refused with a message that explains what to do, and no file is made', () => {
    const path = join(testFolder('files'), 'x.db');
    const open = (): Connection => new Connection(path, { locks: none });
    expect(codeOf(open)).toBe(14);
    expect(open).toThrow(
      `unable to open database file: cannot open ${path}: file locking is unavailable (koffi is not installed); ` +
        "if nothing else uses the file, pass --locking none, or locking: 'none' in code",
    );
    expect(existsSync(path)).toBe(false);
  });

  test.each(providers)('opening is refused for writing and for reading alike: %s', (why, provider) => {
    const path = filled();
    for (const flags of [READONLY, undefined]) {
      const open = (): Connection => new Connection(path, { locks: provider, ...(flags && { flags }) });
      expect(open).toThrow(`file locking is unavailable (${why})`);
    }
  });

  test.each(providers)('a URI that asks for no locks is opened: %s', (_why, provider) => {
    const path = filled();
    {
      using db = new Connection(`file:${path}?nolock=1`, { locks: provider, flags: 0x6 | OPEN_URI });
      db.exec('UPDATE c SET n=4');
      expect(db.value('SELECT n FROM c')).toBe(4);
    }
    using db = new Connection(`file:${path}?immutable=1`, { locks: provider, flags: READONLY | OPEN_URI });
    expect(db.value('SELECT n FROM c')).toBe(4);
    expect(codeOf(() => db.exec('UPDATE c SET n=5'))).toBe(8);
  });

  test("locking: 'none' reads, writes and takes no lock", () => {
    const path = join(testFolder('files'), 'x.db');
    using db = new Connection(path, { vfs: 'node-none' });
    db.exec('CREATE TABLE c(n); INSERT INTO c VALUES (3); BEGIN EXCLUSIVE; UPDATE c SET n=4');
    using other = new Connection(path, { vfs: 'node-none' });
    expect(codeOf(() => other.exec('BEGIN EXCLUSIVE; ROLLBACK'))).toBe(undefined);
    db.exec('COMMIT');
    expect(other.value('SELECT n FROM c')).toBe(4);
  });

  test("locking: 'none' keeps a WAL database to one connection of the process", () => {
    const path = join(testFolder('files'), 'x.db');
    using db = new Connection(path, { vfs: 'node-none' });
    db.exec('PRAGMA journal_mode=wal; CREATE TABLE c(n); INSERT INTO c VALUES (3)');
    using other = new Connection(path, { vfs: 'node-none' });
    expect((codeOf(() => other.exec('SELECT n FROM c')) ?? 0) & 0xff).toBe(5);
    db.close();
    expect(other.value('SELECT n FROM c')).toBe(3);
  });
});
