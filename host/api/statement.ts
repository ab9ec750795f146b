/** Prepared statements with the interface of `StatementSync` of `node:sqlite`. */

import { ROW_IN_CELLS, SQLITE_DONE, SQLITE_NOMEM, SQLITE_ROW } from '../core/constants.js';
import type { Core } from '../core/core.js';
import {
  checkArgument,
  checkOptions,
  illegalConstructor,
  invalidState,
  outOfRange,
} from '../kernel/arguments.js';
import { cellSize, numberAt, readCell } from '../kernel/cells.js';
import { batchBytes, batchCells, batchHeader, type Engine, mostBatched } from '../kernel/engine.js';
import { onlyReads } from '../kernel/statement-rules.js';
import type { SqlValue } from '../kernel/values.js';
import { refuseInAuthorizer } from './authorizer.js';
import type { OpenDatabase } from './open-database.js';
import { namedIn, Parameters } from './parameters.js';
import { type Held, type Prepared, PreparedStatements } from './prepared-statements.js';
import { type RowIterator, StatementRows } from './row-iterator.js';
import { buildRow, type Row, type RowBuilder, rowBuilder } from './rows.js';

/** Options for a statement's rows and parameters. */
export interface StatementOptions {
  /** Returns integers as bigint. By default, an integer that does not fit in a number is an error. */
  readBigInts?: boolean;
  /** Returns rows as arrays. */
  returnArrays?: boolean;
  /** Returns rows as ordinary objects. By default rows have no prototype, as in `node:sqlite`. */
  plainRows?: boolean;
  /** Allows `{ id: 1 }` for parameter `:id`; true by default. */
  allowBareNamedParameters?: boolean;
  /** Ignores unknown parameter names. */
  allowUnknownNamedParameters?: boolean;
}

export const statementOptionKinds = {
  readBigInts: 'boolean',
  returnArrays: 'boolean',
  plainRows: 'boolean',
  allowBareNamedParameters: 'boolean',
  allowUnknownNamedParameters: 'boolean',
} as const;

/** The result of {@link StatementSync.run}. */
export interface RunResult {
  /** The number of rows changed by the connection's last INSERT, UPDATE or DELETE (`sqlite3_changes64`). */
  changes: number | bigint;
  /** The rowid of the last inserted row (`sqlite3_last_insert_rowid`). */
  lastInsertRowid: number | bigint;
}

/** A column of a statement's result. `column`, `database`, `table` and `type` are null if it is an expression. */
export interface Column {
  /** The column's name in its table. */
  column: string | null;
  database: string | null;
  /** The column's name in the result. */
  name: string;
  table: string | null;
  /** The declared type. */
  type: string | null;
}

/** The state of an iterated statement. It does not refer to the statement. */
interface Iterated {
  readonly open: OpenDatabase;
  held: Held;
}

/** Resets statements whose iterators were garbage-collected. */
const abandoned = new FinalizationRegistry<Iterated>(({ open, held }) => open.statements.giveBack(held));

/** The part of a database that a statement uses. `database` keeps the DatabaseSync alive as long as the statement. */
export interface StatementOwner {
  readonly open: OpenDatabase;
  readonly database: object;
}

/** SQLITE_STMTSTATUS_REPREPARE */
const reprepared = 5;

/** A batch with fewer rows is slower than single rows. */
const leastBatched = 4;

/**
 * The number of rows read before a statement gets a row builder. Making a builder takes as long as reading dozens of
 * rows.
 */
const rowsBeforeBuilder = 16;

/** Known only to this file, so that `new StatementSync()` throws in a program. */
const own = Symbol('made by a database');
let construct: typeof createStatement;

/** Makes a StatementSync for a C statement. */
export function createStatement(owner: StatementOwner, held: Held, options: StatementOptions): StatementSync {
  return construct(owner, held, options);
}

/** A prepared statement. {@link DatabaseSync.prepare} makes statements, and they end with the database. */
export class StatementSync implements Disposable {
  readonly #owner: StatementOwner;
  readonly #sql: string;
  readonly #engine: Engine;
  readonly #core: Core;
  /** The C statement. Another StatementSync may have taken it. */
  #held: Held;
  #closed = false;
  #bigints: boolean;
  #arrays: boolean;
  /** What a function set during a call that has the same form for all its rows. */
  #later: { readonly bigints?: boolean; readonly arrays?: boolean } | undefined;
  readonly #plain: boolean;
  #names: string[] | undefined;
  #build: RowBuilder | undefined;
  readonly #parameters: Parameters;
  /** Counts the executions. An iteration ends when the next execution begins. */
  #run = 0;
  #iterated: Iterated | undefined;

