/** Prepared statements, shaped as `StatementSync` of `node:sqlite`. */

import {
  SQLITE_BLOB,
  SQLITE_DONE,
  SQLITE_FLOAT,
  SQLITE_INTEGER,
  SQLITE_NOMEM,
  SQLITE_NULL,
  SQLITE_ROW,
  SQLITE_TEXT,
} from '../core/constants.js';
import type { Core } from '../core/core.js';
import {
  bytesOf,
  checkArgument,
  checkOptions,
  illegalConstructor,
  invalidState,
  invalidType,
  invalidValue,
  isBytes,
  outOfRange,
} from '../kernel/arguments.js';
import { cellSize, readCell } from '../kernel/cells.js';
import {
  batchBytes,
  batchCells,
  batchHeader,
  type Engine,
  mostBatched,
  scratchSize,
} from '../kernel/engine.js';
import type { SqlValue } from '../kernel/values.js';
import { refuseInAuthorizer } from './authorizer.js';
import type { OpenDatabase } from './open-database.js';
import { type Held, type Prepared, PreparedStatements } from './prepared-statements.js';
import { buildRow, type Row, type RowBuilder, rowBuilder } from './rows.js';

/**
 * What can be bound to a parameter. Numbers are bound as REAL (a bigint makes an INTEGER), booleans as 1 and 0,
 * undefined as NULL.
 */
export type SupportedValueType =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | ArrayBuffer
  | ArrayBufferView;

/** The form of a statement's rows, and how its parameters are named. */
export interface StatementOptions {
  /** Integers as bigint. By default one that does not fit in a number is an error. */
  readBigInts?: boolean;
  /** Rows as arrays. */
  returnArrays?: boolean;
  /** `{ id: 1 }` may name parameter `:id`; true by default. */
  allowBareNamedParameters?: boolean;
  /** Names that the statement does not have are ignored. */
  allowUnknownNamedParameters?: boolean;
}

export const statementOptionKinds = {
  readBigInts: 'boolean',
  returnArrays: 'boolean',
  allowBareNamedParameters: 'boolean',
  allowUnknownNamedParameters: 'boolean',
} as const;

/** What {@link StatementSync.run} changed. */
export interface RunResult {
  /** Rows changed by the last INSERT, UPDATE or DELETE of the connection (`sqlite3_changes64`). */
  changes: number | bigint;
  /** `sqlite3_last_insert_rowid`. */
  lastInsertRowid: number | bigint;
}

/** A column of a statement's result, and where its values come from: null for an expression. */
export interface Column {
  /** The column's own name in its table; null if it is an expression. */
  column: string | null;
  database: string | null;
  /** The name in the result. */
  name: string;
  table: string | null;
  /** Its declared type. */
  type: string | null;
}

/** The state of an iterated statement. It does not refer to the statement. */
interface Iterated {
  readonly open: OpenDatabase;
  held: Held;
}

/** Resets statements whose iterators were garbage-collected. */
const abandoned = new FinalizationRegistry<Iterated>(({ open, held }) => open.statements.giveBack(held));

/** What a statement uses of its database. It prevents the DatabaseSync from being collected before it. */
export interface StatementOwner {
  readonly open: OpenDatabase;
  readonly database: object;
}

/** The most parameters that go in one call. */
const mostPacked = 256;

/** SQLITE_STMTSTATUS_REPREPARE */
const reprepared = 5;

/** Fewer rows in a batch are not worth it. */
const leastBatched = 4;

/** Rows read before a statement gets a row builder of its own: making one costs as much as some dozen rows. */
const rowsBeforeBuilder = 16;

/** Only this file has it: `new StatementSync()` in a program throws. */
const own = Symbol('made by a database');
let construct: typeof createStatement;

/** Makes the statement of a C statement that was compiled for it. */
export function createStatement(owner: StatementOwner, held: Held, options: StatementOptions): StatementSync {
  return construct(owner, held, options);
}

