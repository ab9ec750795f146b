/**
 * Open-file-description locks of fcntl. Such a lock belongs to an open file description and not to the process. Two
 * connections of this process therefore exclude each other, and closing another descriptor of the file does not release
 * the locks.
 */

import { constants, endianness } from 'node:os';
import type { ByteLocks, LockError, LockKind, LockSystem } from './byte-locks.js';
import type { Koffi } from './system.js';

const { EACCES, EAGAIN, EBADF, EBUSY, EINTR, EINVAL, ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP, EPERM, ETIMEDOUT } =
  constants.errno;
/** The errors that mean that another program has the lock (os_unix.c, sqliteErrorFromPosixError). */
const busy = new Set([EACCES, EAGAIN, ETIMEDOUT, EBUSY, EINTR, ENOLCK]);

/** The layout and the constants of `struct flock`. */
export interface Layout {
  readonly size: number;
  readonly type: number;
  readonly start: number;
  readonly length: number;
  readonly kinds: Readonly<Record<LockKind, number>>;
  /** F_OFD_SETLK, F_OFD_GETLK; and F_SETLK, which native SQLite uses. */
  readonly setLock: number;
  readonly getLock: number;
  readonly setProcessLock: number;
  readonly prototype: string;
  /** The koffi types of the variadic arguments. */
  readonly variadic: readonly string[];
}

export const layouts: Readonly<Record<'linux' | 'darwin', Layout>> = {
  linux: {
    size: 32,
    type: 0,
    start: 8,
    length: 16,
    kinds: { read: 0, write: 1, none: 2 },
    setLock: 37,
    getLock: 36,
    setProcessLock: 6,
    prototype: 'int fcntl(int, int, void *)',
    variadic: [],
  },
  // On arm64, macOS passes variadic arguments on the stack, so the prototype must be variadic.
  darwin: {
    size: 24,
    type: 20,
    start: 0,
    length: 8,
    kinds: { read: 1, write: 3, none: 2 },
    setLock: 90,
    getLock: 92,
    setProcessLock: 8,
    prototype: 'int fcntl(int, int, ...)',
    variadic: ['void *'],
  },
};

export function fcntlLocks(koffi: Koffi, layout: Layout): LockSystem {
  const fcntl = koffi.load(null).func(layout.prototype);
  const [type] = layout.variadic;
  const call = (fd: number, command: number, lock: Uint8Array): number => {
    const result = type === undefined ? fcntl(fd, command, lock) : fcntl(fd, command, type, lock);
    return result === -1 ? koffi.errno() : 0;
  };
  const structures = new Structures(layout);
  const locksOf = (setLock: number, fd: number): ByteLocks => ({
    set: (kind, start, length) => call(fd, setLock, structures.prepared(kind, start, length)),
    test(start, length) {
      const lock = structures.make('write', start, length); // the system writes to it
      const error = call(fd, layout.getLock, lock);
      if (error) return -error;
      return structures.isFree(lock) ? 0 : 1;
    },
  });
  return {
    call: 'fcntl',
    of: (fd) => locksOf(layout.setLock, fd),
    nativeOf: (fd) => locksOf(layout.setProcessLock, fd),
    meaning,
  };
}

function meaning(error: number): LockError {
  if (busy.has(error)) return 'busy';
  if (error === EBADF) return 'read-only';
  if (error === EPERM) return 'denied';
  return [EINVAL, ENOSYS, ENOTSUP, EOPNOTSUPP].includes(error) ? 'unsupported' : 'failed';
}

const little = endianness() === 'LE';

/** A cache of `struct flock` buffers, because every transaction takes the same few locks. */
class Structures {
  readonly layout: Layout;
  readonly #made = {
    read: new Map<number, Buffer>(),
    write: new Map<number, Buffer>(),
    none: new Map<number, Buffer>(),
  };

  constructor(layout: Layout) {
    this.layout = layout;
  }

  make(kind: LockKind, start: number, length: number): Buffer {
    const { layout } = this;
    const bytes = Buffer.alloc(layout.size); // l_pid must be zero in locks of this kind, and SEEK_SET is zero
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    view.setInt16(layout.type, layout.kinds[kind], little);
    view.setBigInt64(layout.start, BigInt(start), little);
    view.setBigInt64(layout.length, BigInt(length), little);
    return bytes;
  }

  prepared(kind: LockKind, start: number, length: number): Buffer {
    const key = start * 1024 + length; // lengths are below 1024
    let bytes = this.#made[kind].get(key);
    if (!bytes) {
      bytes = this.make(kind, start, length);
      this.#made[kind].set(key, bytes);
    }
    return bytes;
  }

  isFree(bytes: Buffer): boolean {
    const { type, kinds } = this.layout;
    return (little ? bytes.readInt16LE(type) : bytes.readInt16BE(type)) === kinds.none;
  }
}
