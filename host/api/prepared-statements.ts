/**
 * The C statements of a connection. A StatementSync has one while it needs it: after its execution the C statement
 * waits here, by its text, for the next of the same text, and is finalized when many others have come since. So
 * statements that are prepared by the million and forgotten cost no more memory than the last thousands, also in a loop
 * that never lets Node collect them.
 */

import { SQLITE_NOMEM } from '../core/constants.js';
import { invalidState, invalidValue } from '../kernel/arguments.js';
import { cellSize } from '../kernel/cells.js';
import { type Confinement, confinementOf } from '../kernel/confinement.js';
import type { Connection } from '../kernel/connection.js';
import type { RowBuilder } from './rows.js';

/** How many bytes of C statements may wait. */
const maxBytes = 8 * 1024 * 1024;

/** SQLITE_STMTSTATUS_MEMUSED */
const memoryUsed = 99;

/** A C statement, and cached facts about it. */
export interface Prepared {
  readonly sql: string;
  /** The address of the `sqlite3_stmt`; 0 once it is finalized. */
  pointer: number;
  /** How many parameters it has. */
  readonly count: number;
  /** Grows when it goes to another holder or is finalized: the previous holder has lost it. */
  ticket: number;
  /** Whether it is being stepped, so that the current code was called by it. */
  running: boolean;
  /** Whether an iteration left it between two rows. */
  standing: boolean;
  /** Where the core's stack was before it was stepped. */
  stack: number;
  /** Whether it ran since it was last checked. */
  used: boolean;
  /** Room for one row; 0 until there was one. */
  cells: number;
  /** The names of the result's columns; undefined until there was a row. */
  names: string[] | undefined;
  /** How often SQLite had compiled it again when `names` were read. */
  reprepares: number;
  /** How many rows were read since, until there is a builder. */
  rows: number;
  /** Makes a row of its cells; undefined until some were read. */
  build: RowBuilder | undefined;
  /** The same for rows that keep their prototype. */
  buildPlain: RowBuilder | undefined;
  /** Whether its meaning stays the same while no schema, function or setting changes. */
  readonly isKeepable: boolean;
  /** Whether it may change one of those. */
  readonly changesMeaning: boolean;
  readonly bytes: number;
}

/** A C statement as its holder knows it. */
export interface Held {
  readonly prepared: Prepared;
  readonly ticket: number;
}

/** Statements whose meaning stays the same while no schema, function or setting changes. */
const keepable = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:select|insert|update|delete|replace|with|values)\b/i;
/** Statements after which they still do. */
const harmless =
  /^\s*(?:begin|commit|end|rollback|savepoint|release|select|insert|update|delete|replace|with)\b[^;]*;?\s*$/i;

export class PreparedStatements {
  readonly #connection: Connection;
  readonly #confinement: Confinement;
  /** All of them, oldest first. */
  readonly #all = new Set<Prepared>();
  /** Those that another holder can take when they are idle. */
  #kept = new Map<string, Prepared>();
  #bytes = 0;
  #closed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#confinement = confinementOf(connection);
  }

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  /**
   * A C statement for `sql`, which is one statement; what follows it is ignored. C: `sqlite3_prepare_v3`.
   *
   * @throws SqliteError if it cannot be compiled
   * @throws TypeError (ERR_INVALID_ARG_VALUE) if there is no statement
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

  /** Whether its holder still has it. */
  static holds({ prepared, ticket }: Held): boolean {
    return prepared.ticket === ticket;
  }

  /** Whether the database is closed. */
  get isClosed(): boolean {
    return this.#closed || this.#connection.engine.isLost;
  }

  /** Its holder is gone. It waits for the next one, or is finalized if its meaning changed. */
  giveBack({ prepared, ticket }: Held): void {
    if (prepared.ticket !== ticket || this.isClosed) return;
    if (prepared.standing) this.#connection.engine.core.c.sqlite3_reset(prepared.pointer);
    prepared.standing = false;
    prepared.ticket += 1;
    if (this.#kept.get(prepared.sql) !== prepared) this.#finalize(prepared);
  }

  /** Its holder closes it: its resources in SQLite, such as the connection to a virtual table, are freed. */
  finalize({ prepared, ticket }: Held): void {
    if (prepared.ticket === ticket) this.#finalize(prepared);
  }

  /** Something changed on which compiled statements depend: none goes to another holder. */
  forget(): void {
    this.#kept = new Map();
  }

  /** The statements of `sql` were run by `exec`. */
  ran(sql: string): void {
    if (this.#kept.size > 0 && !harmless.test(sql)) this.forget();
  }

  /**
   * Reads the names of the columns of its rows, and makes room for a row of them.
   *
   * @param reprepares how often SQLite has compiled it again
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

  /** Finalizes all. */
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
    // The length includes the terminator: SQLite copies the text otherwise.
    const prepare = (): number => c.sqlite3_prepare_v3(db, text, length + 1, 0, out, 0);
    let code = prepare();
    if (code === SQLITE_NOMEM && this.#sweep(undefined, 0)) code = prepare();
    engine.check(db, code);
    const pointer = memory.pointerAt(out);
    if (pointer === 0) throw invalidValue('The SQL query contains no statements.');
    const isKeepable = keepable.test(sql);
    return {
      sql,
      pointer,
      count: c.sqlite3_bind_parameter_count(pointer),
      ticket: 0,
      running: false,
      standing: false,
      stack: 0,
      used: true,
      cells: 0,
      names: undefined,
      reprepares: 0,
      rows: 0,
      build: undefined,
      buildPlain: undefined,
      isKeepable,
      changesMeaning: !isKeepable && !harmless.test(sql),
      bytes: c.sqlite3_stmt_status(pointer, memoryUsed, 0),
    };
  }

  /**
   * Finalizes idle ones, those first that did not run since the last sweep, until at most `keep` bytes are left.
   *
   * @returns whether there was one
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
    prepared.pointer = 0;
    prepared.cells = 0;
  }
}
