/**
 * SQLite's locks on Linux, macOS and Windows: the results must be the same in every state. Other systems than this one
 * are simulated.
 */

import { closeSync, openSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { FileError } from '../../host/core/host-services.js';
import { type LockSystem, lockable } from '../../host/node/byte-locks.js';
import { fcntlLocks, layouts } from '../../host/node/fcntl-locks.js';
import { RangeLock } from '../../host/node/locks.js';
import type { Koffi } from '../../host/node/system.js';
import { flawOfLocks, systemLocks } from '../../host/node/system-locks.js';
import { systemOf } from '../../host/node/systems.js';
import { prototypes, windowsLocks } from '../../host/node/windows-locks.js';
import { FakeMac } from '../kit/fake-mac.js';
import { FakeWindows } from '../kit/fake-windows.js';
import { testFolder } from '../kit/folder.js';
import { randomOf } from '../kit/random.js';
import { Connection } from '../programs/connection.js';
import { codeOf } from '../programs/run.js';

const [NONE, SHARED, RESERVED, PENDING, EXCLUSIVE] = [0, 1, 2, 3, 4];
const BUSY = 5;
const IOERR_LOCK = 3850;
const IOERR_RDLOCK = 2314;

const found = systemLocks();
const real = typeof found === 'string' ? undefined : found;
if (typeof found === 'string') console.error(`no file locks, tests of them are skipped: ${found}`);

const windows = new FakeWindows();
const open: number[] = [];
afterEach(() => {
  windows.locks = [];
  for (const fd of open.splice(0)) closeSync(fd);
});

function opens(count: number, flags = 'r+'): { fds: number[]; path: string } {
  const path = join(testFolder('files'), 'x.db');
  writeFileSync(path, 'x');
  const fds = Array.from({ length: count }, () => openSync(path, flags));
  open.push(...fds);
  return { fds, path };
}

/** A model of SQLite's lock levels, without byte ranges. */
class Model {
  readonly levels: number[];
  /** The connections with EXCLUSIVE for rolling back a hot journal, without RESERVED. */
  readonly hot: boolean[];

  constructor(count: number) {
    this.levels = new Array<number>(count).fill(NONE);
    this.hot = new Array<boolean>(count).fill(false);
  }

  /** Whether SQLite ever does this. */
  may({ who, action, level }: Operation): boolean {
    const now = this.levels[who] ?? NONE;
    if (action !== 'lock') return true;
    return level === SHARED
      ? now === NONE
      : level === RESERVED
        ? now === SHARED
        : now >= SHARED && now < EXCLUSIVE;
  }

  apply({ who, action, level }: Operation): string {
    const now = this.levels[who] ?? NONE;
    const others = this.levels.filter((_, i) => i !== who);
    if (action === 'ask') {
      return String(
        this.levels.some((one, i) => i !== who && one >= RESERVED && !this.hot[i]) && !this.writes(who),
      );
    }
    if (action === 'unlock') {
      if (now > level) {
        this.levels[who] = level;
        this.hot[who] = false;
      }
      return 'done';
    }
    const most = Math.max(...others);
    if (level === EXCLUSIVE) {
      const isFree = most === NONE;
      this.levels[who] = isFree ? EXCLUSIVE : now === SHARED ? SHARED : PENDING;
      this.hot[who] = isFree && now === SHARED;
      return isFree ? 'done' : 'busy';
    }
    const isFree = level === SHARED ? most < PENDING : most < RESERVED;
    if (isFree) this.levels[who] = level;
    return isFree ? 'done' : 'busy';
  }

  writes(who: number): boolean {
    return (this.levels[who] ?? NONE) >= RESERVED;
  }

  /** The locks on bytes that each connection must have, as text. */
  get bytes(): string[][] {
    return this.levels.map((level, i) => [
      ...(level >= PENDING && !this.hot[i] ? ['write 1073741824 1'] : []),
      ...(level >= RESERVED && !this.hot[i] ? ['write 1073741825 1'] : []),
      ...(level === EXCLUSIVE ? ['write 1073741826 510'] : level > NONE ? ['read 1073741826 510'] : []),
    ]);
  }

  get state(): string {
    return `${this.levels.join()} ${this.hot.join()}`;
  }
}

interface Operation {
  readonly who: number;
  readonly action: 'lock' | 'unlock' | 'ask';
  readonly level: number;
}

const count = 3;
const operations = Array.from({ length: count }, (_, who): Operation[] => [
  ...[SHARED, RESERVED, EXCLUSIVE].map((level) => ({ who, action: 'lock' as const, level })),
  ...[SHARED, NONE].map((level) => ({ who, action: 'unlock' as const, level })),
  { who, action: 'ask', level: NONE },
]).flat();

/** For every state of the model, operations that lead to it. */
function states(): Operation[][] {
  const paths = new Map<string, Operation[]>([[new Model(count).state, []]]);
  const next: Operation[][] = [[]];
  for (let path = next.pop(); path; path = next.pop()) {
    for (const operation of operations) {
      const model = new Model(count);
      for (const step of path) model.apply(step);
      if (!model.may(operation)) continue;
      model.apply(operation);
      if (paths.has(model.state)) continue;
      paths.set(model.state, [...path, operation]);
      next.push([...path, operation]);
    }
  }
  return [...paths.values()];
}

function answer(lock: RangeLock, { action, level }: Operation): string {
  try {
    if (action === 'ask') return String(lock.reservedElsewhere());
    lock[action](level);
    return 'done';
  } catch (error) {
    if (error instanceof FileError && error.code === BUSY) return 'busy';
    throw error;
  }
}

/** The locks in a model of Windows, by handle. */
function held(windows: FakeWindows, fds: number[]): string[][] {
  return fds.map((fd) =>
    windows.locks
      .filter(({ handle }) => handle === 0x100 + fd * 4)
      .sort((one, other) => Number(one.start - other.start))
      .map(({ exclusive, start, length }) => `${exclusive ? 'write' : 'read'} ${start} ${length}`),
  );
}

const systems: [string, LockSystem, FakeWindows | undefined][] = [
  ['Windows', windowsLocks(windows), windows],
  ...(real
    ? ([
        [process.platform, real, undefined],
        ['macOS', fcntlLocks(new FakeMac(real), layouts.darwin), undefined],
      ] as [string, LockSystem, undefined][])
    : []),
];

describe.each(systems)('locks of a database on %s', (_name, system, fake) => {
  const three = (): { locks: RangeLock[]; bytes: () => string[][] | undefined } => {
    const { fds, path } = opens(count);
    const locks = fds.map((fd) => new RangeLock(system, fd, path, () => undefined));
    return { locks, bytes: () => fake && held(fake, fds) };
  };
  const lockOf = (locks: RangeLock[], { who }: Operation): RangeLock => locks[who] ?? expect.fail();

  test('every request in every state of three connections is answered as SQLite promises', () => {
    const paths = states();
    expect(paths.length).toBeGreaterThan(30);
    const { locks, bytes } = three();
    let requests = 0;
    for (const path of paths) {
      for (const operation of operations) {
        const model = new Model(count);
        for (const step of path) expect(answer(lockOf(locks, step), step)).toBe(model.apply(step));
        if (model.may(operation)) {
          const before = model.state;
          const result = [answer(lockOf(locks, operation), operation), bytes()];
          const wanted = [model.apply(operation), fake && model.bytes];
          expect(result, `${before}: ${JSON.stringify(operation)}`).toEqual(wanted);
          requests++;
        }
        for (const lock of locks) lock.unlock(NONE);
      }
    }
    expect(requests).toBeGreaterThan(paths.length * 9);
  });

  test.each([1, 2, 3, 4])('so are long sequences of them (%d)', (seed) => {
    const { locks, bytes } = three();
    const random = randomOf(seed);
    const model = new Model(count);
    const answers = { done: 0, busy: 0, true: 0, false: 0 };
    for (let i = 0; i < 4000; i++) {
      const operation = operations[random(operations.length)] ?? expect.fail();
      if (!model.may(operation)) continue;
      const result = answer(lockOf(locks, operation), operation);
      answers[result as keyof typeof answers]++;
      expect([result, bytes()]).toEqual([model.apply(operation), fake && model.bytes]);
    }
    expect(Math.min(...Object.values(answers))).toBeGreaterThan(20);
  });

  test('an exclusive lock keeps all others out; if it fails, the previous lock is kept', () => {
    const { fds, path } = opens(2);
    let why: string | undefined = 'nothing is shared here';
    const [one, two] = fds.map((fd) => new RangeLock(system, fd, path, () => why));
    if (!one || !two) throw new Error('two are open');
    one.lock(SHARED);
    one.takeAlone();
    one.unlock(NONE);
    expect(() => two.lock(SHARED)).toThrow(/one connection at a time, because nothing is shared here/);
    expect(two.reservedElsewhere()).toBe(true);
    one.leaveAlone();
    why = undefined;
    two.lock(SHARED);
    one.lock(SHARED);
    expect(() => one.takeAlone()).toThrow(/one connection at a time/);
    two.unlock(NONE);
    // No lock of the failed attempt is left, so another connection can read.
    two.lock(SHARED);
    two.unlock(NONE);
    one.takeAlone();
    one.unlock(NONE);
    one.leaveAlone();
    if (fake) expect(fake.locks).toEqual([]);
    two.lock(SHARED);
    two.unlock(NONE);
  });

  test('pass the test of a system when it is first used', () => {
    expect(flawOfLocks(system)).toBe(undefined);
    const { fds } = opens(1);
    expect(lockable(system, fds[0] ?? -1)).toBe(true);
  });
});

describe('the test of a system', () => {
  const flawed = (change: Partial<Pick<FakeWindows, 'lockFile' | 'unlockFile'>>): string | undefined =>
    flawOfLocks(windowsLocks(Object.assign(new FakeWindows(), change)));

  test('finds locks that lock nothing', () => {
    expect(flawed({ lockFile: () => 1, unlockFile: () => 1 })).toBe(
      'two descriptors have the same lock for writing',
    );
  });

  test('finds a call that fails', () => {
    expect(flawed({ lockFile: () => 0 })).toBe('LockFileEx failed with error 31'); // its reason is lost, too
  });

  test('finds ranges that are not unlocked', () => {
    expect(flawed({ unlockFile: () => 1 })).toMatch(
      /cannot become one for writing|loses the lock|beside a reader/,
    );
  });

  test.skipIf(!real)('finds locks that native SQLite does not see', () => {
    if (!real) return;
    const { nativeOf: _, ...rest } = real;
    const alone: LockSystem = { ...rest, nativeOf: () => ({ set: () => 0, test: () => 0 }) };
    expect(flawOfLocks(alone)).toBe("native SQLite's locks do not respect ours");
  });
});

describe('structures', () => {
  test('OVERLAPPED has the offset at 16 and 20, and is 32 bytes long', () => {
    const fake = new FakeWindows();
    const { fds } = opens(1);
    windowsLocks(fake)
      .of(fds[0] ?? -1)
      .set('read', 0x40000002, 510);
    expect(fake.overlapped.toString('hex')).toBe(`${'00'.repeat(16)}02000040${'00'.repeat(12)}`);
    expect(fake.locks).toMatchObject([{ start: 0x40000002n, length: 510n, exclusive: false }]);
  });

  test.skipIf(!real)('struct flock of macOS: start, length, owner, kind, base', () => {
    if (!real) return;
    const mac = new FakeMac(real);
    const { fds } = opens(1);
    const locks = fcntlLocks(mac, layouts.darwin).of(fds[0] ?? -1);
    locks.set('write', 0x40000002, 510);
    expect(mac.flock.toString('hex')).toBe(
      `0200004000000000${'fe01000000000000'}${'00000000'}${'0300'}${'0000'}`,
    );
    locks.set('none', 0, 0);
    expect(mac.flock.toString('hex')).toBe(`${'00'.repeat(20)}02000000`);
    expect(locks.test(0x40000001, 1)).toBe(0);
    expect(mac.flock.toString('hex')).toBe(
      `0100004000000000${'0100000000000000'}${'00000000'}${'0300'}${'0000'}`,
    );
  });

  test('struct flock of Linux: kind, base, start, length, owner', () => {
    let bytes = Buffer.alloc(0);
    const fake: Koffi = {
      load: () => ({
        func: () => (_fd, _command, flock) => {
          bytes = Buffer.from(flock as Buffer);
          return 0;
        },
      }),
      errno: () => 0,
    };
    fcntlLocks(fake, layouts.linux).of(3).set('write', 0x40000002, 510);
    expect(bytes.toString('hex')).toBe(
      `0100${'0000'}${'00000000'}0200004000000000fe01000000000000${'00'.repeat(8)}`,
    );
  });

  test.skipIf(!real)('the prototypes are what the FFI understands', () => {
    const koffi = createRequire(import.meta.url)('koffi') as {
      proto(text: string): {
        proto: { name: string; arguments: { type: { size: number } }[]; result: { size: number } };
      };
    };
    const shapes = Object.values(prototypes).map((text) => {
      const { name, arguments: values, result } = koffi.proto(text).proto;
      return [name, result.size, ...values.map(({ type }) => type.size)];
    });
    // HANDLE and pointers have 8 bytes, DWORD and BOOL 4.
    expect(shapes).toEqual([
      ['uv_get_osfhandle', 8, 4],
      ['LockFileEx', 4, 8, 4, 4, 4, 4, 8],
      ['UnlockFileEx', 4, 8, 4, 4, 4, 8],
      ['GetLastError', 4],
    ]);
  });
});

describe('errors of LockFileEx', () => {
  const one = (): { fake: FakeWindows; lock: RangeLock } => {
    const fake = new FakeWindows();
    const { fds, path } = opens(1);
    return { fake, lock: new RangeLock(windowsLocks(fake), fds[0] ?? -1, path, () => undefined) };
  };

  test.each([33, 997])('%d means that another program has the lock', (error) => {
    const { fake, lock } = one();
    fake.fault = () => error;
    expect(() => lock.lock(SHARED)).toThrow(expect.objectContaining({ code: BUSY, errno: error }));
    expect(fake.locks).toEqual([]);
  });

  test.each([5, 6, 11, 13, 87, 110, 1784])('%d means an error of the system, with its number', (error) => {
    const { fake, lock } = one();
    fake.fault = () => error;
    expect(() => lock.lock(SHARED)).toThrow(expect.objectContaining({ code: IOERR_LOCK, errno: error }));
    expect(() => lock.lock(SHARED)).toThrow(`x.db: LockFileEx failed with error ${error}`);
  });

  test.each([1, 50, 120])('%d means that the file system has no locks', (error) => {
    const fake = new FakeWindows();
    const { fds } = opens(1);
    fake.fault = () => error;
    expect(lockable(windowsLocks(fake), fds[0] ?? -1)).toBe(false);
  });

  test('waits for a program that locks the pending byte for a moment, as os_win.c does', () => {
    const { fake, lock } = one();
    let refusals = 2;
    fake.fault = () => (refusals-- > 0 ? 33 : 0);
    lock.lock(SHARED);
    expect(fake.locks).toMatchObject([{ start: 0x40000002n, exclusive: false }]);
    lock.unlock(NONE);
    refusals = 3;
    expect(() => lock.lock(SHARED)).toThrow(expect.objectContaining({ code: BUSY }));
  });

  test('whichever call fails, a transaction can be rolled back and all locks are released', () => {
    for (let failing = 1; failing <= 12; failing++) {
      const { fake, lock } = one();
      let calls = 0;
      fake.fault = () => (++calls === failing ? 5 : 0);
      const codes: number[] = [];
      const steps = [
        () => lock.lock(SHARED),
        () => lock.lock(RESERVED),
        () => lock.lock(EXCLUSIVE),
        () => lock.unlock(SHARED),
        () => lock.unlock(NONE),
      ];
      for (const step of steps) {
        try {
          step();
        } catch (error) {
          codes.push((error as FileError).code);
          lock.unlock(NONE);
          break;
        }
      }
      // SHARED takes two calls, RESERVED one, EXCLUSIVE two, SHARED again one.
      expect(codes).toEqual(failing <= 5 ? [IOERR_LOCK] : failing === 6 ? [IOERR_RDLOCK] : []);
      expect(fake.locks).toEqual([]);
    }
  });
});

describe('connections with the locks of Windows', () => {
  const mappings = (): string => systemOf('win32', 'x64')?.unmappable ?? '';

  test.skipIf(!real)('get the same results as with the locks of this system', () => {
    const statements = [
      'SELECT count(*) FROM t',
      'BEGIN',
      'BEGIN IMMEDIATE',
      'BEGIN EXCLUSIVE',
      'INSERT INTO t VALUES (1)',
      'DELETE FROM t WHERE rowid = (SELECT min(rowid) FROM t)',
      'COMMIT',
      'ROLLBACK',
    ];
    const outcomes = (locks: () => LockSystem): unknown[] => {
      const path = join(testFolder('files'), 'x.db');
      const dbs = [1, 2, 3].map(() => new Connection(path, { locks, mappings }));
      dbs[0]?.exec('CREATE TABLE t(a)');
      const random = randomOf(5);
      const results = Array.from({ length: 1500 }, () => {
        const db = dbs[random(3)];
        const sql = statements[random(statements.length)] ?? '';
        return [sql, codeOf(() => db?.exec(sql))];
      });
      for (const db of dbs) codeOf(() => db.exec('ROLLBACK'));
      results.push(['count', Number(dbs[1]?.value('SELECT count(*) FROM t'))]);
      results.push(['check', dbs[2]?.value('PRAGMA integrity_check') === 'ok' ? 0 : 1]);
      for (const db of dbs) db.close();
      return results;
    };
    const fake = new FakeWindows();
    const system = windowsLocks(fake);
    const onWindows = outcomes(() => system);
    expect(onWindows).toEqual(outcomes(() => real ?? expect.fail()));
    const codes = new Set(onWindows.map((one) => (one as unknown[])[1]));
    expect([codes.has(BUSY), codes.has(undefined), codes.has(1)]).toEqual([true, true, true]);
    expect(fake.locks).toEqual([]);
  });

  test('can use a WAL database only one at a time, and the error names Windows', () => {
    const fake = new FakeWindows();
    const system = windowsLocks(fake);
    const path = join(testFolder('files'), 'x.db');
    const connect = (flags?: number): Connection =>
      new Connection(path, { locks: () => system, mappings, ...(flags && { flags }) });
    using one = connect();
    one.exec('PRAGMA journal_mode=wal; CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    using two = connect();
    expect(() => two.exec('SELECT * FROM t')).toThrow(
      'in WAL mode can be open in one connection at a time, because files cannot be mapped into the memory of ' +
        'WebAssembly on Windows; another connection has it open',
    );
    one.close();
    expect(two.value('SELECT a FROM t')).toBe(1);
    two.close();
    // A handle that only reads can have a lock for writing there.
    using reader = connect(1);
    expect(reader.value('SELECT a FROM t')).toBe(1);
    reader.close();
    expect(fake.locks).toEqual([]);
  });
});

test('what the systems offer', () => {
  expect(systemOf('linux', 'x64')).toEqual({
    platform: 'linux',
    locks: 'fcntl',
    unmappable: undefined,
    posix: true,
    tried: true,
  });
  expect(systemOf('darwin', 'arm64')).toMatchObject({ locks: 'fcntl', unmappable: undefined, tried: false });
  expect(systemOf('win32', 'x64')).toMatchObject({ locks: 'LockFileEx', posix: false, tried: false });
  expect(systemOf('linux', 'x64', true)?.unmappable).toMatch(/on Bun$/);
  expect([systemOf('win32', 'ia32'), systemOf('freebsd', 'x64')]).toEqual([undefined, undefined]);
});
