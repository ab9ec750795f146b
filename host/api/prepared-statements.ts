/**
 * Caches the C statements of a connection by their SQL. A StatementSync holds a C statement only while it needs it.
 * Afterwards the C statement stays in the cache for the next StatementSync with the same SQL, and is finalized when the
 * cache is full. So a loop that prepares millions of statements uses little memory, even if Node never collects the
 * StatementSync objects.
 */

import { SQLITE_NOMEM } from '../core/constants.js';
import { invalidState, invalidValue } from '../kernel/arguments.js';
import { cellSize } from '../kernel/cells.js';
import { type Confinement, confinementOf } from '../kernel/confinement.js';
import type { Connection } from '../kernel/connection.js';
import type { RowBuilder } from './rows.js';

/** The maximum size of the cached C statements, in bytes. */
const maxBytes = 8 * 1024 * 1024;

const questionMark = 0x3f;

/** SQLITE_STMTSTATUS_MEMUSED */
const memoryUsed = 99;

/** A C statement, with cached facts. */
export interface Prepared {
  readonly sql: string;
  /** The address of the `sqlite3_stmt`; 0 once it is finalized. */
  pointer: number;
  /** The number of parameters. */
  readonly count: number;
  /** The indexes of the unnamed parameters. `?5` has a number, not a name. */
  readonly positions: readonly number[];
  /** Increases when the statement goes to another holder or is finalized, so that the previous holder notices. */
  ticket: number;
  /** Whether the statement is being stepped. The current code is then a callback. */
  running: boolean;
  /** Whether an iteration has stopped between two rows. */
  standing: boolean;
  /** The core's stack pointer before the step. */
  stack: number;
  /** Whether the statement ran since the last sweep. */
  used: boolean;
  /** The buffer for one row; 0 before the first row. */
  cells: number;
  /**
   * The buffer of {@link textsSize} bytes for short texts of parameters, which SQLite reads there instead of copying them;
   * 0 if there are no parameters or is not enough memory.
   */
  texts: number;
  /** The names of the result's columns; undefined before the first row. */
  names: string[] | undefined;
  /** How often SQLite had compiled the statement again when `names` was read. */
  reprepares: number;
  /** The number of rows read without a row builder. */
  rows: number;
  /** Makes a row from Cells; undefined until several rows were read. */
  build: RowBuilder | undefined;
  /** Like `build`, for rows with a prototype. */
  buildPlain: RowBuilder | undefined;
  /** Whether the cache may keep the statement until a schema, function or setting changes. */
  readonly isKeepable: boolean;
  /** Whether the statement may change a schema, function or setting. */
  readonly changesMeaning: boolean;
  readonly bytes: number;
}

/** The size of {@link Prepared.texts}. */
export const textsSize = 512;

/** A holder's reference to a C statement. It is valid while the tickets are equal. */
export interface Held {
  readonly prepared: Prepared;
  readonly ticket: number;
}

/** Matches statements that stay valid until a schema, function or setting changes. */
const keepable = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:select|insert|update|delete|replace|with|values)\b/i;
/** Matches statements that change no schema, function or setting. */
const harmless =
  /^\s*(?:begin|commit|end|rollback|savepoint|release|select|insert|update|delete|replace|with)\b[^;]*;?\s*$/i;

