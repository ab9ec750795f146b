/** A copy of a database that follows a history and publishes its own transactions to the history. */

import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as timeout } from 'node:timers/promises';
import type { DatabaseSync } from '../api/database.js';
import { checkArgument, checkOptions, invalidType, invalidValue } from '../kernel/arguments.js';
import { unknownName } from '../kernel/nearest.js';
import { applyCaptured, inverseOf } from './changes.js';
import { Copy } from './copy.js';
import { type Clock, Driver } from './driver.js';
import { type ReplicaError, replicaError } from './errors.js';
import type { Committed, Placed, ReplicaEvents, ReplicaStatus } from './events.js';
import { isPlain } from './found.js';
import { callOf, type RegisteredFunction } from './functions.js';
import { messagesBetween } from './history.js';
import { giveUpFirst, makeHistory, openCopyOf } from './join.js';
import { type Limits, limitsOf } from './limits.js';
import type { Log } from './log.js';
import {
  type ReplicaOptions,
  type TransactionOptions,
  type UndoOptions,
  type UndoPolicy,
  undoPolicies,
} from './options.js';
import type { Outgoing } from './outgoing.js';
import { Places } from './places.js';
import { stateFor } from './position.js';
import { replicaPolicies } from './rebase.js';
import type { Received } from './receiving.js';
import { readSnapshot, type Snapshot, snapshots, storeSnapshot } from './snapshot.js';
import type { LocalTransaction, RejectedTransaction } from './state.js';
import { Steps, type StepwiseTransaction } from './steps.js';
import { type Trimmed, trimTo } from './trim.js';
import { compareDigests, digestsOf, type Verified } from './verify.js';

/** An undocumented option of {@link Replica.open}. Tests use it to replace the clock and the UUIDs. */
interface Replaced {
  readonly clock?: Clock;
}

const optionKinds = {
  log: 'any',
  policy: 'string',
  create: 'boolean',
  timeout: 'integer',
  limits: 'any',
  onProgress: 'function',
  functions: 'any',
  clock: 'any',
} as const;

const realClock: Clock = {
  now: () => Date.now(),
  uuid: () => randomUUID(),
  sleep: (ms, signal) => timeout(ms, undefined, { signal }).catch(() => {}),
};

/**
 * A copy of a database that follows a history. Programs read with {@link database} and write with {@link transaction}.
 * A transaction is committed immediately, even offline, and is rebased when the replica reads the history.
 */
export class Replica extends EventEmitter<ReplicaEvents> implements AsyncDisposable {
  readonly #copy: Copy;
  readonly #log: Log;
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #places = new Places();
  #closed: Promise<void> | undefined;

