/**
 * Stores the state of a copy in tables of its database, so that the state is written in the same transactions as the
 * data. Sessions do not record these tables, messages cannot change them, and snapshots contain them empty.
 */

import { connectionOf } from '../api/connections.js';
import type { DatabaseSync } from '../api/database.js';
import type { StatementSync } from '../api/statement.js';
import { hooksOf } from '../kernel/hooks.js';
import { query } from '../kernel/query.js';
import type { SqlValue } from '../kernel/values.js';
import { ownPrefix } from './allowed.js';
import { type ReplicaError, replicaError } from './errors.js';

const stateTable = `main.${ownPrefix}`;
const pendingTable = `main.${ownPrefix}_pending`;
const rejectedTable = `main.${ownPrefix}_rejected`;

/** The version of the format of these tables. */
const version = 1;

/** A position in a history. */
export interface Position {
  /** The sequence number of the last message that was read; 0 before the first. */
  readonly sequence: number;
  /** The id of the last message that was not void; the identity of the log before the first. */
  readonly head: string;
  /** The digest of the message at `sequence`, even if it is void; '' before the first. */
  readonly mark: string;
}

/** The identity and the position of a copy. */
export interface CopyState extends Position {
  /** The identity of its log. */
  readonly history: string;
  /** The UUID of the copy; '' in a snapshot. */
  readonly copy: string;
  /** The change counter of the file's header after the last transaction. */
  readonly counter: number;
  /** A UUID of the replica that has the file open. */
  readonly lease: string;
}

/** A call of a registered function. */
export interface Call {
  readonly name: string;
  /** JSON values. */
  readonly args: readonly unknown[];
}

/** A transaction that was committed in this copy. */
export interface LocalTransaction {
  /** The number of the transaction in the order of this copy's commits. */
  readonly number: number;
  /** A UUID. */
  readonly id: string;
  /** When it was committed, in ms since 1970. */
  readonly time: number;
  readonly call: Call | undefined;
  /** The capture of its changes. */
  readonly changes: Uint8Array;
}

/** Why a transaction was rejected. */
export type RejectionKind = 'conflict' | 'depends-on' | 'threw' | 'unrecordable' | 'schema';

/** A transaction that could not be rebased on the history. */
export interface RejectedTransaction extends LocalTransaction {
  readonly kind: RejectionKind;
  /** Why the transaction was rejected. */
  readonly message: string;
  /** The sequence number of the message at which the transaction was rejected. */
  readonly sequence: number;
}

