// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * How SQLite may use a function.
 */
export interface FunctionFlags {
  /**
   * The same rows always give the same result within one statement (`SQLITE_DETERMINISTIC`).
   */
  deterministic?: boolean;
  /**
   * Cannot be called from triggers, views and the schema (`SQLITE_DIRECTONLY`).
   */
  directOnly?: boolean;
  /**
   * Harmless even if the schema is not trusted (`SQLITE_INNOCUOUS`).
   */
  innocuous?: boolean;
  /**
   * Usable with OVER: `value` and `inverse` are called.
   */
  window?: boolean;
}
/**
 * A function with a number of arguments. A name may appear several times, with different numbers of arguments.
 */
export interface FunctionSpec {
  /**
   * Identifies the function in later calls. Chosen by the component.
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
   * Adds a row to `group`. An error ends the statement; `finalize` is called nevertheless.
   *
   * C: the `xStep` of `sqlite3_create_window_function`.
   */
  step(id: bigint, group: number, args: Array<SqlValue>): void;
  /**
   * Removes the oldest row from `group`.
   *
   * C: `xInverse`.
   */
  inverse(id: bigint, group: number, args: Array<SqlValue>): void;
  /**
   * Returns the result for the rows that are currently in `group`. The group continues.
   *
   * C: `xValue`.
   */
  value(id: bigint, group: number): SqlValue;
  /**
   * Returns the result for all rows of `group`, and frees the group. If the statement failed or did not run to its
   * end, the result is ignored.
   *
   * C: `xFinal`.
   */
  finalize(id: bigint, group: number): SqlValue;
}
