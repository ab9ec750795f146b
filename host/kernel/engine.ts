/** One core with what the host keeps for it: the functions it may call back, and its connections. */

import {
  maxArguments,
  SQLITE_AUTH,
  SQLITE_CHANGESET_ABORT,
  SQLITE_DBCONFIG_DQS_DML,
  SQLITE_MISUSE,
  SQLITE_OK,
  SQLITE_TXN_WRITE,
} from '../core/constants.js';
import { Core } from '../core/core.js';
import { SqliteError } from '../core/errors.js';
import type {
  Callbacks,
  ConnectionHooks,
  Extensions,
  FileSystem,
  TableModule,
  Terminal,
} from '../core/host-services.js';
import { cellSize } from './cells.js';
import { type CheckedGrants, noGrants } from './grants.js';
import { type MakePart, Parts } from './parts.js';

/** What SQLite calls by number. Each kind of callback has one method. */
export interface Callback {
  /**
   * An SQL function was called with `count` values, which are at address `cells` until it returns. Throwing fails the
   * statement.
   */
  call?(context: number, count: number, cells: number): void;
  /** An aggregate takes a row; returns the number of its group, which it makes where that is 0. */
  step?(context: number, group: number, count: number, cells: number, inverse: boolean): number;
  /** Sets an aggregate's result. Returns the group's number, 0 where `final` ended it. */
  groupValue?(context: number, group: number, final: boolean): number;
  /** A virtual table module. */
  readonly module?: TableModule;
  filterTable?(table: string): boolean;
  /** What `filterTable` counts as having said if it throws; false unless said otherwise. */
  readonly filterFailed?: boolean;
  filterChange?(iterator: number): boolean;
  conflict?(kind: number, iterator: number): number;
  /** Puts at most `room` bytes at `pointer` and returns how many; 0 is the end. */
  streamInput?(pointer: number, room: number): number;
  streamOutput?(pointer: number, length: number): void;
  /** A statement that may change the schema is about to begin. May not throw. */
  captureBefore?(statement: number): void;
  /** What {@link Callbacks.captureAfter} says. May not throw. */
  captureAfter?(statement: number, kind: number, code: number): void;
  /** The connection is about to be closed. */
  closing?(): void;
  readonly hooks?: ConnectionHooks;
  /** A collation's order of the texts at two places. May not throw. */
  compare?(left: number, leftLength: number, right: number, rightLength: number): number;
  /** SQLite let go of it: it will not be called again. */
  destroyed?(): void;
}

export interface EngineOptions {
  /** In the order of the core's VFSs: "node", "node-none". */
  readonly fileSystems: readonly FileSystem[];
  /** Serves `.load`; without it every load is refused. */
  readonly extensions?: (engine: Engine) => Extensions;
  readonly terminal?: Terminal;
  readonly interrupted?: () => boolean;
  /** Hears when a statement of the shell begins and ends. */
  readonly statement?: (running: boolean) => void;
  /** What the components of every connection are allowed. Left out, each connection says it. */
  readonly grants?: CheckedGrants;
  /** The functions of wasi_snapshot_preview1, which the shell needs. */
  readonly wasi?: WebAssembly.ModuleImports;
}

/** Bytes of {@link Engine.scratch}. */
export const scratchSize = 16_384;

export class Engine implements Callbacks {
  readonly core: Core;
  readonly grants: CheckedGrants | undefined;
  /** Whether it runs the shell: then a person reads what the loader has to say. */
  readonly isShell: boolean;
  /** What the component is allowed that is being loaded, where the call that loads it says so. */
  loading: CheckedGrants | undefined;
  readonly #callbacks = new Map<number, Callback>();
  readonly #connections = new Map<number, Connection>();
  #lastId = 0;
  #scratch = 0;
  #cells = 0;
  #thrown: { error: unknown } | undefined;

  constructor(options: EngineOptions) {
    const refused: Extensions = {
      open() {
        throw new Error('this program loads no extensions');
      },
    };
    this.grants = options.grants;
    this.isShell = options.terminal !== undefined;
    this.core = new Core(
      {
        fileSystems: options.fileSystems,
        callbacks: this,
        extensions: options.extensions?.(this) ?? refused,
        terminal: options.terminal,
        interrupted: options.interrupted ?? (() => false),
        ...(options.statement && { statement: options.statement }),
      },
      options.wasi,
    );
  }

  /** Room for text on its way into the core; free between two calls. */
  get scratch(): number {
    // Not taken at the start: memory initializes SQLite, which the shell configures first.
    this.#scratch ||= this.core.memory.allocate(scratchSize);
    return this.#scratch;
  }

  /** Room for {@link maxArguments} values, as bridge_values writes them; free once they are read. */
  get cells(): number {
    this.#cells ||= this.core.memory.allocate(cellSize * maxArguments);
    return this.#cells;
  }