/** One prepared statement. Made by {@link DatabaseSync.prepare}; finalized with its database at the latest. */
export class StatementSync implements Disposable {
  readonly #owner: StatementOwner;
  readonly #sql: string;
  readonly #engine: Engine;
  readonly #core: Core;
  /** The C statement; another holder may have taken it. */
  #held: Held;
  #closed = false;
  #allowBare: boolean;
  #allowUnknown: boolean;
  #bigints: boolean;
  #arrays: boolean;
  #names: string[] | undefined;
  #build: RowBuilder | undefined;
  #parameters: Map<string, number> | undefined;
  /** The indexes of the unnamed parameters. */
  #positions: number[] | undefined;
  /** Counts the executions: an iteration ends when the next one begins. */
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
    this.#allowBare = options.allowBareNamedParameters ?? true;
    this.#allowUnknown = options.allowUnknownNamedParameters ?? false;
  }

  static {
    construct = (...made) => new StatementSync(own, ...made);
  }

  /**
   * Returns all rows, copied. C: `sqlite3_step` until it is done.
   *
   * @param parameters first an object with the named ones if there are such, then the others in order; those
   *   that are not given are NULL
   * @throws SqliteError if the statement fails
   * @throws Error (ERR_INVALID_STATE) if it is finalized, or an outer call is executing it
   * @throws TypeError for a value that cannot be bound
   * @throws RangeError (ERR_OUT_OF_RANGE) for an integer that is not a safe number, unless `readBigInts`
   */
  all(...parameters: unknown[]): Row[] {
    const statement = this.#start(parameters);
    const rows: Row[] = [];
    this.#enter(statement);
    try {
      while (this.#step(statement)) {
        rows.push(this.#row(statement));
        if (rows.length === rowsBeforeBuilder && this.#readBatches(statement, rows)) break;
      }
    } finally {
      this.#leave(statement);
    }
    return rows;
  }

  /** The first row, or undefined if there is none; parameters and errors are those of {@link all}. */
  get(...parameters: unknown[]): Row | undefined {
    const statement = this.#start(parameters);
    this.#enter(statement);
    try {
      return this.#step(statement) ? this.#row(statement) : undefined;
    } finally {
      this.#leave(statement);
    }
  }

  /** Runs the statement to its end and returns what it changed; parameters and errors are those of {@link all}. */
  run(...parameters: unknown[]): RunResult {
    const named = namedIn(parameters);
    const statement = this.#begin();
    const cells = named ? 0 : this.#pack(statement, parameters);
    if (cells !== 0) return this.#runPacked(statement, cells, parameters.length);
    this.#bindAll(statement, parameters, named);
    this.#enter(statement);
    try {
      while (this.#step(statement));
      return this.#result();
    } finally {
      this.#leave(statement);
    }
  }

  /** The same in one call of the core. @param cells the parameters, as {@link #pack} wrote them */
  #runPacked(prepared: Prepared, cells: number, count: number): RunResult {
    const { open } = this.#owner;
    const { c, memory } = this.#core;
    const { pointer } = prepared;
    let isReset = false;
    this.#enter(prepared);
    try {
      const code =
        open.running > 1
          ? open.connection.nested(() => c.bridge_run(pointer, cells, count, cells))
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
   * Rows one by one; parameters and errors are those of {@link all}. Leaving the loop early resets the statement.
   * Once it runs again, or is finalized, `next` throws ERR_INVALID_STATE.
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

  /** The next row of the iteration that is the statement's `run`th execution; undefined at the end. */
  #next(run: number): Row | undefined {
    refuseInAuthorizer(this.#owner.open.connection);
    const statement = this.#ready();
    if (this.#run !== run) throw invalidState('iterator was invalidated');
    if (!statement.standing) return undefined;
    let row: Row | undefined;
    this.#enter(statement);
    try {
      if (this.#step(statement)) row = this.#row(statement);
      return row;
    } finally {
      if (row === undefined) {
        statement.standing = false;
        this.#leave(statement);
      } else this.#pause(statement);
    }
  }

  /** Finalizes the statement. C: `sqlite3_finalize`. @throws Error (ERR_INVALID_STATE) if it is finalized or runs */
  close(): void {
    this.#ready();
    this.#closed = true;
    this.#owner.open.statements.finalize(this.#held);
  }

  /** Finalizes the statement unless it is finalized already. */
  [Symbol.dispose](): void {
    if (!this.#closed && !this.#owner.open.statements.isClosed) this.close();
  }

  /** The columns of the result; empty if it has no rows. C: `sqlite3_column_name` and related functions. */
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

  /** The SQL it was prepared from. C: `sqlite3_sql`. */
  get sourceSQL(): string {
    const { c, memory } = this.#core;
    return memory.cString(c.sqlite3_sql(this.#open().pointer)) ?? '';
  }

  /** The SQL with the values of the last run in place of the parameters. C: `sqlite3_expanded_sql`. */
  get expandedSQL(): string {
    const { c, memory } = this.#core;
    const pointer = c.sqlite3_expanded_sql(this.#open().pointer);
    try {
      return memory.cString(pointer) ?? '';
    } finally {
      c.sqlite3_free(pointer);
    }
  }

  /** Whether integers in rows and results are bigint. */
  setReadBigInts(enabled: boolean): void {
    this.#open();
    checkArgument('readBigInts', enabled, 'boolean');
    this.#bigints = enabled;
  }

  /** Whether rows are arrays of their values. */
  setReturnArrays(enabled: boolean): void {
    this.#open();
    checkArgument('returnArrays', enabled, 'boolean');
    this.#arrays = enabled;
  }

  /** Whether `{ id: 1 }` may name parameter `:id`. */
  setAllowBareNamedParameters(enabled: boolean): void {
    this.#open();
    checkArgument('allowBareNamedParameters', enabled, 'boolean');
    this.#allowBare = enabled;
    this.#parameters = undefined;
  }

  /** Whether names that the statement does not have are ignored. */
  setAllowUnknownNamedParameters(enabled: boolean): void {
    this.#open();
    checkArgument('enabled', enabled, 'boolean');
    this.#allowUnknown = enabled;
  }

  /** The C statement, compiled again if another holder has it or it had to make room. */
  #open(): Prepared {
    if (this.#closed) throw invalidState('statement has been finalized');
    if (!PreparedStatements.holds(this.#held)) {
      const { open } = this.#owner;
      this.#held = open.run(() => open.statements.take(this.#sql));
      this.#names = undefined;
    }
    return this.#held.prepared;
  }

  #ready(): Prepared {
    const held = this.#held; // usually present
    if (held.prepared.ticket === held.ticket && !this.#closed && !held.prepared.running) return held.prepared;
    const prepared = this.#open();
    if (prepared.running) throw invalidState('statement is already being executed');
    return prepared;
  }

  /** Begins an execution: resets an unfinished one, and binds the parameters. */
  #start(parameters: unknown[]): Prepared {
    const named = namedIn(parameters); // first, because it may call getters
    const prepared = this.#begin();
    const positions = this.#positions;
    if (!named && positions?.length === parameters.length && prepared.count === parameters.length) {
      for (let i = 0; i < parameters.length; i++) {
        this.#bind(prepared.pointer, positions[i] as number, parameters[i]); // most often: all of them, in their order
      }
    } else this.#bindAll(prepared, parameters, named);
    return prepared;
  }

  #begin(): Prepared {
    refuseInAuthorizer(this.#owner.open.connection);
    const prepared = this.#ready();
    this.#run += 1;
    prepared.used = true;
    if (prepared.standing) {
      prepared.standing = false;
      this.#core.c.sqlite3_reset(prepared.pointer);
    }
    return prepared;
  }

  #bindAll(
    { pointer: statement, count }: Prepared,
    parameters: readonly unknown[],
    named: readonly [string, unknown][] | undefined,
  ): void {
    const { c } = this.#core;
    if (count > 0 && (named || parameters.length < count)) c.sqlite3_clear_bindings(statement);
    if (parameters.length === 0) return;
    if (named) {
      for (const [name, value] of named) {
        const index = this.#indexOf(name);
        if (index > 0) this.#bind(statement, index, value);
        else if (!this.#allowUnknown) throw invalidState(`Unknown named parameter '${name}'`);
      }
    }
    this.#positions ??= this.#readPositions();
    const skipped = named ? 1 : 0;
    for (let i = skipped; i < parameters.length; i++) {
      // One too many is bound past the end, where SQLite refuses it.
      this.#bind(statement, this.#positions[i - skipped] ?? count + 1, parameters[i]);
    }
  }

  /**
   * Writes the parameters to the scratch space, as cells and the bytes that they point to, for one call that binds all
   * of them.
   *
   * @returns where they are; 0 if they are not what the statement has in their order, or do not fit
   */
  #pack({ count }: Prepared, parameters: readonly unknown[]): number {
    if (parameters.length !== count || count > mostPacked) return 0;
    this.#positions ??= this.#readPositions();
    if (this.#positions.length !== count) return 0;
    const { scratch } = this.#engine;
    const { memory } = this.#core;
    const { bytes, view } = memory;
    const end = scratch + scratchSize;
    let free = scratch + cellSize * count;
    for (let i = 0, cell = scratch; i < count; i++, cell += cellSize) {
      const value = parameters[i];
      if (typeof value === 'number') {
        view.setInt32(cell, SQLITE_FLOAT, true);
        view.setFloat64(cell + 8, value, true);
      } else if (typeof value === 'string') {
        if (value.length * 3 > end - free) return 0;
        const length = memory.writeText(free, value);
        putBytes(view, cell, SQLITE_TEXT, free, length);
        free += length;
      } else if (value === null || value === undefined) view.setInt32(cell, SQLITE_NULL, true);
      else if (typeof value === 'boolean') putInteger(view, cell, value ? 1n : 0n);
      else if (typeof value === 'bigint') putInteger(view, cell, checkedInteger(value));
      else if (isBytes(value)) {
        const blob = bytesOf(value);
        if (blob.length > end - free) return 0;
        bytes.set(blob, free);
        putBytes(view, cell, SQLITE_BLOB, free, blob.length);
        free += blob.length;
      } else throw unbindable(i + 1);
    }
    return scratch;
  }

  #bind(statement: number, index: number, value: unknown): void {
    const { c, memory } = this.#core;
    let code: number;
    if (typeof value === 'number') code = c.sqlite3_bind_double(statement, index, value);
    else if (typeof value === 'string') code = this.#bindText(statement, index, value);
    else if (value === null || value === undefined) code = c.sqlite3_bind_null(statement, index);
    else if (typeof value === 'boolean') code = c.sqlite3_bind_int64(statement, index, value ? 1n : 0n);
    else if (typeof value === 'bigint') {
      code = c.sqlite3_bind_int64(statement, index, checkedInteger(value));
    } else if (isBytes(value)) {
      const bytes = bytesOf(value);
      using arena = memory.arena();
      code = c.bridge_bind_blob(statement, index, arena.bytes(bytes), bytes.length);
    } else {
      throw unbindable(index);
    }
    if (code !== 0) this.#engine.check(this.#owner.open.connection.db, code);
  }

  #bindText(statement: number, index: number, value: string): number {
    const { c, memory } = this.#core;
    if (value.length * 3 <= scratchSize) {
      const scratch = this.#engine.scratch;
      return c.bridge_bind_text(statement, index, scratch, memory.writeText(scratch, value));
    }
    using arena = memory.arena();
    const { pointer, length } = arena.text(value);
    return c.bridge_bind_text(statement, index, pointer, length);
  }

  #indexOf(name: string): number {
    this.#parameters ??= this.#readParameters();
    return this.#parameters.get(name) ?? 0;
  }

  /** The names of the parameters in their order; null if one has none. `?5` is a number, not a name. */
  #parameterNames(): (string | null)[] {
    const { c, memory } = this.#core;
    const { pointer, count } = this.#held.prepared;
    return Array.from({ length: count }, (_, i) =>
      memory.cString(c.sqlite3_bind_parameter_name(pointer, i + 1)),
    );
  }

  #readPositions(): number[] {
    const positions: number[] = [];
    for (const [i, name] of this.#parameterNames().entries()) {
      if (name === null || name.startsWith('?')) positions.push(i + 1);
    }
    return positions;
  }

  #readParameters(): Map<string, number> {
    const parameters = new Map<string, number>();
    const bare = new Map<string, string>();
    for (const [i, full] of this.#parameterNames().entries()) {
      if (full === null) continue;
      parameters.set(full, i + 1);
      if (!this.#allowBare) continue;
      const name = full.slice(1);
      const other = bare.get(name);
      if (other !== undefined && other !== full) {
        throw invalidState(
          `Cannot create bare named parameter '${name}' because of conflicting names '${other}' and '${full}'.`,
        );
      }
      bare.set(name, full);
      parameters.set(name, i + 1);
    }
    return parameters;
  }

  #enter(prepared: Prepared): void {
    prepared.running = true;
    this.#owner.open.running += 1;
    this.#engine.begin();
  }

  #pause(prepared: Prepared): void {
    prepared.running = false;
    this.#owner.open.running -= 1;
  }

  #leave(prepared: Prepared): void {
    this.#core.c.sqlite3_reset(prepared.pointer); // the step reported its error already
    this.#done(prepared);
  }

  #done(prepared: Prepared): void {
    this.#pause(prepared);
    if (prepared.changesMeaning) this.#owner.open.statements.forget();
  }

  /** Whether there is a row. */
  #step({ pointer }: Prepared): boolean {
    const { open } = this.#owner;
    const { c } = this.#core;
    // This statement itself is among the running ones.
    const code =
      open.running > 1 ? open.connection.nested(() => c.sqlite3_step(pointer)) : c.sqlite3_step(pointer);
    if (code !== SQLITE_ROW && code !== SQLITE_DONE) this.#engine.check(open.connection.db, code);
    else if (this.#engine.hasThrown) this.#engine.surface();
    return code === SQLITE_ROW;
  }

  /**
   * Reads the rows that follow, many in one call of the core.
   *
   * @returns whether all were read; otherwise the statement is at the last row that was added
   */
  #readBatches(prepared: Prepared, rows: Row[]): boolean {
    const { open } = this.#owner;
    const names = this.#names as string[]; // a row was read
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
        if (count < leastBatched) return false; // they are so large that it does not pay
      }
    } finally {
      room.taken = false;
    }
  }

  #row(prepared: Prepared): Row {
    const { c } = this.#core;
    // SQLite compiles a statement again after the schema changed: the columns may differ then.
    const reprepares = c.sqlite3_stmt_status(prepared.pointer, reprepared, 0);
    let { names } = prepared;
    if (names === undefined || reprepares !== prepared.reprepares) {
      names = this.#owner.open.statements.describe(prepared, reprepares);
    }
    if (names !== this.#names) {
      this.#names = names;
      this.#build = undefined;
    }
    const { cells } = prepared;
    if (c.bridge_row(prepared.pointer, cells) < 0) throw this.#core.error(0, SQLITE_NOMEM);
    if (!this.#build && !this.#arrays) {
      prepared.rows += 1;
      if (prepared.rows >= rowsBeforeBuilder) {
        prepared.build ??= rowBuilder(names);
        this.#build = prepared.build;
      }
    }
    return this.#rowAt(names, cells);
  }

  /** A row of the cells at an address. */
  #rowAt(names: readonly string[], cells: number): Row {
    const { memory } = this.#core;
    if (this.#arrays) {
      const row: SqlValue[] = [];
      for (let i = 0; i < names.length; i++) row.push(readCell(memory, cells + cellSize * i, this.#bigints));
      return row as never;
    }
    if (this.#build) return this.#build(memory, cells, this.#bigints);
    return buildRow(names, memory, cells, this.#bigints);
  }
}

const iterators: object = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));

