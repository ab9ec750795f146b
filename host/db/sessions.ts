/**
 * The registry of session handles: the C session API behind numbers that cannot be mistaken for pointers.
 *
 * A handle holds its connection's serial in the upper 32 bits and a sequence in the lower, so a deleted one,
 * another connection's and one that never was are told apart without keeping a list of the dead.
 */

import {
  CALLBACK_TABLE_FILTER,
  SQLITE_ERROR,
  SQLITE_FULL,
  SQLITE_MISUSE,
  SQLITE_OK,
  SQLITE_SESSION_OBJCONFIG_ROWID,
  SQLITE_SESSION_OBJCONFIG_SIZE,
} from '../core/constants.js';
import { SqliteError } from '../core/errors.js';
import { Connection } from './engine.js';
import { globsInclude } from './policy.js';
import {
  columnCounts,
  dataVersion,
  hasKey,
  recordingWarnings,
  schemaWarnings,
  tableShape,
  type Warning,
} from './schema.js';
import { streamed } from './transform.js';

/** What a changeset can be made as: with the old values, or without them. */
export type ChangesetKind = 'changeset' | 'patchset';

interface Entry {
  /** The address of the `sqlite3_session` structure. */
  pointer: number;
  readonly database: string;
  readonly options: SessionOptions;
  /** The tables attached by name; null among them is all. */
  readonly tables: (string | null)[];
  filter: ((table: string) => boolean) | undefined;
  /** The number of the filter's callback; 0 where there is none. */
  filterId: number;
  /** How many columns the tables had, by name in lower case, when they were attached. */
  columns: Map<string, number>;
  /** {@link dataVersion} when recording began; undefined where it could not be had. */
  dataVersion: bigint | undefined;
}

/** What SQLite wants to know before a session's first table is attached. */
export interface SessionOptions {
  /** Records tables without a PRIMARY KEY by their rowid. SQLITE_SESSION_OBJCONFIG_ROWID. */
  readonly rowid?: boolean;
  /** Counts for `changesetSize`. SQLITE_SESSION_OBJCONFIG_SIZE. */
  readonly size?: boolean;
}

/** A session as it stands. */
export interface SessionState {
  readonly handle: bigint;
  readonly database: string;
  /** The tables attached by name; '*' among them where all are. */
  readonly tables: readonly string[];
  readonly enabled: boolean;
  readonly indirect: boolean;
  readonly empty: boolean;
  /** Of the memory it uses. */
  readonly bytes: number;
}

/** The most sessions a connection can have: what a component leaks by the million ends in an error. */
export const maxSessions = 10_000;

const sequenceBits = 32n;
const sequenceMask = (1n << sequenceBits) - 1n;

