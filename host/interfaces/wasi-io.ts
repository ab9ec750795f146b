/**
 * The part of WASI that every component can use: streams to standard error or to nothing, clocks and random bytes.
 * https://github.com/WebAssembly/WASI/tree/v0.2.8/wasip2
 */

import { pause } from '../core/pause.js';
import { platform } from '../core/platform.js';
import { longestMessage } from '../core/shown.js';
import { writeMarked } from './marked.js';

/** `resource error` of wasi:io/error. */
export class IoError {
  readonly #message: string;
  /** The case of `error-code` of wasi:filesystem; undefined if the error does not come from a file. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    this.#message = message;
    this.code = code;
  }

  toDebugString(): string {
    return this.#message;
  }
}

/** Makes a `variant stream-error`. Without an error the stream is closed. */
export function streamError(
  error?: IoError,
): { tag: 'closed' } | { tag: 'last-operation-failed'; val: IoError } {
  return error ? { tag: 'last-operation-failed', val: error } : { tag: 'closed' };
}

/** The time of the monotonic clock, in nanoseconds. */
function monotonicNow(): bigint {
  return BigInt(Math.round(performance.now() * 1_000_000));
}

/** The longest single wait of a thread, in milliseconds: about 24 days. */
const longestWait = 2 ** 31 - 1;

/** `resource pollable`, which becomes ready at a time of the monotonic clock. By default it is ready immediately. */
export class Pollable {
  readonly from: bigint;

  constructor(from = 0n) {
    this.from = from;
  }

  ready(): boolean {
    return monotonicNow() >= this.from;
  }

  block(): void {
    for (;;) {
      const left = this.from - monotonicNow();
      if (left <= 0n) return;
      pause(Math.min(Number(left / 1_000_000n) + 1, longestWait));
    }
  }
}

/** wasi:io/poll */
export const poll = {
  Pollable,
  poll(list: Pollable[]): Uint32Array {
    if (list.length === 0) throw new Error('poll needs at least one pollable');
    let first = list[0] as Pollable;
    for (const one of list) if (one.from < first.from) first = one;
    first.block();
    return Uint32Array.from([...list.keys()].filter((index) => list[index]?.ready()));
  },
};

/** The maximum number of bytes that one call of a stream transfers. */
const longestRead = 65_536n;

/** `resource input-stream`. This implementation is always at the end of the stream. */
export class InputStream {
  read(_length: bigint): Uint8Array {
    throw streamError();
  }

  blockingRead(length: bigint): Uint8Array {
    return this.read(length < longestRead ? length : longestRead);
  }

  skip(length: bigint): bigint {
    return BigInt(this.blockingRead(length).length);
  }

  blockingSkip(length: bigint): bigint {
    return this.skip(length);
  }

  subscribe(): Pollable {
    return new Pollable();
  }
}

/** `resource output-stream`. This implementation discards the written bytes. */
export class OutputStream {
  checkWrite(): bigint {
    return longestRead;
  }

  write(_bytes: Uint8Array): void {}

  blockingWriteAndFlush(bytes: Uint8Array): void {
    this.write(bytes);
  }

  flush(): void {}

  blockingFlush(): void {
    this.flush();
  }

  writeZeroes(length: bigint): void {
    this.write(new Uint8Array(Number(length < longestRead ? length : longestRead)));
  }

  blockingWriteZeroesAndFlush(length: bigint): void {
    this.writeZeroes(length);
  }

  splice(from: { blockingRead(length: bigint): Uint8Array }, length: bigint): bigint {
    const bytes = from.blockingRead(length);
    this.write(bytes);
    return BigInt(bytes.length);
  }

  blockingSplice(from: { blockingRead(length: bigint): Uint8Array }, length: bigint): bigint {
    return this.splice(from, length);
  }

  subscribe(): Pollable {
    return new Pollable();
  }
}

/**
 * Splits the output of a component into lines, and writes each line to standard error with the component's name in
 * front.
 */
export class MarkedLines {
  readonly #mark: string;
  readonly #decoder = new TextDecoder();
  #line = '';

  constructor(mark: string) {
    this.#mark = mark;
  }

  add(bytes: Uint8Array): void {
    const lines = (this.#line + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) writeMarked(this.#mark, line);
    if (this.#line.length >= longestMessage) this.end();
  }

  /** Writes the last line if it has no newline. */
  end(): void {
    if (this.#line !== '') writeMarked(this.#mark, this.#line);
    this.#line = '';
  }
}

export const monotonicClock = {
  now: (): bigint => monotonicNow(),
  resolution: (): bigint => 1n,
  subscribeInstant: (when: bigint): Pollable => new Pollable(when),
  subscribeDuration: (duration: bigint): Pollable => new Pollable(monotonicNow() + duration),
};

export const wallClock = {
  now(): { seconds: bigint; nanoseconds: number } {
    const now = Date.now();
    return { seconds: BigInt(Math.floor(now / 1000)), nanoseconds: (now % 1000) * 1_000_000 };
  },
  resolution: (): { seconds: bigint; nanoseconds: number } => ({ seconds: 0n, nanoseconds: 1_000_000 }),
};

/** The maximum number of random bytes that one call returns. */
const mostRandom = 2 ** 24;

function bytes(length: bigint): Uint8Array<ArrayBuffer> {
  if (length > mostRandom)
    throw new RangeError(`${length} random bytes are too many; the limit is ${mostRandom}`);
  const random = new Uint8Array(Number(length));
  platform().fillRandom(random, 0, random.length);
  return random;
}

const number = (): bigint => new DataView(bytes(8n).buffer).getBigUint64(0, true);

export const random = {
  random: { getRandomBytes: bytes, getRandomU64: number },
  insecure: { getInsecureRandomBytes: bytes, getInsecureRandomU64: number },
  insecureSeed: { insecureSeed: (): [bigint, bigint] => [number(), number()] },
};
