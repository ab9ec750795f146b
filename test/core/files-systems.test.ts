/**
 * Files on Windows and macOS, simulated with another platform name and with calls of node:fs that fail as on those
 * systems.
 */

import { closeSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nodeFileSystem } from '../../host/node/files.js';
import { windowsPathname } from '../../host/node/paths.js';
import { patience, repeat } from '../../host/node/patience.js';
import { type FrequentCalls, frequentCallsOf, type Koffi, temporaryFile } from '../../host/node/system.js';
import { testFolder } from '../kit/folder.js';

const MAIN_DB = 0x102;
const CREATE = 0x4;
const MAIN_JOURNAL = 0x806;
const CANTOPEN_ISDIR = 526;
const IOERR_DELETE = 2570;
const IOERR_DELETE_NOENT = 5898;
const [SYNC_NORMAL, SYNC_FULL, DATAONLY] = [2, 3, 16];

/** The next exception of each call of node:fs, by name, and the number of calls. */
const { faults, called, folderForWriting, system } = vi.hoisted(() => ({
  /** Allows opening a folder for writing, which only Windows does. */
  folderForWriting: 'folder',
  faults: new Map<string, (string | undefined)[]>(),
  called: new Map<string, unknown[]>(),
  system: { isPosix: false, frequent: undefined as FrequentCalls | undefined },
}));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const failing = <A extends unknown[], R>(name: string, real: (...values: A) => R) => {
    return (...values: A): R => {
      called.set(name, [...(called.get(name) ?? []), values[0]]);
      const code = faults.get(name)?.shift();
      if (code === folderForWriting) return real(...([values[0], 'r'] as unknown as A));
      if (code) throw Object.assign(new Error(`${code}: ${name}`), { code, errno: -4082 });
      return real(...values);
    };
  };
  return {
    ...fs,
    fdatasyncSync: failing('fdatasync', fs.fdatasyncSync),
    fsyncSync: failing('fsync', fs.fsyncSync),
    openSync: failing('open', fs.openSync),
    readSync: failing('read', fs.readSync as (...values: unknown[]) => number),
    unlinkSync: failing('unlink', fs.unlinkSync),
    writeSync: failing('write', fs.writeSync as (...values: unknown[]) => number),
  };
});

vi.mock('../../host/node/systems.js', async (original) =>
  Object.defineProperty({ ...(await original<object>()) }, 'isPosix', { get: () => system.isPosix }),
);

vi.mock('../../host/node/system.js', async (original) => ({
  ...(await original<object>()),
  frequentCalls: () => system.frequent,
}));

const files = nodeFileSystem({ locking: 'none' });

afterEach(() => {
  faults.clear();
  called.clear();
  system.isPosix = false;
  system.frequent = undefined;
});

function fails(name: string, ...codes: (string | undefined)[]): void {
  faults.set(name, codes);
  called.clear();
}

const times = (name: string): number => called.get(name)?.length ?? 0;

function written(): string {
  const path = join(testFolder('files'), 'x.db');
  writeFileSync(path, 'x'.repeat(100));
  return path;
}

describe('names on Windows', () => {
  test.each([
    ['C:\\data\\x.db', 'C:\\data\\x.db'],
    ['C:/data//./sub/../x.db', 'C:\\data\\x.db'],
    ['/C:/data/x.db', 'C:\\data\\x.db'],
    ['/C:\\data\\x.db', 'C:\\data\\x.db'],
    ['\\\\server\\share\\a\\..\\x.db', '\\\\server\\share\\x.db'],
    ['//server/share/x.db', '\\\\server\\share\\x.db'],
    ['\\\\?\\C:\\a\\x.db', '\\\\?\\C:\\a\\x.db'],
    ['/\\\\?\\C:\\a\\x.db', '\\\\?\\C:\\a\\x.db'],
  ])('%s is %s', (path, full) => expect(windowsPathname(path)).toBe(full));

  test.each(['C:\\', '/C:/', '\\\\server\\share\\'])('%s is a folder', (path) => {
    expect(() => windowsPathname(path)).toThrow(expect.objectContaining({ code: CANTOPEN_ISDIR }));
  });
});

