// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqliteError = import('./types.js').SqliteError;
/**
 * Identifies a session. A handle is positive, below 2^63, unique among all connections of the process, and never
 * used again, so it can be stored in a table.
 *
 * Every function with a handle fails with code 21 (`SQLITE_MISUSE`) if the session does not exist, was deleted, or
 * belongs to another connection.
 */
export type Handle = bigint;
/**
 * Options of a new session.
 */
export interface SessionFlags {
  /**
   * Also records tables without a PRIMARY KEY. Their rowid becomes a first column `_rowid_`
   * (`SQLITE_SESSION_OBJCONFIG_ROWID`).
   */
  rowid?: boolean;
  /**
   * Enables `changeset-size` (`SQLITE_SESSION_OBJCONFIG_SIZE`).
   */
  size?: boolean;
}
/**
 * Changes that a session does not record, or has lost, without an error.
 */
export interface Warning {
  /**
   * The kind of warning: "missing-table", "no-key", "null-key", "virtual-table", "shadow-table", "schema-changed";
   * "other-writer". More kinds may be added.
   */
  kind: string;
  /**
   * The table; empty if the warning concerns the whole database.
   */
  table: string;
  /**
   * A message in English.
   */
  message: string;
}
/**
 * The state of a session.
 */
export interface SessionState {
  /**
   * The handle.
   */
  h: Handle;
  /**
   * The recorded database.
   */
  dbname: string;
  /**
   * The names of the attached tables; "*" stands for all tables.
   */
  tables: Array<string>;
  /**
   * Whether the session records.
   */
  enabled: boolean;
  /**
   * Whether changes are marked as indirect.
   */
  indirect: boolean;
  /**
   * Whether no change was recorded.
   */
  empty: boolean;
  /**
   * The used memory in bytes.
   */
  bytes: bigint;
}

export interface Functions {
  /**
   * Makes a session for the database `dbname`: "main", "temp" or the name of an attached database. It records nothing
   * until a table is attached.
   *
   * Fails with code 1 (`SQLITE_ERROR`) if no such database is attached; the message lists the attached databases. The
   * caller owns the session and ends it with `delete`.
   *
   * C: `sqlite3session_create`.
   */
  create(dbname: string): Handle;
  /**
   * Starts recording changes of `table`. If `table` is none, records all tables of the database, including tables that
   * are created later. Attaching a table twice has no effect.
   *
   * Fails with code 27 (`SQLITE_NOTICE`) if the table is attached but is not recorded now, because it does not exist
   * or has no PRIMARY KEY. It is recorded once it has a key. This is not reported if `table` is none.
   *
   * C: `sqlite3session_attach`.
   */
  attach(h: Handle, table: string | undefined): void;
  /**
   * Returns the changes recorded so far as a changeset: for each changed row, the difference between its state before
   * the first change and its current state. The changeset is empty if there is no net change. The session continues to
   * record.
   *
   * May be called while a statement writes. The changeset then contains the changes that the statement has made so
   * far.
   *
   * Fails with code 17 (`SQLITE_SCHEMA`) if a recorded table was dropped, renamed or lost a column; `take` works in
   * that case. Fails with code 18 (`SQLITE_TOOBIG`) if the changeset does not fit in the caller's memory.
   *
   * C: `sqlite3session_changeset`. Format: https://www.sqlite.org/session/sqlite3changeset_new.html and the comment at
   * the beginning of sqlite3session.c.
   */
  changeset(h: Handle): Uint8Array;
  /**
   * Ends the session and frees its changes.
   *
   * Fails with code 12 (`SQLITE_NOTFOUND`) if the session belonged to this connection and was already deleted.
   *
   * C: `sqlite3session_delete`.
   */
  delete(h: Handle): void;
  /**
   * Makes a session as `create` does, with options.
   *
   * C: `sqlite3session_create`, `sqlite3session_object_config`.
   */
  createWith(dbname: string, options: SessionFlags): Handle;
  /**
   * Returns the changes recorded so far as a patchset, which has old values only for keys.
   *
   * C: `sqlite3session_patchset`.
   */
  patchset(h: Handle): Uint8Array;
  /**
   * Returns the changeset and empties the session. The tables stay attached. On an error, the session keeps its
   * changes.
   *
   * If a recorded table was dropped, renamed or lost a column, the call returns only the changes recorded before that,
   * and the next call returns the others.
   */
  take(h: Handle): Uint8Array;
  /**
   * Starts (true) or stops (false) recording if `on` is given. Returns whether the session records. Changes of a row
   * that was first changed while recording was stopped are not recorded.
   *
   * C: `sqlite3session_enable`.
   */
  enable(h: Handle, on: boolean | undefined): boolean;
  /**
   * Sets whether later changes are marked as indirect (true) or direct (false) if `on` is given. Returns the current
   * setting. Changes by triggers and foreign key actions are always indirect.
   *
   * C: `sqlite3session_indirect`.
   */
  indirect(h: Handle, on: boolean | undefined): boolean;
  /**
   * Returns whether no change was recorded. If it returns false, the changeset may still be empty, because the changes
   * may have been undone.
   *
   * C: `sqlite3session_isempty`.
   */
  isEmpty(h: Handle): boolean;
  /**
   * Returns the memory that the session uses, in bytes.
   *
   * C: `sqlite3session_memory_used`.
   */
  memoryUsed(h: Handle): bigint;
  /**
   * Returns an upper bound of the changeset's size in bytes. Fails with code 21 (`SQLITE_MISUSE`) if the session was
   * not created with `size`.
   *
   * C: `sqlite3session_changeset_size`.
   */
  changesetSize(h: Handle): bigint;
  /**
   * Records the changes that turn `table` of database `from-db` into the table of the same name in the session's
   * database. Both tables must have the same columns and key.
   *
   * C: `sqlite3session_diff`.
   */
  diff(h: Handle, fromDb: string, table: string): void;
  /**
   * Selects the tables to record if all tables are attached (`attach` with none). A table is recorded if its name
   * matches a GLOB pattern in `globs`, or if there are no such patterns. A pattern that begins with "!" excludes
   * tables. The patterns apply when a table is first changed.
   *
   * C: `sqlite3session_table_filter`.
   */
  filter(h: Handle, globs: Array<string>): void;
  /**
   * Returns warnings of changes that are currently not recorded, such as those of tables without a PRIMARY KEY, of
   * rows with NULL in the key, and of other connections.
   */
  warnings(h: Handle): Array<Warning>;
  /**
   * Returns the sessions that the component can use, oldest first.
   */
  sessions(): Array<SessionState>;
}
