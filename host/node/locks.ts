/**
 * SQLite's locks on a database file: the byte ranges and the order of its own unix VFS, so that native
 * processes can use the same file. They are open-file-description locks: they belong to one open of the file,
 * so that two connections of this process exclude each other, and reading the file elsewhere in the process
 * does not drop any.
 */

import { constants, endianness } from 'node:os';
import {
  SQLITE_BUSY,
  SQLITE_BUSY_RECOVERY,
  SQLITE_CANTOPEN,
  SQLITE_IOERR_CHECKRESERVEDLOCK,
  SQLITE_IOERR_LOCK,
  SQLITE_IOERR_RDLOCK,
  SQLITE_IOERR_UNLOCK,
  SQLITE_LOCK_NONE,
  SQLITE_LOCK_PENDING,
  SQLITE_LOCK_RESERVED,
  SQLITE_LOCK_SHARED,
  SQLITE_PERM,
} from '../core/constants.js';
import { FileError } from '../core/host-services.js';
import { loadKoffi } from './system.js';

const pendingByte = 0x40000000;
const reservedByte = pendingByte + 1;
const sharedFirst = pendingByte + 2;
const sharedSize = 510;
const allSize = sharedFirst + sharedSize - pendingByte;

const { EACCES, EAGAIN, EBUSY, EINTR, EINVAL, ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP, EPERM, ETIMEDOUT } =
  constants.errno;
/** The errors that mean that another has the lock (os_unix.c, sqliteErrorFromPosixError). */
export const busyNumbers = new Set([EACCES, EAGAIN, ETIMEDOUT, EBUSY, EINTR, ENOLCK]);

export type LockKind = 'read' | 'write' | 'none';

/** Locks on ranges of a file, one holder for each open of the file. */
export interface ByteLocks {
  /** Locks or unlocks a range without waiting. Returns the system's error number, or 0. */
  set(fd: number, kind: LockKind, start: number, length: number): number;
  /** Whether another open has a lock in the range: 0 no, 1 yes, below 0 the negative error number. */
  test(fd: number, start: number, length: number): number;
}

/** Returns the system's locks, or why they are unavailable. */
export type LockProvider = () => ByteLocks | string;

/** The layout and the constants of `struct flock`. */
interface Layout {
  readonly size: number;
  readonly type: number;
  readonly start: number;
  readonly length: number;
  readonly kinds: Readonly<Record<LockKind, number>>;
  readonly setLock: number;
  readonly getLock: number;
  readonly prototype: string;
  /** What goes before the structure in a call. */
  readonly variadic: readonly string[];
}

const layouts: Partial<Record<NodeJS.Platform, Layout>> = {
  linux: {
    size: 32,
    type: 0,
    start: 8,
    length: 16,
    kinds: { read: 0, write: 1, none: 2 },
    setLock: 37,
    getLock: 36,
    prototype: 'int fcntl(int, int, void *)',
    variadic: [],
  },
  // On arm64, variadic arguments are passed on the stack there, so the prototype must be variadic.
  darwin: {
    size: 24,
    type: 20,
    start: 0,
    length: 8,
    kinds: { read: 1, write: 3, none: 2 },
    setLock: 90,
    getLock: 92,
    prototype: 'int fcntl(int, int, ...)',
    variadic: ['void *'],
  },
};

let system: ByteLocks | string | undefined;

/** The locks of this system. Loads koffi when first called, so that start-up does not wait for it. */
export function systemLocks(): ByteLocks | string {
  system ??= loadLocks();
  return system;
}

function loadLocks(): ByteLocks | string {
  const layout = layouts[process.platform];
  const koffi = loadKoffi();
  if (typeof koffi === 'string') return koffi;
  if (!layout) return `not supported on ${process.platform}`;
  try {
    const fcntl = koffi.load(null).func(layout.prototype);
    const [type] = layout.variadic;
    return fcntlLocks(layout, (fd, command, lock) => {
      const result = type === undefined ? fcntl(fd, command, lock) : fcntl(fd, command, type, lock);
      return result === -1 ? koffi.errno() : 0;
    });
  } catch (error) {
    return `koffi does not work: ${(error as Error).message.split('\n')[0]}`;
  }
}

