/**
 * Runs the SQL of clients on a replica. The SQL text of each transaction is stored, and runs again when the transaction
 * is rebased.
 */

import { connectionOf } from '../../api/connections.js';
import { SQLITE_AUTH, SQLITE_ERROR, SQLITE_MISUSE, SQLITE_READONLY } from '../../core/constants.js';
import { SqliteError, sqliteError } from '../../core/errors.js';
import type { DatabaseSync } from '../../index.js';
import type { SqlValue } from '../../kernel/values.js';
import { type Committed, type Replica, ReplicaError, type StepwiseTransaction } from '../../replica/index.js';
import { jsonOf, sqlValueOf } from '../daemon/protocol.js';
import { bare, type Ran, type RowSink, step } from '../journal/recorder.js';
import { statementEnd } from '../statement.js';

/** The name of the registered function that runs SQL texts. */
export const sqlFunction = 'sql';

/** A statement with its parameters as JSON. */
type Kept = readonly [sql: string, params: readonly unknown[]];

/** The complete result of a statement. */
interface Whole {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  readonly changes: number;
  readonly lastInsertRowid: bigint;
}

/** Runs statements, and returns the result of the last one. This function runs again when a transaction is rebased. */
export function runSql(database: DatabaseSync, ...statements: never[]): Whole {
  let whole: Whole = { columns: [], rows: [], changes: 0, lastInsertRowid: 0n };
  for (const [sql, params] of statements as readonly Kept[]) {
    const rows: SqlValue[][] = [];
    let columns: readonly string[] = [];
    const ran = runOne(database, sql, params.map(sqlValueOf), {
      columns: (names) => {
        columns = names;
      },
      row: (values) => void rows.push([...values]),
    });
    whole = { columns, rows, changes: ran.changes, lastInsertRowid: ran.lastInsertRowid };
  }
  return whole;
}

function runOne(database: DatabaseSync, sql: string, params: readonly SqlValue[], sink: RowSink): Ran {
  const { db, engine } = connectionOf(database);
  const { c } = engine.core;
  const before = c.sqlite3_total_changes64(db);
  const statement = database.prepare(sql, { readBigInts: true, returnArrays: true });
  using _ = statement;
  step(statement, params, sink);
  return {
    changes: Number(c.sqlite3_total_changes64(db) - before),
    lastInsertRowid: c.sqlite3_last_insert_rowid(db),
    statements: 0,
    length: statement.sourceSQL.length,
  };
}

export interface StatementOptions {
  readonly readOnly: boolean;
  /** Whether a transaction is answered only after it has been published. */
  readonly wait: boolean;
  /** Waits for a promise, and rejects if the client's request is interrupted. */
  until<T>(promise: Promise<T>): Promise<T>;
}

export class ReplicaStatements {
  readonly #replica: Replica;
  readonly #options: StatementOptions;
  #open:
    | { readonly transaction: StepwiseTransaction<Committed<undefined>>; readonly kept: Kept[] }
    | undefined;
  /** Whether a statement of a client is running. */
  isRunning = false;

  constructor(replica: Replica, options: StatementOptions) {
    this.#replica = replica;
    this.#options = options;
  }

  get inTransaction(): boolean {
    return this.#open !== undefined;
  }

