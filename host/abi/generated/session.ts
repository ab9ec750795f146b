// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqliteError = import('./types.js').SqliteError;
/**
 * Names one session. Handles are unique among all connections of the process, positive, below 2^63 and
 * never used again, so one can be kept in a table.
 *
 * Every function that takes a handle fails with code 21 (`SQLITE_MISUSE`) and a sentence if it names
 * no session of this connection: never made, deleted, or another connection's.
 */
export type Handle = bigint;
/**
 * What a session can be told when it is made.
 */
export interface SessionFlags {
  /**
   * Records tables without a PRIMARY KEY too, by their rowid, which becomes a first column `_rowid_`
   * (`SQLITE_SESSION_OBJCONFIG_ROWID`).
   */
  rowid?: boolean;
  /**
   * Keeps count for `changeset-size` (`SQLITE_SESSION_OBJCONFIG_SIZE`).
   */
  size?: boolean;
}
/**
 * Something that a session leaves out, or has lost, without an error.
 */
export interface Warning {
  /**
   * What it is, in a word: "missing-table", "no-key", "null-key", "virtual-table", "shadow-table";
   * "schema-changed", "other-writer". There may be more.
   */
  kind: string;
  /**
   * The table; empty if it concerns the whole database.
   */
  table: string;
  /**
   * One sentence in English for a person.
   */
  message: string;
}
/**
 * A session, as it stands.
 */
export interface SessionState {
  /**
   * Its handle.
   */
  h: Handle;
  /**
   * The database whose changes it records.
   */
  dbname: string;
  /**
   * The tables attached by name; "*" among them if all are.
   */
  tables: Array<string>;
  /**
   * Whether it records.
   */
  enabled: boolean;
  /**
   * Whether it marks changes as indirect.
   */
  indirect: boolean;
  /**
   * Whether nothing was recorded.
   */
  empty: boolean;
  /**
   * Bytes of memory that it uses.
   */
  bytes: bigint;
}

export interface Functions {
  /**
   * Makes a session that records changes in the database `dbname`: "main", "temp", or the name it was
   * attached by. Nothing is recorded until a table is attached.
   *
   * Fails with code 1 (`SQLITE_ERROR`) if no such database is attached; the message lists those that
   * are. The caller owns the session and ends it with `delete`.
   *
   * C: `sqlite3session_create`.
   */
  create(dbname: string): Handle;
  /**
   * Starts recording changes to `table`, or to every table of the database, those made later included,
   * if `table` is none. Attaching a table twice does no harm.
   *
   * Fails with code 27 (`SQLITE_NOTICE`) if the table is attached but records nothing now:
   * it does not exist yet, or has no PRIMARY KEY. It records from the moment it has one. With none as
   * `table` this is never reported.
   *
   * C: `sqlite3session_attach`.
   */
  attach(h: Handle, table: string | undefined): void;
  /**
   * The changes recorded so far, as a changeset: per row the difference between its state when it was
   * first touched and its state now. Empty if nothing changed in the end. The session goes on recording.
   *
   * May be called while a statement writes: the changeset then shows what has been written so far.
   *
   * Fails with code 17 (`SQLITE_SCHEMA`) if a recorded table was dropped, renamed or lost a column, for which
   * there is `take`, and with code 18 (`SQLITE_TOOBIG`) if the changeset does not fit the caller's memory.
   *
   * C: `sqlite3session_changeset`. Format: https://www.sqlite.org/session/sqlite3changeset_new.html and
   * the head of sqlite3session.c.
   */
  changeset(h: Handle): Uint8Array;
  /**
   * Ends the session and frees what it recorded.
   *
   * Fails with code 12 (`SQLITE_NOTFOUND`) if the handle was this connection's and is deleted already.
   *
   * C: `sqlite3session_delete`.
   */
  delete(h: Handle): void;
  /**
   * As `create`, with options: SQLite wants them before the first table is attached.
   *
   * C: `sqlite3session_create`, `sqlite3session_object_config`.
   */
  createWith(dbname: string, options: SessionFlags): Handle;
  /**
   * The changes recorded so far, as a patchset: without the old values, except of keys.
   *
   * C: `sqlite3session_patchset`.
   */
  patchset(h: Handle): Uint8Array;
  /**
   * The changeset, and a fresh start: what it holds is forgotten, the tables stay attached. On an error
   * nothing is forgotten.
   *
   * If a recorded table was dropped, renamed or lost a column, what was recorded before that comes by itself, and
   * what came after with the next call.
   */
  take(h: Handle): Uint8Array;
  /**
   * Starts (true) or stops (false) recording, if `on` is given. Returns whether it records now. A row that
   * was touched while it did not record is left out; one recorded before shows its state now.
   *
   * C: `sqlite3session_enable`.
   */
  enable(h: Handle, on: boolean | undefined): boolean;
  /**
   * Marks what is recorded from now on as indirect (true) or direct (false), if `on` is given. Returns what
   * it does now. What triggers and foreign key actions do is indirect anyway.
   *
   * C: `sqlite3session_indirect`.
   */
  indirect(h: Handle, on: boolean | undefined): boolean;
  /**
   * Whether nothing was recorded. False does not mean that the changeset has changes: they may have been
   * undone.
   *
   * C: `sqlite3session_isempty`.
   */
  isEmpty(h: Handle): boolean;
  /**
   * Bytes of memory that the session uses.
   *
   * C: `sqlite3session_memory_used`.
   */
  memoryUsed(h: Handle): bigint;
  /**
   * The most bytes that the changeset can have. Fails with code 21 (`SQLITE_MISUSE`) if the session was not
   * made with `size`.
   *
   * C: `sqlite3session_changeset_size`.
   */
  changesetSize(h: Handle): bigint;
  /**
   * Records what would turn the table of database `from-db` into the session's own one of the same name. Both
   * must have the same columns and key.
   *
   * C: `sqlite3session_diff`.
   */
  diff(h: Handle, fromDb: string, table: string): void;
  /**
   * With every table attached (`attach` with none): records those whose name matches one of `globs`, as the
   * GLOB operator does, and none of those that begin with "!". Without any, all. Decided when a table is
   * first changed.
   *
   * C: `sqlite3session_table_filter`.
   */
  filter(h: Handle, globs: Array<string>): void;
  /**
   * What is left out at present: tables without a PRIMARY KEY, rows with a NULL in it, what another connection
   * wrote, and the like.
   */
  warnings(h: Handle): Array<Warning>;
  /**
   * The sessions of this connection, oldest first.
   */
  sessions(): Array<SessionState>;
}
