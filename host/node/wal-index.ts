/**
 * The index of a WAL. The shared index is the `-shm` file of SQLite's unix VFS, mapped into the core's memory, with the
 * locks of os_unix.c, so that native processes and other connections can use it too. If files cannot be mapped, the
 * index is in private memory, and only one connection can use the database.
 */

import {
  closeSync,
  constants as fs,
  fstatSync,
  ftruncateSync,
  openSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import {
  SQLITE_BUSY,
  SQLITE_CANTOPEN,
  SQLITE_IOERR_FSTAT,
  SQLITE_IOERR_LOCK,
  SQLITE_IOERR_SHMLOCK,
  SQLITE_IOERR_SHMMAP,
  SQLITE_IOERR_SHMOPEN,
  SQLITE_IOERR_SHMSIZE,
  SQLITE_READONLY_CANTINIT,
  SQLITE_SHM_SHARED,
  SQLITE_SHM_UNLOCK,
} from '../core/constants.js';
import { FileError, type WalIndex } from '../core/host-services.js';
import type { ByteLocks, LockKind, LockSystem } from './byte-locks.js';
import type { DatabaseLock } from './locks.js';
import type { Mappings } from './mapping.js';
import { failure, noFollow, ownLike } from './system.js';

/** UNIX_SHM_BASE: the byte of the first lock. */
const firstLock = 120;
/** UNIX_SHM_DMS: locked for reading while the index is open, and for writing while the first connection opens it. */
const openByte = 128;
/** To allocate disk space, one byte of each block of this size is written. */
const block = 4096;
const oneByte = Buffer.alloc(1);

/** An index in private memory. The database lock excludes other connections. */
export class OwnIndex implements WalIndex {
  readonly #lock: DatabaseLock;
  #regions = 0;

  constructor(lock: DatabaseLock) {
    this.#lock = lock;
  }

  open(region: number, _size: number, extend: boolean): { regions: number; readOnly: boolean } {
    this.#lock.takeAlone();
    if (region >= this.#regions && !extend) return { regions: 0, readOnly: false };
    this.#regions = Math.max(this.#regions, region + 1);
    return { regions: 1, readOnly: false };
  }

  map(memory: Uint8Array, at: number, length: number): void {
    memory.fill(0, at, at + length);
  }

  /** Does nothing, because no other connection uses the index. */
  lock(): void {}

  close(): void {
    this.#regions = 0;
    this.#lock.leaveAlone();
  }
}

/** The open files of a shared index. */
interface Open {
  readonly fd: number;
  readonly locks: ByteLocks;
  readonly readOnly: boolean;
  /** Whether the open byte is not locked yet. Then no writer has the file open, and its contents cannot be trusted. */
  unlocked: boolean;
}

/** An index in the `-shm` file, which each connection opens once. */
export class SharedIndex implements WalIndex {
  readonly #system: LockSystem;
  readonly #mappings: Mappings;
  readonly #path: string;
  readonly #database: () => Stats;
  #open: Open | undefined;
  readonly #mapped: { at: number; length: number }[] = [];
  /** The address of the memory when the first region was mapped, and its buffer when last checked. */
  #address = 0;
  #buffer: ArrayBufferLike | undefined;
  /** The locks that this connection holds, one bit for each. */
  #shared = 0;
  #exclusive = 0;

  /**
   * @param path the path of the `-shm` file
   * @param database returns the `fstat` result of the database, whose mode and owner a new file gets
   */
  constructor(system: LockSystem, mappings: Mappings, path: string, database: () => Stats) {
    this.#system = system;
    this.#mappings = mappings;
    this.#path = path;
    this.#database = database;
  }

  /** unixShmMap without the mapping: opens the file, and extends it if `extend`. */
  open(
    region: number,
    size: number,
    extend: boolean,
    readOnly: boolean,
  ): { regions: number; readOnly: boolean } {
    const open = this.#open ?? this.#openFile(readOnly);
    if (open.unlocked) this.#register(open);
    const regions = Math.max(1, this.#mappings.pageSize / size);
    const needed = (Math.floor(region / regions) + 1) * regions * size;
    const there = this.#grown(open.fd, needed, extend);
    return { regions: there ? regions : 0, readOnly: open.readOnly };
  }

  /** unixOpenSharedMemory. */
  #openFile(readOnly: boolean): Open {
    const database = this.#database();
    const opened = this.#descriptor(database, readOnly);
    const open = { ...opened, locks: this.#system.of(opened.fd), unlocked: true };
    try {
      ownLike(open.fd, database);
      this.#register(open);
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== SQLITE_READONLY_CANTINIT) {
        closeSync(open.fd);
        throw error instanceof FileError ? error : failure(SQLITE_IOERR_SHMOPEN, this.#path, error);
      }
      this.#open = open;
      throw error;
    }
    this.#open = open;
    return open;
  }

  #descriptor(database: Stats, readOnly: boolean): { fd: number; readOnly: boolean } {
    if (!readOnly) {
      try {
        const how = fs.O_RDWR | fs.O_CREAT | noFollow;
        return { fd: openSync(this.#path, how, database.mode & 0o777), readOnly: false };
      } catch {
        // Try to open the file read-only.
      }
    }
    try {
      return { fd: openSync(this.#path, fs.O_RDONLY | noFollow), readOnly: true };
    } catch (error) {
      throw failure(SQLITE_CANTOPEN, this.#path, error);
    }
  }

  /**
   * unixLockSharedMemory. Locks the open byte for reading. If no other connection has the file open, first truncates
   * the file, because a crash can leave invalid contents. The new size is 3 bytes, as in SQLite.
   *
   * @throws FileError SQLITE_BUSY while another connection does the same; SQLite waits and tries again
   */
  #register(open: Open): void {
    const answer = open.locks.test(openByte, 1);
    if (answer < 0) this.#fail(SQLITE_IOERR_LOCK, this.#system.call, -answer);
    if (answer === 0) {
      if (open.readOnly) throw new FileError(SQLITE_READONLY_CANTINIT, '');
      this.#set(open.locks, 'write', openByte, 1);
      try {
        ftruncateSync(open.fd, 3);
      } catch (error) {
        throw failure(SQLITE_IOERR_SHMOPEN, this.#path, error);
      }
    }
    // This fails while another connection locks the byte for writing, so no connection reads a file that is about to be
    // truncated.
    this.#set(open.locks, 'read', openByte, 1);
    open.unlocked = false;
  }

  /** Whether the file has at least this length. If `extend`, extends the file. */
  #grown(fd: number, needed: number, extend: boolean): boolean {
    let size: number;
    try {
      size = fstatSync(fd).size;
    } catch (error) {
      throw failure(SQLITE_IOERR_FSTAT, this.#path, error);
    }
    if (size >= needed) return true;
    if (!extend) return false;
    try {
      // Write a byte in each block. On a full disk this fails with an error, but writing to a mapped hole would kill
      // the process.
      for (let at = Math.floor(size / block) * block; at < needed; at += block) {
        writeSync(fd, oneByte, 0, 1, at + block - 1);
      }
    } catch (error) {
      throw failure(SQLITE_IOERR_SHMSIZE, this.#path, error);
    }
    return true;
  }

  map(memory: Uint8Array, at: number, length: number, offset: number): void {
    const open = this.#open;
    if (!open) throw new FileError(SQLITE_IOERR_SHMMAP, `${this.#path} is not open`);
    if (this.#mapped.length === 0) this.#address = this.#mappings.addressOf(memory);
    else this.#check(memory);
    this.#buffer = memory.buffer;
    const error = this.#mappings.map(this.#address + at, length, open.fd, offset, open.readOnly);
    if (error) {
      // A failed mmap may have removed the previous mapping.
      this.#mappings.unmap(this.#address + at, length);
      this.#fail(SQLITE_IOERR_SHMMAP, 'mmap', error);
    }
    this.#mapped.push({ at, length });
  }

  /** unixShmLock. SQLite never converts a lock from one kind to the other. */
  lock(memory: Uint8Array, first: number, count: number, flags: number): void {
    const open = this.#open;
    if (!open) throw new FileError(SQLITE_IOERR_SHMLOCK, `${this.#path} is not open`);
    const mask = (1 << (first + count)) - (1 << first);
    if (flags & SQLITE_SHM_UNLOCK) {
      if (((this.#shared | this.#exclusive) & mask) === 0) return;
      this.#set(open.locks, 'none', firstLock + first, count);
      this.#shared &= ~mask;
      this.#exclusive &= ~mask;
      return;
    }
    // Check here, because every transaction begins with a lock.
    if (memory.buffer !== this.#buffer) this.#check(memory);
    if (flags & SQLITE_SHM_SHARED) {
      if (this.#shared & mask) return;
      this.#set(open.locks, 'read', firstLock + first, count);
      this.#shared |= mask;
      return;
    }
    if (this.#shared & mask) throw new FileError(SQLITE_BUSY, '');
    this.#set(open.locks, 'write', firstLock + first, count);
    this.#exclusive |= mask;
  }

  /** unixShmUnmap. Closes the descriptor last, because its locks stay as long as a mapping exists. */
  close(memory: Uint8Array, deleteFile: boolean): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    this.#shared = 0;
    this.#exclusive = 0;
    try {
      this.#unmap(memory);
      if (deleteFile) {
        try {
          unlinkSync(this.#path);
        } catch {
          // Ignore the error. The next connection truncates the file before it uses it.
        }
      }
    } finally {
      closeSync(open.fd);
    }
  }

  #unmap(memory: Uint8Array): void {
    const mapped = this.#mapped.splice(0);
    this.#buffer = undefined;
    // If the memory has moved, the mappings were at the old address, which may be in use by now.
    if (mapped.length === 0 || this.#mappings.addressOf(memory) !== this.#address) return;
    for (const { at, length } of mapped) {
      const error = this.#mappings.unmap(this.#address + at, length);
      if (error) this.#fail(SQLITE_IOERR_SHMMAP, 'mmap', error);
    }
  }

  /** Checks that growing has not moved the memory, because the mappings would then be outside the core's memory. */
  #check(memory: Uint8Array): void {
    if (this.#mapped.length > 0 && this.#mappings.addressOf(memory) !== this.#address) {
      throw new FileError(
        SQLITE_IOERR_SHMMAP,
        `the memory has moved, so ${this.#path} is no longer mapped: open the database again`,
      );
    }
    this.#buffer = memory.buffer;
  }

  #set(locks: ByteLocks, kind: LockKind, start: number, count: number): void {
    const error = locks.set(kind, start, count);
    if (!error) return;
    const meaning = this.#system.meaning(error);
    // As in os_unix.c, the result is SQLITE_BUSY if a read-only descriptor cannot take a write lock.
    if (meaning === 'busy' || meaning === 'read-only') throw new FileError(SQLITE_BUSY, '', error);
    this.#fail(SQLITE_IOERR_SHMLOCK, this.#system.call, error);
  }

  #fail(code: number, what: string, error: number): never {
    throw new FileError(code, `${this.#path}: ${what} failed with error ${error}`, error);
  }
}
