/** Prepared statements, shaped as `StatementSync` of `node:sqlite`. */

import { SQLITE_DONE, SQLITE_ROW } from '../core/constants.js';
import { checkArgument, checkOptions, illegalConstructor, invalidState, invalidType } from './arguments.js';
import { cellSize, readCell } from './cells.js';
import { type Connection, scratchSize } from './engine.js';
import type { SqlValue } from './values.js';

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

/** A row by column names, without a prototype; or, with `returnArrays`, its values in order. */
export type Row = Record<string, SqlValue>;

export interface StatementOptions {
  /** Integers as bigint. Without it one that does not fit a number is an error. */
  readBigInts?: boolean;
  /** Rows as arrays. */
  returnArrays?: boolean;
  /** `{ id: 1 }` may name parameter `:id`. On unless set to false. */
  allowBareNamedParameters?: boolean;
  /** Names that the statement has not are ignored. */
  allowUnknownNamedParameters?: boolean;
}

export const statementOptionKinds = {
  readBigInts: 'boolean',
  returnArrays: 'boolean',
  allowBareNamedParameters: 'boolean',
  allowUnknownNamedParameters: 'boolean',
} as const;

export interface RunResult {
  /** Rows changed by the last INSERT, UPDATE or DELETE of the connection (`sqlite3_changes64`). */
  changes: number | bigint;
  /** `sqlite3_last_insert_rowid`. */
  lastInsertRowid: number | bigint;
}

export interface Column {
  /** The column's own name in its table; null where it is an expression. */
  column: string | null;
  database: string | null;
  /** The name in the result. */
  name: string;
  table: string | null;
  /** The type it was declared with. */
  type: string | null;
}

/** What a database keeps of a statement: enough to finalize it when it is closed or collected. */
export interface StatementHandle {
  /** The address of the `sqlite3_stmt`; 0 once it is finalized. */
  pointer: number;
  /** Room for one row. */
  cells: number;
}

/** What statements need of their database. */
export interface StatementOwner {
  readonly connection: Connection;
  /** Runs an action during which the database may not be closed. */
  busy<T>(action: () => T): T;
}

/** Only databases make statements. */
export const madeByDatabase = Symbol('made by a database');

const encoder = new TextEncoder();

export class StatementSync {
  readonly #owner: StatementOwner;
  readonly #handle: StatementHandle;
  readonly #bare: boolean;
  #allowBare: boolean;
  #allowUnknown: boolean;
  #bigints: boolean;
  #arrays: boolean;
  #names: string[] = [];
  #build: (cell: (index: number) => SqlValue) => Row = () => ({});
  #parameters: Map<string, number> | undefined;
  #run = 0;

  /** Made by {@link DatabaseSync.prepare}. @throws TypeError (ERR_ILLEGAL_CONSTRUCTOR) otherwise */
  constructor(token: symbol, owner: StatementOwner, handle: StatementHandle, options: StatementOptions) {
    if (token !== madeByDatabase) throw illegalConstructor();
    this.#owner = owner;
    this.#handle = handle;
    this.#bigints = options.readBigInts ?? false;
    this.#arrays = options.returnArrays ?? false;
    this.#allowBare = this.#bare = options.allowBareNamedParameters ?? true;
    this.#allowUnknown = options.allowUnknownNamedParameters ?? false;
  }