function fcntlLocks(
  layout: Layout,
  fcntl: (fd: number, command: number, lock: Uint8Array) => number,
): ByteLocks {
  const little = endianness() === 'LE';
  const structure = (kind: LockKind, start: number, length: number): DataView => {
    const bytes = Buffer.alloc(layout.size); // the owner's number must be zero in locks of this kind; SEEK_SET is zero
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    view.setInt16(layout.type, layout.kinds[kind], little);
    view.setBigInt64(layout.start, BigInt(start), little);
    view.setBigInt64(layout.length, BigInt(length), little);
    return view;
  };
  // A transaction takes the same few locks every time: each is made once..
  const made = {
    read: new Map<number, Buffer>(),
    write: new Map<number, Buffer>(),
    none: new Map<number, Buffer>(),
  };
  const prepared = (kind: LockKind, start: number, length: number): Buffer => {
    const key = start * 1024 + length; // lengths are below 1024
    let bytes = made[kind].get(key);
    if (!bytes) {
      const { buffer, byteOffset, byteLength } = structure(kind, start, length);
      bytes = Buffer.from(buffer, byteOffset, byteLength);
      made[kind].set(key, bytes);
    }
    return bytes;
  };
  return {
    set: (fd, kind, start, length) => fcntl(fd, layout.setLock, prepared(kind, start, length)),
    test(fd, start, length) {
      const lock = structure('write', start, length); // the system writes to it
      const error = fcntl(fd, layout.getLock, new Uint8Array(lock.buffer, lock.byteOffset, lock.byteLength));
      if (error) return -error;
      return lock.getInt16(layout.type, little) === layout.kinds.none ? 0 : 1;
    },
  };
}

/** Whether the file can be locked at all, checked once when it is opened: some file systems have no locks. */
export function lockable(locks: ByteLocks, fd: number): boolean {
  const answer = locks.test(fd, pendingByte, 1);
  return answer >= 0 || ![EINVAL, ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP].includes(-answer);
}

/** The lock of one open database file. */
export interface DatabaseLock {
  lock(level: number): void;
  unlock(level: number): void;
  reservedElsewhere(): boolean;
  /** Locks the file for this connection alone until `leaveAlone`, whatever SQLite unlocks in between. */
  takeAlone(): void;
  leaveAlone(): void;
}

/** @param why only one connection at a time is possible */
function walMessage(path: string, why: string): string {
  return `${path}: a database in WAL mode can be open in one connection at a time, because ${why}; another one has it`;
}

/** The levels of SQLite's unix VFS. Its code for threads and inodes is not needed here. */
export class RangeLock implements DatabaseLock {
  readonly #locks: ByteLocks;
  readonly #fd: number;
  readonly #path: string;
  readonly #whyAlone: () => string | undefined;
  #level = SQLITE_LOCK_NONE;
  #first = true;
  /** All ranges are held for writing, whatever the level. */
  #alone = false;
  /** They are kept when SQLite unlocks. */
  #kept = false;

  /** @param whyAlone returns why this must be the only connection on the database now; undefined if it need not */
  constructor(locks: ByteLocks, fd: number, path: string, whyAlone: () => string | undefined) {
    this.#locks = locks;
    this.#fd = fd;
    this.#path = path;
    this.#whyAlone = whyAlone;
  }

  lock(level: number): void {
    if (this.#level >= level) return;
    if (this.#alone) {
      this.#level = level;
      return;
    }
    if (level === SQLITE_LOCK_SHARED) {
      this.#lockShared();
      return;
    }
    if (level === SQLITE_LOCK_RESERVED) {
      this.#take('write', reservedByte, 1);
    } else {
      // From SHARED directly to EXCLUSIVE, a hot journal is rolled back: without PENDING.
      if (this.#level === SQLITE_LOCK_RESERVED) {
        this.#take('write', pendingByte, 1);
        this.#level = SQLITE_LOCK_PENDING;
      }
      this.#take('write', sharedFirst, sharedSize);
    }
    this.#level = level;
  }

  #lockShared(): void {
    // Readers pass through the pending byte, so that a writer who waits there does not starve.
    this.#takeToRead(pendingByte, 1);
    try {
      this.#takeToRead(sharedFirst, sharedSize);
    } catch (error) {
      this.#locks.set(this.#fd, 'none', pendingByte, 1);
      throw error;
    }
    this.#level = SQLITE_LOCK_SHARED;
    try {
      this.#release(pendingByte, 1);
      // SQLite keeps SHARED from here to the end of a connection in WAL mode. If it were granted to two
      // connections that both need to be alone, neither ever would be.
      const why = this.#first ? this.#whyAlone() : undefined;
      if (why !== undefined) this.#takeAll(why);
    } catch (error) {
      this.#locks.set(this.#fd, 'none', 0, 0);
      this.#level = SQLITE_LOCK_NONE;
      throw error;
    }
    this.#first = false;
  }

