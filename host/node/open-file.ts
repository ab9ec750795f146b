import {
  closeSync,
  fdatasyncSync,
  constants as fs,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import {
  SQLITE_FULL,
  SQLITE_IOERR_CLOSE,
  SQLITE_IOERR_FSTAT,
  SQLITE_IOERR_FSYNC,
  SQLITE_IOERR_READ,
  SQLITE_IOERR_TRUNCATE,
  SQLITE_IOERR_WRITE,
  SQLITE_LOCK_NONE,
  SQLITE_SYNC_FULL,
} from '../core/constants.js';
import { FileError, type OpenFile, type WalIndex } from '../core/host-services.js';
import type { DatabaseLock } from './locks.js';
import { type Patience, patience } from './patience.js';
import { failure, frequentCalls, statOf, systemError } from './system.js';
import { isPosix } from './systems.js';
import { OwnIndex } from './wal-index.js';

/** The bits of the sync flags that hold SQLITE_SYNC_NORMAL or SQLITE_SYNC_FULL. */
const syncKind = 0x0f;

export class NodeFile implements OpenFile {
  readonly #fd: number;
  readonly #path: string;
  readonly #lock: DatabaseLock;
  readonly #newIndex: () => WalIndex;
  #index: WalIndex | undefined;
  #directoryToSync: boolean;
  #identity: string | undefined;

  constructor(
    fd: number,
    path: string,
    lock: DatabaseLock,
    directoryToSync: boolean,
    newIndex: () => WalIndex = () => new OwnIndex(lock),
  ) {
    this.#fd = fd;
    this.#path = path;
    this.#lock = lock;
    this.#newIndex = newIndex;
    this.#directoryToSync = directoryToSync;
  }

  get walIndex(): WalIndex {
    this.#index ??= this.#newIndex();
    return this.#index;
  }

  close(): void {
    try {
      this.#lock.leaveAlone();
      this.#lock.unlock(SQLITE_LOCK_NONE);
    } finally {
      try {
        closeSync(this.#fd);
      } catch (error) {
        this.#fail(SQLITE_IOERR_CLOSE, error);
      }
    }
  }

  read(memory: Uint8Array, at: number, length: number, offset: number): number {
    let done = 0;
    let again: Patience | undefined;
    while (done < length) {
      try {
        const read = readSync(this.#fd, memory, at + done, length - done, offset + done);
        if (read === 0) break;
        done += read;
      } catch (error) {
        // Do not use SQLITE_IOERR_CORRUPTFS, which SQLite reports as a malformed database without the reason.
        if (isInterrupted(error)) continue;
        again ??= ioPatience();
        if (!again(error)) this.#fail(SQLITE_IOERR_READ, error);
      }
    }
    return done;
  }

  write(memory: Uint8Array, at: number, length: number, offset: number): void {
    let done = 0;
    let again: Patience | undefined;
    while (done < length) {
      try {
        const written = writeSync(this.#fd, memory, at + done, length - done, offset + done);
        if (written === 0) throw new FileError(SQLITE_FULL, `cannot write more bytes to ${this.#path}`);
        done += written;
      } catch (error) {
        if (error instanceof FileError) throw error;
        again ??= ioPatience();
        if (again(error)) continue;
        const full = ['ENOSPC', 'EDQUOT'].includes(systemError(error).code);
        this.#fail(full ? SQLITE_FULL : SQLITE_IOERR_WRITE, error);
      }
    }
  }

  truncate(size: number): void {
    try {
      ftruncateSync(this.#fd, size);
    } catch (error) {
      this.#fail(SQLITE_IOERR_TRUNCATE, error);
    }
  }

  /** Syncs the file. fdatasync is sufficient, because it also writes the file size. The flags matter only on macOS. */
  sync(flags: number): void {
    try {
      flush(this.#fd, fdatasyncSync, (flags & syncKind) === SQLITE_SYNC_FULL);
    } catch (error) {
      this.#fail(SQLITE_IOERR_FSYNC, error);
    }
    if (!this.#directoryToSync) return;
    // Sync the directory, because a journal whose directory entry is lost in a power failure cannot be rolled back.
    this.#directoryToSync = false;
    try {
      syncDirectoryOf(this.#path);
    } catch {
      // Many file systems cannot sync a directory; SQLite's own VFS ignores that too.
    }
  }

  size(): number {
    const size = frequentCalls()?.size(this.#fd) ?? -1;
    return size >= 0 ? size : this.#stat().size;
  }

  lock(level: number): void {
    this.#lock.lock(level);
  }

  unlock(level: number): void {
    this.#lock.unlock(level);
  }

  checkReservedLock(): boolean {
    return this.#lock.reservedElsewhere();
  }

  hasMoved(): boolean {
    try {
      this.#identity ??= identityOf(this.#fd);
    } catch (error) {
      this.#fail(SQLITE_IOERR_FSTAT, error);
    }
    try {
      return identityOf(this.#path) !== this.#identity;
    } catch {
      return true; // the path no longer leads to the file
    }
  }

  #stat(): Stats {
    return statOf(this.#fd, this.#path);
  }

  #fail(code: number, error: unknown): never {
    throw failure(code, this.#path, error);
  }
}

/** Makes the retry policy for reading and writing, which retries only on Windows. */
const ioPatience = (): Patience => (isPosix ? () => false : patience());

/** Whether a signal interrupted a call. Node repeats other interrupted calls itself, but not reads. */
export function isInterrupted(error: unknown): boolean {
  return systemError(error).code === 'EINTR';
}

/** Returns an identifier of a file that does not depend on its path; undefined if the file does not exist. */
export function identityOf(file: number | string): string | undefined {
  if (isPosix) {
    const found = typeof file === 'number' ? fstatSync(file) : statSync(file, { throwIfNoEntry: false });
    return found && `${found.dev}:${found.ino}`;
  }
  // On Windows the file number has 64 bits. The volume number is not used, because in Node 22.12 to 22.16 and 24.0 to
  // 24.1 statSync and fstatSync return different ones.
  const options = { bigint: true, throwIfNoEntry: false } as const;
  const found = typeof file === 'number' ? fstatSync(file, options) : statSync(file, options);
  return found && `${found.ino}`;
}

/** Syncs a file as SQLite's own VFS does. On macOS, Node's functions would also flush the cache of the disk. */
function flush(fd: number, sync: (fd: number) => void, isFull = false): void {
  const call = isFull ? undefined : frequentCalls()?.flush;
  if (!call) {
    sync(fd);
    return;
  }
  const error = call(fd);
  if (error) throw Object.assign(new Error(`fsync failed with error ${error}`), { errno: error });
}

/**
 * Syncs the directory of a file, so that created and deleted names are on disk. Does nothing if the directory cannot be
 * opened or synced.
 */
export function syncDirectoryOf(path: string): void {
  if (!isPosix) return;
  let fd: number;
  try {
    fd = openSync(dirname(path), fs.O_RDONLY);
  } catch {
    return;
  }
  try {
    flush(fd, fsyncSync);
  } catch (error) {
    if (!['EINVAL', 'EPERM', 'ENOTSUP'].includes(systemError(error).code)) throw error;
  } finally {
    closeSync(fd);
  }
}