  /** All rows. C: `sqlite3_step` until it is done. @throws SqliteError */
  all(...parameters: unknown[]): Row[] {
    this.#start(parameters);
    return this.#owner.busy(() => {
      const rows: Row[] = [];
      try {
        while (this.#step()) rows.push(this.#row());
      } finally {
        this.#reset();
      }
      return rows;
    });
  }

  /** The first row, or undefined where there is none. @throws SqliteError */
  get(...parameters: unknown[]): Row | undefined {
    this.#start(parameters);
    return this.#owner.busy(() => {
      try {
        return this.#step() ? this.#row() : undefined;
      } finally {
        this.#reset();
      }
    });
  }

  /** Runs the statement to its end and says what it changed. @throws SqliteError */
  run(...parameters: unknown[]): RunResult {
    this.#start(parameters);
    return this.#owner.busy(() => {
      const { engine, db } = this.#owner.connection;
      const { c } = engine.core;
      try {
        while (this.#step());
        const changes = c.sqlite3_changes64(db);
        const rowid = c.sqlite3_last_insert_rowid(db);
        return this.#bigints
          ? { changes, lastInsertRowid: rowid }
          : { changes: Number(changes), lastInsertRowid: Number(rowid) };
      } finally {
        this.#reset();
      }
    });
  }

  /** Rows one by one. Leaving the loop early resets the statement; running it again ends the iteration. */
  iterate(...parameters: unknown[]): IterableIterator<Row> {
    this.#start(parameters);
    return this.#iterate(this.#run);
  }

  *#iterate(run: number): IterableIterator<Row> {
    try {
      for (;;) {
        this.#open();
        if (this.#run !== run) throw invalidState('iterator was invalidated');
        const row = this.#owner.busy(() => (this.#step() ? this.#row() : undefined));
        if (row === undefined) return;
        yield row;
      }
    } finally {
      if (this.#handle.pointer !== 0 && this.#run === run) this.#reset();
    }
  }

  /** The columns of the result. C: `sqlite3_column_name` and its kin. */
  columns(): Column[] {
    const statement = this.#open();
    const { c, memory } = this.#owner.connection.engine.core;
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
    const { c, memory } = this.#owner.connection.engine.core;
    return memory.cString(c.sqlite3_sql(this.#open())) ?? '';
  }

  /** The SQL with the values of the last run in place of the parameters. C: `sqlite3_expanded_sql`. */
  get expandedSQL(): string {
    const { c, memory } = this.#owner.connection.engine.core;
    const pointer = c.sqlite3_expanded_sql(this.#open());
    try {
      return memory.cString(pointer) ?? '';
    } finally {
      c.sqlite3_free(pointer);
    }
  }

  setReadBigInts(enabled: boolean): void {
    this.#open();
    checkArgument('readBigInts', enabled, 'boolean');
    this.#bigints = enabled;
  }

  setReturnArrays(enabled: boolean): void {
    this.#open();
    checkArgument('returnArrays', enabled, 'boolean');
    this.#arrays = enabled;
  }

  setAllowBareNamedParameters(enabled: boolean): void {
    this.#open();
    checkArgument('allowBareNamedParameters', enabled, 'boolean');
    this.#allowBare = enabled;
    if (enabled !== this.#bare) this.#parameters = undefined;
  }

  setAllowUnknownNamedParameters(enabled: boolean): void {
    this.#open();
    checkArgument('enabled', enabled, 'boolean');
    this.#allowUnknown = enabled;
  }

  #open(): number {
    if (this.#handle.pointer === 0) throw invalidState('statement has been finalized');
    return this.#handle.pointer;
  }

  #start(parameters: unknown[]): void {
    const statement = this.#open();
    const { c } = this.#owner.connection.engine.core;
    this.#run += 1;
    c.sqlite3_reset(statement); // an iteration left standing; its error was reported
    if (parameters.length === 0) return;
    c.sqlite3_clear_bindings(statement);
    let first = 0;
    const named = parameters[0];
    if (isNamed(named)) {
      for (const [name, value] of Object.entries(named)) {
        const index = this.#indexOf(name);
        if (index > 0) this.#bind(statement, index, value);
        else if (!this.#allowUnknown) throw invalidState(`Unknown named parameter '${name}'`);
      }
      first = 1;
    }
    // Anonymous parameters are those left over by the named ones.
    let index = 1;
    for (const value of parameters.slice(first)) {
      if (first === 1) while (c.sqlite3_bind_parameter_name(statement, index) !== 0) index += 1;
      this.#bind(statement, index, value);
      index += 1;
    }
  }

  #bind(statement: number, index: number, value: unknown): void {
    const { engine, db } = this.#owner.connection;
    const { c, memory } = engine.core;
    let code: number;
    if (typeof value === 'number') code = c.sqlite3_bind_double(statement, index, value);
    else if (typeof value === 'string') code = this.#bindText(statement, index, value);
    else if (value === null || value === undefined) code = c.sqlite3_bind_null(statement, index);
    else if (typeof value === 'boolean') code = c.sqlite3_bind_int64(statement, index, BigInt(value));
    else if (typeof value === 'bigint') {
      if (BigInt.asIntN(64, value) !== value) {
        throw invalidType('BigInt value is too large to bind.');
      }
      code = c.sqlite3_bind_int64(statement, index, value);
    } else if (isBytes(value)) {
      const bytes = ArrayBuffer.isView(value)
        ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
        : new Uint8Array(value);
      using arena = memory.arena();
      code = c.bridge_bind_blob(statement, index, arena.bytes(bytes), bytes.length);
    } else {
      throw invalidType(`Provided value cannot be bound to SQLite parameter ${index}.`);
    }
    if (code !== 0) engine.check(db, code);
  }

  #bindText(statement: number, index: number, value: string): number {
    const { c, memory } = this.#owner.connection.engine.core;
    const scratch = this.#owner.connection.engine.scratch;
    if (value.length * 3 <= scratchSize) {
      const bytes = memory.bytes;
      let length = 0;
      while (length < value.length) {
        const unit = value.charCodeAt(length);
        if (unit > 127) break;
        bytes[scratch + length] = unit;
        length += 1;
      }
      if (length < value.length) {
        const room = bytes.subarray(scratch, scratch + scratchSize);
        length = encoder.encodeInto(value, room).written;
      }
      return c.bridge_bind_text(statement, index, scratch, length);
    }
    using arena = memory.arena();
    const { pointer, length } = arena.text(value);
    return c.bridge_bind_text(statement, index, pointer, length);
  }

  #indexOf(name: string): number {
    this.#parameters ??= this.#readParameters();
    return this.#parameters.get(name) ?? 0;
  }

  #readParameters(): Map<string, number> {
    const statement = this.#open();
    const { c, memory } = this.#owner.connection.engine.core;
    const parameters = new Map<string, number>();
    const bare = new Map<string, string>();
    for (let index = 1; index <= c.sqlite3_bind_parameter_count(statement); index++) {
      const full = memory.cString(c.sqlite3_bind_parameter_name(statement, index));
      if (full === null) continue;
      parameters.set(full, index);
      const name = full.slice(1);
      const other = bare.get(name);
      if (this.#allowBare && other !== undefined && other !== full) {
        throw invalidState(
          `Cannot create bare named parameter '${name}' because of conflicting names '${other}' and '${full}'.`,
        );
      }
      bare.set(name, full);
      if (this.#allowBare) parameters.set(name, index);
    }
    return parameters;
  }

  /** Whether there is a row. */
  #step(): boolean {
    const { engine, db } = this.#owner.connection;
    const code = engine.core.c.sqlite3_step(this.#handle.pointer);
    if (code === SQLITE_ROW) return true;
    if (code !== SQLITE_DONE) engine.check(db, code);
    engine.takeThrown();
    return false;
  }

  #reset(): void {
    this.#owner.connection.engine.core.c.sqlite3_reset(this.#handle.pointer);
  }

  #row(): Row {
    const { c, memory } = this.#owner.connection.engine.core;
    const { pointer } = this.#handle;
    const count = c.sqlite3_column_count(pointer);
    if (count !== this.#names.length || this.#handle.cells === 0) this.#describe(count);
    const cells = this.#handle.cells;
    c.bridge_row(pointer, cells);
    const cell = (index: number): SqlValue => readCell(memory, cells + cellSize * index, this.#bigints);
    if (this.#arrays) return Array.from({ length: count }, (_, index) => cell(index)) as never;
    return this.#build(cell);
  }

  /** Reads the columns' names, and makes the function that builds a row of them. */
  #describe(count: number): void {
    const { c, memory } = this.#owner.connection.engine.core;
    const { pointer } = this.#handle;
    this.#names = Array.from(
      { length: count },
      (_, index) => memory.cString(c.sqlite3_column_name(pointer, index)) ?? '',
    );
    if (this.#handle.cells) c.sqlite3_free(this.#handle.cells);
    this.#handle.cells = memory.allocate(cellSize * count);
    this.#build = rowBuilder(this.#names);
  }
}

function isBytes(value: unknown): value is ArrayBufferView | ArrayBuffer {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

/** Whether a first argument holds parameters by name. */
function isNamed(value: unknown): value is Record<string, unknown> {
  return ((typeof value === 'object' && value !== null) || typeof value === 'function') && !isBytes(value);
}

/** An object literal is built several times as fast as an object to which the names are added one by one. */
function rowBuilder(names: readonly string[]): (cell: (index: number) => SqlValue) => Row {
  const fields = names.map((name, index) => `[${JSON.stringify(name)}]:cell(${index})`);
  try {
    return new Function('cell', `return {__proto__:null,${fields.join(',')}}`) as never;
  } catch {
    // Node was told to make no code of strings.
    return (cell) => {
      const row: Row = Object.create(null);
      names.forEach((name, index) => {
        row[name] = cell(index);
      });
      return row;
    };
  }
}

export function checkStatementOptions(options: unknown): void {
  checkOptions(options, statementOptionKinds);
}