  /** @throws Error (ERR_ILLEGAL_CONSTRUCTOR) if a program calls it: {@link DatabaseSync.prepare} makes statements */
  private constructor(token: symbol, owner: StatementOwner, held: Held, options: StatementOptions) {
    if (token !== own) throw illegalConstructor();
    this.#owner = owner;
    this.#held = held;
    this.#sql = held.prepared.sql;
    this.#engine = owner.open.connection.engine;
    this.#core = this.#engine.core;
    this.#bigints = options.readBigInts ?? false;
    this.#arrays = options.returnArrays ?? false;
    this.#plain = options.plainRows ?? false;
    this.#parameters = new Parameters(owner.open, options);
  }

  static {
    construct = (...made) => new this(own, ...made);
  }

  /**
   * Runs the statement and returns all rows. C: `sqlite3_step`.
   *
   * @param parameters the values in order; the first may be an object of named parameters. Missing values are NULL
   * @throws SqliteError if the statement fails
   * @throws Error (ERR_INVALID_STATE) if the statement is finalized or already running
   * @throws TypeError if a value cannot be bound
   * @throws RangeError (ERR_OUT_OF_RANGE) if an integer does not fit in a number and `readBigInts` is not set
   */
  all(...parameters: unknown[]): Row[] {
    const statement = this.#start(parameters);
    const rows: Row[] = [];
    this.#enter(statement);
    try {
      for (;;) {
        const row = this.#stepRow(statement, 0, 0);
        if (row === undefined) break;
        rows.push(row);
        if (rows.length === rowsBeforeBuilder && this.#readBatches(statement, rows)) break;
      }
    } finally {
      this.#leave(statement);
    }
    return rows;
  }

  /** Returns the first row, or undefined if there is none. Parameters and errors are those of {@link all}. */
  get(...parameters: unknown[]): Row | undefined {
    const named = namedIn(parameters);
    const statement = this.#begin();
    const cells = named ? 0 : this.#parameters.pack(statement, parameters);
    if (cells === 0) this.#parameters.bind(statement, parameters, named);
    this.#enter(statement);
    try {
      return this.#stepRow(statement, cells, cells === 0 ? 0 : parameters.length);
    } finally {
      this.#leave(statement);
    }
  }

  /** Runs the statement and returns the number of changes. Parameters and errors are those of {@link all}. */
  run(...parameters: unknown[]): RunResult {
    const named = namedIn(parameters);
    const statement = this.#begin();
    const cells = named ? 0 : this.#parameters.pack(statement, parameters);
    if (cells !== 0) return this.#runPacked(statement, cells, parameters.length);
    this.#parameters.bind(statement, parameters, named);
    this.#enter(statement);
    try {
      while (this.#step(statement));
      return this.#result();
    } finally {
      this.#leave(statement);
    }
  }

  /** Implements {@link run} with one call of the core. @param cells the parameters from {@link #pack} */
  #runPacked(prepared: Prepared, cells: number, count: number): RunResult {
    const { open } = this.#owner;
    const { c, memory } = this.#core;
    const { pointer } = prepared;
    let isReset = false;
    this.#enter(prepared);
    try {
      const code =
        open.running > 1
          ? this.#runNested(pointer, cells, count)
          : c.bridge_run(pointer, cells, count, cells);
      isReset = code === SQLITE_DONE;
      if (!isReset && code !== SQLITE_ROW) this.#engine.check(open.connection.db, code);
      if (this.#engine.hasThrown) this.#engine.surface();
      if (!isReset) {
        while (this.#step(prepared));
        return this.#result();
      }
      const { view } = memory;
      return this.#bigints
        ? { changes: view.getBigInt64(cells, true), lastInsertRowid: view.getBigInt64(cells + 8, true) }
        : { changes: safeAt(view, cells), lastInsertRowid: safeAt(view, cells + 8) };
    } finally {
      if (isReset) this.#done(prepared);
      else this.#leave(prepared);
    }
  }

  // Functions of their own, because V8 keeps the variables of a function that makes closures in memory.
  #runNested(pointer: number, cells: number, count: number): number {
    return this.#owner.open.connection.nested(() => this.#core.c.bridge_run(pointer, cells, count, cells));
  }

  #stepRowNested(pointer: number, cells: number, count: number, row: number, compiled: number): number {
    return this.#owner.open.connection.nested(() =>
      this.#core.c.bridge_step_row(pointer, cells, count, row, compiled),
    );
  }

