/** Sessions in code, shaped as `Session` of `node:sqlite`. */

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

/** What a session or a capture uses of its database. */
export interface RecordedDatabase {
  readonly open: OpenDatabase;
  /** The database's open state, if it is open. */
  now(): OpenDatabase | undefined;
}

/** Only this file has it: `new Session()` in a program throws. */
const own = Symbol('made by a database');
let construct: (owner: RecordedDatabase, handle: bigint) => Session;

/** Records changes from its creation on. Made by {@link DatabaseSync.createSession}; ends with its database. */
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
    construct = (owner, handle) => new Session(own, owner, handle);
  }

  /**
   * What was recorded so far, old values included; empty if nothing changed in the end. The caller owns the
   * bytes. C: `sqlite3session_changeset`.
   *
   * @throws Error (ERR_INVALID_STATE) if the session or its database is closed
   * @throws SqliteError (SQLITE_SCHEMA) if a recorded table was dropped, renamed or lost a column: see `take`
   */
  changeset(): Uint8Array<ArrayBuffer> {
    return this.#read('changeset');
  }

  /** The same without old values. C: `sqlite3session_patchset`. */
  patchset(): Uint8Array<ArrayBuffer> {
    return this.#read('patchset');
  }

  /**
   * Returns the changeset and starts again: what it holds is forgotten, tables and settings stay. If it throws,
   * nothing is forgotten. If a recorded table was dropped, renamed or lost a column, it returns only what was recorded
   * before that, and the next call returns the rest; {@link Capture} also keeps the statements.
   */
  take(): Uint8Array<ArrayBuffer> {
    const sessions = this.#open();
    return this.#owner.open.run(() => sessions.take(this.#handle));
  }

  /**
   * The changeset as it is now, as a stream. It is never completely in memory: what the reader has not taken yet waits in
   * a temporary file if it has more than a MiB. C: `sqlite3session_changeset_strm`.
   */
  changesetStream(): ReadableStream<Uint8Array> {
    return this.#stream('changeset');
  }

  /** The same without old values. C: `sqlite3session_patchset_strm`. */
  patchsetStream(): ReadableStream<Uint8Array> {
    return this.#stream('patchset');
  }

  /**
   * Returns the changeset in pieces of some KiB, so that it is never completely in memory. The caller owns each piece.
   * Meanwhile the database can only be read, and the session not at all.
   * C: `sqlite3session_changeset_strm`, `sqlite3session_patchset_strm`.
   */
  writeTo(take: (piece: Uint8Array) => void, kind: ChangesetKind = 'changeset'): void {
    checkArgument('take', take, 'function');
    const sessions = this.#open();
    this.#owner.open.run(() => sessions.stream(this.#handle, kind, (piece) => take(piece.slice())));
  }

  /**
   * Starts recording a table, or every table if there is no argument. C: `sqlite3session_attach`.
   *
   * @returns false if the table is attached but currently records nothing; `warnings` say why
   */
  attach(table?: string): boolean {
    if (table !== undefined) checkArgument('table', table, 'string');
    return this.#open().attach(this.#handle, table ?? null);
  }

  /** Whether it records. Rows touched while it does not are left out. C: `sqlite3session_enable`. */
  get enabled(): boolean {
    return this.#open().enable(this.#handle);
  }
  set enabled(on: boolean) {
    checkArgument('enabled', on, 'boolean');
    this.#open().enable(this.#handle, on);
  }

  /** Whether changes are marked as indirect, as those of triggers always are. C: `sqlite3session_indirect`. */
  get indirect(): boolean {
    return this.#open().indirect(this.#handle);
  }
  set indirect(on: boolean) {
    checkArgument('indirect', on, 'boolean');
    this.#open().indirect(this.#handle, on);
  }

  /** Whether nothing was recorded, even if it was undone since. C: `sqlite3session_isempty`. */
  get isEmpty(): boolean {
    return this.#open().isEmpty(this.#handle);
  }

  /** Bytes of memory in use. C: `sqlite3session_memory_used`. */
  get memoryUsed(): number {
    return this.#open().memoryUsed(this.#handle);
  }

  /** The most bytes the changeset can have. C: `sqlite3session_changeset_size`. @throws SqliteError without `size` */
  get changesetSize(): number {
    return this.#open().changesetSize(this.#handle);
  }

  /**
   * Records what turns the table of database `from`, an attached one, into this session's.
   * C: `sqlite3session_diff`.
   *
   * @throws SqliteError (SQLITE_SCHEMA) if the tables differ in columns or key
   */
  diff(from: string, table: string): void {
    checkArgument('from', from, 'string');
    checkArgument('table', table, 'string');
    const sessions = this.#open();
    this.#owner.open.run(() => sessions.diff(this.#handle, from, table));
  }

  /** What is currently silently left out: tables without a key, rows with NULL in it, and so on. */
  warnings(): Warning[] {
    return this.#open().warnings(this.#handle);
  }

  /**
   * Ends the session. C: `sqlite3session_delete`.
   *
   * @throws Error (ERR_INVALID_STATE) if it is closed, or a callback of its database is running
   */
  close(): void {
    const sessions = this.#there();
    if (this.#owner.open.running > 0) throw invalidState('session cannot be closed while in a callback');
    sessions.delete(this.#handle);
  }

  /** Ends the session unless it is closed already or a callback of its database is running. */
  [Symbol.dispose](): void {
    const { open } = this.#owner;
    if (this.#owner.now() !== open || open.running > 0) return;
    if (sessionsOfUser(open.connection).has(this.#handle)) this.close();
  }

  #read(kind: ChangesetKind): Uint8Array<ArrayBuffer> {
    const sessions = this.#open();
    // Generated columns are computed for it, by functions that may call back.
    return this.#owner.open.run(() => sessions.changeset(this.#handle, kind));
  }

  #stream(kind: ChangesetKind): ReadableStream<Uint8Array> {
    const sessions = this.#open();
    return readable((take) => this.#owner.open.run(() => sessions.stream(this.#handle, kind, take)));
  }

  /** The sessions, for operations that may run SQL. */
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

/** What a session records, and how. */
export interface SessionCreation {
  /** The one table to record. */
  table?: string;
  /** The tables to record; all by default. */
  tables?: readonly string[];
  /** The database: 'main', 'temp' or an attached one. */
  db?: string;
  /**
   * If all tables are recorded: only those for which it returns true, or whose names match the globs (`!glob`: not). SQLite
   * calls it in the middle of a change: it can run only SQL that reads.
   */
  filter?: ((table: string) => boolean) | readonly string[];
  /** Records tables without a PRIMARY KEY too, by rowid, as a first column `_rowid_`. */
  rowid?: boolean;
  /** Counts bytes for {@link Session.changesetSize}. */
  size?: boolean;
  /** Marks changes as indirect. */
  indirect?: boolean;
  /** If false, recording starts when {@link Session.enabled} is set. */
  enabled?: boolean;
  /** `refuse`: throws if a table or row would be silently left out. */
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

/** @returns the session, and what to do once it is garbage-collected, which may not refer to the session */
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

/** Checks the options that say which tables are recorded. @throws TypeError */
export function checkTables({ tables, filter }: Pick<SessionCreation, 'tables' | 'filter'>): void {
  if (tables !== undefined && !isTexts(tables)) {
    throw invalidType('The "options.tables" argument must be an array of strings.');
  }
  if (filter !== undefined && typeof filter !== 'function' && !isTexts(filter)) {
    throw invalidType('The "options.filter" argument must be a function or an array of strings.');
  }
}
