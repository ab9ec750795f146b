/** Sessions with the interface of `Session` of `node:sqlite`. */

import { readable } from '../applying/changeset-streams.js';
import { refusal } from '../core/errors.js';
import {
  checkArgument,
  checkOptions,
  illegalConstructor,
  invalidState,
  invalidType,
  invalidValue,
} from '../kernel/arguments.js';
import type { Warning } from '../kernel/schema.js';
import type { ChangesetKind } from '../recording/c-session.js';
import { type SessionRegistry, sessionsOfUser } from '../recording/sessions.js';
import { refuseInAuthorizer } from './authorizer.js';
import type { OpenDatabase } from './open-database.js';

/** The part of a database that a session or capture uses. */
export interface RecordedDatabase {
  readonly open: OpenDatabase;
  /** The current open state of the database; undefined if it is closed. */
  now(): OpenDatabase | undefined;
}

/** Known only to this file, so that `new Session()` throws in a program. */
const own = Symbol('made by a database');
let construct: (owner: RecordedDatabase, handle: bigint) => Session;

/** Records changes. {@link DatabaseSync.createSession} makes sessions, and they end with the database. */
export class Session implements Disposable {
  readonly #owner: RecordedDatabase;
  readonly #handle: bigint;

  /** @throws Error (ERR_ILLEGAL_CONSTRUCTOR) if a program calls it: {@link DatabaseSync.createSession} makes sessions */
  private constructor(token: symbol, owner: RecordedDatabase, handle: bigint) {
    if (token !== own) throw illegalConstructor();
    this.#owner = owner;
    this.#handle = handle;
  }

  static {
    construct = (owner, handle) => new this(own, owner, handle);
  }

  /**
   * Returns the recorded changes as a changeset; empty if there is no net change. The caller owns the bytes. C:
   * `sqlite3session_changeset`.
   *
   * @throws Error (ERR_INVALID_STATE) if the session or its database is closed
   * @throws SqliteError (SQLITE_SCHEMA) if a recorded table was dropped, renamed or lost a column; see {@link take}
   */
  changeset(): Uint8Array<ArrayBuffer> {
    return this.#read('changeset');
  }

  /** Returns the recorded changes as a patchset, without old values. C: `sqlite3session_patchset`. */
  patchset(): Uint8Array<ArrayBuffer> {
    return this.#read('patchset');
  }

  /**
   * Returns the changeset and empties the session, which keeps its tables and settings. If it throws, the session keeps
   * its changes. If a recorded table was dropped, renamed or lost a column, the call returns only the changes recorded
   * before that, and the next call returns the others. {@link Capture} also records the statements that change the
   * schema.
   */
  take(): Uint8Array<ArrayBuffer> {
    const sessions = this.#open();
    return this.#owner.open.run(() => sessions.take(this.#handle));
  }

  /**
   * Returns the current changeset as a stream. If the unread part exceeds 1 MiB, it is kept in a temporary file. C:
   * `sqlite3session_changeset_strm`.
   */
  changesetStream(): ReadableStream<Uint8Array> {
    return this.#stream('changeset');
  }

  /** Returns the current patchset as a stream. C: `sqlite3session_patchset_strm`. */
  patchsetStream(): ReadableStream<Uint8Array> {
    return this.#stream('patchset');
  }

  /**
   * Passes the changeset to `take` in pieces of a few KiB, so that it is never completely in memory. The caller owns
   * each piece. While `take` runs, SQL can only read the database, and the session cannot be used. C:
   * `sqlite3session_changeset_strm`, `sqlite3session_patchset_strm`.
   */
  writeTo(take: (piece: Uint8Array) => void, kind: ChangesetKind = 'changeset'): void {
    checkArgument('take', take, 'function');
    const sessions = this.#open();
    this.#owner.open.run(() => sessions.stream(this.#handle, kind, (piece) => take(piece.slice())));
  }

  /**
   * Starts recording a table, or all tables if `table` is omitted. C: `sqlite3session_attach`.
   *
   * @returns false if no changes of the table are currently recorded; {@link warnings} explains why
   */
  attach(table?: string): boolean {
    if (table !== undefined) checkArgument('table', table, 'string');
    return this.#open().attach(this.#handle, table ?? null);
  }

  /** Whether the session records. Changes made while it is false are not recorded. C: `sqlite3session_enable`. */
  get enabled(): boolean {
    return this.#open().enable(this.#handle);
  }
  set enabled(on: boolean) {
    checkArgument('enabled', on, 'boolean');
    this.#open().enable(this.#handle, on);
  }

  /** Whether changes are marked as indirect. Changes made by triggers always are. C: `sqlite3session_indirect`. */
  get indirect(): boolean {
    return this.#open().indirect(this.#handle);
  }
  set indirect(on: boolean) {
    checkArgument('indirect', on, 'boolean');
    this.#open().indirect(this.#handle, on);
  }

  /** Whether no change was recorded, not even one that was undone later. C: `sqlite3session_isempty`. */
  get isEmpty(): boolean {
    return this.#open().isEmpty(this.#handle);
  }

  /** The memory used by the session, in bytes. C: `sqlite3session_memory_used`. */
  get memoryUsed(): number {
    return this.#open().memoryUsed(this.#handle);
  }

  /**
   * An upper bound of the changeset's size in bytes. C: `sqlite3session_changeset_size`.
   *
   * @throws SqliteError if the session was created without `size`
   */
  get changesetSize(): number {
    return this.#open().changesetSize(this.#handle);
  }

