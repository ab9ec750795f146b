/**
 * SQLite's locks on a database file. The byte ranges and the order are those of SQLite's own VFS, so that native
 * processes can use the same file.
 */

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
import {
  allSize,
  type ByteLocks,
  type LockKind,
  type LockSystem,
  pendingByte,
  reservedByte,
  sharedFirst,
  sharedSize,
} from './byte-locks.js';

/** The lock of an open database file. */
export interface DatabaseLock {
  lock(level: number): void;
  unlock(level: number): void;
  reservedElsewhere(): boolean;
  /** Locks the file exclusively for this connection until `leaveAlone`, even if SQLite unlocks it meanwhile. */
  takeAlone(): void;
  leaveAlone(): void;
}

/** @param why the reason why only one connection at a time can use the database */
function walMessage(path: string, why: string): string {
  return `${path}: a database in WAL mode can be open in one connection at a time, because ${why}; another connection has it open`;
}

/** The lock levels of SQLite's own VFS. Its code for threads and inodes is not needed here. */
export class RangeLock implements DatabaseLock {
  readonly #system: LockSystem;
  readonly #locks: ByteLocks;
  readonly #path: string;
  readonly #whyAlone: () => string | undefined;
  #level = SQLITE_LOCK_NONE;
  #first = true;
  /** Whether all ranges are locked for writing, independent of the level. */
  #alone = false;
  /** Whether to keep these locks when SQLite unlocks. */
  #kept = false;

  /** @param whyAlone returns why this must be the only connection to the database; undefined if it need not be */
  constructor(system: LockSystem, fd: number, path: string, whyAlone: () => string | undefined) {
    this.#system = system;
    this.#locks = system.of(fd);
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
      // To roll back a hot journal, SQLite goes from SHARED directly to EXCLUSIVE, without PENDING.
      if (this.#level === SQLITE_LOCK_RESERVED) {
        this.#take('write', pendingByte, 1);
        this.#level = SQLITE_LOCK_PENDING;
      }
      this.#take('write', sharedFirst, sharedSize);
    }
    this.#level = level;
  }

  #lockShared(): void {
    // Readers lock the pending byte first, so that they cannot starve a writer that holds it.
    this.#takeToRead(pendingByte, 1);
    try {
      this.#takeToRead(sharedFirst, sharedSize);
    } catch (error) {
      this.#locks.set('none', pendingByte, 1);
      throw error;
    }
    this.#level = SQLITE_LOCK_SHARED;
    try {
      this.#release(pendingByte, 1);
      // In WAL mode, SQLite keeps SHARED until the connection is closed. If two connections that both need the file
      // exclusively got SHARED, neither could ever continue.
      const why = this.#first ? this.#whyAlone() : undefined;
      if (why !== undefined) this.#takeAll(why);
    } catch (error) {
      this.#locks.set('none', 0, 0);
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
    const error = this.#locks.set('read', sharedFirst, sharedSize);
    if (error) this.#fail(SQLITE_IOERR_RDLOCK, error);
    this.#release(pendingByte, 2);
  }

  reservedElsewhere(): boolean {
    if (this.#alone || this.#level >= SQLITE_LOCK_RESERVED) return false;
    const answer = this.#locks.test(reservedByte, 1);
    if (answer < 0) this.#fail(SQLITE_IOERR_CHECKRESERVEDLOCK, -answer);
    return answer > 0;
  }

  takeAlone(): void {
    if (!this.#alone) this.#takeAll(this.#whyAlone() ?? 'files are not mapped into memory');
    this.#kept = true;
  }

  /** Locks all three ranges in one call, so that a failure keeps the locks that were held. */
  #takeAll(why: string): void {
    const error = this.#locks.set('write', pendingByte, allSize);
    if (this.#system.meaning(error) === 'busy') {
      // After a plain SQLITE_BUSY from xShmMap, SQLite would try again for ten seconds without calling the busy
      // handler.
      throw new FileError(SQLITE_BUSY_RECOVERY, walMessage(this.#path, why), error);
    }
    if (this.#system.meaning(error) === 'read-only') {
      throw new FileError(
        SQLITE_CANTOPEN,
        `cannot open ${this.#path} read-only: it is in WAL mode, and ${why}, so it must be locked exclusively for one ` +
          'connection, which needs write permission',
        error,
      );
    }
    if (error) this.#fail(SQLITE_IOERR_LOCK, error);
    this.#alone = true;
  }

  leaveAlone(): void {
    this.#kept = false;
    // Above SHARED keep all locks. SQLite soon unlocks to SHARED or NONE, which releases them.
    if (!this.#alone || this.#level > SQLITE_LOCK_SHARED) return;
    if (this.#level === SQLITE_LOCK_SHARED) this.#relaxToShared();
    else this.#release(0, 0);
    this.#alone = false;
  }

  #take(kind: LockKind, start: number, length: number): void {
    const error = this.#locks.set(kind, start, length);
    if (this.#system.meaning(error) === 'busy') {
      throw new FileError(SQLITE_BUSY, '', error); // SQLite's own message is enough
    }
    if (error) this.#fail(this.#system.meaning(error) === 'denied' ? SQLITE_PERM : SQLITE_IOERR_LOCK, error);
  }

  #release(start: number, length: number): void {
    const error = this.#locks.set('none', start, length);
    if (error) this.#fail(SQLITE_IOERR_UNLOCK, error);
  }

  #fail(code: number, error: number): never {
    throw new FileError(code, `${this.#path}: ${this.#system.call} failed with error ${error}`, error);
  }
}

const walOpen = new Set<string>();

/** Takes no locks on the file. A WAL database is limited to one connection of this process. */
export class NoLock implements DatabaseLock {
  readonly #path: string;
  readonly #identity: (() => string | undefined) | undefined;
  #taken: string | undefined;

  /**
   * @param identity returns an identifier of the file that does not depend on its path. Without this function, a WAL
   *   database is refused
   */
  constructor(path: string, identity: (() => string | undefined) | undefined) {
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
    const identity = this.#identity() ?? this.#path;
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

/** The part of an error message that tells how to open a file without locks. */
export const withoutLocks = "if nothing else uses the file, pass --locking none, or locking: 'none' in code";
