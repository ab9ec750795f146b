/** The database file of a copy. Each write is one transaction, which fails if another program wrote to the file. */

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

/** The result of a transaction of the file. */
export interface Written<T> {
  readonly result: T;
  /** Called after the commit. */
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
    // Other copies can change the schema, so the schema must not call functions of this program.
    this.#guard.own(() => database.exec('PRAGMA trusted_schema=OFF'));
    this.#ownership = new Ownership(database, this.tables, chance);
  }

  /** Takes ownership of the file. @throws ReplicaError `not-a-copy`, `foreign-write`, `format` */
  take(): { readonly state: CopyState; readonly pending: LocalTransaction[] } {
    const taken = this.#guard.own(() => this.#ownership.take());
    this.#lease = taken.state.lease;
    return taken;
  }

  get schemaDigest(): string {
    return this.#guard.own(() => this.schema.digest);
  }

  /** Whether the program has an open statement or transaction on the connection. */
  get isBusy(): boolean {
    if (this.database.isTransaction) return true;
    const { db, engine } = this.connection;
    const { c } = engine.core;
    for (let one = c.sqlite3_next_stmt(db, 0); one !== 0; one = c.sqlite3_next_stmt(db, one)) {
      if (c.sqlite3_stmt_busy(one) !== 0) return true;
    }
    return false;
  }

  /** The file's change counter after the open transaction commits. */
  counterAfter(): number {
    return this.#ownership.counterAfter();
  }

  /** @throws ReplicaError (`busy`) if a transaction is open */
  refuseInside(): void {
    if (!this.#guard.isInside && !this.database.isTransaction) return;
    throw replicaError(
      'busy',
      'a transaction is open on the connection of the replica: transactions cannot be nested',
    );
  }

  /**
   * Runs `action` in a transaction of the file.
   *
   * @param records whether the recorder records the transaction
   * @throws the error of `action`, after a rollback
   */
  write<T>(action: () => Written<T>, records: boolean): T {
    return this.#guard.own(() => {
      this.database.exec('BEGIN IMMEDIATE');
      return this.#finish(action, records);
    });
  }

  /** Begins and records a transaction of several steps. @throws ReplicaError (`foreign-write`) */
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

  /** Runs `action` in the open transaction, and commits. @throws the errors of {@link write}, after a rollback */
  finish<T>(action: () => Written<T>, records: boolean): T {
    return this.#guard.own(() => this.#finish(action, records));
  }

  /** Rolls back the open transaction. Does nothing if SQLite has already rolled it back. */
  rollback(): void {
    this.#guard.own(() => this.#rollback(false));
  }

  /**
   * Writes a snapshot: a new file with the state of the history at this copy's position, without the pending
   * transactions.
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

  /** Stops the recording and the guard. The database stays open. */
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

  /** @param hasFailed whether an error of the environment caused the rollback */
  #rollback(hasFailed: boolean): void {
    this.recorder.drop();
    this.schema.forget();
    const isOpen = this.database.isTransaction;
    if (isOpen) this.database.exec('ROLLBACK');
    if (hasFailed || !isOpen) this.#ownership.failed(this.#lease);
  }
}
