/**
 * The Windows functions for locks, as documented, on the files of this system. A lock belongs to a handle. A write lock
 * excludes all other locks except a read lock of the same handle. A range must be unlocked exactly as it was locked. If
 * a handle has two locks on a range, the write lock is unlocked first.
 */

import { fstatSync } from 'node:fs';
import type { Koffi } from '../../host/node/system.js';
import { prototypes } from '../../host/node/windows-locks.js';

const ERROR_INVALID_HANDLE = 6;
const ERROR_INVALID_PARAMETER = 87;
const ERROR_LOCK_VIOLATION = 33;
const ERROR_NOT_LOCKED = 158;

interface Lock {
  readonly handle: number;
  readonly file: string;
  readonly exclusive: boolean;
  readonly start: bigint;
  readonly length: bigint;
}

export class FakeWindows implements Koffi {
  locks: Lock[] = [];
  /** The bytes of the OVERLAPPED of the last call. */
  overlapped = Buffer.alloc(0);
  /** If set, it is called before every lock and returns the error number with which the lock fails, or 0. */
  fault: (() => number) | undefined;
  #lastError = 0;
  readonly #files = new Map<number, string>();

  load(library: string | null): { func(prototype: string): (...values: unknown[]) => unknown } {
    const functions = new Map<string, (...values: never[]) => unknown>(
      library === null
        ? [[prototypes.handle, (fd: number) => this.#handle(fd)]]
        : [
            [prototypes.lock, (...values: Parameters<FakeWindows['lockFile']>) => this.lockFile(...values)],
            [
              prototypes.unlock,
              (...values: Parameters<FakeWindows['unlockFile']>) => this.unlockFile(...values),
            ],
            [prototypes.error, () => this.#lastError],
          ],
    );
    if (library !== null && library !== 'kernel32.dll') throw new Error(`no library ${library}`);
    return {
      func(prototype) {
        const found = functions.get(prototype);
        if (!found) throw new Error(`${library} has no ${prototype}`);
        return found as (...values: unknown[]) => unknown;
      },
    };
  }

  errno(): number {
    throw new Error('Windows has none');
  }

  /** Handles are multiples of 4 and differ from descriptors. */
  #handle(fd: number): number {
    const { dev, ino } = fstatSync(fd);
    const handle = 0x100 + fd * 4;
    this.#files.set(handle, `${dev}:${ino}`);
    return handle;
  }

  #fail(error: number): 0 {
    this.#lastError = error;
    return 0;
  }

  #range(overlapped: Uint8Array, low: number, high: number): { start: bigint; length: bigint } | undefined {
    this.overlapped = Buffer.from(overlapped);
    if (overlapped.length !== 32 || this.overlapped.readBigUInt64LE(24) !== 0n) return undefined;
    const start =
      BigInt(this.overlapped.readUInt32LE(16)) + (BigInt(this.overlapped.readUInt32LE(20)) << 32n);
    return { start, length: BigInt(low) + (BigInt(high) << 32n) };
  }

  lockFile(
    handle: number,
    flags: number,
    reserved: number,
    low: number,
    high: number,
    overlapped: Uint8Array,
  ): number {
    const error = this.fault?.() ?? 0;
    if (error) return this.#fail(error);
    const file = this.#files.get(handle);
    if (file === undefined) return this.#fail(ERROR_INVALID_HANDLE);
    const range = this.#range(overlapped, low, high);
    if (!range || reserved !== 0) return this.#fail(ERROR_INVALID_PARAMETER);
    if ((flags & 1) === 0) throw new Error('it would wait');
    const exclusive = (flags & 2) !== 0;
    const refused = this.locks.some((other) => {
      const meets =
        other.file === file &&
        other.start < range.start + range.length &&
        range.start < other.start + other.length;
      return meets && (exclusive || (other.exclusive && other.handle !== handle));
    });
    if (refused) return this.#fail(ERROR_LOCK_VIOLATION);
    this.locks.push({ handle, file, exclusive, ...range });
    return 1;
  }

  unlockFile(handle: number, reserved: number, low: number, high: number, overlapped: Uint8Array): number {
    const range = this.#range(overlapped, low, high);
    if (!range || reserved !== 0) return this.#fail(ERROR_INVALID_PARAMETER);
    const same = this.locks.filter(
      (lock) => lock.handle === handle && lock.start === range.start && lock.length === range.length,
    );
    const lock = same.find(({ exclusive }) => exclusive) ?? same[0];
    if (!lock) return this.#fail(ERROR_NOT_LOCKED);
    this.locks.splice(this.locks.indexOf(lock), 1);
    return 1;
  }
}
