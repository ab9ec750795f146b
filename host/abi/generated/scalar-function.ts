// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * How SQLite may use a function.
 */
export interface FunctionFlags {
  /**
   * The same arguments always give the same result within one statement (`SQLITE_DETERMINISTIC`). Required for
   * indexes and generated columns.
   */
  deterministic?: boolean;
  /**
   * Cannot be called from triggers, views and the schema (`SQLITE_DIRECTONLY`). Set it for functions with side
   * effects.
   */
  directOnly?: boolean;
  /**
   * Harmless even if the schema is not trusted (`SQLITE_INNOCUOUS`).
   */
  innocuous?: boolean;
}
/**
 * A function with a number of arguments. A name may appear several times, with different numbers of arguments.
 */
export interface FunctionSpec {
  /**
   * Identifies the function in calls of `call`. Chosen by the component.
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
   * How SQLite may use the function.
   */
  options: FunctionFlags;
}

export interface Functions {
  /**
   * Returns the functions to register. Called once, when the component is loaded. Must not call the host.
   */
  describe(): Array<FunctionSpec>;
  /**
   * Computes function `id` for one row. `args` has the number of values that the function was registered with.
   *
   * An error ends the SQL statement, which fails with the error's code and message.
   *
   * C: the `xFunc` of `sqlite3_create_function_v2`.
   */
  call(id: bigint, args: Array<SqlValue>): SqlValue;
}
