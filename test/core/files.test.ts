import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';
import { nodeFileSystem } from '../../host/node/files.js';
import { testFolder } from '../kit/folder.js';
import { nativeShell } from '../kit/oracle.js';
import { Connection } from '../programs/connection.js';
import { codeOf, hasStrace, native, ours, run, traced } from '../programs/run.js';

const READONLY = 0x1;
const READWRITE = 0x2;
const CREATE = 0x4;
const MAIN_DB = 0x100;
const NOFOLLOW = 0x1000000;

const shell = nativeShell();
const files = nodeFileSystem({ locking: 'auto' });
const linux = process.platform === 'linux';
const root = process.geteuid?.() === 0;

/** Runs an action as another user, because permissions do not apply to root. */
function asNobody(action: () => void): void {
  if (!root) {
    action();
    return;
  }
  process.seteuid?.(65534);
  try {
    action();
  } finally {
    process.seteuid?.(0);
  }
}

/** A table of 20,000 rows with `dirty` = 0 in each. */
function makeRows(file: string): void {
  using db = new Connection(file);
  db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, dirty INT, text TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000)
    INSERT INTO t SELECT i, 0, printf('row %d', i) FROM n`);
}

describe('paths', () => {
  test('are made absolute, with dots and symbolic links resolved as they come', () => {
    const base = realpathSync(testFolder('files'));
    mkdirSync(join(base, 'a/b'), { recursive: true });
    mkdirSync(join(base, 'c'));
    symlinkSync('../a/b', join(base, 'c/link'));
    symlinkSync(join(base, 'a/b/real.db'), join(base, 'c/other.db'));
    expect(files.fullPathname(`${base}//a/./b/../x.db`)).toBe(join(base, 'a/x.db'));
    expect(files.fullPathname(`${base}/c/link/../x.db`)).toBe(join(base, 'a/x.db'));
    expect(files.fullPathname(`${base}/c/other.db`)).toBe(join(base, 'a/b/real.db'));
    expect(files.fullPathname(`${base}/not/there/x.db`)).toBe(join(base, 'not/there/x.db'));
    expect(files.fullPathname(relative(process.cwd(), join(base, 'x.db')))).toBe(join(base, 'x.db'));
  });

  test('a loop of symbolic links cannot be opened', () => {
    const base = testFolder('files');
    symlinkSync('b', join(base, 'a'));
    symlinkSync('a', join(base, 'b'));
    expect(codeOf(() => new Connection(join(base, 'a')))).toBe(14);
  });

  test('SQLITE_OPEN_NOFOLLOW refuses a symbolic link, and only that', () => {
    const base = realpathSync(testFolder('files'));
    symlinkSync('real.db', join(base, 'link.db'));
    const flags = READWRITE | CREATE | NOFOLLOW;
    using real = new Connection(join(base, 'real.db'), { flags });
    real.exec('CREATE TABLE t(a)');
    expect(codeOf(() => new Connection(join(base, 'link.db'), { flags }))).toBe(1550);
    using linked = new Connection(join(base, 'link.db'));
    expect(linked.value('SELECT count(*) FROM t')).toBe(0);
  });

  test('a directory is not a database', () => {
    const base = testFolder('files');
    expect(codeOf(() => new Connection(base))).toBe(526);
    expect(codeOf(() => new Connection(base, { flags: READONLY }))).toBe(526);
  });

  test('a database that cannot be created or does not exist: the message says what is absent', () => {
    expect(() => new Connection('/not/there/x.db')).toThrow(
      'unable to open database file: the folder /not/there does not exist',
    );
    const absent = join(testFolder('absent'), 'x.db');
    expect(() => new DatabaseSync(absent, { readOnly: true })).toThrow(
      `unable to open database file: ${absent} does not exist`,
    );
  });
});