  /** Gives a callback the number by which the core knows it, until `destroyed` or {@link release}. */
  register(callback: Callback): number {
    this.#lastId += 1;
    this.#callbacks.set(this.#lastId, callback);
    return this.#lastId;
  }

  release(id: number): void {
    this.#callbacks.delete(id);
  }

  /** The connection at address `db`, watched from here on until SQLite closes it. */
  connection(db: number): Connection {
    const known = this.#connections.get(db);
    if (known) return known;
    const connection = new Connection(this, db);
    const id = this.register({
      closing: () => connection.closing(),
      destroyed: () => {
        this.#connections.delete(db);
        connection.closed();
      },
    });
    this.check(db, this.core.c.bridge_watch_close(db, id));
    this.#connections.set(db, connection);
    return connection;
  }

  /**
   * Throws what a callback of the user threw during the call, whatever `code` says: SQLite has no way to be told of
   * some. Otherwise an SqliteError with the connection's message, unless `code` is SQLITE_OK.
   */
  check(db: number, code: number): void {
    if (code === SQLITE_OK && !this.#thrown) return;
    this.surface();
    throw this.error(db, code);
  }

  /** An error in SQLite's words, or in those of an authorizer that said why it refuses. */
  error(db: number, code: number): SqliteError {
    const said = (code & 0xff) === SQLITE_AUTH ? this.#connections.get(db)?.denial : undefined;
    return this.core.error(db, code, said);
  }

  /** Throws what a callback of the user threw during the call, if one did. */
  surface(): void {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown) throw thrown.error;
  }

  /** Whether a callback of the user threw during the call. */
  get hasThrown(): boolean {
    return this.#thrown !== undefined;
  }

  /** A call of the user's begins: what an earlier one left, such as an aggregate ended early, is nobody's. */
  begin(): void {
    this.#thrown = undefined;
  }

  call(id: number, context: number, count: number, cells: number): void {
    const outer = this.#thrown;
    if (outer) this.#thrown = undefined;
    try {
      this.#callbacks.get(id)?.call?.(context, count, cells);
    } catch (error) {
      this.failIn(context, error);
    }
    if (outer) this.#thrown = outer;
  }

  /** Fails the statement that runs in `context`; what was thrown is kept for {@link check}. */
  failIn(context: number, error: unknown): void {
    this.keep(error);
    using arena = this.core.memory.arena();
    const { pointer, length } = arena.text(error instanceof Error ? error.message : String(error));
    this.core.c.sqlite3_result_error(context, pointer, length);
  }

  /** Keeps what a callback threw for {@link check}, unless one threw before it in the same call. */
  keep(error: unknown): void {
    this.#thrown ??= { error };
  }

  step(id: number, context: number, group: number, count: number, cells: number, inverse: boolean): number {
    const outer = this.#thrown;
    if (outer) this.#thrown = undefined;
    try {
      return this.#callbacks.get(id)?.step?.(context, group, count, cells, inverse) ?? group;
    } catch (error) {
      this.failIn(context, error);
      return group;
    } finally {
      if (outer) this.#thrown = outer;
    }
  }

  groupValue(id: number, context: number, group: number, final: boolean): number {
    const outer = this.#thrown;
    if (outer) this.#thrown = undefined;
    try {
      return this.#callbacks.get(id)?.groupValue?.(context, group, final) ?? group;
    } catch (error) {
      this.failIn(context, error);
      return final ? 0 : group;
    } finally {
      if (outer) this.#thrown = outer;
    }
  }

  module(id: number): TableModule | undefined {
    return this.#callbacks.get(id)?.module;
  }

  destroy(id: number): void {
    const callback = this.#callbacks.get(id);
    this.#callbacks.delete(id);
    callback?.destroyed?.();
  }

  closing(id: number): void {
    this.#callbacks.get(id)?.closing?.();
  }

  hooks(id: number): ConnectionHooks | undefined {
    return this.#callbacks.get(id)?.hooks;
  }

  compare(id: number, left: number, leftLength: number, right: number, rightLength: number): number {
    return this.#callbacks.get(id)?.compare?.(left, leftLength, right, rightLength) ?? 0;
  }

  filterTable(id: number, table: string): boolean {
    const callback = this.#callbacks.get(id);
    return this.attempt(callback?.filterFailed ?? false, () => callback?.filterTable?.(table) ?? true);
  }