/** The state tables of a copy. All methods use the open transaction. */
export class StateTables {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Whether the tables exist. @throws ReplicaError (`format`) if they have a newer version */
  exist(): boolean {
    const connection = connectionOf(this.#database);
    const found = query(
      connection,
      "SELECT count(*) FROM main.sqlite_schema WHERE type='table' AND name=?1",
      ownPrefix,
    );
    if (found[0]?.[0] === 0n) return false;
    const [row] = query(connection, `SELECT version FROM ${stateTable}`);
    if (row?.[0] === BigInt(version)) return true;
    throw replicaError(
      'format',
      `the tables of the replica have version ${row?.[0]}, but this version of sqlite-wasm-run supports version ${version}`,
    );
  }

  make(state: CopyState): void {
    this.#host(() =>
      this.#database.exec(`
CREATE TABLE ${stateTable}(one INTEGER PRIMARY KEY CHECK(one=1), version INTEGER NOT NULL, history TEXT NOT NULL,
  copy TEXT NOT NULL, sequence INTEGER NOT NULL, head TEXT NOT NULL, mark TEXT NOT NULL, counter INTEGER NOT NULL,
  lease TEXT NOT NULL);
CREATE TABLE ${pendingTable}(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, call TEXT,
  changes BLOB NOT NULL);
CREATE TABLE ${rejectedTable}(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, call TEXT,
  changes BLOB NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL, sequence INTEGER NOT NULL)`),
    );
    const { history, copy, sequence, head, mark, counter, lease } = state;
    this.#run(
      `INSERT INTO ${stateTable} VALUES(1, ${version}, ?, ?, ?, ?, ?, ?, ?)`,
      history,
      copy,
      BigInt(sequence),
      head,
      mark,
      BigInt(counter),
      lease,
    );
  }

  /** Drops the tables, so that the database is no longer a copy. */
  unmake(): void {
    this.close();
    this.#host(() =>
      this.#database.exec(`BEGIN IMMEDIATE;
DROP TABLE ${stateTable};
DROP TABLE ${pendingTable};
DROP TABLE ${rejectedTable};
COMMIT`),
    );
  }

  read(): CopyState {
    const [row] = this.#all(`SELECT history, copy, sequence, head, mark, counter, lease FROM ${stateTable}`);
    if (!row) throw damaged('its row is missing');
    const [history, copy, sequence, head, mark, counter, lease] = row;
    return {
      history: String(history),
      copy: String(copy),
      sequence: Number(sequence),
      head: String(head),
      mark: String(mark),
      counter: Number(counter),
      lease: String(lease),
    };
  }

  /** Stores a new position of the copy. */
  move({ sequence, head, mark }: Position, counter: number): void {
    this.#run(
      `UPDATE ${stateTable} SET sequence=?, head=?, mark=?, counter=?`,
      BigInt(sequence),
      head,
      mark,
      BigInt(counter),
    );
  }

  /** Stores the change counter of a transaction that does not change the position. */
  count(counter: number): void {
    this.#run(`UPDATE ${stateTable} SET counter=?`, BigInt(counter));
  }

  /** Stores the copy's UUID, and the lease of the replica that has the file open. */
  own(copy: string, lease: string): void {
    this.#run(`UPDATE ${stateTable} SET copy=?, lease=?`, copy, lease);
  }

  add(transaction: LocalTransaction): void {
    this.#run(`INSERT INTO ${pendingTable} VALUES(?, ?, ?, ?, ?)`, ...columnsOf(transaction));
  }

  /** Returns the pending transactions, oldest first. */
  pending(): LocalTransaction[] {
    return this.#all(`SELECT number, id, time, call, changes FROM ${pendingTable} ORDER BY number`).map(
      localOf,
    );
  }

  /** Stores the new changes of a pending transaction after a rebase. */
  redone(number: number, changes: Uint8Array): void {
    this.#run(`UPDATE ${pendingTable} SET changes=? WHERE number=?`, changes, BigInt(number));
  }

  /** Removes the pending transactions up to a number, because the history contains them. */
  removeUpTo(number: number): void {
    this.#run(`DELETE FROM ${pendingTable} WHERE number<=?`, BigInt(number));
  }

  remove(number: number): void {
    this.#run(`DELETE FROM ${pendingTable} WHERE number=?`, BigInt(number));
  }

  /** Moves a pending transaction to the rejected ones. */
  reject(transaction: RejectedTransaction): void {
    const { number, kind, message, sequence } = transaction;
    this.remove(number);
    this.#run(
      `INSERT OR REPLACE INTO ${rejectedTable} VALUES(?, ?, ?, ?, ?, ?, ?, ?)`,
      ...columnsOf(transaction),
      kind,
      message,
      BigInt(sequence),
    );
  }

  rejected(): RejectedTransaction[] {
    return this.#all(
      `SELECT number, id, time, call, changes, kind, message, sequence FROM ${rejectedTable} ORDER BY number`,
    ).map((row) => ({
      ...localOf(row),
      kind: String(row[5]) as RejectionKind,
      message: String(row[6]),
      sequence: Number(row[7]),
    }));
  }

  /** Deletes a rejected transaction. Returns whether it existed. */
  drop(id: string): boolean {
    return this.#run(`DELETE FROM ${rejectedTable} WHERE id=?`, id) > 0;
  }

  /** The highest number of a pending or rejected transaction; 0 if there is none. */
  lastNumber(): number {
    const [row] = this.#all(
      `SELECT max(coalesce((SELECT max(number) FROM ${pendingTable}), 0), coalesce((SELECT max(number) FROM ${rejectedTable}), 0))`,
    );
    return Number(row?.[0] ?? 0);
  }

  /** Deletes the transactions and the UUIDs, to make a snapshot. */
  empty(): void {
    this.#run(`DELETE FROM ${pendingTable}`);
    this.#run(`DELETE FROM ${rejectedTable}`);
    this.own('', '');
  }

  close(): void {
    // Closing can compile a statement again, so the authorizers must be off.
    this.#host(() => {
      for (const statement of this.#statements.values()) statement[Symbol.dispose]();
    });
    this.#statements.clear();
  }

  #run(sql: string, ...params: SqlValue[]): number {
    return this.#host(() => Number(this.#statement(sql).run(...params).changes));
  }

  #all(sql: string): SqlValue[][] {
    return this.#host(() => this.#statement(sql).all() as unknown as SqlValue[][]);
  }

  #statement(sql: string): StatementSync {
    let found = this.#statements.get(sql);
    if (!found) {
      found = this.#database.prepare(sql, { readBigInts: true, returnArrays: true });
      this.#statements.set(sql, found);
    }
    return found;
  }

  /** Runs `action` without calling authorizers, even if SQLite compiles a statement again. */
  #host<T>(action: () => T): T {
    return hooksOf(connectionOf(this.#database)).unasked(action);
  }
}

/** The first columns of the tables of pending and rejected transactions. */
const columnsOf = ({ number, id, time, call, changes }: LocalTransaction): SqlValue[] => [
  BigInt(number),
  id,
  BigInt(time),
  call ? JSON.stringify(call) : null,
  changes,
];

function localOf([number, id, time, call, changes]: readonly SqlValue[]): LocalTransaction {
  if (!(changes instanceof Uint8Array)) throw damaged('a transaction has no changes');
  return {
    number: Number(number),
    id: String(id),
    time: Number(time),
    call: call === null ? undefined : (JSON.parse(String(call)) as Call),
    changes,
  };
}

function damaged(what: string): ReplicaError {
  return replicaError('not-a-copy', `the tables of the replica are damaged: ${what}`);
}