  /** Runs one statement. @throws SqliteError; the ReplicaErrors of transactions */
  async run(sql: string, params: readonly SqlValue[], sink: RowSink): Promise<Ran> {
    const end = statementEnd(sql);
    if (end >= 0 && sql.slice(end).trim() !== '')
      throw sqliteError(SQLITE_MISUSE, 'a request must contain exactly one statement');
    const text = bare(sql);
    const none: Ran = { changes: 0, lastInsertRowid: 0n, statements: 0, length: sql.length };
    const [word = ''] = /^[a-z]+/i.exec(text) ?? [];
    const isWhole = /^rollback\b(?!.*\bto\b)/is.test(text) || !/^rollback/i.test(text);
    switch (isWhole ? word.toLowerCase() : '') {
      case 'begin':
        if (this.#open) throw sqliteError(SQLITE_ERROR, 'cannot start a transaction within a transaction');
        this.#refuseReadOnly();
        this.#open = { transaction: this.#replica.begin(), kept: [] };
        return none;
      case 'commit':
      case 'end':
        await this.#commit();
        return none;
      case 'rollback':
        if (!this.#open) throw sqliteError(SQLITE_ERROR, 'cannot rollback - no transaction is active');
        this.rollback();
        return none;
    }
    if (this.#open) return this.#inside(sql, params, sink);
    if (/^(?:select|values|explain|pragma)\b/i.test(text) && !/^pragma\s+\w+\s*=/i.test(text)) {
      return this.#watched(() => runOne(this.#replica.database, sql, params, sink));
    }
    this.#refuseReadOnly();
    return this.#alone(sql, params, sink);
  }

  rollback(): void {
    this.#open?.transaction.rollback();
    this.#open = undefined;
  }

  #inside(sql: string, params: readonly SqlValue[], sink: RowSink): Ran {
    const open = this.#open;
    if (!open) throw sqliteError(SQLITE_ERROR, 'no transaction is active');
    try {
      const ran = this.#watched(() =>
        open.transaction.run((database) => runOne(database, sql, params, sink)),
      );
      if (!/^(?:select|values|explain)\b/i.test(bare(sql))) open.kept.push([sql, params.map(jsonOf)]);
      return ran;
    } catch (error) {
      if (!this.#replica.database.isTransaction) this.rollback(); // SQLite rolled back
      throw error;
    }
  }

  /** Runs a statement outside a transaction, as a transaction of its own. */
  async #alone(sql: string, params: readonly SqlValue[], sink: RowSink): Promise<Ran> {
    const kept: Kept[] = [[sql, params.map(jsonOf)]];
    if (this.#options.wait) return this.#wait(kept, sink);
    const transaction = this.#replica.begin();
    let ran: Ran;
    try {
      ran = this.#watched(() => transaction.run((database) => runOne(database, sql, params, sink)));
    } catch (error) {
      transaction.rollback();
      throw error;
    }
    try {
      transaction.commit({ name: sqlFunction, args: kept });
      return ran;
    } catch (error) {
      if (!isSchemaChange(error)) throw error;
      return { ...(await this.#wait(kept)), statements: 1 };
    }
  }

  async #commit(): Promise<void> {
    const open = this.#open;
    if (!open) throw sqliteError(SQLITE_ERROR, 'cannot commit - no transaction is active');
    this.#open = undefined;
    const { transaction, kept } = open;
    if (this.#options.wait) {
      transaction.rollback();
      if (kept.length > 0) await this.#wait(kept);
      return;
    }
    try {
      transaction.commit({ name: sqlFunction, args: kept });
    } catch (error) {
      if (!isSchemaChange(error)) throw error;
      await this.#wait(kept);
    }
  }

  /** Publishes a transaction before it is committed. */
  async #wait(kept: readonly Kept[], sink?: RowSink): Promise<Ran> {
    const placed = this.#replica.transaction<Whole>(sqlFunction, kept, { wait: true });
    placed.catch(() => {}); // the request may be interrupted, and then nothing awaits it
    const { columns, rows, changes, lastInsertRowid } = (await this.#options.until(placed)).value;
    sink?.columns(columns);
    for (const row of rows) sink?.row(row);
    return { changes, lastInsertRowid, statements: 0, length: 0 };
  }

  #watched<T>(action: () => T): T {
    this.isRunning = true;
    try {
      return action();
    } finally {
      this.isRunning = false;
    }
  }

  #refuseReadOnly(): void {
    if (!this.#options.readOnly) return;
    throw sqliteError(SQLITE_READONLY, 'this copy is read-only (--read-only): write to another copy');
  }
}

const isSchemaChange = (error: unknown): boolean =>
  error instanceof ReplicaError && error.reason === 'schema-change';

/** Converts an error to an SqliteError, which the protocol can send. */
export function asSqliteError(error: unknown): SqliteError {
  if (error instanceof SqliteError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ReplicaError)) return sqliteError(SQLITE_MISUSE, message);
  return sqliteError(error.reason === 'refused' ? SQLITE_AUTH : SQLITE_ERROR, message);
}
