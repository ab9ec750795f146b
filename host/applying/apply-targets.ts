/**
 * Tables of a changeset that need special treatment: shadow tables, which a defensive connection refuses to write, and
 * virtual tables, through some of which the file itself can be written.
 */

import { SQLITE_DBCONFIG_DEFENSIVE, SQLITE_ERROR } from '../core/constants.js';
import { type SqliteError, sqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { query } from '../kernel/query.js';
import { tableShape } from '../kernel/schema.js';
import { isOn, set } from '../kernel/settings.js';

/** Follows an apply from table to table. Close it to restore the connection's setting. */
export class ApplyTargets implements Disposable {
  readonly #connection: Connection;
  readonly #virtualRows: ((table: string) => boolean) | undefined;
  /** Whether each table that was seen is a shadow table. */
  readonly #shadows = new Map<string, boolean>();
  #table: string | undefined;
  /** Whether the connection is defensive, except during a shadow table. */
  #lifted = false;

  /** @param virtualRows as in `OwnReportOptions` */
  constructor(connection: Connection, virtualRows?: (table: string) => boolean) {
    this.#connection = connection;
    this.#virtualRows = virtualRows;
  }

  /** The names of the shadow tables that were changed. */
  get shadows(): string[] {
    return [...this.#shadows].filter(([, isShadow]) => isShadow).map(([name]) => name);
  }

  /** Whether the table whose changes are applied now is a shadow table. */
  get inShadow(): boolean {
    return this.#table !== undefined && this.#shadows.get(this.#table) === true;
  }

  /**
   * The changes of a table come next. SQLite compiles the statements for them after this.
   *
   * @throws SqliteError if it is a virtual table
   */
  enter(table: string): void {
    this.#table = table;
    if (this.isShadow(table)) this.#lift();
    else this[Symbol.dispose]();
  }

  /** Whether a table is a shadow table. @throws SqliteError if it is a virtual table */
  isShadow(table: string): boolean {
    let isShadow = this.#shadows.get(table);
    if (isShadow === undefined) {
      isShadow = this.#look(table);
      this.#shadows.set(table, isShadow);
    }
    return isShadow;
  }

  /** Runs code of the user, with the connection as defensive as before. */
  outside<T>(action: () => T): T {
    if (!this.#lifted) return action();
    set(this.#connection, SQLITE_DBCONFIG_DEFENSIVE, true);
    try {
      return action();
    } finally {
      set(this.#connection, SQLITE_DBCONFIG_DEFENSIVE, false);
    }
  }

  [Symbol.dispose](): void {
    if (this.#lifted) set(this.#connection, SQLITE_DBCONFIG_DEFENSIVE, true);
    this.#lifted = false;
  }

  #lift(): void {
    if (this.#lifted || !isOn(this.#connection, SQLITE_DBCONFIG_DEFENSIVE)) return;
    set(this.#connection, SQLITE_DBCONFIG_DEFENSIVE, false);
    this.#lifted = true;
  }

  /** Whether a table is a shadow table. Those have an underscore in their names; most others cost no query. */
  #look(table: string): boolean {
    if (!table.includes('_') || table === 'sqlite_stat1') return false;
    const kind = tableShape(this.#connection, 'main', table)?.kind;
    if (kind === 'virtual' && this.#virtualRows?.(table)) return false;
    if (kind === 'virtual' || (kind === undefined && isModule(this.#connection, table))) {
      throw virtualTable(table);
    }
    return kind === 'shadow';
  }
}

/** Whether a name is that of an eponymous virtual table, such as sqlite_dbpage. */
export function isModule(connection: Connection, name: string): boolean {
  const found = query(connection, 'SELECT 1 FROM pragma_module_list WHERE name=?1 COLLATE NOCASE', name);
  return found.length > 0;
}

/** Why the changes of a virtual table are refused. */
export function virtualTable(table: string): SqliteError {
  return refusedTable(table, 'it is a virtual table');
}

/** Why the changes of a table are refused. */
export function refusedTable(table: string, why: string): SqliteError {
  return sqliteError(SQLITE_ERROR, `changes of ${table} cannot be applied: ${why}`);
}
