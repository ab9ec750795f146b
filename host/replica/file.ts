/** The file of a copy, and what makes each write to it one transaction, in which nobody wrote before. */

import { connectionOf } from '../api/connections.js';
import { DatabaseSync } from '../api/database.js';
import type { Connection } from '../kernel/connection.js';
import type { Chance } from './chance.js';
import { isOfTheMachine, replicaError } from './errors.js';
import { Guard } from './guard.js';
import { changeCounter, Ownership } from './ownership.js';
import { undo, verbatim } from './rebase.js';
import { type Recording, TransactionRecorder } from './recorder.js';
import { SchemaFacts } from './schema.js';
import { type CopyState, type LocalTransaction, StateTables } from './state.js';

/** What a transaction of the file came to. */
export interface Written<T> {
  readonly result: T;
  /** Called once it is committed. */
  committed(): void;
}

export class CopyFile implements Disposable {
  readonly database: DatabaseSync;
  readonly connection: Connection;
  readonly tables: StateTables;
  readonly schema: SchemaFacts;
  readonly recorder: TransactionRecorder;
  readonly #guard: Guard;
  readonly #ownership: Ownership;
  #lease = '';

  constructor(database: DatabaseSync, chance: Chance) {
    this.database = database;
    this.connection = connectionOf(database);
    this.tables = new StateTables(database);
    this.#guard = new Guard(this.connection);
    this.schema = new SchemaFacts(this.connection);
    this.recorder = new TransactionRecorder(database, this.#guard, this.schema);
    // Functions of the program run where its statements name them, and nowhere in a schema, which others write too.
    this.#guard.own(() => database.exec('PRAGMA trusted_schema=OFF'));
    this.#ownership = new Ownership(database, this.tables, chance);
  }

  /** Begins to own the file. @throws ReplicaError `not-a-copy`, `foreign-write`, `format` */
  take(): { readonly state: CopyState; readonly pending: LocalTransaction[] } {
    const taken = this.#guard.own(() => this.#ownership.take());
    this.#lease = taken.state.lease;
    return taken;
  }

  get schemaDigest(): string {
    return this.#guard.own(() => this.schema.digest);
  }

  /** Whether a statement or a transaction of the program is open on the connection. */
  get isBusy(): boolean {
    if (this.database.isTransaction) return true;
    const { db, engine } = this.connection;
    const { c } = engine.core;
    for (let one = c.sqlite3_next_stmt(db, 0); one !== 0; one = c.sqlite3_next_stmt(db, one)) {
      if (c.sqlite3_stmt_busy(one) !== 0) return true;
    }
    return false;
  }

  /** The change counter that the open transaction leaves. */
  counterAfter(): number {
    return this.#ownership.counterAfter();
  }

  /** @throws ReplicaError (`busy`) in a transaction of the program */
  refuseInside(): void {
    if (!this.#guard.isInside && !this.database.isTransaction) return;
    throw replicaError(
      'busy',
      'a transaction is open on the connection of the replica: they cannot be nested',
    );
  }

  /**
   * Does `action` in a transaction of the file.
   *
   * @param records whether the recorder took part
   * @throws what it throws; then nothing was written
   */
  write<T>(action: () => Written<T>, records: boolean): T {
    return this.#guard.own(() => {
      this.database.exec('BEGIN IMMEDIATE');
      return this.#finish(action, records);
    });
  }

  /** Begins a transaction that takes several steps, and to record it. @throws ReplicaError (`foreign-write`) */
  begin(): Recording {
    return this.#guard.own(() => {
      this.database.exec('BEGIN IMMEDIATE');
      try {
        this.#ownership.refuseForeign(this.#lease);
        return this.recorder.start();
      } catch (error) {
        this.database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** Does `action` in the transaction that is open, which it ends. @throws as {@link write} does */
  finish<T>(action: () => Written<T>, records: boolean): T {
    return this.#guard.own(() => this.#finish(action, records));
  }

  /** Rolls back the transaction that is open; nothing happens if SQLite already did. */
  rollback(): void {
    this.#guard.own(() => this.#rollback(false));
  }

  /**
   * Writes a file with the state that the history has at this copy's position, without what is pending: a copy's
   * beginning.
   *
   * @param path a file that does not exist
   * @throws ReplicaError (`busy`) if the program has a transaction open
   */
  writeSnapshot(path: string): void {
    if (this.database.isTransaction) throw replicaError('busy', 'a transaction is open on the connection');
    this.#guard.own(() => {
      const statement = this.database.prepare('VACUUM main INTO ?');
      using _ = statement;
      statement.run(path);
    });
    const database = new DatabaseSync(path, { locking: 'none' });
    using _ = database;
    const connection = connectionOf(database);
    const tables = new StateTables(database);
    database.exec('BEGIN IMMEDIATE');
    const pending = tables.pending();
    if (pending.length > 0) verbatim(connection, () => undo(connection, pending));
    tables.empty();
    tables.count(changeCounter(connection) + 1);
    database.exec('COMMIT');
    tables.close();
  }

  /** Ends the recording and the guard; the database stays open. */
  [Symbol.dispose](): void {
    this.recorder[Symbol.dispose]();
    this.tables.close();
    this.#guard[Symbol.dispose]();
  }

  #finish<T>(action: () => Written<T>, records: boolean): T {
    try {
      this.#ownership.refuseForeign(this.#lease);
      const { result, committed } = action();
      this.database.exec('COMMIT');
      if (records) this.recorder.committed();
      committed();
      return result;
    } catch (error) {
      this.#rollback(isOfTheMachine(error));
      throw error;
    }
  }

  /** @param hasFailed whether the machine failed */
  #rollback(hasFailed: boolean): void {
    this.recorder.drop();
    this.schema.forget();
    const isOpen = this.database.isTransaction;
    if (isOpen) this.database.exec('ROLLBACK');
    if (hasFailed || !isOpen) this.#ownership.failed(this.#lease);
  }
}
