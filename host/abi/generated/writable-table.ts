// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * The conflict clause of the statement (https://www.sqlite.org/lang_conflict.html). If a row violates a constraint,
 * the component deletes the conflicting rows for `replace`, and returns an error with code 19 for all other modes.
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
   * Inserts a row and returns its rowid. If `rowid` is none, the component chooses the rowid.
   *
   * C: `xUpdate`.
   */
  insert(table: number, rowid: bigint | undefined, values: Array<SqlValue>, mode: ConflictMode): bigint;
  /**
   * Updates the row `rowid` and changes its rowid to `new-rowid`, which is usually the same. None stands for a column
   * that SQLite knows to be unchanged.
   *
   * C: `xUpdate`.
   */
  update(table: number, rowid: bigint, newRowid: bigint, values: Array<SqlValue | undefined>, mode: ConflictMode): void;
  /**
   * Deletes the row `rowid`.
   *
   * C: `xUpdate`.
   */
  delete(table: number, rowid: bigint): void;
  /**
   * Called when a transaction that will change the table begins. While this function runs, `spi`, `session` and
   * `changeset` fail with code 21 (`SQLITE_MISUSE`).
   *
   * C: `xBegin`.
   */
  begin(table: number): void;
  /**
   * Called before a commit. This is the last function that can fail, and the last that can write permanent data. While
   * it runs, SQL that begins or ends a transaction or a savepoint is refused, and so is `session`, which uses
   * savepoints.
   *
   * C: `xSync`.
   */
  sync(table: number): void;
  /**
   * Called after a commit. While it runs, `spi`, `changeset` and all functions of `session` except `delete` fail with
   * code 21.
   *
   * C: `xCommit`.
   */
  commit(table: number): void;
  /**
   * Called after a rollback, with the restrictions of `commit`. If SQLite rolls back to a savepoint before the table
   * took part, and the transaction continues, `begin` may be called again.
   *
   * C: `xRollback`.
   */
  rollback(table: number): void;
  /**
   * Called when savepoint `savepoint` begins. Savepoints are numbered from 0 without gaps. After `begin`, this
   * function is called for savepoints that are already open.
   *
   * C: `xSavepoint`.
   */
  savepoint(table: number, savepoint: number): void;
  /**
   * Called when savepoint `savepoint` and all later ones are released. Their changes stay.
   *
   * C: `xRelease`.
   */
  release(table: number, savepoint: number): void;
  /**
   * Undoes all changes since savepoint `savepoint`.
   *
   * C: `xRollbackTo`.
   */
  rollbackTo(table: number, savepoint: number): void;
  /**
   * Renames the table. If the renaming is rolled back, the table is connected with its old name and no other function
   * is called.
   *
   * C: `xRename`.
   */
  rename(table: number, newName: string): void;
  /**
   * Checks the table for PRAGMA integrity_check, or quick_check if `quick`. Returns a description of the damage, or
   * none if the table is sound.
   *
   * C: `xIntegrity`.
   */
  integrity(table: number, quick: boolean): string | undefined;
}
