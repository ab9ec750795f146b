// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

/**
 * The kinds of hooks.
 */
export interface HookSet {
  /**
   * `on-update` is called.
   */
  update?: boolean;
  /**
   * `on-commit` is called.
   */
  commit?: boolean;
  /**
   * `on-rollback` is called.
   */
  rollback?: boolean;
  /**
   * `on-wal` is called.
   */
  wal?: boolean;
}
/**
 * An operation on a row.
 * # Variants
 *
 * ## `"insert"`
 *
 * ## `"update"`
 *
 * ## `"delete"`
 */
export type Operation = 'insert' | 'update' | 'delete';

export interface Functions {
  /**
   * Returns the hooks to call. Called once, when the component is loaded. Must not call the host.
   */
  describe(): HookSet;
  /**
   * Called after a row of a rowid table was changed. `rowid` is the new rowid. Not called for WITHOUT ROWID tables.
   *
   * A trap makes the connection refuse every commit until the transaction is rolled back.
   *
   * C: `sqlite3_update_hook`.
   */
  onUpdate(what: Operation, database: string, table: string, rowid: bigint): void;
  /**
   * Called before a commit. If it returns false, the transaction is rolled back instead, and the statement fails with
   * code 531 (`SQLITE_CONSTRAINT_COMMITHOOK`). A trap counts as false.
   *
   * C: `sqlite3_commit_hook`.
   */
  onCommit(): boolean;
  /**
   * Called after a transaction was rolled back.
   *
   * C: `sqlite3_rollback_hook`.
   */
  onRollback(): void;
  /**
   * Called after a transaction was written to the write-ahead log of `database`, which now has `pages` pages.
   * Automatic checkpoints continue.
   *
   * C: `sqlite3_wal_hook`.
   */
  onWal(database: string, pages: number): void;
}
