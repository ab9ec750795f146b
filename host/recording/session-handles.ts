/**
 * The numbers of sessions: 11 bits for the thread, 26 for a serial of the thread's, 16 for a sequence. They stay below
 * 2^53, which a JavaScript number holds, and small in the main thread; none is used twice by the first 2048 threads of
 * a process. A serial belongs to one registry, so that a deleted session, another registry's and one that never existed
 * are distinguished without a list of deleted ones.
 */

import { platform } from '../core/platform.js';

const sequenceBits = 16n;
const sequenceMask = (1n << sequenceBits) - 1n;
const serialBits = 26n;
const offsetOf = (thread: number): bigint => BigInt(thread % 2 ** 11) << (serialBits + sequenceBits);

/** The serials that each kind of owner has taken in this thread: the user's are odd, those of components even. */
const taken = { user: 0n, component: 0n };
const most = (1n << (serialBits - 1n)) - 1n;

/** The owner of the sessions: the user, or a component. */
export type Kind = keyof typeof taken;

function serialOf(kind: Kind, count: bigint): bigint {
  return 2n * count - (kind === 'user' ? 1n : 0n);
}

/** Whether this thread gave the handle to the user, on any connection. */
export function wasUsers(handle: bigint): boolean {
  const rest = handle - offsetOf(platform().thread);
  const serial = rest >> sequenceBits;
  return rest > 0n && (serial & 1n) === 1n && serial <= serialOf('user', taken.user);
}

/** The handles of one registry. */
export class Handles {
  readonly #kind: Kind;
  readonly #offset: bigint;
  readonly #serials: bigint[] = [];
  #last = sequenceMask;

  constructor(kind: Kind, thread = platform().thread) {
    this.#kind = kind;
    this.#offset = offsetOf(thread);
  }

  /** The next one; undefined once the thread has used all, some 2^41 for each kind. */
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

  /** Whether the handle was given here. */
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
