/** Runs the SQL of a component on its connection. The SQL is confined, and compiled statements are reused. */

import { bytesAsText } from '../changeset/text.js';
import type { Bindings } from '../core/bindings.js';
import {
  SQLITE_AUTH,
  SQLITE_DBCONFIG_WRITABLE_SCHEMA,
  SQLITE_DONE,
  SQLITE_ERROR,
  SQLITE_MISUSE,
  SQLITE_NOMEM,
  SQLITE_OK,
  SQLITE_PREPARE_PERSISTENT,
  SQLITE_ROW,
  SQLITE_STMTSTATUS_REPREPARE,
  SQLITE_TOOBIG,
} from '../core/constants.js';
import { SqliteError, sqliteError } from '../core/errors.js';
import { platform } from '../core/platform.js';
import { cellSize } from '../kernel/cells.js';
import { type Confinement, confinementOf, refusalOfText } from '../kernel/confinement.js';
import type { Connection } from '../kernel/connection.js';
import { type Owner, type Owners, ownersOf } from '../kernel/owner.js';
import { onlyReads } from '../kernel/statement-rules.js';
import { GuestResult, Parameters } from './guest-result.js';

const decoder = new TextDecoder();
/** The maximum number of rows of a result. */
const mostRows = 1_000_000;
/** The maximum number of statements that are kept for reuse, per component. */
const mostStatements = 32;
/** The maximum nesting depth of calls from a component through SQL to components. */
export const deepest = 16;

/** A compiled statement. */
interface Kept {
  readonly text: Uint8Array;
  readonly pointer: number;
  readonly parameters: number;
  readonly readOnly: boolean;
  /** The names of the columns in UTF-8. They are read again when `reprepares` has changed. */
  names: Uint8Array[];
  reprepares: number;
  /** The address of a buffer for one row in the core's memory. */
  cells: number;
  busy: boolean;
  /** Whether the statement is kept for reuse. */
  kept: boolean;
}

/** The grants for a component's SQL. */
export interface GuestRights {
  readonly sql: 'none' | 'ro' | 'rw';
  /** The maximum size of a result in bytes. */
  readonly memory: number;
}

/** The SQL of one component on one connection. */
export class GuestSql {
  readonly #connection: Connection;
  readonly #owner: Owner;
  readonly #owners: Owners;
  readonly #confinement: Confinement;
  readonly #rights: GuestRights;
  readonly #kept = new Map<string, Kept>();
  /** The last statement. It is compared first, because most components run the same statement repeatedly. */
  #last: Kept | undefined;
  readonly #parameters: Parameters;
  // Copied from the core's exports, where looking up a function costs more than calling it.
  readonly #c: Pick<
    Bindings,
    'bridge_row' | 'sqlite3_step' | 'sqlite3_reset' | 'sqlite3_stmt_status' | 'sqlite3_last_insert_rowid'
  >;
  /** One result for each nesting depth, because a statement can call code that runs SQL. */
  readonly #results: GuestResult[] = [];