describe('files', () => {
  test('an empty file does not exist for SQLite, a folder does', () => {
    const base = testFolder('files');
    writeFileSync(join(base, 'empty'), '');
    writeFileSync(join(base, 'full'), 'x');
    const exists = (name: string): boolean => files.access(join(base, name), 0);
    expect([exists('empty'), exists('full'), exists(''), exists('missing'), exists('full/x')]).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
  });

  test('deleting a missing file is an error, and moved files are detected', () => {
    const base = testFolder('files');
    expect(codeOf(() => files.delete(join(base, 'missing'), true))).toBe(5898);
    const path = join(base, 'x.db');
    const { file } = files.open(path, READWRITE | CREATE | MAIN_DB);
    expect(file.hasMoved()).toBe(false);
    renameSync(path, join(base, 'y.db'));
    expect(file.hasMoved()).toBe(true);
    writeFileSync(path, '');
    expect(file.hasMoved()).toBe(true);
    unlinkSync(path);
    symlinkSync('x.db', path); // a loop, so the path cannot be resolved
    expect(file.hasMoved()).toBe(true);
    file.close();
  });

  test('bytes beyond 4 GiB are read where they were written', () => {
    const path = join(testFolder('files'), 'large');
    const { file } = files.open(path, READWRITE | CREATE | MAIN_DB);
    const memory = new Uint8Array(200_000).map((_, i) => i % 251);
    const at = 5 * 2 ** 30 + 65_536;
    file.write(memory, 1000, 65_536, at);
    expect(file.size()).toBe(at + 65_536);
    const back = new Uint8Array(200_000);
    expect(file.read(back, 7, 65_536, at)).toBe(65_536);
    expect(Buffer.compare(back.subarray(7, 7 + 65_536), memory.subarray(1000, 1000 + 65_536))).toBe(0);
    expect(file.read(back, 0, 65_536, at + 60_000)).toBe(5536);
    expect(file.read(back, 0, 16, at + 65_536)).toBe(0);
    file.truncate(100);
    expect(file.size()).toBe(100);
    file.close();
  });

  test.skipIf(!shell)('a database past 4 GiB is written by us and read by native sqlite3', () => {
    const path = join(testFolder('files'), 'large.db');
    {
      using db = new Connection(path);
      db.exec('PRAGMA page_size=65536; CREATE TABLE t(a)');
    }
    // The header and the file have 5 GiB, so new pages are added after that.
    const pages = Buffer.alloc(4);
    pages.writeUInt32BE(5 * 2 ** 14);
    const fd = openSync(path, 'r+');
    writeSync(fd, pages, 0, 4, 28);
    closeSync(fd);
    truncateSync(path, 5 * 2 ** 30);
    {
      using db = new Connection(path);
      db.exec("INSERT INTO t VALUES (replace(hex(zeroblob(100000)), '0', 'x'))");
    }
    expect(statSync(path).size).toBeGreaterThan(5 * 2 ** 30);
    expect(native(shell ?? '', path, "SELECT length(a), a NOT LIKE '%0%' FROM t")).toBe('200000|1');
  });

  test('new databases may be read by all, and journals have the mode and owner of their database', () => {
    const path = join(testFolder('files'), 'x.db');
    const before = process.umask(0o022);
    try {
      using db = new Connection(path);
      db.exec('CREATE TABLE t(a)');
      expect(statSync(path).mode & 0o777).toBe(0o644);
      chmodSync(path, 0o660);
      if (root) chownSync(path, 1234, 1235);
      db.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)');
      const journal = statSync(`${path}-journal`);
      expect(journal.mode & 0o777).toBe(0o660);
      if (root) expect([journal.uid, journal.gid]).toEqual([1234, 1235]);
      db.exec('COMMIT; PRAGMA journal_mode=wal; INSERT INTO t VALUES (2)');
      expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o660);
    } finally {
      process.umask(before);
    }
  });

  test('files that may not be written are read', () => {
    const base = testFolder('files');
    const path = join(base, 'x.db');
    {
      using db = new Connection(path);
      db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (7)');
    }
    chmodSync(base, 0o777);
    chmodSync(path, 0o444);
    asNobody(() => {
      using db = new Connection(path);
      expect(db.value('SELECT a FROM t')).toBe(7);
      expect(codeOf(() => db.exec('INSERT INTO t VALUES (8)'))).toBe(8);
    });
    chmodSync(path, 0o666);
    chmodSync(base, 0o555);
    asNobody(() => {
      using db = new Connection(path);
      expect(db.value('SELECT a FROM t')).toBe(7);
      expect(codeOf(() => db.exec('INSERT INTO t VALUES (8)'))).toBe(1544);
      expect(codeOf(() => new Connection(join(base, 'new.db')))).toBe(14);
    });
    chmodSync(base, 0o755);
  });

  test('large sorts and temporary tables go to files that have no name and leave nothing', () => {
    const base = testFolder('files');
    const before = process.env.SQLITE_TMPDIR;
    process.env.SQLITE_TMPDIR = base;
    try {
      using db = new Connection(':memory:');
      db.exec(`PRAGMA temp_store=1; PRAGMA cache_size=10; PRAGMA temp.cache_size=10;
        CREATE TEMP TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<200000)
          SELECT i, hex(i*7919%200003) AS h FROM n`);
      expect(db.value('SELECT count(DISTINCT h) FROM (SELECT h FROM t ORDER BY h DESC)')).toBe(200_000);
      expect(readdirSync(base)).toEqual([]);
      if (linux) {
        const open = readdirSync('/proc/self/fd').map((fd) => {
          try {
            return readlinkSync(`/proc/self/fd/${fd}`);
          } catch {
            return '';
          }
        });
        expect(open.filter((name) => name.startsWith(join(realpathSync(base), 'etilqs_')))).not.toEqual([]);
      }
    } finally {
      if (before === undefined) delete process.env.SQLITE_TMPDIR;
      else process.env.SQLITE_TMPDIR = before;
    }
    expect(readdirSync(base)).toEqual([]);
  });
});