  private constructor(copy: Copy, log: Log, clock: Clock, limits: Limits) {
    super();
    this.#copy = copy;
    this.#log = log;
    this.#clock = clock;
    this.#driver = new Driver(copy, log, clock, limits, {
      online: () => this.#say('online'),
      offline: (error) => this.#say('offline', error),
      stalled: (error) => this.#say('stalled', error),
      stopped: (error) => this.#stopped(error),
      received: (received) => this.#received(received),
      acknowledged: (message, sequence) => this.#acknowledged(message, sequence),
      renewed: (id) => this.#say('renewed', id),
    });
  }

  /**
   * Opens the copy in a file. A file that does not exist is made from the newest snapshot, or begins empty with the
   * first message. An existing copy can be opened without the server, and follows the history once the server answers.
   *
   * @throws ReplicaError `not-a-copy` if the file has other data, `foreign-write` if another program wrote to the file,
   *   `missing` if the history does not exist, `unavailable` if the server is needed but does not answer
   * @throws TypeError for unknown options; SqliteError if the file cannot be opened
   */
  static async open(path: string, options: ReplicaOptions): Promise<Replica> {
    checkArgument('path', path, 'string');
    checkOptions(options, optionKinds);
    const { log, policy = 'rerun', create = false } = options ?? {};
    const { clock = realClock } = (options ?? {}) as Replaced;
    if (typeof log !== 'object' || log === null)
      throw invalidType('The "options.log" argument must be a Log.');
    if (!replicaPolicies.includes(policy)) throw invalidValue(unknownName('policy', policy, replicaPolicies));
    const limits = limitsOf(options.limits);
    const { timeout: lockTimeout = 5000, onProgress, functions = {} } = options;
    const { database, isFirst } = await openCopyOf({
      path,
      log,
      create,
      timeout: lockTimeout,
      chance: clock,
      progress: (done, total) => onProgress?.(done, total),
    });
    let copy: Copy | undefined;
    try {
      copy = new Copy(database, policy, clock, limits.milliseconds);
      const replica = new this(copy, log, clock, limits);
      for (const [name, action] of Object.entries(functions)) replica.register(name, action);
      if (create && copy.state.sequence === 0) await replica.#found();
      replica.#driver.start();
      return replica;
    } catch (error) {
      copy?.[Symbol.dispose]();
      if (copy && isFirst) await giveUpFirst(database, log, copy.state.history);
      database.close();
      throw error;
    }
  }

  /**
   * The connection, for reading. To write, use {@link transaction}. While a statement or transaction is open, the
   * replica cannot apply messages.
   */
  get database(): DatabaseSync {
    return this.#copy.database;
  }

  /**
   * Registers a function that transactions call by name. The function runs again on the new state when its transaction
   * is rebased, possibly in a later process. To register functions before the copy goes online, use the option
   * `functions`. The function must be synchronous, and depend only on the database and its arguments.
   */
  register(name: string, action: RegisteredFunction): void {
    checkArgument('name', name, 'string');
    checkArgument('action', action, 'function');
    if (name === '' || name.length > 200)
      throw invalidValue('The "name" argument must have 1 to 200 characters.');
    this.#copy.functions.register(name, action);
  }

  /**
   * Runs a function in a new transaction and commits the transaction. If the function throws, the transaction is rolled
   * back.
   *
   * @param action a synchronous function that receives the connection, or the name of a registered function, whose
   *   arguments must be JSON values
   * @returns the return value of the function, and a promise of the transaction's sequence number; with `wait`, a
   *   promise of both
   * @throws ReplicaError `schema-change` if the function changes the schema without `wait`, `unrecordable` if a change
   *   cannot be replicated, `unavailable` (with `wait`) if the server does not answer, `busy` if another transaction is
   *   open
   */
  transaction<T>(action: (database: DatabaseSync) => T, options: { wait: true }): Promise<Placed<T>>;
  transaction<T>(action: (database: DatabaseSync) => T, options?: { wait?: false }): Committed<T>;
  transaction<T>(name: string, args: readonly unknown[], options: { wait: true }): Promise<Placed<T>>;
  transaction<T>(name: string, args?: readonly unknown[], options?: { wait?: false }): Committed<T>;
  transaction<T>(
    action: string | ((database: DatabaseSync) => T),
    ...rest: unknown[]
  ): Committed<T> | Promise<Placed<T>> {
    const call = typeof action === 'string' ? callOf(action, rest.shift()) : undefined;
    const [options] = rest;
    checkOptions(options, { wait: 'boolean' });
    this.#refuseEnded();
    const own = (call ? this.#copy.functions.of(call) : action) as (database: DatabaseSync) => T;
    checkArgument('action', own, 'function');
    if ((options as TransactionOptions | undefined)?.wait) return this.#driver.wait(own, call);
    return this.#committed(this.#copy.transact(own, call));
  }

  /**
   * Begins a transaction that the program runs in several parts. No message is applied until the transaction ends, so
   * end it soon.
   *
   * @throws ReplicaError `busy` if a transaction is open
   */
  begin(): StepwiseTransaction<Committed<undefined>> {
    this.#refuseEnded();
    return new Steps({
      copy: this.#copy,
      ended: (transaction) => this.#committed({ value: undefined, transaction }),
    });
  }

  #committed<T>({
    value,
    transaction,
  }: {
    readonly value: T;
    readonly transaction: LocalTransaction | undefined;
  }): Committed<T> {
    this.#driver.wake();
    if (!transaction) return { value, id: undefined, placed: Promise.resolve(this.#copy.state.sequence) };
    const { id } = transaction;
    return { value, id, placed: this.#places.of(id) };
  }

  /**
   * Resolves when the history contains all pending transactions, and this copy has applied all messages that the
   * history has now.
   *
   * @throws ReplicaError `unavailable` if the server does not answer, `stopped`, `closed`
   */
  async sync(): Promise<void> {
    this.#refuseEnded();
    await this.#driver.sync();
  }

  /** Returns the status of the replica. */
  status(): ReplicaStatus {
    const { history, copy, sequence } = this.#copy.state;
    const { state, last, problem } = this.#driver;
    return { state, history, copy, sequence, last, pending: this.#copy.pending.length, problem };
  }

  /** Returns the rejected transactions that have not been dropped, oldest first. */
  rejected(): RejectedTransaction[] {
    return this.#copy.tables.rejected();
  }

  /** Deletes a rejected transaction. Returns whether it existed. */
  drop(id: string): boolean {
    checkArgument('id', id, 'string');
    return this.#copy.drop(id);
  }

  /**
   * Replaces a rejected transaction by a new one. Runs its function if the function is registered; otherwise applies
   * its row changes.
   *
   * @param policy what to do with rows that other transactions have changed
   * @throws ReplicaError `missing` if no rejected transaction has this id; `rejected` if the changes conflict with the
   *   database; any error that the function throws
   */
  retry(id: string, policy: UndoPolicy = 'abort'): Committed<unknown> {
    checkArgument('id', id, 'string');
    this.#refuseEnded();
    if (!undoPolicies.includes(policy)) throw invalidValue(unknownName('policy', policy, undoPolicies));
    const found = this.rejected().find((one) => one.id === id);
    if (!found) throw replicaError('missing', `no rejected transaction has the id ${id}`);
    const { call, changes } = found;
    const known = call !== undefined && this.#copy.functions.knows(call.name);
    const action = known
      ? this.#copy.functions.of(call)
      : (database: DatabaseSync) => applyCaptured(database, changes, policy);
    return this.#committed(this.#copy.transact(action, known ? call : undefined, id));
  }

  /**
   * Undoes the changes of a message of the history in a new transaction with `wait: true`.
   *
   * @throws ReplicaError `missing` if the message does not exist or is void; `schema-change` if the message changes the
   *   schema; `rejected` if other transactions have changed the rows since
   */
  async undo(sequence: number, options: UndoOptions = {}): Promise<Placed<void>> {
    checkArgument('sequence', sequence, 'integer');
    checkOptions(options, { policy: 'string', transaction: 'string' });
    const { policy = 'abort', transaction } = options;
    if (!undoPolicies.includes(policy)) throw invalidValue(unknownName('policy', policy, undoPolicies));
    this.#refuseEnded();
    const { first, last } = await stateFor(this.#log, this.#copy.state);
    if (sequence < first || sequence > last) {
      throw replicaError('missing', `${this.#log.name} has messages ${first} to ${last}, not ${sequence}`);
    }
    const from = Math.max(first, sequence - 1);
    for await (const message of messagesBetween(this.#log, from, sequence)) {
      if (message.sequence !== sequence) continue;
      const changes = inverseOf(this.#copy.database, message, transaction);
      return this.transaction((database) => applyCaptured(database, changes, policy), { wait: true });
    }
    throw replicaError('missing', `${this.#log.name} has no message ${sequence}`);
  }

  /** Stores a snapshot of the history at this copy's position, for new copies. */
  async snapshot(): Promise<Snapshot> {
    this.#refuseEnded();
    return storeSnapshot(this.#copy, this.#log);
  }

  /**
   * Removes the messages and snapshots before a snapshot, and objects that no message names. A copy that has not read
   * these messages must be made again.
   */
  async trim(snapshot: Snapshot): Promise<Trimmed> {
    this.#refuseEnded();
    if (!Number.isSafeInteger((snapshot as Snapshot | undefined)?.sequence)) {
      throw invalidType('The "snapshot" argument must be a snapshot, as snapshot() returns it.');
    }
    return trimTo(this.#log, snapshot, this.#clock.now());
  }

  /**
   * Compares the tables with those of other copies, without the pending transactions. Stores the digests of the tables
   * in the log, and reads the digests that other copies have stored.
   */
  async verify(): Promise<Verified> {
    this.#refuseEnded();
    const { sequence, result } = await readSnapshot(this.#copy, digestsOf);
    return compareDigests(this.#log, { copy: this.#copy.state.copy, sequence, ...result });
  }

  /** Stops following the history, and closes the file and the log. Pending transactions stay in the file. */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  /** The same as {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#driver.stop();
    this.#places.end(
      replicaError(
        'closed',
        'the replica was closed before the transaction was published: it stays pending in the file',
      ),
    );
    const { database } = this.#copy;
    this.#copy[Symbol.dispose]();
    database.close();
    await this.#log.close();
  }

  /** Creates the history of this first copy, and stores a snapshot of its data. */
  async #found(): Promise<void> {
    const plain = isPlain(this.#copy.database);
    await makeHistory(this.#log, this.#copy.state.history, plain);
    const { identity, origin } = await this.#log.state();
    if (identity !== this.#copy.state.history) {
      throw replicaError(
        'other-history',
        `${this.#log.name} was created by another copy at the same time, and this file is not a copy of it: pass the path of a new file`,
      );
    }
    if (origin === 'empty') return;
    if ((await snapshots(this.#log)).length === 0) await storeSnapshot(this.#copy, this.#log);
  }

  #refuseEnded(): void {
    if (this.#driver.state === 'stopped') throw this.#driver.stoppedError();
    if (this.#driver.state === 'closed') throw replicaError('closed', 'the replica is closed');
  }

  #received({ applied, voided, placed, redone, refused }: Received): void {
    const own = new Set(placed.map(({ transaction }) => transaction.id));
    for (const { sequence, message, transactions } of applied) {
      const others = transactions.filter(({ id }) => !own.has(id));
      if (others.length === 0) continue;
      const { copy, time } = message;
      const said = others.map(({ id, time: at, name }) => ({
        id,
        time: at,
        ...(name !== undefined && { name }),
      }));
      this.#say('applied', { sequence, copy, time, transactions: said });
    }
    for (const sequence of voided) this.#say('voided', sequence);
    for (const { transaction, sequence } of placed) this.#places.place(transaction.id, sequence);
    if (placed[0]) this.#say('placed', [...own], placed[0].sequence);
    for (const { transaction, reran, conflicts, entries } of redone) {
      if (entries.length === 0) this.#places.place(transaction.id, this.#copy.state.sequence);
      this.#say('redone', { id: transaction.id, reran, conflicts });
    }
    for (const one of refused) this.#reject(one);
    const last = applied.at(-1);
    if (!last) return;
    const milliseconds = Math.max(0, this.#clock.now() - last.message.time);
    this.#say('lag', { milliseconds, messages: this.#driver.last - this.#copy.state.sequence });
  }

  #reject({ transaction, kind, message }: Received['refused'][number]): void {
    const rejected = { ...transaction, kind, message, sequence: this.#copy.state.sequence };
    this.#places.reject(
      transaction.id,
      replicaError('rejected', `the transaction was rejected (${kind}): ${message}`),
    );
    this.#say('rejected', rejected);
  }

  #acknowledged({ transactions }: Outgoing, sequence: number): void {
    for (const { id } of transactions) this.#places.place(id, sequence);
    this.#say(
      'placed',
      transactions.map(({ id }) => id),
      sequence,
    );
  }

  #stopped(error: Error): void {
    this.#places.end(this.#driver.stoppedError());
    if ((error as ReplicaError).reason === 'diverged') this.#say('diverged', error);
    this.#say('stopped', error);
  }

  /** Emits an event. An error of a listener becomes an uncaught exception, so that it does not stop the replica. */
  #say<Name extends keyof ReplicaEvents>(name: Name, ...args: ReplicaEvents[Name]): void {
    try {
      (this.emit as (event: Name, ...rest: ReplicaEvents[Name]) => boolean).call(this, name, ...args);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}
