// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * What to do about a row that breaks a constraint (https://www.sqlite.org/lang_conflict.html). For `replace` the
 * component takes away the rows that are in the way; for all others it returns an error of code 19.
 * # Variants
 *
 * ## `"rollback"`
 *
 * ## `"ignore"`
 *
 * ## `"fail"`
 *
 * ## `"abort"`
 *
 * ## `"replace"`
 */
export type ConflictMode = 'rollback' | 'ignore' | 'fail' | 'abort' | 'replace';

export interface Functions {
  /**
   * Adds a row and returns its rowid; `rowid` is none if the component chooses it.
   *
   * C: `xUpdate`.
   */
  insert(table: number, rowid: bigint | undefined, values: Array<SqlValue>, mode: ConflictMode): bigint;
  /**
   * Gives the row `rowid` new values, and the rowid `new-rowid`, which is mostly the same. None stands for a column
   * that keeps its value; if SQLite does not know that it does, the value is there.
   *
   * C: `xUpdate`.
   */
  update(table: number, rowid: bigint, newRowid: bigint, values: Array<SqlValue | undefined>, mode: ConflictMode): void;
  /**
   * Takes the row `rowid` away.
   *
   * C: `xUpdate`.
   */
  delete(table: number, rowid: bigint): void;
  /**
   * A transaction begins that will change the table. `spi`, `session` and `changeset` fail with code 21
   * (`SQLITE_MISUSE`) while it runs.
   *
   * C: `xBegin`.
   */
  begin(table: number): void;
  /**
   * The transaction is about to be committed: the last moment to fail, and to write what lasts. SQL that begins or
   * ends a transaction or a savepoint is refused while it runs, and so is `session`, which does that.
   *
   * C: `xSync`.
   */
  sync(table: number): void;
  /**
   * The transaction was committed. Not a moment for SQL: `spi` and `changeset` fail with code 21, `session` but for
   * its `delete`.
   *
   * C: `xCommit`.
   */
  commit(table: number): void;
  /**
   * The transaction was rolled back. Not a moment for SQL, like `commit`. If SQLite goes back to before the
   * table took part, and the transaction goes on, `begin` follows.
   *
   * C: `xRollback`.
   */
  rollback(table: number): void;
  /**
   * Savepoint number `savepoint` begins. They count from 0, without a gap; those that were there already are told
   * behind `begin`.
   *
   * C: `xSavepoint`.
   */
  savepoint(table: number, savepoint: number): void;
  /**
   * Savepoint number `savepoint` and those after it are ended; what they did stays.
   *
   * C: `xRelease`.
   */
  release(table: number, savepoint: number): void;
  /**
   * What was done since savepoint number `savepoint` is undone.
   *
   * C: `xRollbackTo`.
   */
  rollbackTo(table: number, savepoint: number): void;
  /**
   * The table gets another name. If that is rolled back, the table is connected by its old name, and nothing else
   * tells of it.
   *
   * C: `xRename`.
   */
  rename(table: number, newName: string): void;
  /**
   * Checks the table, for PRAGMA integrity_check or, if `quick`, quick_check. A sentence says what is
   * damaged; none means that nothing is.
   *
   * C: `xIntegrity`.
   */
  integrity(table: number, quick: boolean): string | undefined;
}