describe('crashes and faults', () => {
  test('a transaction that a killed process left incomplete is rolled back', () => {
    const base = testFolder('files');
    const path = join(base, 'x.db');
    makeRows(path);
    const killed = run(
      ours(path, 0, 'PRAGMA cache_size=20', 'BEGIN', "UPDATE t SET dirty=1, text='new '||text", '.kill'),
    );
    expect(killed.status).toBe('SIGKILL');
    expect(statSync(`${path}-journal`).size).toBeGreaterThan(1000);
    const copy = join(base, 'copy.db');
    copyFileSync(path, copy);
    copyFileSync(`${path}-journal`, `${copy}-journal`);

    // Two processes at once: one rolls back, and the other waits or starts later.
    using db = new Connection(path, { timeout: 5000 });
    using other = new Connection(path, { timeout: 5000 });
    expect(db.value('SELECT sum(dirty) FROM t')).toBe(0);
    expect(other.value('SELECT count(*) FROM t')).toBe(20_000);
    expect(db.value('PRAGMA integrity_check')).toBe('ok');
    expect(existsSync(`${path}-journal`)).toBe(false);
    if (!shell) return;
    expect(native(shell, path, 'PRAGMA integrity_check', 'SELECT sum(dirty) FROM t')).toBe('ok\n0');
    native(shell, copy, 'SELECT count(*) FROM t');
    expect(Buffer.compare(readFileSync(copy), readFileSync(path))).toBe(0);
  });

  test('a transaction that a killed process committed in WAL mode is kept', () => {
    const path = join(testFolder('files'), 'x.db');
    makeRows(path);
    const update = 'UPDATE t SET dirty=1 WHERE id<=100';
    run(ours(path, 0, 'PRAGMA journal_mode=wal', update, 'BEGIN', 'UPDATE t SET dirty=1', '.kill'));
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(1000);
    using db = new Connection(path);
    expect(db.value('SELECT sum(dirty) FROM t')).toBe(100);
    expect(db.value('PRAGMA integrity_check')).toBe('ok');
  });

  describe.skipIf(!hasStrace())('under strace', () => {
    function database(): { base: string; path: string } {
      const base = realpathSync(testFolder('files'));
      const path = join(base, 'x.db');
      using db = new Connection(path);
      db.exec('CREATE TABLE t(a, b); INSERT INTO t VALUES (1, zeroblob(50000))');
      return { base, path };
    }
    function expectIntact(path: string): void {
      if (shell) expect(native(shell, path, 'PRAGMA integrity_check', 'SELECT a FROM t')).toBe('ok\n1');
      using db = new Connection(path);
      expect(db.value('PRAGMA integrity_check')).toBe('ok');
      expect(db.value('SELECT sum(a) FROM t')).toBe(1);
    }
    const change = "UPDATE t SET a=2, b=replace(hex(zeroblob(40000)), '0', 'x')";

    test('the journal and its name are synced before the database is written, and gone after it', () => {
      const { base, path } = database();
      const { calls } = traced(
        ['-e', 'trace=fdatasync,fsync,pwrite64,unlink', '-P', path, '-P', `${path}-journal`, '-P', base],
        ours(path, 0, 'PRAGMA synchronous=EXTRA', 'UPDATE t SET a=a+1'),
      );
      const steps = calls
        .split('\n')
        .map((line) => /^(\w+)\(.*?([^/>"]+)[>"]/.exec(line)?.slice(1, 3).join(' ') ?? '')
        .map((step) => step.replace(base.split('/').at(-1) ?? '', 'folder'))
        .filter((step, i, all) => step && step !== all[i - 1]);
      expect(steps.join(', ')).toBe(
        [
          'pwrite64 x.db-journal, fdatasync x.db-journal, fsync folder',
          'pwrite64 x.db-journal, fdatasync x.db-journal',
          'pwrite64 x.db, fdatasync x.db, unlink x.db-journal, fsync folder',
        ].join(', '),
      );
    });

    test.each([
      ['a full disk', 'pwrite64:error=ENOSPC:when=3', '', '13 database or disk is full: ENOSPC'],
      [
        'a full disk under the journal',
        'pwrite64:error=ENOSPC:when=3',
        '-journal',
        '13 database or disk is full',
      ],
      ['a write that fails', 'pwrite64:error=EIO:when=2', '', '778 disk I/O error: EIO'],
      ['a sync that fails', 'fdatasync:error=EIO:when=1', '', '1034 disk I/O error: EIO'],
      [
        'a quota that is used up',
        'fdatasync:error=EDQUOT:when=1',
        '-journal',
        '1034 disk I/O error: EDQUOT, fdatasync',
      ],
      ['a sync of the journal that fails', 'fdatasync:error=EIO:when=1', '-journal', '1034 disk I/O error'],
      ['a journal that cannot be deleted', 'unlink:error=EPERM:when=1', '-journal', '2570 disk I/O error'],
    ])('%s', (_name, inject, suffix, expected) => {
      const { path } = database();
      const options = ['-e', `inject=${inject}`, '-P', `${path}${suffix}`];
      const { output, calls } = traced(options, ours(path, 0, change));
      expect(calls).toContain('(INJECTED)');
      expect(output).toContain(expected);
      expectIntact(path);
    });

    test('a page that cannot be read', () => {
      const { path } = database();
      const options = ['-e', 'inject=pread64:error=EIO:when=4', '-P', path];
      const { output } = traced(options, ours(path, 0, '.value SELECT hex(b) FROM t'));
      expect(output).toMatch(/^266 disk I\/O error: EIO/);
      expectIntact(path);
    });

    test('a journal whose mode cannot be read is still written', () => {
      const { path } = database();
      const options = ['-e', 'inject=fstat,statx,newfstatat:error=EIO', '-P', `${path}-journal`];
      const { output, calls } = traced(options, ours(path, 0, change));
      expect(calls).toMatch(/-journal>.*INJECTED/);
      expect(output).toBe('');
    });

    test('a page is read again after an interruption', () => {
      const { path } = database();
      const options = ['-e', 'inject=pread64:error=EINTR:when=1..6', '-P', path];
      const { output, calls } = traced(options, ours(path, 0, '.value SELECT count(*) FROM t'));
      expect(calls.match(/EINTR.*INJECTED/g)?.length).toBe(6);
      expect(output).toMatch(/^\d+$/);
    });
  });
});

test.each([
  ['exec', (db: DatabaseSync) => db.exec('ROLLBACK')],
  ['a statement', (db: DatabaseSync) => db.prepare('ROLLBACK').run()],
])(
  'a function that rolls back by %s ends the statement that called it: file and connection agree',
  (how, rollback) => {
    const path = join(testFolder('files'), `${how}.db`);
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE t(a INTEGER, b); CREATE INDEX i ON t(a); INSERT INTO t VALUES(1,1),(2,2),(3,3)');
    db.function('back', () => {
      rollback(db);
      return 1;
    });
    db.exec('BEGIN; INSERT INTO t VALUES(4, 4)');
    expect(() => db.exec('DELETE FROM t WHERE a = (SELECT back())')).toThrow(
      expect.objectContaining({ errcode: 516, message: 'abort due to ROLLBACK' }),
    );
    const other = new DatabaseSync(path);
    for (const one of [db, other]) {
      expect(one.prepare('SELECT group_concat(a) AS all_of_them FROM t').get()).toEqual({
        all_of_them: '1,2,3',
      });
      expect(one.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
      one.close();
    }
  },
);
