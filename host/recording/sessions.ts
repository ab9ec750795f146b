/** The registry of an owner's sessions: the C session API behind numbers that cannot be mistaken for pointers. */

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
  /** The tables attached by name; '*' among them if all are. */
  readonly tables: readonly string[];
  readonly enabled: boolean;
  readonly indirect: boolean;
  readonly empty: boolean;
  /** Of the memory it uses. */
  readonly bytes: number;
}

/** The most sessions that an owner can have on a connection, so that a leak ends in an error. */
export const maxSessions = 10_000;

const whileFiltering = "while a session's filter is running";

/** How many filters are running on a connection: SQLite is in the middle of a session there. */
const filteringOn = (): { running: number } => ({ running: 0 });

const makeSessions = ({ connection, isUser }: Owner): SessionRegistry =>
  new SessionRegistry(connection, isUser ? 'user' : 'component');

/** The sessions of an owner: nobody else names, counts or ends them, unless granted the user's. */
export function sessionsOf(owner: Owner): SessionRegistry {
  return owner.part(makeSessions);
}

/** The user's sessions on a connection. */
export function sessionsOfUser(connection: Connection): SessionRegistry {
  return sessionsOf(ownersOf(connection).user);
}

export class SessionRegistry implements Disposable {
  readonly #connection: Connection;
  readonly #recordings = new Map<bigint, Recording>();
  readonly #filtering: { running: number };
  readonly #kind: Kind;
  readonly #handles: Handles;

  /** @param kind whose the sessions are */
  constructor(connection: Connection, kind: Kind) {
    this.#connection = connection;
    this.#filtering = connection.part(filteringOn);
    this.#kind = kind;
    this.#handles = new Handles(kind);
  }

  /**
   * Makes a session on database `name`: "main", "temp" or one that is attached. C: `sqlite3session_create`.
   *
   * @returns its handle, positive and below 2^53
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
        `the ${this.#kind === 'user' ? 'connection' : 'component'} has ${maxSessions} sessions already: delete unused ones`,
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
   * Starts recording `table`, or every table if it is null. C: `sqlite3session_attach`.
   *
   * @returns false if the table is attached but currently records nothing: it does not exist, or has
   *   no primary key
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

  /**
   * Passes what was recorded to `use`, as a view of the core's memory that is valid only during the call.
   * C: `sqlite3session_changeset`, `sqlite3session_patchset`.
   *
   * @throws SqliteError (SQLITE_SCHEMA) if a recorded table was dropped, renamed or lost a column
   */
  read<T>(handle: bigint, kind: ChangesetKind, use: (bytes: Uint8Array) => T): T {
    return this.#idle(handle, 'read').read(kind, use);
  }

  /** A copy of what was recorded; empty if nothing changed in the end. */
  changeset(handle: bigint, kind: ChangesetKind = 'changeset'): Uint8Array<ArrayBuffer> {
    return this.read(handle, kind, (bytes) => bytes.slice());
  }

  /**
   * Returns the changeset and starts again: what it holds is forgotten; tables, filter and state stay. If it
   * throws, nothing is forgotten. If a recorded table was dropped, renamed or lost a column, it returns only what
   * was recorded before that, and the next call returns the rest.
   *
   * @param check may throw: then nothing is forgotten
   */
  take(handle: bigint, check?: (bytes: Uint8Array) => void): Uint8Array<ArrayBuffer> {
    return this.#idle(handle, 'taken').take(check);
  }

  /** Forgets what was recorded; tables, filter and state stay, and what {@link warnings} compares with. */
  forget(handle: bigint): void {
    this.#idle(handle, 'taken').forget();
  }

  /**
   * What was recorded in pieces of some KiB, each a view that is valid during the call only.
   * C: `sqlite3session_changeset_strm`, `sqlite3session_patchset_strm`.
   */
  stream(handle: bigint, kind: ChangesetKind, take: (piece: Uint8Array) => void): void {
    this.#idle(handle, 'read').stream(kind, take);
  }