  /**
   * Records the changes that turn a table of the attached database `from` into the table of the session's database. C:
   * `sqlite3session_diff`.
   *
   * @throws SqliteError (SQLITE_SCHEMA) if the tables differ in columns or key
   */
  diff(from: string, table: string): void {
    checkArgument('from', from, 'string');
    checkArgument('table', table, 'string');
    const sessions = this.#open();
    this.#owner.open.run(() => sessions.diff(this.#handle, from, table));
  }

  /** Warnings of changes that are silently not recorded, such as those of a table without a key. */
  warnings(): Warning[] {
    return this.#open().warnings(this.#handle);
  }

  /**
   * Ends the session. C: `sqlite3session_delete`.
   *
   * @throws Error (ERR_INVALID_STATE) if the session is closed, or a callback of its database is running
   */
  close(): void {
    const sessions = this.#there();
    if (this.#owner.open.running > 0) throw invalidState('session cannot be closed while in a callback');
    sessions.delete(this.#handle);
  }

  /** Ends the session unless it is already closed or a callback of its database is running. */
  [Symbol.dispose](): void {
    const { open } = this.#owner;
    if (this.#owner.now() !== open || open.running > 0) return;
    if (sessionsOfUser(open.connection).has(this.#handle)) this.close();
  }

  #read(kind: ChangesetKind): Uint8Array<ArrayBuffer> {
    const sessions = this.#open();
    // Making the changeset may compute generated columns, which may call functions of the user.
    return this.#owner.open.run(() => sessions.changeset(this.#handle, kind));
  }

  #stream(kind: ChangesetKind): ReadableStream<Uint8Array> {
    const sessions = this.#open();
    return readable((take) => this.#owner.open.run(() => sessions.stream(this.#handle, kind, take)));
  }

  /** Returns the sessions for operations that may run SQL. */
  #open(): SessionRegistry {
    refuseInAuthorizer(this.#owner.open.connection);
    return this.#there();
  }

  #there(): SessionRegistry {
    const { open } = this.#owner;
    const now = this.#owner.now();
    if (!now) throw invalidState('database is not open');
    open.connection.engine.refuseInLog();
    const sessions = sessionsOfUser(open.connection);
    if (now !== open || !sessions.has(this.#handle)) throw invalidState('session is not open');
    return sessions;
  }
}

/** Options of {@link DatabaseSync.createSession}. */
export interface SessionCreation {
  /** The only table to record. */
  table?: string;
  /** The tables to record; all by default. */
  tables?: readonly string[];
  /** The database: 'main' (the default), 'temp' or an attached database. */
  db?: string;
  /**
   * Selects the tables if all tables are recorded: a function that returns true, or GLOB patterns for names (`!glob`
   * excludes). SQLite calls the function in the middle of a change, so it can run only SQL that reads.
   */
  filter?: ((table: string) => boolean) | readonly string[];
  /** Also records tables without a PRIMARY KEY. Their rowid becomes a first column `_rowid_`. */
  rowid?: boolean;
  /** Enables {@link Session.changesetSize}. */
  size?: boolean;
  /** Marks changes as indirect. */
  indirect?: boolean;
  /** If false, recording starts when {@link Session.enabled} is set to true. */
  enabled?: boolean;
  /** With `refuse`, `createSession` throws if changes of a table or row would silently not be recorded. */
  onUnrecorded?: 'ignore' | 'refuse';
}

const sessionOptionKinds = {
  table: 'string',
  tables: 'any',
  db: 'string',
  filter: 'any',
  rowid: 'boolean',
  size: 'boolean',
  indirect: 'boolean',
  enabled: 'boolean',
  onUnrecorded: 'string',
} as const;

/**
 * @returns the session, and a function to call after the session is garbage-collected. The function does not refer to
 *   the session.
 */
export function createSession(
  owner: RecordedDatabase,
  options: SessionCreation,
): { session: Session; forget: () => void } {
  checkOptions(options, sessionOptionKinds);
  const { tables, filter, onUnrecorded } = options;
  checkTables(options);
  if (onUnrecorded !== undefined && !['ignore', 'refuse'].includes(onUnrecorded)) {
    throw invalidValue("The \"options.onUnrecorded\" argument must be 'ignore' or 'refuse'.");
  }
  const { connection } = owner.open;
  const sessions = sessionsOfUser(connection);
  const { rowid = false, size = false } = options;
  const handle = sessions.create(options.db ?? 'main', { rowid, size });
  try {
    if (typeof filter === 'function') sessions.filter(handle, (table) => Boolean(filter(table)));
    else if (filter) sessions.filterByGlobs(handle, filter);
    for (const table of tables ?? [options.table ?? null]) sessions.attach(handle, table);
    if (options.indirect) sessions.indirect(handle, true);
    if (options.enabled === false) sessions.enable(handle, false);
    const [warning] = onUnrecorded === 'refuse' ? sessions.warnings(handle) : [];
    if (warning) throw refusal(warning.message);
  } catch (error) {
    sessions.delete(handle);
    throw error;
  }
  const forget = (): void => {
    if (sessions.has(handle)) sessions.delete(handle);
  };
  return { session: construct(owner, handle), forget };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

/** Checks the options `tables` and `filter`. @throws TypeError if one is wrong */
export function checkTables({ tables, filter }: Pick<SessionCreation, 'tables' | 'filter'>): void {
  if (tables !== undefined && !isTexts(tables)) {
    throw invalidType('The "options.tables" argument must be an array of strings.');
  }
  if (filter !== undefined && typeof filter !== 'function' && !isTexts(filter)) {
    throw invalidType('The "options.filter" argument must be a function or an array of strings.');
  }
}
