/** Synchronizes a copy with its log: applies new messages, and publishes pending transactions message by message. */

import type { DatabaseSync } from '../api/database.js';
import type { Chance } from './chance.js';
import type { Copy } from './copy.js';
import { isOfTheMachine, isReason, isTemporary, type ReplicaError, replicaError, textOf } from './errors.js';
import { Inbox } from './inbox.js';
import { type Incoming, IncomingReader, objectName, readBack } from './incoming.js';
import { type Job, Jobs } from './jobs.js';
import type { Limits } from './limits.js';
import type { Log } from './log.js';
import type { Outgoing } from './outgoing.js';
import { comparePosition, stateFor } from './position.js';
import type { Received } from './receiving.js';
import type { Call } from './state.js';

/** The clock of a driver. Tests replace it. */
export interface Clock extends Chance {
  /** Resolves after `ms` milliseconds, or when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The callbacks of a driver. */
export interface Listener {
  online(): void;
  offline(error: Error): void;
  /** Publishing or writing failed. The driver tries again. */
  stalled(error: Error): void;
  stopped(error: Error): void;
  received(received: Received): void;
  /** The server stored a message with transactions of this copy. */
  acknowledged(message: Outgoing, sequence: number): void;
  renewed(copy: string): void;
}

/** The maximum number of messages, and of their bytes, that are applied in one transaction of the file. */
const batchCount = 256;
const batchBytes = 2 ** 22;
/**
 * If at least this many transactions are pending, some are published before all are rebased. `previewTime` limits that
 * work, in ms.
 */
const manyPending = 16;
const previewTime = 20;
/**
 * A waiting transaction lets this many messages of pending transactions go first. Then it is published with all pending
 * transactions.
 */
const mostPassed = 4;
const longestPause = 5000;
const stallPause = 1000;

export class Driver {
  readonly #copy: Copy;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #listener: Listener;
  readonly #limits: Limits;
  readonly #closing = new AbortController();
  #state: 'offline' | 'online' | 'stopped' | 'closed' = 'offline';
  #problem: Error | undefined;
  /** The driver publishes only after it has applied the messages up to this sequence number. */
  #target = 0;
  /** The last sequence number that the log is known to have. */
  #last = 0;
  readonly #jobs = new Jobs();
  /** The driver does not publish before this time. */
  #publishAfter = 0;
  #wake: (() => void) | undefined;
  #isAwake = false;
  #running: Promise<void> | undefined;
  #watchers = new Set<() => void>();

  constructor(copy: Copy, log: Log, clock: Clock, limits: Limits, listener: Listener) {
    this.#copy = copy;
    this.#log = log;
    this.#clock = clock;
    this.#limits = limits;
    this.#listener = listener;
  }

  get state(): 'offline' | 'online' | 'stopped' | 'closed' {
    return this.#state;
  }

  /** The present error; undefined if there is none. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  /** The last sequence number that the log is known to have. */
  get last(): number {
    return Math.max(this.#last, this.#copy.state.sequence);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Tells the driver that there is work. */
  wake(): void {
    this.#isAwake = true;
    this.#wake?.();
  }

  /** Runs a transaction after all pending transactions, and resolves when the history contains it. */
  wait<T>(action: (database: DatabaseSync) => T, call?: Call): Promise<{ value: T; sequence: number }> {
    // At the start the driver is offline without a problem, because it has not tried to connect yet.
    if (this.#state === 'offline' && this.#problem) {
      const message = `a transaction with { wait: true } needs the server: ${this.#problem.message}`;
      return Promise.reject(replicaError('unavailable', message, this.#problem));
    }
    const done = this.#jobs.add(action, call);
    this.wake();
    return done as Promise<{ value: T; sequence: number }>;
  }

  /** Resolves when all pending transactions are in the history, and all messages that the log has now are applied. */
  async sync(): Promise<void> {
    this.#target = Math.max(this.#target, (await stateFor(this.#log, this.#copy.state)).last);
    const target = this.#target;
    this.wake();
    await this.#until(
      () =>
        this.#state === 'online' && this.#copy.pending.length === 0 && this.#copy.state.sequence >= target,
    );
  }

  /** Stops the driver after its present step. */
  async stop(): Promise<void> {
    if (this.#state !== 'stopped') this.#state = 'closed';
    this.#closing.abort();
    this.wake();
    await this.#running;
    this.#jobs.rejectAll(
      replicaError('closed', 'the replica was closed before the transaction was in the history'),
    );
    this.#tell();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#session(() => {
          failures = 0;
        });
      } catch (error) {
        if (signal.aborted) return;
        if (!isTemporary(error)) {
          this.#stopFor(error);
          return;
        }
        this.#goOffline(error as Error);
        failures += 1;
        await this.#clock.sleep(Math.min(50 * 2 ** failures, longestPause), signal);
      }
    }
  }