/** The rows of {@link StatementSync.iterate}, with iterator helpers if the runtime has them. */
export interface RowIterator extends IterableIterator<Row, null> {
  /** The next row. @throws what {@link StatementSync.all} does, and once the statement runs again */
  next(): IteratorResult<Row, null>;
  /** Ends the iteration: the statement is reset. @throws Error (ERR_INVALID_STATE) if it is finalized */
  return(): IteratorResult<Row, null>;
}

class StatementRows implements RowIterator {
  readonly #next: () => Row | undefined;
  readonly #finish: () => void;
  #done = false;

  constructor(next: () => Row | undefined, finish: () => void) {
    this.#next = next;
    this.#finish = finish;
  }

  static {
    Object.setPrototypeOf(StatementRows.prototype, iterators);
  }

  next(): IteratorResult<Row, null> {
    if (this.#done) {
      this.#finish(); // only checks whether the statement still exists
      return { __proto__: null, done: true, value: null } as IteratorReturnResult<null>;
    }
    const value = this.#next();
    if (value !== undefined) {
      return { __proto__: null, done: false, value } as IteratorYieldResult<Row>;
    }
    this.#done = true;
    return { __proto__: null, done: true, value: null } as IteratorReturnResult<null>;
  }

  return(): IteratorResult<Row, null> {
    this.#finish();
    this.#done = true;
    return { __proto__: null, done: true, value: null } as IteratorReturnResult<null>;
  }

