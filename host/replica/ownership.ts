/** Who owns the file of a copy: one replica at a time, and nothing else writes to it. */

import { connectionOf } from '../api/connections.js';
import type { DatabaseSync } from '../api/database.js';
import { SqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { query } from '../kernel/query.js';
import { dataVersion } from '../kernel/schema.js';
import type { Chance } from './chance.js';
import { isOfTheMachine, isReason, type ReplicaError, replicaError } from './errors.js';
import type { CopyState, LocalTransaction, StateTables } from './state.js';

/** The change counter of the file's header. */
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
  /** Whether a failure may have changed the data version: SQLite drops its cache if the machine fails while it writes. */
  #hasFailed = false;

  constructor(database: DatabaseSync, tables: StateTables, chance: Chance) {
    this.#database = database;
    this.#connection = connectionOf(database);
    this.#tables = tables;
    this.#chance = chance;
    this.#journal = String(query(this.#connection, 'PRAGMA main.journal_mode')[0]?.[0]);
  }

  /** @throws ReplicaError `foreign-write`, `two-processes` if another connection wrote since */
  refuseForeign(lease: string): void {
    if (this.#hasFailed) this.#recover(lease);
    if (dataVersion(this.#connection, 'main') === this.#dataVersion) return;
    throw this.#found()?.lease === lease ? this.#foreign() : this.#taken();
  }

  /**
   * A transaction failed because of the machine, or SQLite rolled it back. SQLite may have dropped its cache then, which
   * changes the data version as another writer does.
   */
  failed(lease: string): void {
    this.#hasFailed = true;
    try {
      this.#recover(lease);
    } catch (error) {
      if (!isOfTheMachine(error)) throw error;
    }
  }

  /** Takes a new data version for its own, if the file is as the last transaction left it. */
  #recover(lease: string): void {
    const version = dataVersion(this.#connection, 'main');
    const found = version === this.#dataVersion ? undefined : this.#found();
    if (found?.lease === lease && this.#isKnown(found.counter, changeCounter(this.#connection))) {
      this.#dataVersion = version;
    }
    this.#hasFailed = false;
  }

  /** What the file says; undefined if it cannot be read. */
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
      `something other than the replica wrote to ${this.#name}, which no other copy knows: nothing more is written here; make a new copy from a snapshot`,
    );
  }

  #taken(): ReplicaError {
    return replicaError(
      'two-processes',
      `another replica opened ${this.#name}, which goes on there: give each its own file`,
    );
  }

  get #name(): string {
    return this.#database.location() ?? 'the database';
  }

  /** Begins to own the file. */
  take(): { readonly state: CopyState; readonly pending: LocalTransaction[] } {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      if (!this.#tables.exist()) throw replicaError('not-a-copy', `${this.#name} is not a copy of a history`);
      const found = this.#tables.read();
      const counter = changeCounter(this.#connection);
      if (!this.#isKnown(found.counter, counter)) throw this.#foreign();
      const copy = found.copy === '' ? this.#chance.uuid() : found.copy;
      const lease = this.#chance.uuid();
      const state = { ...found, copy, lease, counter: counter + 1 };
      this.#tables.own(copy, lease);
      this.#tables.count(state.counter);
      const pending = this.#tables.pending();
      this.#database.exec('COMMIT');
      this.#dataVersion = dataVersion(this.#connection, 'main');
      return { state, pending };
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Whether the file has the change counter that the last transaction of a replica left. */
  #isKnown(left: number, counter: number): boolean {
    // In a WAL the counter grows only if the first page was written; in memory never, and nobody else can write.
    if (this.#journal === 'memory') return true;
    return left === counter || (this.#journal === 'wal' && left === counter + 1);
  }

  /** The change counter that the open transaction leaves. */
  counterAfter(): number {
    return changeCounter(this.#connection) + 1;
  }
}