  /** Follows the log until an error occurs. */
  async #session(connected: () => void): Promise<void> {
    const { last } = await comparePosition(this.#log, this.#copy.state);
    const maxMessage = await this.#log.maxMessage();
    this.#target = last;
    this.#last = last;
    const inbox = new Inbox(this.#log, this.#copy.state.sequence + 1, () => this.wake());
    try {
      connected();
      this.#state = 'online';
      this.#problem = undefined;
      this.#listener.online();
      while (!this.#closing.signal.aborted) {
        this.#isAwake = false;
        const failure = inbox.failure;
        if (failure) throw failure.error;
        const went = await this.#step(inbox, maxMessage);
        this.#tell();
        if (!went) await this.#sleep();
      }
    } finally {
      await inbox.stop();
    }
  }

  /** Applies messages or publishes one message. Returns whether there may be more work. */
  async #step(inbox: Inbox, maxMessage: number): Promise<boolean> {
    await this.#gather(inbox);
    const came = inbox
      .take(batchCount, batchBytes)
      .filter(({ sequence }) => sequence > this.#copy.state.sequence);
    if (came.length > 0) {
      const reader = new IncomingReader(this.#log, this.#copy.state.head, this.#limits);
      const batch: Incoming[] = [];
      for (const message of came) batch.push(await reader.read(message));
      this.#last = Math.max(this.#last, came.at(-1)?.sequence ?? 0);
      await this.#receive((await this.#overtake(batch, inbox, maxMessage)) ?? batch);
      return true;
    }
    // While a stepwise transaction is open, its uncommitted changes must not be published.
    if (this.#copy.isOpen) return false;
    if (this.#copy.state.sequence < this.#target || this.#clock.now() < this.#publishAfter) return false;
    const job = this.#jobs.first;
    if (this.#copy.pending.length === 0) return job ? this.#work(job, maxMessage) : false;
    if (!job) return this.#push(maxMessage);
    // Publish the waiting transaction with all pending transactions. Otherwise a program that keeps committing would
    // delay it forever.
    if (this.#copy.pendingFits(maxMessage) || job.passed >= mostPassed) return this.#work(job, maxMessage);
    job.passed += 1;
    return this.#push(maxMessage);
  }

  /**
   * Waits for messages that have already arrived, because rebasing the pending transactions costs as much for one
   * message as for many.
   */
  async #gather(inbox: Inbox): Promise<void> {
    if (this.#copy.pending.length === 0) return;
    for (let count = 0; count < inbox.count && inbox.count < batchCount; ) {
      count = inbox.count;
      await new Promise(setImmediate);
    }
  }

  /** Applies messages. Waits while the file is locked or the program has an open statement or transaction. */
  async #receive(batch: readonly Incoming[]): Promise<void> {
    for (let pause = 1; ; pause = Math.min(2 * pause, stallPause)) {
      try {
        const received = this.#copy.receive(batch);
        this.#problem = undefined;
        this.#took(received);
        return;
      } catch (error) {
        if (!isReason(error, 'busy') && !isOfTheMachine(error)) throw error;
        if (pause >= 64) this.#stall(error as Error);
        await this.#clock.sleep(pause, this.#closing.signal);
        if (this.#closing.signal.aborted) throw error;
      }
    }
  }

  #took(received: Received): void {
    let isTwin = false;
    for (const { sequence, message, transactions } of received.applied) {
      for (const { id } of transactions) {
        const isJob = this.#jobs.placed(id, sequence);
        const isOwn = isJob || received.placed.some(({ transaction }) => transaction.id === id);
        if (message.copy === this.#copy.state.copy && !isOwn) isTwin = true;
      }
    }
    this.#listener.received(received);
    if (!isTwin) return;
    this.#copy.renew();
    this.#listener.renewed(this.#copy.state.copy);
  }

  /**
   * Publishes some pending transactions, rebased on messages that are not applied yet. Otherwise a copy could never
   * publish if rebasing all of its pending transactions takes longer than the time in which other copies publish.
   *
   * @returns the messages of `batch` and the stored message; undefined if no message was stored
   */
  async #overtake(
    batch: readonly Incoming[],
    inbox: Inbox,
    maxMessage: number,
  ): Promise<readonly Incoming[] | undefined> {
    const isLast = (batch.at(-1)?.sequence ?? 0) >= this.#target && inbox.count === 0;
    if (!isLast || this.#copy.pending.length < manyPending || this.#clock.now() < this.#publishAfter) {
      return undefined;
    }
    let message: Outgoing | undefined;
    try {
      message = this.#copy.preview(batch, maxMessage, previewTime);
    } catch (error) {
      if (isReason(error, 'busy') || isOfTheMachine(error)) return undefined; // #receive reports it
      throw error;
    }
    if (!message) return undefined;
    const sequence = await this.#publish(message);
    return sequence === undefined ? undefined : [...batch, readBack(message, sequence)];
  }

  /** Publishes pending transactions. Returns whether the message was stored. */
  async #push(maxMessage: number): Promise<boolean> {
    const message = this.#copy.outgoing(maxMessage);
    if (!message) return false;
    const sequence = await this.#publish(message);
    if (sequence === undefined) return false;
    this.#last = Math.max(this.#last, sequence);
    try {
      this.#copy.acknowledged(message, sequence);
    } catch (error) {
      const isBusy = isReason(error, 'busy');
      if (!isBusy && !isOfTheMachine(error)) throw error;
      this.#target = sequence; // the message will be read from the log
      if (!isBusy) this.#stall(error as Error);
      return false;
    }
    this.#listener.acknowledged(message, sequence);
    return true;
  }

  /**
   * Runs a waiting transaction and publishes it in one message after all pending transactions. Returns whether the
   * message was stored.
   */
  async #work(job: Job, maxMessage: number): Promise<boolean> {
    let message: Outgoing;
    let own: string | undefined;
    let value: unknown;
    try {
      const ran = this.#copy.speculate(job.action);
      value = ran.value;
      if (ran.entries.length === 0 && this.#copy.pending.length === 0) {
        this.#jobs.resolve(job, { value, sequence: this.#copy.state.sequence });
        return true;
      }
      ({ message, own } = this.#copy.outgoingOf(ran, maxMessage, job.call));
      if (own !== undefined) job.attempts.set(own, value);
    } catch (error) {
      if (isReason(error, 'foreign-write', 'two-processes')) throw error;
      if (isReason(error, 'busy') || isOfTheMachine(error)) {
        await this.#clock.sleep(10, this.#closing.signal);
        return true;
      }
      this.#jobs.reject(job, error as Error);
      return true;
    }
    const sequence = await this.#publish(message);
    if (sequence === undefined) {
      if (own !== undefined) job.attempts.delete(own); // the server did not store it
      if (this.#problem && job.attempts.size === 0) this.#jobs.reject(job, this.#problem);
      return false;
    }
    await this.#receive([readBack(message, sequence)]);
    // The transaction changed nothing. The state that it read is now in the history.
    if (own === undefined) this.#jobs.resolve(job, { value, sequence });
    return true;
  }

  /**
   * Publishes a message. Returns its sequence number; undefined if the server refused the message.
   *
   * @throws ReplicaError if it is unknown whether the server stored the message
   */
  async #publish({ bytes, expected, object }: Outgoing): Promise<number | undefined> {
    try {
      if (object) await this.#log.put(objectName(object.digest), {}, pieces(object.bytes));
      const sequence = await this.#log.publish(bytes, expected);
      this.#problem = undefined;
      return sequence;
    } catch (error) {
      if (isReason(error, 'conflict')) {
        this.#target = Math.max(this.#target, expected + 1);
        return undefined;
      }
      if (!isReason(error, 'full', 'denied')) throw error;
      this.#publishAfter = this.#clock.now() + stallPause;
      this.#jobs.rejectUntried(error);
      this.#stall(error);
      return undefined;
    }
  }

  /** Waits until there is work. */
  async #sleep(): Promise<void> {
    if (this.#isAwake) return;
    const over = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const rest = this.#publishAfter - this.#clock.now();
    await (rest > 0 ? Promise.race([woken, this.#clock.sleep(rest, over.signal)]) : woken);
    this.#wake = undefined;
    over.abort();
  }

  #stall(error: Error): void {
    if (this.#problem?.message === error.message) return;
    this.#problem = error;
    this.#listener.stalled(error);
  }

  #goOffline(error: Error): void {
    const wasOnline = this.#state === 'online';
    this.#state = 'offline';
    this.#problem = error;
    // Transactions that may be in the history stay until the history is read again.
    const message = `the server is unavailable: ${error.message}`;
    this.#jobs.rejectUntried(replicaError('unavailable', message, error));
    if (wasOnline) this.#listener.offline(error);
    this.#tell();
  }

  #stopFor(error: unknown): void {
    this.#state = 'stopped';
    this.#problem = error instanceof Error ? error : new Error(textOf(error));
    this.#jobs.rejectAll(this.stoppedError());
    this.#listener.stopped(this.#problem);
    this.#tell();
  }

  /** The error for calls after the replica has stopped. */
  stoppedError(): ReplicaError {
    return replicaError('stopped', `the replica has stopped: ${this.#problem?.message}`, this.#problem);
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Resolves when `done()` is true. @throws ReplicaError if the driver stops first */
  #until(done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const isOver = this.#state === 'stopped' || this.#state === 'closed';
        if (!done() && !isOver) return;
        this.#watchers.delete(look);
        if (done()) resolve();
        else if (this.#state === 'stopped') reject(this.stoppedError());
        else reject(replicaError('closed', 'the replica was closed'));
      };
      this.#watchers.add(look);
      look();
    });
  }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += 2 ** 17) yield bytes.subarray(at, at + 2 ** 17);
}
