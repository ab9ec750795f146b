/**
 * The handles of sessions. A handle has 11 bits for the thread, 26 for a serial number and 16 for a sequence number, so
 * it fits in a JavaScript number. The first 2048 threads of a process use no handle twice, and handles of the main
 * thread are small. A serial number belongs to one registry. So a handle shows whether its session was deleted, belongs
 * to another registry or never existed, without a list of deleted sessions.
 */

import { platform } from '../core/platform.js';

const sequenceBits = 16n;
const sequenceMask = (1n << sequenceBits) - 1n;
const serialBits = 26n;
const offsetOf = (thread: number): bigint => BigInt(thread % 2 ** 11) << (serialBits + sequenceBits);

/** The serial numbers used in this thread by kind of owner: odd ones by the user, even ones by components. */
const taken = { user: 0n, component: 0n };
const most = (1n << (serialBits - 1n)) - 1n;

/** The owner of the sessions: the user, or a component. */
export type Kind = keyof typeof taken;

function serialOf(kind: Kind, count: bigint): bigint {
  return 2n * count - (kind === 'user' ? 1n : 0n);
}

/** Whether this thread gave the handle to the user on any connection. */
export function wasUsers(handle: bigint): boolean {
  const rest = handle - offsetOf(platform().thread);
  const serial = rest >> sequenceBits;
  return rest > 0n && (serial & 1n) === 1n && serial <= serialOf('user', taken.user);
}

export class Handles {
  readonly #kind: Kind;
  readonly #offset: bigint;
  readonly #serials: bigint[] = [];
  #last = sequenceMask;

  constructor(kind: Kind, thread = platform().thread) {
    this.#kind = kind;
    this.#offset = offsetOf(thread);
  }

  /** The next handle; undefined if the thread has used all of them, about 2^41 for each kind of owner. */
  next(): bigint | undefined {
    if (this.#last === sequenceMask) {
      if (taken[this.#kind] === most) return undefined;
      taken[this.#kind] += 1n;
      this.#serials.push(serialOf(this.#kind, taken[this.#kind]));
      this.#last = 0n;
    }
    this.#last += 1n;
    return this.#offset + (((this.#serials.at(-1) ?? 0n) << sequenceBits) | this.#last);
  }

  /** Whether this registry gave the handle. */
  gave(handle: bigint): boolean {
    const sequence = handle & sequenceMask;
    if (sequence === 0n || !this.isOwn(handle)) return false;
    return handle >> sequenceBits !== this.#lastSerial || sequence <= this.#last;
  }

  /** Whether the handle can only be from this registry. */
  isOwn(handle: bigint): boolean {
    return this.#serials.includes((handle - this.#offset) >> sequenceBits);
  }

  get #lastSerial(): bigint {
    return (this.#offset >> sequenceBits) + (this.#serials.at(-1) ?? 0n);
  }
}