export class PreparedStatements {
  readonly #connection: Connection;
  readonly #confinement: Confinement;
  /** All C statements, oldest first. */
  readonly #all = new Set<Prepared>();
  /** The C statements that another holder can take when they are idle, by SQL. */
  #kept = new Map<string, Prepared>();
  #bytes = 0;
  #closed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#confinement = confinementOf(connection);
  }

  /** The number of C statements. */
  get size(): number {
    return this.#all.size;
  }

  /**
   * Returns a C statement for the first statement of `sql`. C: `sqlite3_prepare_v3`.
   *
   * @throws SqliteError if the statement cannot be compiled
   * @throws TypeError (ERR_INVALID_ARG_VALUE) if `sql` contains no statement
   * @throws Error (ERR_INVALID_STATE) if the database is closed
   */
  take(sql: string): Held {
    if (this.isClosed) throw invalidState('statement has been finalized');
    const known = this.#kept.get(sql);
    if (known && !known.running && !known.standing && !this.#confinement.isWatched) {
      known.ticket += 1;
      known.used = true;
      if (known.count > 0) this.#connection.engine.core.c.sqlite3_clear_bindings(known.pointer);
      return { prepared: known, ticket: known.ticket };
    }
    const prepared = this.#compile(sql);
    this.#all.add(prepared);
    this.#bytes += prepared.bytes;
    if (prepared.isKeepable) this.#kept.set(sql, prepared);
    if (this.#bytes > maxBytes) this.#sweep(prepared, (maxBytes / 4) * 3);
    return { prepared, ticket: prepared.ticket };
  }

  /** Whether the holder still has the statement. */
  static holds({ prepared, ticket }: Held): boolean {
    return prepared.ticket === ticket;
  }

  get isClosed(): boolean {
    return this.#closed || this.#connection.engine.isLost;
  }

  /** Returns a statement to the cache, or finalizes it if the cache cannot keep it. */
  giveBack({ prepared, ticket }: Held): void {
    if (prepared.ticket !== ticket || this.isClosed) return;
    if (prepared.standing) this.#connection.engine.core.c.sqlite3_reset(prepared.pointer);
    prepared.standing = false;
    prepared.ticket += 1;
    if (this.#kept.get(prepared.sql) !== prepared) this.#finalize(prepared);
  }

  /** Finalizes a statement, which frees its resources in SQLite, such as connections to virtual tables. */
  finalize({ prepared, ticket }: Held): void {
    if (prepared.ticket === ticket) this.#finalize(prepared);
  }

  /** Empties the cache after a change on which compiled statements depend. */
  forget(): void {
    this.#kept = new Map();
  }

  /** Called when `exec` runs the statements of `sql`. */
  ran(sql: string): void {
    if (this.#kept.size > 0 && !harmless.test(sql)) this.forget();
  }

  /**
   * Reads the column names of the result and allocates the buffer for a row.
   *
   * @param reprepares how often SQLite has compiled the statement again
   */
  describe(prepared: Prepared, reprepares: number): string[] {
    const { c, memory } = this.#connection.engine.core;
    const names = Array.from(
      { length: c.sqlite3_column_count(prepared.pointer) },
      (_, index) => memory.cString(c.sqlite3_column_name(prepared.pointer, index)) ?? '',
    );
    if (prepared.cells) c.sqlite3_free(prepared.cells);
    prepared.cells = 0;
    prepared.cells = memory.allocate(cellSize * names.length);
    prepared.names = names;
    prepared.reprepares = reprepares;
    prepared.rows = 0;
    prepared.build = undefined;
    prepared.buildPlain = undefined;
    return names;
  }

  /** Finalizes all statements. */
  close(): void {
    this.#closed = true;
    this.forget();
    for (const prepared of this.#all) this.#finalize(prepared);
  }

  #compile(sql: string): Prepared {
    const { engine, db } = this.#connection;
    const { c, memory } = engine.core;
    using arena = memory.arena();
    const out = arena.allocate(4);
    const { pointer: text, length } = arena.text(sql);
    // The length includes the terminator, because SQLite otherwise copies the text.
    const prepare = (): number => c.sqlite3_prepare_v3(db, text, length + 1, 0, out, 0);
    let code = prepare();
    if (code === SQLITE_NOMEM && this.#sweep(undefined, 0)) code = prepare();
    engine.check(db, code);
    const pointer = memory.pointerAt(out);
    if (pointer === 0) throw invalidValue('The SQL query contains no statements.');
    const isKeepable = keepable.test(sql);
    const count = c.sqlite3_bind_parameter_count(pointer);
    // Read here and not by the first call, after which V8 would have to optimize its code again.
    const positions: number[] = [];
    for (let index = 1; index <= count; index++) {
      const name = c.sqlite3_bind_parameter_name(pointer, index);
      if (name === 0 || memory.bytes[name >>> 0] === questionMark) positions.push(index);
    }
    const texts = count > 0 ? c.sqlite3_malloc64(BigInt(textsSize)) >>> 0 : 0;
    const prepared: Prepared = {
      sql,
      pointer: 0,
      count,
      positions,
      ticket: 0,
      running: false,
      standing: false,
      stack: 0,
      used: true,
      cells: 0,
      texts: 0,
      names: undefined,
      reprepares: 0,
      rows: 0,
      build: undefined,
      buildPlain: undefined,
      isKeepable,
      changesMeaning: !isKeepable && !harmless.test(sql),
      bytes: c.sqlite3_stmt_status(pointer, memoryUsed, 0) + (texts === 0 ? 0 : textsSize),
    };
    // Assigned and not initialized, because V8 optimizes code again when a field changes for the first time.
    prepared.ticket += 1;
    prepared.pointer = pointer;
    prepared.texts = texts;
    return prepared;
  }

  /**
   * Finalizes idle statements until at most `keep` bytes are left. Statements that did not run since the last sweep go
   * first.
   *
   * @returns whether a statement was finalized
   */
  #sweep(except: Prepared | undefined, keep: number): boolean {
    const before = this.#all.size;
    for (const everyone of [false, true]) {
      for (const prepared of this.#all) {
        if (this.#bytes <= keep) break;
        if (prepared === except || prepared.running || prepared.standing) continue;
        if (prepared.used && !everyone) prepared.used = false;
        else this.#finalize(prepared);
      }
    }
    return this.#all.size < before;
  }

  #finalize(prepared: Prepared): void {
    if (!this.#all.delete(prepared)) return;
    if (this.#kept.get(prepared.sql) === prepared) this.#kept.delete(prepared.sql);
    this.#bytes -= prepared.bytes;
    prepared.ticket += 1;
    const { c } = this.#connection.engine.core;
    c.sqlite3_finalize(prepared.pointer);
    if (prepared.cells) c.sqlite3_free(prepared.cells);
    if (prepared.texts) c.sqlite3_free(prepared.texts);
    prepared.pointer = 0;
    prepared.cells = 0;
    prepared.texts = 0;
  }
}