  constructor(owner: Owner, rights: GuestRights) {
    const { connection } = owner;
    this.#connection = connection;
    this.#owner = owner;
    this.#owners = ownersOf(connection);
    this.#confinement = confinementOf(connection);
    this.#rights = rights;
    this.#parameters = new Parameters(connection);
    const { bridge_row, sqlite3_step, sqlite3_reset, sqlite3_stmt_status, sqlite3_last_insert_rowid } =
      connection.engine.core.c;
    this.#c = { bridge_row, sqlite3_step, sqlite3_reset, sqlite3_stmt_status, sqlite3_last_insert_rowid };
    connection.beforeClose(() => {
      this.#last = undefined;
      for (const kept of this.#kept.values()) this.#finalize(kept);
      this.#kept.clear();
    });
  }

  /**
   * Runs the single statement in `sql`.
   *
   * @param count the number of parameters that `bind` binds
   * @param use receives the result, which is valid until `use` returns
   * @throws SqliteError with SQLite's code and message, or with a code that the interface spi describes
   */
  execute<T>(
    sql: Uint8Array,
    count: number,
    bind: (parameters: Parameters) => void,
    use: (result: GuestResult) => T,
  ): T {
    return this.#enter((depth) => {
      const result = this.#results[depth] ?? new GuestResult();
      this.#results[depth] = result;
      result.clear();
      this.#confinement.run(
        this.#rights.sql === 'ro',
        () => {
          const statement = this.#statement(sql);
          try {
            if (statement.parameters !== count) {
              throw this.#misuse(
                `the statement has ${statement.parameters} parameters, but ${count} were given`,
              );
            }
            this.#refuse(statement.pointer);
            if (count > 0) bind(this.#parameters.of(statement.pointer));
            this.#connection.nested(() => this.#run(statement, result));
          } finally {
            this.#release(statement);
          }
        },
        this.#owner,
      );
      return use(result);
    });
  }

  /** Runs all statements in `sql` and ignores their rows. @throws SqliteError the errors of {@link execute} */
  run(sql: Uint8Array): void {
    this.#enter(() => {
      this.#confinement.run(
        this.#rights.sql === 'ro',
        () => {
          for (let rest = sql; rest.length > 0; ) {
            const { pointer, tail } = this.#compile(rest, 0);
            rest = rest.subarray(tail);
            if (pointer === 0) continue; // a comment
            try {
              this.#refuse(pointer);
              this.#connection.nested(() => {
                while (this.#step(pointer));
              });
            } finally {
              this.#connection.engine.core.c.sqlite3_finalize(pointer);
            }
          }
        },
        this.#owner,
      );
    });
  }

  #enter<T>(action: (depth: number) => T): T {
    const connection = this.#connection;
    if (this.#rights.sql === 'none') {
      throw sqliteError(
        SQLITE_AUTH,
        'this component may not run SQL: allow it with --allow-sql, or grants.sql in code',
      );
    }
    connection.refuseWithin('spi', 'spi');
    this.#owners.settle();
    const confinement = this.#confinement;
    if (confinement.depth >= deepest) {
      throw sqliteError(
        SQLITE_ERROR,
        `too many nested calls of components through SQL: the limit is ${deepest}`,
      );
    }
    confinement.depth += 1;
    try {
      return action(confinement.depth - 1);
    } finally {
      confinement.depth -= 1;
    }
  }

  #statement(sql: Uint8Array): Kept {
    const { frozen } = this.#confinement; // if frozen, a statement that was compiled earlier may be forbidden now
    const last = frozen ? undefined : this.#last;
    if (last && !last.busy && equal(sql, last.text)) {
      last.busy = true;
      return last;
    }
    const key = bytesAsText(sql, 0, sql.length);
    const known = this.#kept.get(key);
    if (known && !known.busy && !frozen) {
      known.busy = true;
      this.#last = known;
      return known;
    }
    const { c } = this.#connection.engine.core;
    const text = sql.slice(); // an authorizer may run, and the component's memory may grow
    const { pointer, tail } = this.#compile(text, SQLITE_PREPARE_PERSISTENT);
    if (pointer === 0) throw this.#misuse('the SQL contains no statement');
    const statement: Kept = {
      text,
      pointer,
      parameters: c.sqlite3_bind_parameter_count(pointer),
      readOnly: c.sqlite3_stmt_readonly(pointer) !== 0,
      names: [],
      reprepares: -1,
      cells: 0,
      busy: true,
      kept: known === undefined && !frozen, // a known statement that is still running is compiled a second time, for one use
    };
    try {
      if (this.#hasStatement(text.subarray(tail)))
        throw this.#misuse('the SQL contains more than one statement');
    } catch (error) {
      this.#finalize(statement);
      throw error;
    }
    if (!statement.kept) return statement;
    if (this.#kept.size >= mostStatements) this.#forgetOldest();
    this.#kept.set(key, statement);
    return statement;
  }

  #forgetOldest(): void {
    for (const [key, kept] of this.#kept) {
      if (kept.busy || kept === this.#last) continue;
      this.#kept.delete(key);
      this.#finalize(kept);
      return;
    }
  }

  #hasStatement(rest: Uint8Array): boolean {
    for (let left = rest; left.length > 0; ) {
      const { pointer, tail } = this.#compile(left, 0);
      if (pointer !== 0) {
        this.#connection.engine.core.c.sqlite3_finalize(pointer);
        return true;
      }
      left = left.subarray(tail);
    }
    return false;
  }

  /**
   * Compiles the first statement. `tail` is the offset of the next statement. `pointer` is 0 if there is no statement.
   */
  #compile(sql: Uint8Array, flags: number): { pointer: number; tail: number } {
    const { engine, db } = this.#connection;
    const { c, memory } = engine.core;
    if (!platform().isUtf8(sql)) throw new TypeError('the component passed text that is not UTF-8');
    if (sql.includes(0)) throw this.#misuse('the text contains U+0000');
    const why = refusalOfText(decoder.decode(sql));
    if (why !== undefined) throw sqliteError(SQLITE_AUTH, `not authorized: ${why}`);
    using arena = memory.arena();
    const out = arena.allocate(8);
    const text = arena.allocate(sql.length + 1);
    memory.bytes.set(sql, text);
    this.#confinement.refused = undefined;
    const code = c.sqlite3_prepare_v3(db, text, sql.length + 1, flags, out, out + 4);
    if (code !== SQLITE_OK) this.#fail(code);
    const pointer = memory.pointerAt(out);
    const tail = Math.min(memory.pointerAt(out + 4) - text, sql.length);
    try {
      if (pointer !== 0) this.#check(pointer, out);
    } catch (error) {
      c.sqlite3_finalize(pointer);
      throw error;
    }
    return { pointer, tail: pointer === 0 ? sql.length : tail };
  }

  /** Refuses what SQLite's current operation does not allow. */
  #refuse(statement: number): void {
    if (!this.#connection.rule) return;
    const { core } = this.#connection.engine;
    const sql = core.memory.cString(core.c.sqlite3_sql(statement)) ?? '';
    this.#connection.refuse(sql, onlyReads(core, statement));
  }

  /** Checks what the authorizer does not report. */
  #check(statement: number, out: number): void {
    const { engine, db } = this.#connection;
    const { c, memory } = engine.core;
    if (c.sqlite3_stmt_readonly(statement) !== 0) return;
    if (this.#rights.sql === 'ro') {
      throw sqliteError(SQLITE_AUTH, 'not authorized: this component may only read');
    }
    engine.check(db, c.bridge_db_config(db, SQLITE_DBCONFIG_WRITABLE_SCHEMA, -1, out));
    if (memory.view.getInt32(out, true) !== 0) {
      throw sqliteError(
        SQLITE_AUTH,
        'not authorized: components may not write while PRAGMA writable_schema is on',
      );
    }
  }

  #run(statement: Kept, result: GuestResult): void {
    const { engine, db } = this.#connection;
    const { c, memory } = engine.core;
    const { pointer, readOnly } = statement;
    const before = readOnly ? 0n : c.sqlite3_total_changes64(db);
    const { bridge_row, sqlite3_stmt_status } = this.#c;
    while (this.#step(pointer)) {
      const reprepares = sqlite3_stmt_status(pointer, SQLITE_STMTSTATUS_REPREPARE, 0);
      if (reprepares !== statement.reprepares) this.#describe(statement, reprepares);
      if (result.rows >= mostRows) {
        throw sqliteError(SQLITE_TOOBIG, `the result has more than ${mostRows} rows: select fewer rows`);
      }
      const width = bridge_row(pointer, statement.cells);
      if (width < 0) this.#fail(SQLITE_NOMEM);
      result.add(memory, statement.cells, width);
      if (result.filled + result.rows * width * cellSize > this.#rights.memory) {
        throw sqliteError(
          SQLITE_TOOBIG,
          `the result has more than ${this.#rights.memory} bytes: select less data`,
        );
      }
    }
    if (statement.reprepares < 0)
      this.#describe(statement, c.sqlite3_stmt_status(pointer, SQLITE_STMTSTATUS_REPREPARE, 0));
    result.names = statement.names;
    const wrote = !readOnly && c.sqlite3_total_changes64(db) !== before;
    result.changes = wrote ? c.sqlite3_changes64(db) : 0n;
    result.lastInsertRowid = this.#c.sqlite3_last_insert_rowid(db);
  }

  #describe(statement: Kept, reprepares: number): void {
    const { c, memory } = this.#connection.engine.core;
    const { pointer } = statement;
    const count = c.sqlite3_column_count(pointer);
    statement.names = Array.from({ length: count }, (_, index) =>
      memory.cBytes(c.sqlite3_column_name(pointer, index)),
    );
    c.sqlite3_free(statement.cells);
    statement.cells = 0;
    statement.cells = memory.allocate(count * cellSize);
    statement.reprepares = reprepares;
  }

  #step(statement: number): boolean {
    this.#confinement.refused = undefined;
    const code = this.#c.sqlite3_step(statement);
    if (code === SQLITE_ROW) return true;
    if (code !== SQLITE_DONE) this.#fail(code);
    return false;
  }

  #release(statement: Kept): void {
    this.#c.sqlite3_reset(statement.pointer);
    statement.busy = false;
    if (!statement.kept) this.#finalize(statement);
  }

  #finalize(statement: Kept): void {
    const { c } = this.#connection.engine.core;
    c.sqlite3_finalize(statement.pointer);
    c.sqlite3_free(statement.cells);
  }

  /**
   * Throws SQLite's error. If a callback of the host threw an exception, throws that exception, which the component
   * never receives.
   */
  #fail(code: number): never {
    const { engine, db } = this.#connection;
    const thrown = engine.takeThrown()?.error;
    const error = engine.error(db, code);
    const { refused } = this.#confinement;
    if (refused !== undefined) {
      throw sqliteError(SQLITE_AUTH, `not authorized: ${refused}`);
    }
    throw thrown instanceof SqliteError ? thrown : error;
  }

  #misuse(why: string): SqliteError {
    return sqliteError(SQLITE_MISUSE, `spi runs one statement, with a value for each parameter: ${why}`);
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
