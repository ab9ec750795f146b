/**
 * One copy of a database: runs local transactions and applies messages of the history. All methods are synchronous.
 * Each method that writes is one transaction of the database file.
 */

import type { DatabaseSync } from '../api/database.js';
import { type CaptureEntry, encodeCapture } from '../recording/capture-format.js';
import type { Chance } from './chance.js';
import { replicaError } from './errors.js';
import { CopyFile } from './file.js';
import { Functions, type TransactionFunction } from './functions.js';
import type { Incoming } from './incoming.js';
import { digestOf } from './message.js';
import { countFitting, messageOf, nextMessage, type Outgoing, type Publisher } from './outgoing.js';
import { Redoing, type ReplicaPolicy, RolledBack } from './rebase.js';
import { putUnder, type Received, type Receiver } from './receiving.js';
import { changesSchema, type Recording } from './recorder.js';
import type { Call, CopyState, LocalTransaction, Position, StateTables } from './state.js';

/** The result of a committed transaction. `transaction` is the pending transaction; undefined if nothing changed. */
export interface Transacted<T> {
  readonly value: T;
  readonly transaction: LocalTransaction | undefined;
}

/** The result of a transaction that was run and rolled back, to be published before any copy commits it. */
export interface Speculation<T> {
  readonly value: T;
  readonly entries: readonly CaptureEntry[];
  readonly time: number;
}

export class Copy implements Disposable {
  readonly database: DatabaseSync;
  readonly tables: StateTables;
  readonly #file: CopyFile;
  readonly #policy: ReplicaPolicy;
  readonly #chance: Chance;
  /** The maximum time to apply a message, in ms. */
  readonly #patience: number;
  /** The functions to run again when transactions are rebased. */
  readonly functions = new Functions();
  #state: CopyState;
  #pending: LocalTransaction[];
  #number: number;
  /** The recording of the open stepwise transaction; undefined if none is open. */
  #open: Recording | undefined;

  /**
   * Makes a copy from an open database.
   *
   * @param patience how long applying a message may take, in ms
   * @throws ReplicaError `not-a-copy`, `foreign-write`, `format`
   */
  constructor(database: DatabaseSync, policy: ReplicaPolicy, chance: Chance, patience = Infinity) {
    this.#file = new CopyFile(database, chance);
    this.database = database;
    this.tables = this.#file.tables;
    this.#policy = policy;
    this.#chance = chance;
    this.#patience = patience;
    const taken = this.#file.take();
    this.#state = taken.state;
    this.#pending = taken.pending;
    this.#number = this.tables.lastNumber();
  }

  /** The identity and the position of this copy. */
  get state(): CopyState {
    return this.#state;
  }

  /** The transactions that are committed here but are not in the history yet, oldest first. */
  get pending(): readonly LocalTransaction[] {
    return this.#pending;
  }

  get schemaDigest(): string {
    return this.#file.schemaDigest;
  }

  /** Whether the program has an open statement or transaction on the connection. */
  get isBusy(): boolean {
    return this.#file.isBusy;
  }