  #result(): RunResult {
    const { c } = this.#core;
    const { db } = this.#owner.open.connection;
    const changes = c.sqlite3_changes64(db);
    const lastInsertRowid = c.sqlite3_last_insert_rowid(db);
    return this.#bigints
      ? { changes, lastInsertRowid }
      : { changes: safe(changes), lastInsertRowid: safe(lastInsertRowid) };
  }

  /**
   * Iterates over the rows. Parameters and errors are those of {@link all}. Leaving the loop early resets the
   * statement. If the statement is run again or finalized, `next` throws ERR_INVALID_STATE.
   */
  iterate(...parameters: unknown[]): RowIterator {
    const prepared = this.#start(parameters);
    const run = this.#run;
    prepared.standing = true;
    if (this.#iterated) this.#iterated.held = this.#held;
    else {
      this.#iterated = { open: this.#owner.open, held: this.#held };
      abandoned.register(this, this.#iterated);
    }
    return new StatementRows(
      () => this.#next(run),
      () => {
        refuseInAuthorizer(this.#owner.open.connection);
        const now = this.#ready();
        if (this.#run !== run || !now.standing) return;
        now.standing = false;
        this.#core.c.sqlite3_reset(now.pointer);
      },
    );
  }

  /** The next row of an iteration; undefined at the end. @param run the number of the iteration's execution */
  #next(run: number): Row | undefined {
    refuseInAuthorizer(this.#owner.open.connection);
    const statement = this.#ready();
    if (this.#run !== run) throw invalidState('iterator was invalidated');
    if (!statement.standing) return undefined;
    this.#refuse(statement);
    let row: Row | undefined;
    this.#enter(statement);
    try {
      row = this.#stepRow(statement, 0, 0);
      return row;
    } finally {
      if (row === undefined) {
        statement.standing = false;
        this.#leave(statement);
      } else this.#pause(statement);
    }
  }

  /** Finalizes the statement. C: `sqlite3_finalize`. @throws Error (ERR_INVALID_STATE) if it is finalized or running */
  close(): void {
    this.#engine.refuseInLog();
    this.#ready();
    this.#closed = true;
    this.#owner.open.statements.finalize(this.#held);
  }

  /** Finalizes the statement unless it is already finalized. */
  [Symbol.dispose](): void {
    if (!this.#closed && !this.#owner.open.statements.isClosed) this.close();
  }

  /**
   * The columns of the result; empty if the statement returns no rows. C: `sqlite3_column_name` and related functions.
   */
  columns(): Column[] {
    const { pointer: statement } = this.#open();
    const { c, memory } = this.#core;
    return Array.from({ length: c.sqlite3_column_count(statement) }, (_, index) => ({
      __proto__: null,
      column: memory.cString(c.sqlite3_column_origin_name(statement, index)),
      database: memory.cString(c.sqlite3_column_database_name(statement, index)),
      name: memory.cString(c.sqlite3_column_name(statement, index)) ?? '',
      table: memory.cString(c.sqlite3_column_table_name(statement, index)),
      type: memory.cString(c.sqlite3_column_decltype(statement, index)),
    }));
  }

  /** The SQL of the statement. C: `sqlite3_sql`. */
  get sourceSQL(): string {
    const { c, memory } = this.#core;
    return memory.cString(c.sqlite3_sql(this.#open().pointer)) ?? '';
  }

  /** The SQL with the parameters replaced by their last values. C: `sqlite3_expanded_sql`. */
  get expandedSQL(): string {
    const { c, memory } = this.#core;
    const pointer = c.sqlite3_expanded_sql(this.#open().pointer);
    try {
      return memory.cString(pointer) ?? '';
    } finally {
      c.sqlite3_free(pointer);
    }
  }

  /** Sets whether integers are returned as bigint, by the next call, or the next row of an iteration. */
  setReadBigInts(enabled: boolean): void {
    const prepared = this.#open();
    checkArgument('readBigInts', enabled, 'boolean');
    if (isFixed(prepared)) this.#later = { ...this.#later, bigints: enabled };
    else this.#bigints = enabled;
  }

  /** Sets whether rows are returned as arrays, by the next call, or the next row of an iteration. */
  setReturnArrays(enabled: boolean): void {
    const prepared = this.#open();
    checkArgument('returnArrays', enabled, 'boolean');
    if (isFixed(prepared)) this.#later = { ...this.#later, arrays: enabled };
    else this.#arrays = enabled;
  }

  /** Sets whether `{ id: 1 }` is allowed for parameter `:id`. */
  setAllowBareNamedParameters(enabled: boolean): void {
    this.#open();
    checkArgument('allowBareNamedParameters', enabled, 'boolean');
    this.#parameters.setBare(enabled);
  }

  /** Sets whether unknown parameter names are ignored. */
  setAllowUnknownNamedParameters(enabled: boolean): void {
    this.#open();
    checkArgument('enabled', enabled, 'boolean');
    this.#parameters.allowUnknown = enabled;
  }

  /** Returns the C statement. Compiles it again if another StatementSync took it or the cache finalized it. */
  #open(): Prepared {
    if (this.#closed || this.#engine.isLost) throw invalidState('statement has been finalized');
    this.#engine.refuseInLog();
    if (!PreparedStatements.holds(this.#held)) {
      const { open } = this.#owner;
      this.#held = open.run(() => open.statements.take(this.#sql));
      this.#names = undefined;
    }
    return this.#held.prepared;
  }

  #ready(): Prepared {
    const held = this.#held; // usually still valid
    if (
      held.prepared.ticket === held.ticket &&
      !this.#closed &&
      !held.prepared.running &&
      !this.#engine.isLost
    ) {
      return held.prepared;
    }
    const prepared = this.#open();
    if (prepared.running) throw invalidState('statement is already being executed');
    return prepared;
  }

  /** Begins an execution: resets an unfinished one and binds the parameters. */
  #start(parameters: unknown[]): Prepared {
    const named = namedIn(parameters); // first, because namedIn may call getters
    const prepared = this.#begin();
    this.#parameters.bind(prepared, parameters, named);
    return prepared;
  }

  #begin(): Prepared {
    refuseInAuthorizer(this.#owner.open.connection);
    const prepared = this.#ready();
    this.#refuse(prepared);
    this.#run += 1;
    prepared.used = true;
    if (prepared.standing) {
      prepared.standing = false;
      this.#core.c.sqlite3_reset(prepared.pointer);
    }
    return prepared;
  }

  #refuse({ sql, pointer }: Prepared): void {
    const { connection } = this.#owner.open;
    if (connection.rule) connection.refuse(sql, onlyReads(this.#core, pointer));
  }

  #enter(prepared: Prepared): void {
    prepared.stack = this.#engine.stack();
    this.#owner.open.enter();
    prepared.running = true;
  }

  #pause(prepared: Prepared): void {
    prepared.running = false;
    this.#owner.open.running -= 1;
  }

  #leave(prepared: Prepared): void {
    this.#engine.doubted = true;
    try {
      if (this.#engine.stack() === prepared.stack) {
        this.#core.c.sqlite3_reset(prepared.pointer); // the step already reported its error
        this.#engine.doubted = false;
      }
    } finally {
      this.#done(prepared);
    }
  }

  #done(prepared: Prepared): void {
    this.#pause(prepared);
    if (prepared.changesMeaning) this.#owner.open.statements.forget();
    if (this.#later) {
      this.#bigints = this.#later.bigints ?? this.#bigints;
      this.#arrays = this.#later.arrays ?? this.#arrays;
      this.#later = undefined;
    }
  }

  /** Steps the statement. Returns whether there is a row. */
  #step({ pointer }: Prepared): boolean {
    const { open } = this.#owner;
    const { c } = this.#core;
    // `running` includes this statement.
    const code =
      open.running > 1 ? open.connection.nested(() => c.sqlite3_step(pointer)) : c.sqlite3_step(pointer);
    if (code !== SQLITE_ROW && code !== SQLITE_DONE) this.#engine.check(open.connection.db, code);
    else if (this.#engine.hasThrown) this.#engine.surface();
    return code === SQLITE_ROW;
  }

  /**
   * Reads the remaining rows, many with each call of the core.
   *
   * @returns true if all rows were read; if false, the statement is at the last row that was added
   */
  #readBatches(prepared: Prepared, rows: Row[]): boolean {
    const { open } = this.#owner;
    const names = this.#names as string[]; // set, because a row was read
    const most = Math.min(mostBatched, Math.floor(batchCells / names.length));
    const room = open.running > 1 || most < leastBatched ? undefined : this.#engine.takeBatch();
    if (!room) return false;
    const { c, memory } = this.#core;
    const { pointer } = room;
    const first = pointer + batchHeader;
    const size = cellSize * names.length;
    try {
      for (;;) {
        const code = c.bridge_rows(prepared.pointer, pointer, most, batchBytes);
        if (code !== SQLITE_ROW && code !== SQLITE_DONE) this.#engine.check(open.connection.db, code);
        else if (this.#engine.hasThrown) this.#engine.surface();
        const { view } = memory;
        const count = view.getInt32(pointer, true);
        const stands = view.getInt32(pointer + 8, true) !== 0;
        memory.beginTexts(first + size * most, view.getInt32(pointer + 4, true));
        for (let i = 0; i < count; i++) rows.push(this.#rowAt(names, first + size * i));
        if (code === SQLITE_DONE) return true;
        if (!stands) continue;
        rows.push(this.#row(prepared));
        if (count < leastBatched) return false; // the rows are so large that batches are not faster
      }
    } finally {
      room.taken = false;
    }
  }

  /**
   * Returns the next row, or undefined if there is none, with one call of the core.
   *
   * @param cells the `count` parameters to bind first, from {@link Parameters.pack}
   */
  #stepRow(prepared: Prepared, cells: number, count: number): Row | undefined {
    const { open } = this.#owner;
    const { c } = this.#core;
    const { pointer, cells: row } = prepared;
    const compiled = row === 0 ? -1 : prepared.reprepares;
    const code =
      open.running > 1
        ? this.#stepRowNested(pointer, cells, count, row, compiled)
        : c.bridge_step_row(pointer, cells, count, row, compiled);
    if (code !== ROW_IN_CELLS && code !== SQLITE_DONE && code !== SQLITE_ROW) {
      this.#engine.check(open.connection.db, code);
    } else if (this.#engine.hasThrown) this.#engine.surface();
    if (code === ROW_IN_CELLS) return this.#rowIn(prepared, prepared.names as string[]); // the core compared `reprepares`
    return code === SQLITE_ROW ? this.#row(prepared) : undefined;
  }

  /** The statement's current row. */
  #row(prepared: Prepared): Row {
    const { c } = this.#core;
    // SQLite compiles a statement again after a schema change, and the columns may then differ.
    const reprepares = c.sqlite3_stmt_status(prepared.pointer, reprepared, 0);
    let { names } = prepared;
    if (names === undefined || reprepares !== prepared.reprepares) {
      names = this.#owner.open.statements.describe(prepared, reprepares);
    }
    if (c.bridge_row(prepared.pointer, prepared.cells) < 0) throw this.#core.error(0, SQLITE_NOMEM);
    return this.#rowIn(prepared, names);
  }

  /** The row in the statement's buffer. */
  #rowIn(prepared: Prepared, names: string[]): Row {
    if (names !== this.#names) {
      this.#names = names;
      this.#build = undefined;
    }
    if (!this.#build && !this.#arrays) {
      prepared.rows += 1;
      if (prepared.rows >= rowsBeforeBuilder) {
        if (this.#plain) prepared.buildPlain ??= rowBuilder(names, true);
        else prepared.build ??= rowBuilder(names, false);
        this.#build = this.#plain ? prepared.buildPlain : prepared.build;
      }
    }
    return this.#rowAt(names, prepared.cells);
  }

  /** Makes a row from the Cells at an address. */
  #rowAt(names: readonly string[], cells: number): Row {
    const { memory } = this.#core;
    if (this.#arrays) {
      const row: SqlValue[] = [];
      for (let i = 0; i < names.length; i++) row.push(readCell(memory, cells + cellSize * i, this.#bigints));
      return row as never;
    }
    if (this.#build) return this.#build(memory, cells, this.#bigints);
    return buildRow(names, this.#plain, memory, cells, this.#bigints);
  }
}

/** Whether `all`, `get` or `run` executes the statement, as opposed to an iteration. */
const isFixed = ({ running, standing }: Prepared): boolean => running && !standing;

/** Reads a 64-bit integer as a number. @throws RangeError (ERR_OUT_OF_RANGE) if it does not fit in a number */
function safeAt(view: DataView, at: number): number {
  const value = numberAt(view, at);
  return Number.isSafeInteger(value) ? value : safe(view.getBigInt64(at, true));
}

/** @throws RangeError (ERR_OUT_OF_RANGE) if the integer does not fit in a number */
function safe(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw outOfRange(`Value is too large to be represented as a JavaScript number: ${value}`);
}

export function checkStatementOptions(options: unknown): void {
  checkOptions(options, statementOptionKinds);
}
