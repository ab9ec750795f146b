/**
 * Locks of LockFileEx, which belong to a handle. Unlike with fcntl, a lock cannot be replaced by another, and a range
 * must be unlocked exactly as it was locked. This module therefore tracks the held locks, and splits a range that
 * covers several of SQLite's ranges.
 */

import { pause } from '../core/pause.js';
import {
  allSize,
  type ByteLocks,
  type LockError,
  type LockKind,
  type LockSystem,
  pendingByte,
  reservedByte,
  sharedFirst,
} from './byte-locks.js';
import type { Koffi } from './system.js';

const LOCKFILE_FAIL_IMMEDIATELY = 1;
const LOCKFILE_EXCLUSIVE_LOCK = 2;
const ERROR_INVALID_FUNCTION = 1;
const ERROR_GEN_FAILURE = 31;
const ERROR_LOCK_VIOLATION = 33;
const ERROR_NOT_SUPPORTED = 50;
const ERROR_CALL_NOT_IMPLEMENTED = 120;
const ERROR_NOT_LOCKED = 158;
const ERROR_IO_PENDING = 997;

/** The bytes at which ranges are split. */
const cuts = [pendingByte, reservedByte, sharedFirst, pendingByte + allSize];

/** The prototypes of the Windows functions on 64-bit systems. */
export const prototypes = {
  handle: 'intptr_t uv_get_osfhandle(int)',
  lock: 'int LockFileEx(intptr_t, uint32_t, uint32_t, uint32_t, uint32_t, void *)',
  unlock: 'int UnlockFileEx(intptr_t, uint32_t, uint32_t, uint32_t, void *)',
  error: 'uint32_t GetLastError()',
} as const;

export function windowsLocks(koffi: Koffi): LockSystem {
  // Load the function from the program itself, because the C library of another DLL does not know Node's descriptors.
  const handleOf = koffi.load(null).func(prototypes.handle);
  const kernel = koffi.load('kernel32.dll');
  const lockFile = kernel.func(prototypes.lock);
  const unlockFile = kernel.func(prototypes.unlock);
  const lastError = kernel.func(prototypes.error);
  // If a call fails but the error number is 0, use ERROR_GEN_FAILURE, so that the call does not seem to succeed.
  const failed = (result: unknown): number => (result === 0 ? Number(lastError()) || ERROR_GEN_FAILURE : 0);
  const calls: Calls = {
    lock(handle, kind, { start, length }) {
      const flags = LOCKFILE_FAIL_IMMEDIATELY | (kind === 'write' ? LOCKFILE_EXCLUSIVE_LOCK : 0);
      return failed(lockFile(handle, flags, 0, length, 0, overlapped(start)));
    },
    unlock: (handle, { start, length }) => failed(unlockFile(handle, 0, length, 0, overlapped(start))),
  };
  return { call: 'LockFileEx', of: (fd) => new HandleLocks(calls, handleOf(fd)), meaning };
}

function meaning(error: number): LockError {
  if (error === ERROR_LOCK_VIOLATION || error === ERROR_IO_PENDING) return 'busy';
  const unsupported = [ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED, ERROR_CALL_NOT_IMPLEMENTED];
  return unsupported.includes(error) ? 'unsupported' : 'failed';
}

/** Makes a 64-bit OVERLAPPED structure: Internal, InternalHigh, Offset and OffsetHigh as one number, hEvent. */
function overlapped(start: number): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeBigUInt64LE(BigInt(start), 16);
  return bytes;
}

interface Range {
  readonly start: number;
  readonly length: number;
}

/** The lock calls. Each returns a Windows error number, or 0. */
interface Calls {
  lock(handle: unknown, kind: 'read' | 'write', range: Range): number;
  unlock(handle: unknown, range: Range): number;
}

class HandleLocks implements ByteLocks {
  readonly #calls: Calls;
  readonly #handle: unknown;
  /** The held locks, by their first byte. */
  readonly #held = new Map<number, Range & { readonly kind: 'read' | 'write' }>();

  constructor(calls: Calls, handle: unknown) {
    this.#calls = calls;
    this.#handle = handle;
  }

  set(kind: LockKind, start: number, length: number): number {
    if (kind === 'none') return this.#release(start, length);
    const done: (() => void)[] = [];
    for (const piece of pieces(start, length)) {
      const before = this.#held.get(piece.start);
      const error = this.#take(kind, piece);
      if (error) {
        for (const undo of done.reverse()) undo();
        return error;
      }
      done.push(() => {
        if (before) this.#take(before.kind, piece);
        else this.#drop(piece);
      });
    }
    return 0;
  }

  test(start: number, length: number): number {
    for (const piece of pieces(start, length)) {
      if (this.#held.get(piece.start)?.kind === 'write') continue; // then no other handle has it
      // Lock for reading, as os_win.c does, so that two concurrent tests do not mistake each other for a writer.
      const error = this.#calls.lock(this.#handle, 'read', piece);
      if (error) return meaning(error) === 'busy' ? 1 : -error;
      const errorAfter = this.#calls.unlock(this.#handle, piece);
      if (errorAfter) return -errorAfter;
    }
    return 0;
  }

  #take(kind: 'read' | 'write', piece: Range): number {
    const before = this.#held.get(piece.start);
    if (before && before.length !== piece.length) return ERROR_NOT_LOCKED;
    if (before?.kind === kind) return 0;
    const errorBefore = before ? this.#drop(piece) : 0;
    if (errorBefore) return errorBefore;
    const error = this.#lock(kind, piece);
    // Another program may have locked the range meanwhile. Then this file continues without the lock, as in os_win.c,
    // and SQLite ends the transaction.
    if (error && before) this.#lock(before.kind, piece);
    return error;
  }

  #lock(kind: 'read' | 'write', piece: Range): number {
    let error = this.#calls.lock(this.#handle, kind, piece);
    // Indexers and virus scanners lock bytes for a moment, so os_win.c tries again to lock the pending byte.
    for (let tries = 2; error && tries > 0 && piece.start === pendingByte; tries--) {
      if (meaning(error) !== 'busy') break;
      pause(1);
      error = this.#calls.lock(this.#handle, kind, piece);
    }
    if (!error) this.#held.set(piece.start, { ...piece, kind });
    return error;
  }

  #drop(piece: Range): number {
    const error = this.#calls.unlock(this.#handle, piece);
    if (!error) this.#held.delete(piece.start);
    return error;
  }

  /** Unlocks the shared range first and the pending byte last, as os_win.c does. */
  #release(start: number, length: number): number {
    const end = length === 0 ? Number.POSITIVE_INFINITY : start + length;
    const inside = [...this.#held.values()].filter((range) => range.start >= start && range.start < end);
    let first = 0;
    for (const range of inside.sort((a, b) => b.start - a.start)) {
      const error = this.#drop(range);
      first ||= error;
    }
    return first;
  }
}

function pieces(start: number, length: number): Range[] {
  const end = start + length;
  const starts = [start, ...cuts.filter((cut) => cut > start && cut < end)];
  return starts.map((at, i) => ({ start: at, length: (starts[i + 1] ?? end) - at }));
}