  /**
   * Runs a function in a transaction and commits the transaction. If it changed anything, it becomes a pending
   * transaction.
   *
   * @param retried the id of the rejected transaction that this transaction replaces
   * @throws ReplicaError `busy`, `schema-change`, `unrecordable`, `refused`, `foreign-write`; any error that the
   *   function throws
   */
  transact<T>(action: TransactionFunction<T>, call?: Call, retried?: string): Transacted<T> {
    this.#file.refuseInside();
    return this.#file.write<Transacted<T>>(() => {
      const { value, entries } = this.#file.recorder.run(() => action(this.database));
      if (retried !== undefined) this.tables.drop(retried);
      return this.#add(value, entries, action, call);
    }, true);
  }

  /** Whether a stepwise transaction is open. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /**
   * Begins a stepwise transaction. No message is applied until the transaction ends.
   *
   * @throws ReplicaError `busy`, `foreign-write`
   */
  begin(): void {
    this.#file.refuseInside();
    this.#open = this.#file.begin();
  }

  /**
   * Runs a part of the stepwise transaction. If the part throws, the transaction stays open, unless SQLite rolled it
   * back.
   *
   * @throws the errors of {@link transact}
   */
  step<T>(action: TransactionFunction<T>): T {
    const recording = this.#recording();
    return this.#file.recorder.step(recording, () => action(this.database));
  }

  /**
   * Commits the stepwise transaction. If the commit fails, the transaction is rolled back.
   *
   * @param action repeats all parts of the transaction, to rebase it
   * @throws the errors of {@link transact}
   */
  commit(action: TransactionFunction, call?: Call): LocalTransaction | undefined {
    const recording = this.#recording();
    this.#open = undefined;
    const finish = () => this.#add(undefined, this.#file.recorder.finish(recording), action, call);
    return this.#file.finish<Transacted<undefined>>(finish, true).transaction;
  }

  /** Rolls back the stepwise transaction. Does nothing if SQLite has already rolled it back. */
  rollback(): void {
    this.#open = undefined;
    this.#file.rollback();
  }

  #recording(): Recording {
    if (!this.#open) throw replicaError('busy', 'no stepwise transaction is open');
    return this.#open;
  }

  /** Adds a transaction to the pending transactions. */
  #add<T>(
    value: T,
    entries: readonly CaptureEntry[],
    action: TransactionFunction,
    call?: Call,
  ): { readonly result: Transacted<T>; committed(): void } {
    if (changesSchema(entries)) {
      throw replicaError(
        'schema-change',
        'the transaction was rolled back because it changes the schema: pass { wait: true } to publish it before it is committed',
      );
    }
    const counter = this.#file.counterAfter();
    this.tables.count(counter);
    if (entries.length === 0) {
      const committed = (): void => {
        this.#state = { ...this.#state, counter };
      };
      return { result: { value, transaction: undefined }, committed };
    }
    const transaction: LocalTransaction = {
      number: this.#number + 1,
      id: this.#chance.uuid(),
      time: this.#chance.now(),
      call,
      changes: encodeCapture(entries),
    };
    this.tables.add(transaction);
    return {
      result: { value, transaction },
      committed: () => {
        this.#number += 1;
        this.#pending.push(transaction);
        if (!call) this.functions.remember(transaction.id, action);
        this.#state = { ...this.#state, counter };
      },
    };
  }

  /**
   * Runs a function in a transaction and rolls it back.
   *
   * @throws the errors of {@link transact}
   */
  speculate<T>(action: TransactionFunction<T>): Speculation<T> {
    this.#file.refuseInside();
    let result: Speculation<T> | undefined;
    const done = new Error('rolled back on purpose');
    try {
      this.#file.write(() => {
        const { value, entries } = this.#file.recorder.run(() => action(this.database));
        result = { value, entries, time: this.#chance.now() };
        throw done;
      }, true);
    } catch (error) {
      if (error !== done) throw error;
    }
    if (!result) throw done;
    return result;
  }

  /**
   * Returns the next message to publish, with as many pending transactions as fit, but at least one. Returns undefined
   * if no transaction is pending.
   */
  outgoing(maxMessage: number): Outgoing | undefined {
    if (this.#pending.length === 0) return undefined;
    return nextMessage(this.#publisher(), this.#pending, maxMessage, this.#state);
  }

  /**
   * Rebases pending transactions on messages that are not applied yet, for at most `milliseconds`, and returns the
   * message to publish, with at least one transaction. Nothing is written. If the message is stored, apply it together
   * with `batch`. A copy needs this if rebasing all of its pending transactions takes longer than the time in which
   * other copies publish.
   *
   * @returns undefined if no pending transaction can be rebased
   * @throws the errors of {@link receive}
   */
  preview(batch: readonly Incoming[], maxMessage: number, milliseconds: number): Outgoing | undefined {
    if (this.isBusy) throw replicaError('busy', 'a statement or a transaction is open on the connection');
    this.#file.recorder.drop();
    let message: Outgoing | undefined;
    const done = new Error('rolled back on purpose');
    try {
      this.#file.write(() => {
        const { position, places } = putUnder(this.#receiver(), batch);
        const redoing = new Redoing(this.#file.connection, this.#file.recorder, this.#policy);
        const end = performance.now() + milliseconds;
        for (const transaction of this.#pending) {
          if (places.has(transaction.id)) continue;
          if (redoing.redone.length > 0 && performance.now() > end) break;
          redoing.redo(transaction, this.functions.again(transaction, this.database), false);
        }
        const again = redoing.redone
          .filter(({ entries }) => entries.length > 0)
          .map(({ transaction, entries }) => ({ ...transaction, changes: encodeCapture(entries) }));
        message = nextMessage(this.#publisher(), again, maxMessage, position);
        throw done;
      }, true);
    } catch (error) {
      if (error !== done && !(error instanceof RolledBack)) throw error;
    }
    return message;
  }

  pendingFits(maxMessage: number): boolean {
    return countFitting(this.#pending, maxMessage) === this.#pending.length;
  }

  /**
   * Returns the message with all pending transactions followed by a transaction of {@link speculate}. Call this method
   * immediately after {@link speculate}.
   */
  outgoingOf(
    { entries, time }: Speculation<unknown>,
    maxMessage: number,
    call?: Call,
  ): { readonly message: Outgoing; readonly own: string | undefined } {
    const id = this.#chance.uuid();
    const own = { number: 0, id, time, call, changes: encodeCapture(entries) };
    const all = entries.length > 0 ? [...this.#pending, own] : this.#pending;
    const message = messageOf(this.#publisher(), all, maxMessage, this.#state);
    return { message, own: entries.length > 0 ? id : undefined };
  }

  /**
   * Records that the server stored a message of pending transactions.
   *
   * @throws ReplicaError `foreign-write`; `busy` if the program has a transaction open; SqliteError if the file cannot
   *   be written. After an error, the message must be applied by {@link receive}
   */
  acknowledged({ id, bytes, expected, transactions }: Outgoing, sequence: number): void {
    this.#file.refuseInside();
    const last = transactions.at(-1);
    if (!last || sequence !== expected + 1 || expected !== this.#state.sequence) {
      throw replicaError(
        'forked',
        `the history stored a message with the number ${sequence} after message ${expected}`,
      );
    }
    this.#file.write(() => {
      const counter = this.#file.counterAfter();
      const position: Position = { sequence, head: id, mark: digestOf(bytes) };
      this.tables.removeUpTo(last.number);
      this.tables.move(position, counter);
      return {
        result: undefined,
        committed: () => {
          this.#pending = this.#pending.slice(transactions.length);
          this.functions.forget(transactions);
          this.#state = { ...this.#state, ...position, counter };
        },
      };
    }, false);
  }

  /**
   * Applies messages of the history: undoes the pending transactions, applies the messages, and rebases the pending
   * transactions.
   *
   * @throws ReplicaError `busy` if the program has an open statement or transaction; `trimmed` if a message is missing;
   *   `schema`, `diverged`, `limit`; SqliteError if the file is locked or cannot be written. After an error the file is
   *   unchanged
   */
  receive(batch: readonly Incoming[]): Received {
    if (this.isBusy) throw replicaError('busy', 'a statement or a transaction is open on the connection');
    const doomed = new Set<string>();
    for (;;) {
      try {
        return this.#receive(batch, doomed);
      } catch (error) {
        if (!(error instanceof RolledBack) || doomed.has(error.id)) throw error;
        doomed.add(error.id);
      }
    }
  }

  /** See {@link CopyFile.writeSnapshot}. Returns the copy's position. */
  writeSnapshot(path: string): Position {
    this.#file.writeSnapshot(path);
    const { sequence, head, mark } = this.#state;
    return { sequence, head, mark };
  }

  /** Gives the copy a new UUID, because another file has the same UUID. */
  renew(): void {
    const copy = this.#chance.uuid();
    this.#file.write(() => {
      const counter = this.#file.counterAfter();
      this.tables.own(copy, this.#state.lease);
      this.tables.count(counter);
      return {
        result: undefined,
        committed: () => {
          this.#state = { ...this.#state, copy, counter };
        },
      };
    }, false);
  }

  /** Deletes a rejected transaction. Returns whether it existed. */
  drop(id: string): boolean {
    this.#file.refuseInside();
    return this.#file.write(() => {
      const counter = this.#file.counterAfter();
      const found = this.tables.drop(id);
      this.tables.count(counter);
      return {
        result: found,
        committed: () => {
          this.#state = { ...this.#state, counter };
        },
      };
    }, false);
  }

  /** Stops the recording and the guard. The database stays open. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #receive(batch: readonly Incoming[], doomed: ReadonlySet<string>): Received {
    this.#file.recorder.drop();
    return this.#file.write(() => {
      const before = this.#pending;
      const { applied, voided, places, position } = putUnder(this.#receiver(), batch);
      const redoing = new Redoing(this.#file.connection, this.#file.recorder, this.#policy);
      const placed: { transaction: LocalTransaction; sequence: number }[] = [];
      for (const transaction of before) {
        const sequence = places.get(transaction.id);
        if (sequence === undefined) {
          redoing.redo(
            transaction,
            this.functions.again(transaction, this.database),
            doomed.has(transaction.id),
          );
        } else placed.push({ transaction, sequence });
      }
      const counter = this.#file.counterAfter();
      const kept = this.#keep(placed, redoing, position.sequence);
      this.tables.move(position, counter);
      const { redone, refused } = redoing;
      return {
        result: { applied, voided, placed, redone, refused },
        committed: () => {
          this.#pending = kept;
          this.functions.keep(kept);
          this.#state = { ...this.#state, ...position, counter };
        },
      };
    }, false);
  }

  /** Stores the results of the rebase in the database. Returns the transactions that are still pending. */
  #keep(
    placed: readonly { readonly transaction: LocalTransaction }[],
    { redone, refused }: Redoing,
    sequence: number,
  ): LocalTransaction[] {
    for (const { transaction } of placed) this.tables.remove(transaction.number);
    for (const { transaction, kind, message } of refused) {
      this.tables.reject({ ...transaction, kind, message, sequence });
    }
    const kept: LocalTransaction[] = [];
    for (const { transaction, entries } of redone) {
      if (entries.length === 0) {
        this.tables.remove(transaction.number);
        continue;
      }
      const changes = encodeCapture(entries);
      this.tables.redone(transaction.number, changes);
      kept.push({ ...transaction, changes });
    }
    return kept;
  }

  #receiver(): Receiver {
    return {
      connection: this.#file.connection,
      schema: this.#file.schema,
      state: this.#state,
      pending: this.#pending,
      patience: this.#patience,
    };
  }

  #publisher(): Publisher {
    return { copy: this.#state.copy, schema: this.schemaDigest, chance: this.#chance };
  }
}
