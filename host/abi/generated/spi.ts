// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * The result of a statement.
 */
export interface QueryResult {
  /**
   * The names of the columns; empty if the statement has no result.
   */
  columns: Array<string>;
  /**
   * The rows.
   */
  rows: Array<Array<SqlValue>>;
  /**
   * The number of changed rows (`sqlite3_changes64`); 0 if the statement only reads.
   */
  changes: bigint;
  /**
   * The rowid of the last row that the connection inserted (`sqlite3_last_insert_rowid`).
   */
  lastInsertRowid: bigint;
}

export interface Functions {
  /**
   * Runs one statement with `params` as ?1, ?2 and so on.
   *
   * Fails with SQLite's code and message if the statement fails; with code 21 (`SQLITE_MISUSE`) if `sql` is not
   * exactly one statement, or if `params` has another number of values than the statement has parameters; and with
   * code 18 (`SQLITE_TOOBIG`) if the result has more than a million rows or does not fit in the component's memory.
   *
   * C: `sqlite3_prepare_v3`, `sqlite3_step`.
   */
  execute(sql: string, params: Array<SqlValue>): QueryResult;
  /**
   * Runs all statements of `sql` and discards their rows. After an error, the effects of earlier statements stay, as
   * in `sqlite3_exec`.
   */
  run(sql: string): void;
}
