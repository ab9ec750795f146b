// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * How SQLite may use a function.
 */
export interface FunctionFlags {
  /**
   * The same arguments give the same result within one statement (`SQLITE_DETERMINISTIC`). Needed for
   * use in indexes and generated columns.
   */
  deterministic?: boolean;
  /**
   * Not callable from triggers, views and the schema (`SQLITE_DIRECTONLY`). For whatever acts on the
   * world outside the statement.
   */
  directOnly?: boolean;
  /**
   * Harmless even if the schema is not trusted (`SQLITE_INNOCUOUS`).
   */
  innocuous?: boolean;
}
/**
 * One function with one number of arguments. A name may appear several times, with different numbers.
 */
export interface FunctionSpec {
  /**
   * What `call` receives to say which function is meant. Chosen by the component.
   */
  id: bigint;
  /**
   * The function's SQL name: 1 to 255 bytes.
   */
  name: string;
  /**
   * The number of arguments, 0 to 1000, or -1 for any number.
   */
  numArgs: number;
  /**
   * How SQLite may use it.
   */
  options: FunctionFlags;
}

export interface Functions {
  /**
   * The functions to register. Called once, when the component is loaded. Does not call the host.
   */
  describe(): Array<FunctionSpec>;
  /**
   * Computes function `id` over `args`, for one row. `args` has as many values as the function was
   * registered for.
   *
   * An error ends the SQL statement: its code becomes the statement's, its message the statement's message.
   *
   * C: the `xFunc` of `sqlite3_create_function_v2`.
   */
  call(id: bigint, args: Array<SqlValue>): SqlValue;
}