  filterChange(id: number, iterator: number): boolean {
    return this.attempt(false, () => this.#callbacks.get(id)?.filterChange?.(iterator) ?? true);
  }

  conflict(id: number, kind: number, iterator: number): number {
    const abort = SQLITE_CHANGESET_ABORT;
    return this.attempt(abort, () => this.#callbacks.get(id)?.conflict?.(kind, iterator) ?? abort);
  }

  streamInput(id: number, pointer: number, room: number): number {
    return this.attempt(-1, () => this.#callbacks.get(id)?.streamInput?.(pointer, room) ?? 0);
  }

  streamOutput(id: number, pointer: number, length: number): boolean {
    return this.attempt(false, () => {
      this.#callbacks.get(id)?.streamOutput?.(pointer, length);
      return true;
    });
  }

  captureBefore(id: number, statement: number): void {
    this.#callbacks.get(id)?.captureBefore?.(statement);
  }

  captureAfter(id: number, statement: number, kind: number, code: number): void {
    this.#callbacks.get(id)?.captureAfter?.(statement, kind, code);
  }

  /**
   * What `action` returns, or `failed` if it throws, which is kept for {@link check}. SQL that it runs keeps what it
   * throws apart from the call that is under way.
   */
  attempt<T>(failed: T, action: () => T): T {
    const outer = this.#thrown;
    this.#thrown = undefined;
    let thrown: { error: unknown } | undefined;
    try {
      return action();
    } catch (error) {
      thrown = { error };
      return failed;
    } finally {
      this.#thrown = outer ?? thrown;
    }
  }

  /** What a callback threw since the last {@link check}, taken away. */
  takeThrown(): { error: unknown } | undefined {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    return thrown;
  }
}

/** What components use that SQLite does not allow everywhere. */
export type Use = 'spi' | 'session' | 'session.delete' | 'changeset' | 'changeset.apply';

/** That no SQL may run, and why. */
export interface Restriction {
  /** What runs, such as "a collation". */
  readonly what: string;
  /** What components may use all the same. */
  readonly allowed: readonly Use[];
}

/** One open connection, whoever opened it: the API, or the shell. */
export class Connection {
  readonly engine: Engine;
  /** The address of the `sqlite3` structure. */
  readonly db: number;
  /** What its components are allowed, unless the call that loads one says otherwise. */
  grants: CheckedGrants;
  /** Why the last action of a statement was refused, if whoever refused it said so. */
  denial: string | undefined;
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
   * What `make` makes for this connection: made when it is first asked for, and the same from then on. A part with
   * `[Symbol.dispose]` is ended when SQLite closes the connection, last one first. Keep it in a field where rows are
   * many.
   */
  part<Part extends object>(make: MakePart<Connection, Part>): Part {
    return this.#parts.get(make);
  }

  /** Whether SQLite has closed it: C code that keeps its address may not use it then. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Runs `action` as what it says it is, such as "a collation": from there no SQL may run on this connection,
   * for SQLite itself is in the middle of it.
   *
   * @param allowed what components may use all the same
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

  /** The halves of {@link within}, for calls that are too many for a closure each. Returns what was before. */
  restrict(restriction: Restriction | undefined): Restriction | undefined {
    const outer = this.#restriction;
    this.#restriction = restriction;
    return outer;
  }

  /** What runs that no SQL may run in: see {@link within}. */
  get inside(): string | undefined {
    return this.#restriction?.what;
  }

  /**
   * @param what the interface that was asked for
   * @param use what of it
   * @throws SqliteError (SQLITE_MISUSE) where that may not be used now
   */
  refuseWithin(what: string, use: Use): void {
    const restriction = this.#restriction;
    if (!restriction || restriction.allowed.includes(use)) return;
    const why = restriction.allowed.includes('spi')
      ? 'SQLite is ending the transaction'
      : 'SQLite allows no SQL there';
    throw new SqliteError(
      `${what} cannot be used while ${restriction.what} runs: ${why}`,
      SQLITE_MISUSE,
      this.engine.core.errorText(SQLITE_MISUSE),
    );
  }

  /** Whether a transaction that may write is open. */
  get writing(): boolean {
    return this.engine.core.c.sqlite3_txn_state(this.db, 0) === SQLITE_TXN_WRITE;
  }

  /**
   * Runs SQL from within a statement. Where it rolls back a transaction that statements write in, they end with
   * SQLITE_ABORT_ROLLBACK: SQLite looks only at the tables that they have open by then, and would write to others
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
      // A setting that changes makes SQLite open no more tables for what runs.
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

  /** Calls `action` just before SQLite is asked to close the connection: the time to finalize statements. */
  beforeClose(action: () => void): () => void {
    this.#before.push(action);
    return () => {
      const at = this.#before.indexOf(action);
      if (at >= 0) this.#before.splice(at, 1);
    };
  }

  /** Called by the engine. */
  closing(): void {
    for (const action of [...this.#before]) action(); // again where SQLite refuses to close this time
  }

  /** Calls `action` when SQLite closes the connection, before it lets go of anything; last one first. */
  onClose(action: () => void): void {
    this.#parts.onEnd(action);
  }

  /** Called once, by the engine. */
  closed(): void {
    this.#isClosed = true;
    this.#parts.end();
  }
}
