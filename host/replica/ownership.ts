/**
 * Detects other writers to the file of a copy. Only one replica at a time can own the file, and only the owner can
 * write to it.
 */

import { connectionOf } from '../api/connections.js';
import type { DatabaseSync } from '../api/database.js';
import { writeTransaction } from '../api/write-transaction.js';
import { SqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { query } from '../kernel/query.js';
import { dataVersion } from '../kernel/schema.js';
import type { Chance } from './chance.js';
import { isOfTheMachine, isReason, type ReplicaError, replicaError } from './errors.js';
import type { CopyState, LocalTransaction, StateTables } from './state.js';

/** Reads the change counter of the file's header. */
export function changeCounter(connection: Connection): number {
  const [row] = query(connection, 'SELECT hex(substr(data, 25, 4)) FROM sqlite_dbpage WHERE pgno=1');
  return row ? Number.parseInt(String(row[0]), 16) : 0;
}

export class Ownership {
  readonly #database: DatabaseSync;
  readonly #connection: Connection;
  readonly #tables: StateTables;
  readonly #chance: Chance;
  readonly #journal: string;
  #dataVersion = 0n;
  /** Whether an I/O error may have changed the data version, because SQLite clears its cache after such an error. */
  #hasFailed = false;

  constructor(database: DatabaseSync, tables: StateTables, chance: Chance) {
    this.#database = database;
    this.#connection = connectionOf(database);
    this.#tables = tables;
    this.#chance = chance;
    this.#journal = String(query(this.#connection, 'PRAGMA main.journal_mode')[0]?.[0]);
  }

  /**
   * @throws ReplicaError `foreign-write` if another program has written to the file, `two-processes` if another replica
   *   has opened it
   */
  refuseForeign(lease: string): void {
    if (this.#hasFailed) this.#recover(lease);
    if (dataVersion(this.#connection, 'main') === this.#dataVersion) return;
    throw this.#found()?.lease === lease ? this.#foreign() : this.#taken();
  }

  /**
   * Call this method after an I/O error, or after SQLite rolled back a transaction itself. SQLite may have cleared its
   * cache, which changes the data version as a write by another connection does.
   */
  failed(lease: string): void {
    this.#hasFailed = true;
    try {
      this.#recover(lease);
    } catch (error) {
      if (!isOfTheMachine(error)) throw error;
    }
  }

  /** Accepts a new data version if no other connection has written to the file. */
  #recover(lease: string): void {
    const version = dataVersion(this.#connection, 'main');
    const found = version === this.#dataVersion ? undefined : this.#found();
    if (found?.lease === lease && this.#isKnown(found.counter, changeCounter(this.#connection))) {
      this.#dataVersion = version;
    }
    this.#hasFailed = false;
  }

  /** Reads the state in the file; undefined if the state cannot be read. */
  #found(): CopyState | undefined {
    try {
      return this.#tables.read();
    } catch (error) {
      if (isOfTheMachine(error)) throw error;
      if (!(error instanceof SqliteError) && !isReason(error, 'not-a-copy')) throw error;
      return undefined;
    }
  }

  #foreign(): ReplicaError {
    return replicaError(
      'foreign-write',
      `another program wrote to ${this.#name}, and other copies do not have its changes: the replica no longer writes; make a new copy from a snapshot`,
    );
  }

  #taken(): ReplicaError {
    return replicaError(
      'two-processes',
      `another replica opened ${this.#name} and continues with it: give each replica its own file`,
    );
  }

  get #name(): string {
    return this.#database.location() ?? 'the database';
  }

  /** Takes ownership of the file. */
  take(): { readonly state: CopyState; readonly pending: LocalTransaction[] } {
    const taken = writeTransaction(this.#database, () => {
      if (!this.#tables.exist()) throw replicaError('not-a-copy', `${this.#name} is not a copy of a history`);
      const found = this.#tables.read();
      const counter = changeCounter(this.#connection);
      if (!this.#isKnown(found.counter, counter)) throw this.#foreign();
      const copy = found.copy === '' ? this.#chance.uuid() : found.copy;
      const lease = this.#chance.uuid();
      const state = { ...found, copy, lease, counter: counter + 1 };
      this.#tables.own(copy, lease);
      this.#tables.count(state.counter);
      return { state, pending: this.#tables.pending() };
    });
    this.#dataVersion = dataVersion(this.#connection, 'main');
    return taken;
  }

  /** Whether the change counter of the file is the one that the last transaction of a replica stored. */
  #isKnown(left: number, counter: number): boolean {
    // In WAL mode the counter grows only if the first page is written. In a database in memory it never grows, and no
    // other connection can write.
    if (this.#journal === 'memory') return true;
    return left === counter || (this.#journal === 'wal' && left === counter + 1);
  }

  /** The file's change counter after the open transaction commits. */
  counterAfter(): number {
    return changeCounter(this.#connection) + 1;
  }
}
