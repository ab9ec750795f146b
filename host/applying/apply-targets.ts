/**
 * Handles shadow tables and virtual tables during an apply. A defensive connection cannot write shadow tables, and some
 * virtual tables could write to the database file directly.
 */

import { SQLITE_DBCONFIG_DEFENSIVE, SQLITE_ERROR } from '../core/constants.js';
import { type SqliteError, sqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { query } from '../kernel/query.js';
import { tableShape } from '../kernel/schema.js';
import { isOn, set } from '../kernel/settings.js';

/** Tracks the current table of an apply. Dispose of it to restore the connection's defensive mode. */
export class ApplyTargets implements Disposable {
  readonly #connection: Connection;
  readonly #virtualRows: ((table: string) => boolean) | undefined;
  /** For each table seen so far, whether it is a shadow table. */
  readonly #shadows = new Map<string, boolean>();
  #table: string | undefined;
  /** Whether defensive mode is temporarily off for a shadow table. */
  #lifted = false;

  /** @param virtualRows see `OwnReportOptions` */
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
   * Called before the changes of a table are applied, and before SQLite compiles the statements for them.
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

  /** Runs code of the user with defensive mode restored. */
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

  /** Whether a table is a shadow table. Their names contain an underscore, so most other tables need no query. */
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

/** Whether a name is the name of an eponymous virtual table, such as sqlite_dbpage. */
export function isModule(connection: Connection, name: string): boolean {
  const found = query(connection, 'SELECT 1 FROM pragma_module_list WHERE name=?1 COLLATE NOCASE', name);
  return found.length > 0;
}

/** The error for changes of a virtual table. */
export function virtualTable(table: string): SqliteError {
  return refusedTable(table, 'it is a virtual table');
}

export function refusedTable(table: string, why: string): SqliteError {
  return sqliteError(SQLITE_ERROR, `changes of ${table} cannot be applied: ${why}`);
}
