// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * How SQLite may use a function.
 */
export interface FunctionFlags {
  /**
   * The same rows give the same result within one statement (`SQLITE_DETERMINISTIC`).
   */
  deterministic?: boolean;
  /**
   * Not callable from triggers, views and the schema (`SQLITE_DIRECTONLY`).
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
 * One function with one number of arguments. A name may appear several times, with different numbers.
 */
export interface FunctionSpec {
  /**
   * What the other functions receive to say which one is meant. Chosen by the component.
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
   * Takes one row into `group`. An error ends the statement; `finalize` follows all the same.
   *
   * C: the `xStep` of `sqlite3_create_window_function`.
   */
  step(id: bigint, group: number, args: Array<SqlValue>): void;
  /**
   * Takes a row out of `group` again: the one that was taken in first and is still there.
   *
   * C: `xInverse`.
   */
  inverse(id: bigint, group: number, args: Array<SqlValue>): void;
  /**
   * The result over the rows that are in `group` now. The group goes on.
   *
   * C: `xValue`.
   */
  value(id: bigint, group: number): SqlValue;
  /**
   * The result over all rows of `group`, and the end of the group: its state is freed. If the statement
   * failed or was abandoned the result is dropped.
   *
   * C: `xFinal`.
   */
  finalize(id: bigint, group: number): SqlValue;
}
