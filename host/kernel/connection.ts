import { SQLITE_DBCONFIG_DQS_DML, SQLITE_MISUSE, SQLITE_TXN_WRITE } from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import type { Engine } from './engine.js';
import { type CheckedGrants, noGrants } from './grants.js';
import { type MakePart, Parts } from './parts.js';
import type { StatementRule } from './statement-rules.js';

/** Services for components that SQLite does not allow inside every callback. */
export type Use = 'spi' | 'session' | 'session.delete' | 'changeset' | 'changeset.apply';

/** A running operation during which SQL may not run. */
export interface Restriction {
  /** The operation, such as "a collation". */
  readonly what: string;
  /** The services that components may still use. */
  readonly allowed: readonly Use[];
}

/** An open connection of the API or the shell. */
export class Connection {
  readonly engine: Engine;
  /** The address of the `sqlite3` structure. */
  readonly db: number;
  /** The grants of its components, unless the call that loads a component specifies others. */
  grants: CheckedGrants;
  #restriction: Restriction | undefined;
  /** Refuses statements while an operation runs that they would disturb. */
  rule: StatementRule | undefined;
  readonly #before: (() => void)[] = [];
  readonly #parts = new Parts<Connection>(this);
  #isClosed = false;

  constructor(engine: Engine, db: number) {
    this.engine = engine;
    this.db = db;
    this.grants = engine.grants ?? noGrants;
  }

  /**
   * Returns the part that `make` makes for this connection. It is made at the first call, and later calls return the
   * same object. A part with `[Symbol.dispose]` is disposed of when SQLite closes the connection, the newest part
   * first. Code that needs a part for every row should keep it in a field.
   */
  part<Part extends object>(make: MakePart<Connection, Part>): Part {
    return this.#parts.get(make);
  }

  /** Whether SQLite has closed the connection. Its address must then not be used. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Runs `action` while SQL may not run on this connection, because SQLite itself is in the middle of an operation.
   *
   * @param allowed the services that components may still use
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

  /**
   * Sets the restriction and returns the previous one. Frequent calls use it instead of {@link within}, to avoid a
   * closure.
   */
  restrict(restriction: Restriction | undefined): Restriction | undefined {
    const outer = this.#restriction;
    this.#restriction = restriction;
    return outer;
  }

  /** Runs `action`, during which statements run only if `rule` allows it: see {@link refuse}. */
  ruled<T>(rule: StatementRule, action: () => T): T {
    const outer = this.rule;
    this.rule = rule;
    try {
      return action();
    } finally {
      this.rule = outer;
    }
  }

  /** @throws SqliteError (SQLITE_MISUSE) if the rule refuses a statement, or a write without one if `sql` is empty */
  refuse(sql: string, reads: boolean): void {
    const why = this.rule?.(sql, reads);
    if (why !== undefined) throw sqliteError(SQLITE_MISUSE, why);
  }

  /** The running operation during which SQL may not run; see {@link within}. */
  get inside(): string | undefined {
    return this.#restriction?.what;
  }

  /**
   * @param what the requested interface
   * @param use the service of that interface
   * @throws SqliteError (SQLITE_MISUSE) if the service may not be used now
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
   * Runs SQL from within a statement. If that SQL rolls back a transaction, the statements that write in it end with
   * SQLITE_ABORT_ROLLBACK. SQLite itself aborts them only for tables that they have already opened; to other tables,
   * they would write without a transaction.
   */
  nested<T>(action: () => T): T {
    const { writing } = this;
    try {
      return action();
    } finally {
      if (writing && !this.writing) this.#abortWriters();
    }
  }

  /** Whether a statement that writes is running. */
  get hasWriter(): boolean {
    const { c } = this.engine.core;
    let statement = c.sqlite3_next_stmt(this.db, 0);
    while (statement !== 0) {
      if (c.sqlite3_stmt_busy(statement) !== 0 && c.sqlite3_stmt_readonly(statement) === 0) return true;
      statement = c.sqlite3_next_stmt(this.db, statement);
    }
    return false;
  }

  #abortWriters(): void {
    const { c, memory } = this.engine.core;
    if (!this.hasWriter) return;
    // After a change of this setting, SQLite opens no more tables for running statements.
    using arena = memory.arena();
    const out = arena.allocate(4);
    const configure = (value: number): void =>
      this.engine.check(this.db, c.bridge_db_config(this.db, SQLITE_DBCONFIG_DQS_DML, value, out));
    configure(-1);
    const on = memory.view.getInt32(out, true);
    configure(1 - on);
    configure(on);
  }

  /**
   * Calls `action` before SQLite closes the connection, so that it can finalize statements. Returns a function that
   * cancels this.
   */
  beforeClose(action: () => void): () => void {
    this.#before.push(action);
    return () => {
      const at = this.#before.indexOf(action);
      if (at >= 0) this.#before.splice(at, 1);
    };
  }

  /** Called before SQLite tries to close the connection. */
  closing(): void {
    for (const action of [...this.#before]) action(); // the actions run again if SQLite refuses to close now
  }

  /** Calls `action` when SQLite closes the connection, before SQLite frees memory. The last action is called first. */
  onClose(action: () => void): void {
    this.#parts.onEnd(action);
  }

  /** Called once, when SQLite closes the connection. */
  closed(): void {
    this.#isClosed = true;
    this.#parts.end();
  }
}

/** The open connections of an engine, by address. */
const connections = (): Map<number, Connection> => new Map();

/** Returns the connection at address `db`. The first call makes it. */
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
