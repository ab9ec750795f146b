/**
 * An in-memory log with the rules of JetStream, for simulations from a seed. Its virtual clock advances only when
 * everything waits. Its links can be slow, be cut, or lose replies.
 */

import { createHash } from 'node:crypto';
import type { Log, LogMessage, LogObject, LogState } from 'sqlite-wasm-run/replica';
import { ReplicaError } from 'sqlite-wasm-run/replica';

/** Pseudorandom numbers from a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  uuid(): string {
    const hex = createHash('sha256').update(String(this.next())).update(String(this.next())).digest('hex');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  }
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly ring: () => void;
}

/** A clock that advances only when everything waits. */
export class VirtualClock {
  #time = 1_700_000_000_000;
  #order = 0;
  #timers: Timer[] = [];

  now(): number {
    return this.#time;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      this.#order += 1;
      const timer = { at: this.#time + ms, order: this.#order, ring: resolve };
      this.#timers.push(timer);
      signal?.addEventListener('abort', () => {
        this.#timers = this.#timers.filter((one) => one !== timer);
        resolve();
      });
    });
  }

  /** Lets time pass until `done`. @throws Error after `limit` ms */
  async until(done: () => boolean, limit = 600_000): Promise<void> {
    const end = this.#time + limit;
    for (let pauses = 0; ; ) {
      await settled();
      if (done()) return;
      this.#timers.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#timers.shift();
      if (!next) {
        pauses += 1; // files take real time
        if (pauses > 400) throw new Error('everything waits, and nothing will come');
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      if (next.at > end) throw new Error(`not done after ${limit} ms of virtual time`);
      this.#time = Math.max(this.#time, next.at);
      next.ring();
    }
  }

  /** Lets some time pass. */
  async pass(ms: number): Promise<void> {
    let over = false;
    void this.sleep(ms).then(() => {
      over = true;
    });
    await this.until(() => over);
  }

  /** Waits for a promise while time passes. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    promise.then(end, end);
    await this.until(() => over);
    return promise;
  }
}

/** Waits until every promise that can be resolved is resolved. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The stream to which all links connect. */
export class MemoryStream {
  identity = '';
  origin: LogState['origin'] = 'empty';
  /** The messages by sequence number, from `first` to `last`. */
  readonly messages = new Map<number, Uint8Array>();
  first = 1;
  last = 0;
  maxMessage = 4096;
  /** Set to refuse messages and objects. */
  fault: 'full' | 'denied' | undefined;
  readonly objects = new Map<string, { about: LogObject['about']; time: number; bytes: Uint8Array }>();
  #listeners = new Set<() => void>();

  /** Stores a message with `Nats-Expected-Last-Sequence`. Returns its sequence; undefined if the message is refused. */
  store(bytes: Uint8Array, expected: number): number | undefined {
    if (expected !== this.last) return undefined;
    this.last += 1;
    this.messages.set(this.last, bytes.slice());
    for (const listener of [...this.#listeners]) listener();
    return this.last;
  }

  /** Removes the messages before one. */
  trim(first: number): void {
    for (const sequence of [...this.messages.keys()]) if (sequence < first) this.messages.delete(sequence);
    this.first = first;
  }

  /** Copies the stream, to restore it later. */
  copy(): MemoryStream {
    const copy = new MemoryStream();
    Object.assign(copy, { identity: this.identity, origin: this.origin, first: this.first, last: this.last });
    for (const [sequence, bytes] of this.messages) copy.messages.set(sequence, bytes);
    for (const [name, object] of this.objects) copy.objects.set(name, object);
    return copy;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** The faults of a link. */
export interface Faults {
  /** The probability that the answer to a publication is lost. */
  readonly lostAcks?: number;
  /** The probability that a publication never arrives. */
  readonly lostMessages?: number;
  /** The longest delay in ms. */
  readonly delay?: number;
}

/** A link of one copy to a stream. */
export class MemoryLog implements Log {
  readonly name = 'memory';
  stream: MemoryStream;
  faults: Faults;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  #isUp = true;
  #wake = new Set<() => void>();

  constructor(stream: MemoryStream, clock: VirtualClock, random: Random, faults: Faults = {}) {
    this.stream = stream;
    this.#clock = clock;
    this.#random = random;
    this.faults = faults;
  }

  /** Cuts or restores the link. */
  set isUp(up: boolean) {
    this.#isUp = up;
    for (const wake of [...this.#wake]) wake();
  }

  async create(identity: string, origin: LogState['origin']): Promise<boolean> {
    await this.#trip();
    if (this.stream.fault) throw new ReplicaError(this.stream.fault, `the stream is ${this.stream.fault}`);
    if (this.stream.identity !== '') return false;
    this.stream.identity = identity;
    this.stream.origin = origin;
    if (this.#random.chance(this.faults.lostAcks ?? 0)) return this.#timeout();
    return true;
  }

  async state(): Promise<LogState> {
    await this.#trip();
    const { identity, origin, first, last } = this.stream;
    if (identity === '') throw new ReplicaError('missing', 'there is no such stream');
    return { identity, origin, first, last };
  }

  async maxMessage(): Promise<number> {
    return this.stream.maxMessage;
  }

  async message(sequence: number): Promise<Uint8Array | undefined> {
    await this.#trip();
    return this.stream.messages.get(sequence);
  }

  async publish(bytes: Uint8Array, expected: number): Promise<number> {
    const { lostAcks = 0, lostMessages = 0 } = this.faults;
    await this.#trip();
    if (this.stream.fault) throw new ReplicaError(this.stream.fault, `the stream is ${this.stream.fault}`);
    if (bytes.length > this.stream.maxMessage) throw new Error('a message is larger than the server accepts');
    if (this.#random.chance(lostMessages)) return this.#timeout();
    const sequence = this.stream.store(bytes, expected);
    if (!this.#isUp || this.#random.chance(lostAcks)) return this.#timeout();
    await this.#delay();
    if (!this.#isUp) return this.#timeout();
    if (sequence === undefined)
      throw new ReplicaError('conflict', `wrong last sequence: ${this.stream.last}`);
    return sequence;
  }

  async *follow(from: number, signal: AbortSignal): AsyncIterable<LogMessage> {
    let next = from;
    await this.#trip();
    const { stream } = this;
    while (!signal.aborted) {
      if (!this.#isUp || this.stream !== stream) {
        await this.#clock.sleep(1000, signal);
        if (signal.aborted) return;
        throw new ReplicaError('unavailable', 'no heartbeat for a second');
      }
      next = Math.max(next, stream.first);
      const bytes = stream.messages.get(next);
      if (!bytes) {
        await this.#change(signal);
        continue;
      }
      await this.#delay();
      if (!this.#isUp || this.stream !== stream) continue;
      yield { sequence: next, bytes };
      next += 1;
    }
  }

  async put(name: string, about: LogObject['about'], pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const piece of pieces) parts.push(piece);
    await this.#trip();
    if (this.stream.fault) throw new ReplicaError(this.stream.fault, `the stream is ${this.stream.fault}`);
    const bytes = new Uint8Array(Buffer.concat(parts));
    this.stream.objects.set(name, { about, time: this.#clock.now(), bytes });
  }

  async get(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    await this.#trip();
    const found = this.stream.objects.get(name);
    return found && inPieces(found.bytes);
  }

  async objects(prefix: string): Promise<LogObject[]> {
    await this.#trip();
    return [...this.stream.objects]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, { about, time, bytes }]) => ({ name, about, time, size: bytes.length }));
  }

  async remove(name: string): Promise<void> {
    await this.#trip();
    this.stream.objects.delete(name);
  }

  async trim(first: number): Promise<void> {
    await this.#trip();
    this.stream.trim(first);
  }

  async close(): Promise<void> {}

  async #trip(): Promise<void> {
    await this.#delay();
    if (!this.#isUp) {
      await this.#clock.sleep(100);
      throw new ReplicaError('unavailable', 'the server does not answer');
    }
  }

  async #delay(): Promise<void> {
    const { delay = 0 } = this.faults;
    if (delay > 0) await this.#clock.sleep(1 + this.#random.below(delay));
  }

  async #timeout(): Promise<never> {
    await this.#clock.sleep(1000);
    throw new ReplicaError('unknown', 'no answer within a second');
  }

  /** Waits until the stream has another message, or the link changes. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        stop();
        this.#wake.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const stop = this.stream.listen(done);
      this.#wake.add(done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}
