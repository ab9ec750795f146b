// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * What a statement gave.
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
   * How many rows it changed (`sqlite3_changes64`); 0 if it cannot write.
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
   * Fails with the code and message of SQLite; with code 21 (`SQLITE_MISUSE`) if `sql` holds no statement
   * or more than one, or `params` are not as many as it has; with code 18 (`SQLITE_TOOBIG`) if the result
   * has more than a million rows or does not fit the component's memory.
   *
   * C: `sqlite3_prepare_v3`, `sqlite3_step`.
   */
  execute(sql: string, params: Array<SqlValue>): QueryResult;
  /**
   * Runs all statements of `sql` and drops their rows. Those that ran before an error stay done, as in
   * `sqlite3_exec`.
   */
  run(sql: string): void;
}