  /** Starts or stops recording, if `on` is given; returns whether it records now. C: `sqlite3session_enable`. */
  enable(handle: bigint, on?: boolean): boolean {
    return this.#recording(handle).enable(on);
  }

  /** Marks changes as indirect or not, if `on` is given; returns whether it does now. C: `sqlite3session_indirect`. */
  indirect(handle: bigint, on?: boolean): boolean {
    return this.#recording(handle).indirect(on);
  }

  /** Whether nothing was recorded, even if it was undone since. C: `sqlite3session_isempty`. */
  isEmpty(handle: bigint): boolean {
    return this.#recording(handle).isEmpty;
  }

  /** Bytes. C: `sqlite3session_memory_used`. */
  memoryUsed(handle: bigint): number {
    return this.#recording(handle).memoryUsed;
  }

  /**
   * The most bytes that the changeset can have. C: `sqlite3session_changeset_size`.
   *
   * @throws SqliteError (SQLITE_MISUSE) if the session was not created with `size`
   */
  changesetSize(handle: bigint): number {
    const recording = this.#recording(handle);
    if (recording.options.size) return recording.changesetSize;
    throw sqliteError(
      SQLITE_MISUSE,
      `session ${handle} does not count its size: create it with the option size`,
    );
  }

  /**
   * Records what turns the table of database `from` into this session's. C: `sqlite3session_diff`.
   *
   * @throws SqliteError (SQLITE_SCHEMA) if the two tables differ in columns or key
   */
  diff(handle: bigint, from: string, table: string): void {
    const recording = this.#idle(handle, 'filled');
    if (!this.attach(handle, table)) return; // as in C, so that a loop over all tables continues
    const { code, said } = recording.diff(from, table);
    if (code === SQLITE_OK) return;
    throw sqliteError(code, `diff of ${table} from ${quoted(from)}: ${said ?? errorText(code)}`);
  }

  /**
   * If every table is attached: records those for which `filter` returns true. It is called once for each table, when
   * the table first changes. What it throws is rethrown by the statement's call. SQLite is in the middle of a change, so
   * it can run only SQL that reads. C: `sqlite3session_table_filter`.
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

  /** The same by names as the GLOB operator matches them; those that begin with "!" are left out. */
  filterByGlobs(handle: bigint, globs: readonly string[]): void {
    const { core } = this.#connection.engine;
    const kept = [...globs];
    this.filter(handle, (table) => globsInclude(core, kept, table));
  }

  /** What the session currently silently leaves out. */
  warnings(handle: bigint): Warning[] {
    const recording = this.#idle(handle, 'asked for its warnings');
    const { tables, database, options } = recording;
    const found = schemaWarnings(this.#connection, database, recording.columns, recording.hasParts);
    if (recording.hasOtherWriter) {
      const message =
        'another connection wrote to the database: its changes are not recorded, and rows that both wrote have their current values';
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

  /** The sessions that can be used here, oldest first. */
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

  /**
   * Ends the session. C: `sqlite3session_delete`.
   *
   * @returns false if it was this owner's and was already deleted
   */
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

  /** The recording, for what may not be done in the middle of a change, or of its own reading. */
  #idle(handle: bigint, what: string): Recording {
    this.#refuseInFilter(what);
    const recording = this.#recording(handle);
    if (!recording.isBusy) return recording;
    throw sqliteError(SQLITE_MISUSE, `session ${handle} cannot be ${what} in a callback of its own reading`);
  }

  /** Whether the handle names a session that can be used here. */
  has(handle: bigint): boolean {
    return this.#recordings.has(handle);
  }

  /** Whether the handle names or named a session of this owner here. */
  gave(handle: bigint): boolean {
    return this.#handles.gave(handle);
  }

  /** The owner ends, and its sessions with it. */
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
   * The error for a handle that names no session of this owner. A component does not learn of others' sessions.
   *
   * @param more is added for those that were never its own
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
