/** The connections of an engine: the parts of each, what runs on it, and its end. */

import { SQLITE_DBCONFIG_DQS_DML, SQLITE_MISUSE, SQLITE_TXN_WRITE } from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import type { Engine } from './engine.js';
import { type CheckedGrants, noGrants } from './grants.js';
import { type MakePart, Parts } from './parts.js';

/** What components may use, which SQLite does not allow everywhere. */
export type Use = 'spi' | 'session' | 'session.delete' | 'changeset' | 'changeset.apply';

/** A state in which SQL may not run, and why. */
export interface Restriction {
  /** What runs, such as "a collation". */
  readonly what: string;
  /** What components may use nevertheless. */
  readonly allowed: readonly Use[];
}

/** One open connection, of the API or the shell. */
export class Connection {
  readonly engine: Engine;
  /** The address of the `sqlite3` structure. */
  readonly db: number;
  /** What its components may use, unless the call that loads one specifies grants. */
  grants: CheckedGrants;
  #restriction: Restriction | undefined;
  readonly #before: (() => void)[] = [];
  readonly #parts = new Parts<Connection>(this);
  #isClosed = false;

  constructor(engine: Engine, db: number) {
    this.engine = engine;
    this.db = db;
    this.grants = engine.grants ?? noGrants;
  }

  /**
   * The part that `make` makes for this connection: made when first requested, then always the same. A part with
   * `[Symbol.dispose]` is ended when SQLite closes the connection, last one first. Keep it in a field if it is needed
   * for every row.
   */
  part<Part extends object>(make: MakePart<Connection, Part>): Part {
    return this.#parts.get(make);
  }

  /** Whether SQLite has closed it: C code that keeps its address may no longer use it. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Runs `action` as `what`, such as "a collation": meanwhile SQL may not run on this connection, because
   * SQLite itself is in the middle of an operation.
   *
   * @param allowed what components may use nevertheless
   */
  within<T>(what: string, action: () => T, allowed: readonly Use[] = []): T {
    const outer = this.#restriction;
    this.#restriction = { what, allowed: allowed.filter((use) => outer?.allowed.includes(use) ?? true) };
    try {
      return action();
    } finally {
      this.#restriction = outer;
    }
  }

  /** The halves of {@link within}, for calls too frequent for a closure each. Returns the previous state. */
  restrict(restriction: Restriction | undefined): Restriction | undefined {
    const outer = this.#restriction;
    this.#restriction = restriction;
    return outer;
  }

  /** The operation during which SQL may not run: see {@link within}. */
  get inside(): string | undefined {
    return this.#restriction?.what;
  }

  /**
   * @param what the requested interface
   * @param use the part of it
   * @throws SqliteError (SQLITE_MISUSE) if that may not be used now
   */
  refuseWithin(what: string, use: Use): void {
    const restriction = this.#restriction;
    if (!restriction || restriction.allowed.includes(use)) return;
    const why = restriction.allowed.includes('spi')
      ? 'SQLite is ending the transaction'
      : 'SQLite does not allow SQL there';
    throw sqliteError(SQLITE_MISUSE, `${what} cannot be used while ${restriction.what} runs: ${why}`);
  }

  /** Whether a transaction is open. C: `sqlite3_get_autocommit`. */
  get inTransaction(): boolean {
    return this.engine.core.c.sqlite3_get_autocommit(this.db) === 0;
  }

  /** Whether a transaction that may write is open. */
  get writing(): boolean {
    return this.engine.core.c.sqlite3_txn_state(this.db, 0) === SQLITE_TXN_WRITE;
  }

  /**
   * Runs SQL from within a statement. If it rolls back a transaction in which statements write, they end with
   * SQLITE_ABORT_ROLLBACK: SQLite checks only the tables that they have open by then, and would write to others
   * without a transaction.
   */
  nested<T>(action: () => T): T {
    const { writing } = this;
    try {
      return action();
    } finally {
      if (writing && !this.writing) this.#abortWriters();
    }
  }

  #abortWriters(): void {
    const { c, memory } = this.engine.core;
    for (
      let statement = c.sqlite3_next_stmt(this.db, 0);
      statement !== 0;
      statement = c.sqlite3_next_stmt(this.db, statement)
    ) {
      if (c.sqlite3_stmt_busy(statement) === 0 || c.sqlite3_stmt_readonly(statement) !== 0) continue;
      // Changing a setting prevents SQLite from opening more tables for running statements.
      using arena = memory.arena();
      const out = arena.allocate(4);
      const configure = (value: number): void =>
        this.engine.check(this.db, c.bridge_db_config(this.db, SQLITE_DBCONFIG_DQS_DML, value, out));
      configure(-1);
      const on = memory.view.getInt32(out, true);
      configure(1 - on);
      configure(on);
      return;
    }
  }

  /** Calls `action` just before SQLite closes the connection, to finalize statements. */
  beforeClose(action: () => void): () => void {
    this.#before.push(action);
    return () => {
      const at = this.#before.indexOf(action);
      if (at >= 0) this.#before.splice(at, 1);
    };
  }

  /** Called when SQLite is asked to close it. */
  closing(): void {
    for (const action of [...this.#before]) action(); // again if SQLite refuses to close this time
  }

  /** Calls `action` when SQLite closes the connection, before it frees anything; last one first. */
  onClose(action: () => void): void {
    this.#parts.onEnd(action);
  }

  /** Called once. */
  closed(): void {
    this.#isClosed = true;
    this.#parts.end();
  }
}

/** The open connections of an engine by their addresses. */
const connections = (): Map<number, Connection> => new Map();

/** The connection at address `db`, watched from here on until SQLite closes it. */
export function connectionAt(engine: Engine, db: number): Connection {
  const open = engine.part(connections);
  const known = open.get(db);
  if (known) return known;
  const connection = new Connection(engine, db);
  const id = engine.register({
    closing: () => connection.closing(),
    destroyed: () => {
      open.delete(db);
      connection.closed();
    },
  });
  engine.check(db, engine.core.c.bridge_watch_close(db, id));
  open.set(db, connection);
  return connection;
}