  #takeToRead(start: number, length: number): void {
    try {
      this.#take('read', start, length);
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== SQLITE_BUSY) throw error;
      const why = this.#whyAlone();
      if (why === undefined) throw error;
      throw new FileError(SQLITE_BUSY, walMessage(this.#path, why), error.errno);
    }
  }

  unlock(level: number): void {
    if (this.#level <= level) return;
    if (!this.#kept) {
      if (level === SQLITE_LOCK_SHARED) this.#relaxToShared();
      else this.#release(0, 0);
      this.#alone = false;
    }
    this.#level = level;
  }

  #relaxToShared(): void {
    const error = this.#locks.set(this.#fd, 'read', sharedFirst, sharedSize);
    if (error) this.#fail(SQLITE_IOERR_RDLOCK, error);
    this.#release(pendingByte, 2);
  }

  reservedElsewhere(): boolean {
    if (this.#alone || this.#level >= SQLITE_LOCK_RESERVED) return false;
    const answer = this.#locks.test(this.#fd, reservedByte, 1);
    if (answer < 0) this.#fail(SQLITE_IOERR_CHECKRESERVEDLOCK, -answer);
    return answer > 0;
  }

  takeAlone(): void {
    if (!this.#alone) this.#takeAll(this.#whyAlone() ?? 'files are not mapped into memory');
    this.#kept = true;
  }

  /** One call for all three ranges, so that a refusal leaves what was held. */
  #takeAll(why: string): void {
    const error = this.#locks.set(this.#fd, 'write', pendingByte, allSize);
    if (busyNumbers.has(error)) {
      // Plain SQLITE_BUSY from xShmMap means "try again at once" to SQLite: ten seconds, and no busy handler.
      throw new FileError(SQLITE_BUSY_RECOVERY, walMessage(this.#path, why), error);
    }
    if (error === constants.errno.EBADF) {
      throw new FileError(
        SQLITE_CANTOPEN,
        `cannot open ${this.#path} read-only: it is in WAL mode, and ${why}, so it must be locked for one ` +
          'connection alone, which needs write permission',
        error,
      );
    }
    if (error) this.#fail(SQLITE_IOERR_LOCK, error);
    this.#alone = true;
  }

  leaveAlone(): void {
    this.#kept = false;
    // Above SHARED everything is kept: unlocking to SHARED or NONE soon releases all of it.
    if (!this.#alone || this.#level > SQLITE_LOCK_SHARED) return;
    if (this.#level === SQLITE_LOCK_SHARED) this.#relaxToShared();
    else this.#release(0, 0);
    this.#alone = false;
  }

  #take(kind: LockKind, start: number, length: number): void {
    const error = this.#locks.set(this.#fd, kind, start, length);
    if (busyNumbers.has(error)) {
      throw new FileError(SQLITE_BUSY, '', error); // SQLite's own message is enough
    }
    if (error) this.#fail(error === EPERM ? SQLITE_PERM : SQLITE_IOERR_LOCK, error);
  }

  #release(start: number, length: number): void {
    const error = this.#locks.set(this.#fd, 'none', start, length);
    if (error) this.#fail(SQLITE_IOERR_UNLOCK, error);
  }

  #fail(code: number, error: number): never {
    throw new FileError(code, `${this.#path}: fcntl failed with error ${error}`, error);
  }
}

const walOpen = new Set<string>();

/** No locks: only SQLite tracks the levels. But a WAL database is limited to one connection of this process. */
export class NoLock implements DatabaseLock {
  readonly #path: string;
  readonly #identity: (() => string) | undefined;
  #taken: string | undefined;

  /** @param identity names the file, whatever its path. Without it a WAL database is refused. */
  constructor(path: string, identity: (() => string) | undefined) {
    this.#path = path;
    this.#identity = identity;
  }

  lock(_level: number): void {}
  unlock(_level: number): void {}
  reservedElsewhere(): boolean {
    return false;
  }

  takeAlone(): void {
    if (this.#taken !== undefined) return;
    if (!this.#identity) {
      throw new FileError(
        SQLITE_CANTOPEN,
        `cannot open ${this.#path}: a database in WAL mode needs file locking; ${withoutLocks}`,
      );
    }
    const identity = this.#identity();
    if (walOpen.has(identity)) {
      throw new FileError(SQLITE_BUSY_RECOVERY, walMessage(this.#path, 'it is opened without locks'));
    }
    walOpen.add(identity);
    this.#taken = identity;
  }

  leaveAlone(): void {
    if (this.#taken !== undefined) walOpen.delete(this.#taken);
    this.#taken = undefined;
  }
}

/** How to continue without locks. */
export const withoutLocks = "if nothing else uses the file, pass --locking none, or locking: 'none' in code";