  [Symbol.iterator](): this {
    return this;
  }
}

/** The first of the parameters, if it is an object of named ones. */
function namedIn(parameters: readonly unknown[]): [string, unknown][] | undefined {
  const first = parameters[0];
  return (typeof first === 'object' || typeof first === 'function') && first !== null && !isBytes(first)
    ? Object.entries(first)
    : undefined;
}

const unbindable = (index: number): Error =>
  invalidType(`Provided value cannot be bound to SQLite parameter ${index}.`);

function checkedInteger(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw invalidValue('BigInt value is too large to bind.');
  return value;
}

function putInteger(view: DataView, cell: number, value: bigint): void {
  view.setInt32(cell, SQLITE_INTEGER, true);
  view.setBigInt64(cell + 8, value, true);
}

function putBytes(view: DataView, cell: number, type: number, at: number, length: number): void {
  view.setInt32(cell, type, true);
  view.setInt32(cell + 4, length, true);
  view.setUint32(cell + 8, at, true);
}

/** An integer of the core as a number. @throws RangeError (ERR_OUT_OF_RANGE) if it does not fit one */
function safeAt(view: DataView, at: number): number {
  const value = view.getInt32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true);
  return Number.isSafeInteger(value) ? value : safe(view.getBigInt64(at, true));
}

/** @throws RangeError (ERR_OUT_OF_RANGE) if the integer is not a safe number */
function safe(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw outOfRange(`Value is too large to be represented as a JavaScript number: ${value}`);
}

export function checkStatementOptions(options: unknown): void {
  checkOptions(options, statementOptionKinds);
}