describe('on Windows', () => {
  test('only temporary errors are retried, ten times, after increasing waits', () => {
    const waits = vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
    try {
      for (const [code, tries] of [
        ['EBUSY', 11],
        ['EPERM', 11],
        ['EACCES', 11],
        ['ENOSPC', 1],
        ['ENOENT', 1],
      ] as const) {
        let calls = 0;
        waits.mockClear();
        const failing = (): never => {
          calls++;
          throw Object.assign(new Error(code), { code });
        };
        expect(() => repeat(failing, patience())).toThrow(code);
        expect(calls).toBe(tries);
        expect(waits.mock.calls.map((call) => call[3])).toEqual(
          Array.from({ length: tries - 1 }, (_, i) => 25 * (i + 1)),
        );
      }
    } finally {
      waits.mockRestore();
    }
  });

  test('a file that another program has open is deleted when it is closed there', () => {
    const path = written();
    fails('unlink', 'EBUSY', 'EPERM');
    files.delete(path, true);
    expect([times('unlink'), files.access(path, 0)]).toEqual([3, false]);
    // The file names are not synced with the folder.
    expect([times('open'), times('fsync')]).toEqual([0, 0]);
  });

  test('a file that was deleted meanwhile does not exist', () => {
    fails('unlink', 'EPERM', 'ENOENT');
    expect(() => files.delete(written(), false)).toThrow(
      expect.objectContaining({ code: IOERR_DELETE_NOENT }),
    );
  });

  test('a file that stays open is not deleted, and a directory is not waited for', () => {
    const path = written();
    fails('unlink', ...new Array<string>(20).fill('EBUSY'));
    expect(() => files.delete(path, false)).toThrow(expect.objectContaining({ code: IOERR_DELETE }));
    expect(times('unlink')).toBe(11);
    fails('unlink', ...new Array<string>(20).fill('EPERM'));
    expect(() => files.delete(testFolder('files'), false)).toThrow(
      expect.objectContaining({ code: IOERR_DELETE }),
    );
    expect(times('unlink')).toBe(1);
  });

  test('a file that another program locks for a moment is then opened for writing', () => {
    const path = written();
    fails('open', 'EBUSY', 'EBUSY');
    const { file, flags } = files.open(path, MAIN_DB);
    expect([times('open'), flags]).toEqual([3, MAIN_DB]);
    file.close();
  });

  test('a read-only file is opened for reading at once', () => {
    const path = written();
    fails('open', 'EPERM');
    const { file, flags } = files.open(path, MAIN_DB);
    expect([times('open'), flags & 3]).toEqual([2, 1]);
    file.close();
  });

  test('a file that is being deleted is created again when it is gone', () => {
    const path = `${written()}-journal`;
    fails('open', 'EPERM', 'EPERM');
    const { file, flags } = files.open(path, MAIN_JOURNAL);
    expect([times('open'), flags]).toEqual([3, MAIN_JOURNAL]);
    file.write(Buffer.from('abc'), 0, 3, 0);
    file.sync(SYNC_NORMAL);
    // The journal itself is synced, and no folder is opened for it.
    expect([times('fdatasync'), times('fsync'), times('open')]).toEqual([1, 0, 3]);
    file.close();
  });

  test('a directory is not a file, although it can be opened', () => {
    const folder = join(testFolder('files'), 'd');
    mkdirSync(folder);
    for (const fault of ['EPERM', folderForWriting]) {
      fails('open', fault);
      const open = (): unknown => files.open(folder, MAIN_DB | CREATE);
      expect(open).toThrow(expect.objectContaining({ code: CANTOPEN_ISDIR }));
    }
  });

  test('bytes that another program has locked for a moment are read and written', () => {
    const { file } = files.open(written(), MAIN_DB);
    const memory = Buffer.from('yyy');
    fails('write', 'EBUSY');
    file.write(memory, 0, 3, 10);
    fails('read', 'EBUSY', 'EBUSY');
    expect(file.read(memory, 0, 3, 9)).toBe(3);
    expect([memory.toString(), times('read')]).toEqual(['xyy', 3]);
    fails('read', 'EIO');
    expect(() => file.read(memory, 0, 3, 9)).toThrow('EIO');
    file.close();
  });

  test('a database that was renamed has moved', () => {
    const path = written();
    const { file } = files.open(path, MAIN_DB);
    expect(file.hasMoved()).toBe(false);
    renameSync(path, `${path}2`);
    expect(file.hasMoved()).toBe(true);
    writeFileSync(path, 'another');
    expect(file.hasMoved()).toBe(true);
    file.close();
  });

  test('temporary files are in the folder of the user, and deleted with patience', () => {
    const { fd, path, remove } = temporaryFile();
    expect(path.startsWith(tmpdir())).toBe(true);
    fails('unlink', 'EBUSY');
    remove();
    expect(times('unlink')).toBe(2);
    closeSync(fd);
  });
});

test('on Unix nothing is retried', () => {
  system.isPosix = true;
  const path = written();
  fails('unlink', 'EBUSY');
  expect(() => files.delete(path, false)).toThrow(expect.objectContaining({ code: IOERR_DELETE }));
  const { file } = files.open(path, MAIN_DB);
  fails('read', 'EBUSY');
  expect(() => file.read(Buffer.alloc(3), 0, 3, 0)).toThrow('EBUSY');
  file.close();
});

describe('on macOS', () => {
  test('a sync is as thorough as SQLite asks: out of the cache of the disk only if it is full', () => {
    system.isPosix = true;
    const flush = vi.fn((_fd: number) => 0);
    system.frequent = { size: () => 0, exists: () => true, flush };
    const { file } = files.open(written(), MAIN_DB);
    file.sync(SYNC_NORMAL);
    file.sync(SYNC_NORMAL | DATAONLY);
    expect([flush.mock.calls.length, times('fdatasync')]).toEqual([2, 0]);
    file.sync(SYNC_FULL);
    file.sync(SYNC_FULL | DATAONLY);
    expect([flush.mock.calls.length, times('fdatasync')]).toEqual([2, 2]);
    flush.mockReturnValue(5);
    expect(() => file.sync(SYNC_NORMAL)).toThrow(expect.objectContaining({ code: 1034, errno: 5 }));
    file.close();
  });

  test.skipIf(process.platform === 'win32')('it is fsync, whose error is reported', () => {
    let koffi: Koffi;
    try {
      koffi = createRequire(import.meta.url)('koffi') as Koffi;
    } catch {
      return;
    }
    const { flush } = frequentCallsOf(koffi, true);
    const fd = openSync(written(), 'r+');
    expect(flush?.(fd)).toBe(0);
    closeSync(fd);
    expect(flush?.(fd)).toBe(constants.errno.EBADF);
    expect(frequentCallsOf(koffi, false).flush).toBe(undefined);
  });
});
