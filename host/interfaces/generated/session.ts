// Generated from the WIT by scripts/bindings.ts: do not edit.

export type SqliteError = import('./types.js').SqliteError;
/**
 * Names one session. Handles are unique among all connections of the process, positive, below 2^63 and
 * never used again, so one can be kept in a table.
 *
 * Every function that takes a handle fails with code 21 (`SQLITE_MISUSE`) and a sentence where it names
 * no session of this connection: never made, deleted, or another connection's.
 */
export type Handle = bigint;

export interface Functions {
  /**
   * Makes a session that records changes in the database `dbname`: "main", "temp", or the name it was
   * attached by. Nothing is recorded until a table is attached.
   *
   * Fails with code 1 (`SQLITE_ERROR`) where no such database is attached; the message lists those that
   * are. The caller owns the session and ends it with `delete`.
   *
   * C: `sqlite3session_create`.
   */
  create(dbname: string): Handle;
  /**
   * Starts recording changes to `table`, or to every table of the database, those made later included,
   * where `table` is none. Attaching a table twice does no harm.
   *
   * Fails with code 27 (`SQLITE_NOTICE`) where the table is attached but records nothing as things stand:
   * it does not exist yet, or has no PRIMARY KEY. It records from the moment it has one. With none as
   * `table` this is never reported.
   *
   * C: `sqlite3session_attach`.
   */
  attach(h: Handle, table: string | undefined): void;
  /**
   * The changes recorded so far, as a changeset: per row the difference between its state when it was
   * first touched and its state now. Empty where nothing changed in the end. The session goes on recording.
   *
   * May be called while a statement writes: the changeset then shows what has been written so far.
   *
   * Fails with code 17 (`SQLITE_SCHEMA`) where a recorded table was dropped, renamed or lost a column, and
   * with code 18 (`SQLITE_TOOBIG`) where the changeset does not fit the caller's memory.
   *
   * C: `sqlite3session_changeset`. Format: https://www.sqlite.org/session/sqlite3changeset_new.html and
   * the head of sqlite3session.c.
   */
  changeset(h: Handle): Uint8Array;
  /**
   * Ends the session and frees what it recorded.
   *
   * Fails with code 12 (`SQLITE_NOTFOUND`) where the handle was this connection's and is deleted already.
   *
   * C: `sqlite3session_delete`.
   */
  delete(h: Handle): void;
}