export class SessionRegistry {
  readonly #connection: Connection;
  readonly #entries = new Map<bigint, Entry>();
  #lastSequence = 0n;
  /** How many filters are running: SQLite is in the middle of a session there. */
  #filtering = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Makes a session on database `name`: "main", "temp" or one that is attached. C: `sqlite3session_create`.
   *
   * @returns its handle, positive and below 2^63
   * @throws SqliteError (SQLITE_ERROR) where no such database is attached, (SQLITE_FULL) where the connection has
   *   10,000 sessions
   */
  create(name: string, options: SessionOptions = {}): bigint {
    const { serial } = this.#connection;
    const attached = this.#databases();
    if (!attached.some((known) => known.toLowerCase() === name.toLowerCase())) {
      throw this.#error(
        SQLITE_ERROR,
        `no database is attached as ${quoted(name)}: there is ${list(attached)}`,
      );
    }
    if (this.#entries.size >= maxSessions) {
      throw this.#error(
        SQLITE_FULL,
        `the connection has ${maxSessions} sessions already: delete those that are done`,
      );
    }
    const pointer = this.#make(name, options);
    this.#lastSequence += 1n;
    const handle = (BigInt(serial) << sequenceBits) | this.#lastSequence;
    this.#entries.set(handle, {
      pointer,
      database: name,
      options,
      tables: [],
      filter: undefined,
      filterId: 0,
      columns: new Map(),
      dataVersion: undefined,
    });
    return handle;
  }

  #make(name: string, options: SessionOptions): number {
    const { engine, db } = this.#connection;
    const { c, memory } = engine.core;
    using arena = memory.arena();
    const out = arena.allocate(8);
    engine.check(db, c.sqlite3session_create(db, arena.cString(name), out));
    const pointer = memory.pointerAt(out);
    memory.view.setInt32(out + 4, 1, true);
    if (options.rowid) c.sqlite3session_object_config(pointer, SQLITE_SESSION_OBJCONFIG_ROWID, out + 4);
    memory.view.setInt32(out + 4, 1, true);
    if (options.size) c.sqlite3session_object_config(pointer, SQLITE_SESSION_OBJCONFIG_SIZE, out + 4);
    return pointer;
  }

  /**
   * Starts recording `table`, or every table where it is null. C: `sqlite3session_attach`.
   *
   * @returns false where the table is attached but records nothing as things stand: it does not exist, or has
   *   no primary key
   */
  attach(handle: bigint, table: string | null): boolean {
    this.#refuseInFilter('attached');
    const entry = this.#entry(handle);
    this.#attachTo(entry, table);
    if (!entry.tables.includes(table)) entry.tables.push(table);
    this.#note(entry);
    if (table === null) return true;
    const shape = tableShape(this.#connection, entry.database, table);
    if (!shape) return table.toLowerCase() === 'sqlite_stat1';
    return hasKey(table, shape) || (entry.options.rowid === true && shape.kind === 'table');
  }

  /** For {@link warnings} only: where the schema cannot be read now, such as for a lock, there will be none. */
  #note(entry: Entry): void {
    let all: ReadonlyMap<string, number>;
    try {
      all = columnCounts(this.#connection, entry.database);
      entry.dataVersion ??= dataVersion(this.#connection, entry.database);
    } catch {
      return;
    }
    for (const table of entry.tables) {
      const names = table === null ? all.keys() : [table.toLowerCase()];
      for (const name of names) {
        const count = all.get(name);
        if (count !== undefined && !entry.columns.has(name)) entry.columns.set(name, count);
      }
    }
  }

  #attachTo(entry: Entry, table: string | null): void {
    const { engine, db } = this.#connection;
    using arena = engine.core.memory.arena();
    const name = table === null ? 0 : arena.cString(table);
    engine.check(db, engine.core.c.sqlite3session_attach(entry.pointer, name));
  }

  /**
   * Hands what was recorded to `use`, as a view of the core's memory that is valid during the call only.
   * C: `sqlite3session_changeset`, `sqlite3session_patchset`.
   *
   * @throws SqliteError (SQLITE_SCHEMA) where a recorded table was dropped, renamed or lost a column
   */
  read<T>(handle: bigint, kind: ChangesetKind, use: (bytes: Uint8Array) => T): T {
    this.#refuseInFilter('read');
    const { pointer } = this.#entry(handle);
    const { engine } = this.#connection;
    const { c, memory } = engine.core;
    using arena = memory.arena();
    const length = arena.allocate(8);
    const code =
      kind === 'changeset'
        ? c.sqlite3session_changeset(pointer, length, length + 4)
        : c.sqlite3session_patchset(pointer, length, length + 4);
    const buffer = memory.pointerAt(length + 4);
    try {
      if (code !== SQLITE_OK) throw this.#readError(code);
      return use(memory.bytes.subarray(buffer, buffer + memory.view.getInt32(length, true)));
    } finally {
      c.sqlite3_free(buffer);
    }
  }

  /** A copy of what was recorded; empty where nothing changed in the end. */
  changeset(handle: bigint, kind: ChangesetKind = 'changeset'): Uint8Array {
    return this.read(handle, kind, (bytes) => bytes.slice());
  }

  /**
   * The changeset, and a fresh start: what it holds is forgotten; tables, filter and state stay. Where the
   * changeset cannot be had nothing is forgotten.
   */
  take(handle: bigint, kind: ChangesetKind = 'changeset'): Uint8Array {
    this.#refuseInFilter('taken');
    const taken = this.changeset(handle, kind);
    const entry = this.#entry(handle);
    const { c } = this.#connection.engine.core;
    const fresh = this.#make(entry.database, entry.options);
    c.sqlite3session_enable(fresh, c.sqlite3session_enable(entry.pointer, -1));
    c.sqlite3session_indirect(fresh, c.sqlite3session_indirect(entry.pointer, -1));
    c.sqlite3session_delete(entry.pointer);
    entry.pointer = fresh;
    if (entry.filterId) {
      c.sqlite3session_table_filter(fresh, c.bridge_callback(CALLBACK_TABLE_FILTER), entry.filterId);
    }
    for (const table of entry.tables) this.#attachTo(entry, table);
    entry.columns = new Map();
    entry.dataVersion = undefined;
    this.#note(entry);
    return taken;
  }

  /**
   * What was recorded in pieces of some KiB, each a view that is valid during the call only.
   * C: `sqlite3session_changeset_strm`, `sqlite3session_patchset_strm`.
   */
  stream(handle: bigint, kind: ChangesetKind, take: (piece: Uint8Array) => void): void {
    this.#refuseInFilter('read');
    const { pointer } = this.#entry(handle);
    const { engine } = this.#connection;
    const { c } = engine.core;
    const write = kind === 'changeset' ? c.sqlite3session_changeset_strm : c.sqlite3session_patchset_strm;
    const code = streamed(engine, take, (output, id) => write(pointer, output, id));
    if (code !== SQLITE_OK) throw this.#readError(code);
  }

  /** Starts or stops recording, where `on` is given; whether it records now. C: `sqlite3session_enable`. */
  enable(handle: bigint, on?: boolean): boolean {
    const { pointer } = this.#entry(handle);
    return this.#connection.engine.core.c.sqlite3session_enable(pointer, asked(on)) !== 0;
  }

  /** Marks changes as indirect or not, where `on` is given; what it does now. C: `sqlite3session_indirect`. */
  indirect(handle: bigint, on?: boolean): boolean {
    const { pointer } = this.#entry(handle);
    return this.#connection.engine.core.c.sqlite3session_indirect(pointer, asked(on)) !== 0;
  }

  /** Whether nothing was recorded, be it undone since. C: `sqlite3session_isempty`. */
  isEmpty(handle: bigint): boolean {
    return this.#connection.engine.core.c.sqlite3session_isempty(this.#entry(handle).pointer) !== 0;
  }

  /** Bytes. C: `sqlite3session_memory_used`. */
  memoryUsed(handle: bigint): number {
    return Number(this.#connection.engine.core.c.sqlite3session_memory_used(this.#entry(handle).pointer));
  }

  /**
   * The most bytes that the changeset can have. C: `sqlite3session_changeset_size`.
   *
   * @throws SqliteError (SQLITE_MISUSE) where the session was not made with `size`
   */
  changesetSize(handle: bigint): number {
    const { pointer, options } = this.#entry(handle);
    if (!options.size) {
      throw this.#error(
        SQLITE_MISUSE,
        `session ${handle} does not count its size: create it with that option`,
      );
    }
    return Number(this.#connection.engine.core.c.sqlite3session_changeset_size(pointer));
  }

  /**
   * Records what turns the table of database `from` into this session's. C: `sqlite3session_diff`.
   *
   * @throws SqliteError (SQLITE_SCHEMA) where the two tables differ in columns or key
   */
  diff(handle: bigint, from: string, table: string): void {
    const entry = this.#entry(handle);
    const { core } = this.#connection.engine;
    const { c, memory } = core;
    if (!this.attach(handle, table)) {
      throw this.#error(
        SQLITE_ERROR,
        `diff of ${table}: nothing can be recorded, for ${quoted(entry.database)} has no such table with a primary key`,
      );
    }
    using arena = memory.arena();
    const out = arena.allocate(4);
    const code = c.sqlite3session_diff(entry.pointer, arena.cString(from), arena.cString(table), out);
    const message = memory.pointerAt(out);
    const said = memory.cString(message);
    c.sqlite3_free(message);
    if (code === SQLITE_OK) return;
    throw this.#error(code, `diff of ${table} from ${quoted(from)}: ${said ?? core.errorText(code)}`);
  }

  /**
   * With every table attached: records those that `filter` says, asked once a table, when it first changes.
   * What it throws surfaces from the statement's call. C: `sqlite3session_table_filter`.
   */
  filter(handle: bigint, filter: (table: string) => boolean): void {
    const entry = this.#entry(handle);
    const { engine } = this.#connection;
    entry.filter = filter;
    if (entry.filterId) return;
    entry.filterId = engine.register({
      filterTable: (table) => {
        this.#filtering += 1;
        try {
          return entry.filter?.(table) ?? true;
        } finally {
          this.#filtering -= 1;
        }
      },
    });
    const { c } = engine.core;
    c.sqlite3session_table_filter(entry.pointer, c.bridge_callback(CALLBACK_TABLE_FILTER), entry.filterId);
  }

  /** The same by names as the GLOB operator matches them; those that begin with "!" are left out. */
  filterByGlobs(handle: bigint, globs: readonly string[]): void {
    const { core } = this.#connection.engine;
    const kept = [...globs];
    this.filter(handle, (table) => globsInclude(core, kept, table));
  }

  /** What the session leaves out without a word as things stand. */
  warnings(handle: bigint): Warning[] {
    const { tables, database, options, columns, dataVersion: before } = this.#entry(handle);
    const found = schemaWarnings(this.#connection, database, columns);
    if (before !== undefined && dataVersion(this.#connection, database) !== before) {
      const message =
        'another connection wrote to the database: that is not recorded, and a row that both wrote shows what is there now';
      found.push({ kind: 'other-writer', table: '', message });
    }
    for (const table of tables) {
      found.push(...recordingWarnings(this.#connection, database, table, options.rowid ?? false));
    }
    return found.filter(
      ({ kind, table }, i) => found.findIndex((w) => w.kind === kind && w.table === table) === i,
    );
  }

  /** The sessions that can be used here, oldest first. */
  list(): SessionState[] {
    return [...this.#entries].map(([handle, { database, tables }]) => ({
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
   * @returns false where it was this connection's and is deleted already
   */
  delete(handle: bigint): boolean {
    const entry = this.#entries.get(handle);
    if (!entry) {
      if (this.#wasMine(handle)) return false;
      throw this.#unknown(handle);
    }
    this.#refuseInFilter('deleted');
    this.#end(handle, entry);
    return true;
  }

  #refuseInFilter(what: string): void {
    if (this.#filtering === 0) return;
    throw this.#error(SQLITE_MISUSE, `a session cannot be ${what} while the filter of one is running`);
  }

  #end(handle: bigint, entry: Entry): void {
    this.#entries.delete(handle);
    this.#connection.engine.core.c.sqlite3session_delete(entry.pointer);
    if (entry.filterId) this.#connection.engine.release(entry.filterId);
  }

  /** Whether the handle names a session that can be used here. */
  has(handle: bigint): boolean {
    return this.#entries.has(handle);
  }

  deleteAll(): void {
    for (const [handle, entry] of [...this.#entries]) this.#end(handle, entry);
  }

  #entry(handle: bigint): Entry {
    const entry = this.#entries.get(handle);
    if (!entry) throw this.#unknown(handle);
    return entry;
  }

  #wasMine(handle: bigint): boolean {
    const sequence = handle & sequenceMask;
    return (
      handle >> sequenceBits === BigInt(this.#connection.serial) &&
      sequence > 0n &&
      sequence <= this.#lastSequence
    );
  }

  #unknown(handle: bigint): SqliteError {
    const serial = Number(handle >> sequenceBits);
    if (this.#wasMine(handle)) return this.#error(SQLITE_MISUSE, `session ${handle} is deleted already`);
    if (serial !== this.#connection.serial && Connection.known(serial)) {
      return this.#error(
        SQLITE_MISUSE,
        `session ${handle} is another connection's: use it on the connection that created it`,
      );
    }
    return this.#error(SQLITE_MISUSE, `there is no session ${handle}: a handle comes from session_create`);
  }

  #readError(code: number): SqliteError {
    const text = this.#connection.engine.core.errorText(code);
    const hint = code === 17 ? ': a recorded table was dropped, renamed or lost a column' : '';
    return this.#error(code, `${text}${hint}`);
  }

  #error(code: number, message: string): SqliteError {
    return new SqliteError(message, code, this.#connection.engine.core.errorText(code));
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

/** SQLite's way to set (0, 1) or only to ask (-1). */
function asked(on: boolean | undefined): number {
  return on === undefined ? -1 : Number(on);
}

function quoted(name: string): string {
  return `'${name.replaceAll("'", "''")}'`;
}

function list(names: string[]): string {
  return names.map(quoted).join(', ');
}
