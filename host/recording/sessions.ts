/** The sessions of an owner, by handles that cannot be mistaken for pointers. */

import { SQLITE_ERROR, SQLITE_FULL, SQLITE_MISUSE, SQLITE_OK } from '../core/constants.js';
import { errorText, type SqliteError, sqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { type Owner, ownersOf } from '../kernel/owner.js';
import { hasKey, recordingWarnings, schemaWarnings, tableShape, type Warning } from '../kernel/schema.js';
import { readsOnly } from '../kernel/statement-rules.js';
import { globsInclude, oncePerTable } from '../kernel/table-filters.js';
import type { ChangesetKind, SessionOptions } from './c-session.js';
import { collatedKeyChanges, hasCollatedKey, spelledOtherwise } from './collated-keys.js';
import { Recording } from './recording.js';
import { Handles, type Kind, wasUsers } from './session-handles.js';

/** The current state of a session. */
export interface SessionState {
  readonly handle: bigint;
  readonly database: string;
  /** The names of the attached tables; '*' stands for all tables. */
  readonly tables: readonly string[];
  readonly enabled: boolean;
  readonly indirect: boolean;
  readonly empty: boolean;
  /** The used memory in bytes. */
  readonly bytes: number;
}

/** The maximum number of sessions of an owner on a connection. The limit turns a leak into an error. */
export const maxSessions = 10_000;

const whileFiltering = "while a session's filter is running";

/** The number of running filters on a connection. SQLite calls a filter in the middle of a session operation. */
const filteringOn = (): { running: number } => ({ running: 0 });

const makeSessions = ({ connection, isUser }: Owner): SessionRegistry =>
  new SessionRegistry(connection, isUser ? 'user' : 'component');

/** Returns the sessions of an owner. Another owner cannot access them, unless it was granted the user's sessions. */
export function sessionsOf(owner: Owner): SessionRegistry {
  return owner.part(makeSessions);
}

export function sessionsOfUser(connection: Connection): SessionRegistry {
  return sessionsOf(ownersOf(connection).user);
}

export class SessionRegistry implements Disposable {
  readonly #connection: Connection;
  readonly #recordings = new Map<bigint, Recording>();
  readonly #filtering: { running: number };
  readonly #kind: Kind;
  readonly #handles: Handles;

  /** @param kind the kind of the owner */
  constructor(connection: Connection, kind: Kind) {
    this.#connection = connection;
    this.#filtering = connection.part(filteringOn);
    this.#kind = kind;
    this.#handles = new Handles(kind);
  }

  /**
   * Makes a session on database `name`: "main", "temp" or an attached database. C: `sqlite3session_create`.
   *
   * @returns the handle, positive and below 2^53
   * @throws SqliteError (SQLITE_ERROR) if no such database is attached, (SQLITE_FULL) if the owner has 10,000
   *   sessions
   */
  create(name: string, options: SessionOptions = {}): bigint {
    this.#refuseInFilter('created');
    const attached = this.#databases();
    if (!attached.some((known) => known.toLowerCase() === name.toLowerCase())) {
      throw sqliteError(SQLITE_ERROR, `unknown database ${quoted(name)}; attached are ${list(attached)}`);
    }
    if (this.#recordings.size >= maxSessions) {
      throw sqliteError(
        SQLITE_FULL,
        `the ${this.#kind === 'user' ? 'connection' : 'component'} already has ${maxSessions} sessions: delete unused ones`,
      );
    }
    const handle = this.#handles.next();
    if (handle === undefined) {
      throw sqliteError(SQLITE_FULL, 'this thread has used all of its session handles');
    }
    this.#recordings.set(handle, new Recording(this.#connection, name, options));
    return handle;
  }

  /**
   * Starts recording `table`, or all tables if it is null. C: `sqlite3session_attach`.
   *
   * @returns false if no changes of the table are currently recorded, because it does not exist or has no primary key
   */
  attach(handle: bigint, table: string | null): boolean {
    const recording = this.#idle(handle, 'attached');
    recording.attach(table);
    if (table === null) return true;
    const shape = tableShape(this.#connection, recording.database, table);
    if (!shape) return table.toLowerCase() === 'sqlite_stat1';
    if (hasKey(table, shape)) return true;
    return recording.options.rowid === true && shape.kind === 'table' && !shape.hidesRowid;
  }

  /** See {@link CSession.read}. @throws SqliteError (SQLITE_SCHEMA) if a table was dropped, renamed or lost a column */
  read<T>(handle: bigint, kind: ChangesetKind, use: (bytes: Uint8Array) => T): T {
    return this.#idle(handle, 'read').read(kind, use);
  }

  /** Returns the recorded changes; empty if there is no net change. */
  changeset(handle: bigint, kind: ChangesetKind = 'changeset'): Uint8Array<ArrayBuffer> {
    return this.read(handle, kind, (bytes) => bytes.slice());
  }

  /**
   * Returns the changeset and empties the session, which keeps its tables, filter and state. If it throws, the session
   * keeps its changes. If a recorded table was dropped, renamed or lost a column, the call returns only the changes
   * recorded before that, and the next call returns the others.
   *
   * @param check may throw an exception; the session then keeps its changes
   */
  take(handle: bigint, check?: (bytes: Uint8Array) => void): Uint8Array<ArrayBuffer> {
    return this.#idle(handle, 'taken').take(check);
  }

  /** Removes the recorded changes. The session keeps its settings, and the data for {@link warnings}. */
  forget(handle: bigint): void {
    this.#idle(handle, 'taken').forget();
  }

  /** See {@link CSession.stream}. */
  stream(handle: bigint, kind: ChangesetKind, take: (piece: Uint8Array) => void): void {
    this.#idle(handle, 'read').stream(kind, take);
  }

  /** Starts or stops recording if `on` is given. Returns whether the session records. C: `sqlite3session_enable`. */
  enable(handle: bigint, on?: boolean): boolean {
    return this.#recording(handle).enable(on);
  }

  /** Marks changes as indirect or direct if `on` is given. Returns the setting. C: `sqlite3session_indirect`. */
  indirect(handle: bigint, on?: boolean): boolean {
    return this.#recording(handle).indirect(on);
  }

  /** Whether no change was recorded, not even one that was undone later. C: `sqlite3session_isempty`. */
  isEmpty(handle: bigint): boolean {
    return this.#recording(handle).isEmpty;
  }

  /** The used memory in bytes. C: `sqlite3session_memory_used`. */
  memoryUsed(handle: bigint): number {
    return this.#recording(handle).memoryUsed;
  }

  /** The C session's upper bound of the size. @throws SqliteError (SQLITE_MISUSE) without the option `size` */
  changesetSize(handle: bigint): number {
    const recording = this.#recording(handle);
    if (recording.options.size) return recording.changesetSize;
    throw sqliteError(
      SQLITE_MISUSE,
      `session ${handle} does not count its size: create it with the option size`,
    );
  }

  /**
   * Records the changes that turn a table of database `from` into the table of the session's database. C:
   * `sqlite3session_diff`.
   *
   * @throws SqliteError (SQLITE_SCHEMA) if the two tables differ in columns or key
   */
  diff(handle: bigint, from: string, table: string): void {
    const recording = this.#idle(handle, 'filled');
    if (!this.attach(handle, table)) return; // no error, as in C, so that a loop over all tables can continue
    const { code, said } = recording.diff(from, table);
    if (code === SQLITE_OK) return;
    throw sqliteError(code, `diff of ${table} from ${quoted(from)}: ${said ?? errorText(code)}`);
  }

  /**
   * Sets a filter for a session that records all tables: only tables for which it returns true are recorded. It is
   * called once for each table, when the table first changes. SQLite is then in the middle of a change, so the filter
   * can run only SQL that reads. The call that runs the statement rethrows an exception of the filter. C:
   * `sqlite3session_table_filter`.
   */
  filter(handle: bigint, filter: (table: string) => boolean): void {
    const rule = readsOnly(whileFiltering);
    const connection = this.#connection;
    const wanted = (table: string): boolean => {
      this.#filtering.running += 1;
      try {
        return connection.ruled(rule, () => filter(table));
      } finally {
        this.#filtering.running -= 1;
      }
    };
    this.#recording(handle).filter(oncePerTable(wanted));
  }

  /** Sets GLOB patterns as the filter. A pattern that begins with "!" excludes tables. */
  filterByGlobs(handle: bigint, globs: readonly string[]): void {
    const { core } = this.#connection.engine;
    const kept = [...globs];
    this.filter(handle, (table) => globsInclude(core, kept, table));
  }

  /** Warns of changes that the session silently does not record. */
  warnings(handle: bigint): Warning[] {
    const recording = this.#idle(handle, 'asked for its warnings');
    const { tables, database, options } = recording;
    const found = schemaWarnings(this.#connection, database, recording.columns, recording.hasParts);
    if (recording.hasOtherWriter) {
      const message =
        'another connection wrote to the database: its changes are not recorded, and rows that both connections wrote have their current values';
      found.push({ kind: 'other-writer', table: '', message });
    }
    for (const table of tables) {
      found.push(...recordingWarnings(this.#connection, database, table, options.rowid ?? false));
    }
    const isCollated = (table: string): boolean => hasCollatedKey(this.#connection, database, table);
    if (!recording.hasParts && !recording.isEmpty && [...recording.columns.keys()].some(isCollated)) {
      const spelled = recording.read('changeset', (bytes) => collatedKeyChanges(bytes.slice(), isCollated));
      found.push(...[...spelled].map(spelledOtherwise));
    }
    return found.filter(
      ({ kind, table }, i) => found.findIndex((w) => w.kind === kind && w.table === table) === i,
    );
  }

  /** The owner's sessions, oldest first. */
  list(): SessionState[] {
    return [...this.#recordings].map(([handle, { database, tables }]) => ({
      handle,
      database,
      tables: tables.map((table) => table ?? '*'),
      enabled: this.enable(handle),
      indirect: this.indirect(handle),
      empty: this.isEmpty(handle),
      bytes: this.memoryUsed(handle),
    }));
  }

  /** Ends the session. C: `sqlite3session_delete`. @returns false if this owner's session was already deleted */
  delete(handle: bigint): boolean {
    const recording = this.#recordings.get(handle);
    if (!recording) {
      if (this.gave(handle)) return false;
      throw this.unknown(handle);
    }
    this.#idle(handle, 'deleted');
    this.#recordings.delete(handle);
    recording.end();
    return true;
  }

  #refuseInFilter(what: string): void {
    if (this.#filtering.running === 0) return;
    throw sqliteError(SQLITE_MISUSE, `a session cannot be ${what} ${whileFiltering}`);
  }

  /** Returns the recording. @throws SqliteError in a filter, or while the session itself is being read */
  #idle(handle: bigint, what: string): Recording {
    this.#refuseInFilter(what);
    const recording = this.#recording(handle);
    if (!recording.isBusy) return recording;
    throw sqliteError(SQLITE_MISUSE, `session ${handle} cannot be ${what} in its own callback`);
  }

  /** Whether the handle belongs to an existing session of this owner. */
  has(handle: bigint): boolean {
    return this.#recordings.has(handle);
  }

  /** Whether the handle belongs to an existing or deleted session of this owner. */
  gave(handle: bigint): boolean {
    return this.#handles.gave(handle);
  }

  /** Ends all sessions when the owner ends. */
  [Symbol.dispose](): void {
    for (const recording of this.#recordings.values()) recording.end();
    this.#recordings.clear();
  }

  #recording(handle: bigint): Recording {
    const recording = this.#recordings.get(handle);
    if (!recording) throw this.unknown(handle);
    return recording;
  }

  /**
   * Makes the error for a handle that belongs to no session of this owner. It tells a component nothing about sessions
   * of others.
   *
   * @param more text for handles that never belonged to this owner
   */
  unknown(handle: bigint, more = ''): SqliteError {
    if (this.gave(handle)) return sqliteError(SQLITE_MISUSE, `session ${handle} was already deleted`);
    if (this.#kind === 'user' && !this.#handles.isOwn(handle) && wasUsers(handle)) {
      return sqliteError(
        SQLITE_MISUSE,
        `session ${handle} belongs to another connection: use it on the connection that created it`,
      );
    }
    return sqliteError(SQLITE_MISUSE, `unknown session ${handle}: a handle comes from session_create${more}`);
  }

  #databases(): string[] {
    const { engine, db } = this.#connection;
    const names: string[] = [];
    for (let i = 0; ; i++) {
      const name = engine.core.memory.cString(engine.core.c.sqlite3_db_name(db, i));
      if (name === null) return names;
      names.push(name);
    }
  }
}

function quoted(name: string): string {
  return `'${name.replaceAll("'", "''")}'`;
}

function list(names: string[]): string {
  return names.map(quoted).join(', ');
}
