/** One session: the recording C session, its settings, and those that schema changes ended. */

import { ChangesetReader } from '../changeset/index.js';
import type { Bindings } from '../core/bindings.js';
import {
  CALLBACK_TABLE_FILTER,
  SQLITE_OK,
  SQLITE_SCHEMA,
  SQLITE_SESSION_OBJCONFIG_ROWID,
  SQLITE_SESSION_OBJCONFIG_SIZE,
} from '../core/constants.js';
import { errorText, SqliteError, sqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { hooksOf } from '../kernel/hooks.js';
import { streamed } from '../kernel/pieces.js';
import { query } from '../kernel/query.js';
import {
  columnCounts,
  dataVersion,
  hasKey,
  schemaVersion,
  type TableShape,
  tableShape,
} from '../kernel/schema.js';
import { type RowidRecording, vacuumGuard } from './vacuum.js';

/** The kinds of changesets: with or without old values. */
export type ChangesetKind = 'changeset' | 'patchset';

/** The options that must be set before a session's first table is attached. */
export interface SessionOptions {
  /** Records tables without a PRIMARY KEY by their rowid. SQLITE_SESSION_OBJCONFIG_ROWID. */
  readonly rowid?: boolean;
  /** Counts bytes for `changesetSize`. SQLITE_SESSION_OBJCONFIG_SIZE. */
  readonly size?: boolean;
  /** If false, what a schema change cuts off is lost, unless the session's creator keeps it. */
  readonly parts?: boolean;
}

/** A C session. All but the last of a recording were cut off and are disabled. */
interface Live {
  /** The address of the `sqlite3_session`. */
  readonly pointer: number;
  /** The tables that it records because all are recorded, in lower case. */
  readonly touched: Set<string>;
  /**
   * What ended it: a statement that removed a recorded table or its columns. After that SQLite returns nothing from it,
   * unless the statement is rolled back.
   */
  cut?: {
    /** The changes recorded up to the statement. */
    readonly changeset: Uint8Array<ArrayBuffer>;
    /** The schema's version after the statement. */
    readonly version: bigint;
    /** Whether a rollback can undo the statement. */
    open: boolean;
  };
}

/** A table, its recorded changes and its number of columns, before a statement that may remove some. */
interface Ahead {
  readonly table: string;
  readonly columns: number;
  readonly changeset: Uint8Array<ArrayBuffer>;
}

export class Recording implements RowidRecording {
  readonly database: string;
  readonly options: SessionOptions;
  /** The tables attached by name; null among them is all. */
  readonly tables: (string | null)[] = [];
  readonly #connection: Connection;
  /** Oldest first. */
  #live: Live[];
  #ahead: Ahead | undefined;
  #filter: ((table: string) => boolean) | undefined;
  /** The number of the callback that filters tables. */
  readonly #filterId: number;
  /** The tables that have no key and whose rowid is hidden, by name in lower case, as far as that was asked. */
  readonly #hidden = new Map<string, boolean>();
  /** How many columns the tables had, by name in lower case, when they were attached. */
  #columns = new Map<string, number>();
  /** `dataVersion` when recording began; undefined if it could not be read. */
  #dataVersion: bigint | undefined;

  constructor(connection: Connection, database: string, options: SessionOptions) {
    this.#connection = connection;
    this.database = database;
    this.options = options;
    this.#filterId = connection.engine.register({
      filterTable: (table) => this.#isWanted(table),
      filterFailed: true, // the change cannot be stopped, so it is recorded
    });
    try {
      this.#live = [this.#make()];
      if (options.rowid) vacuumGuard(connection).add(this);
    } catch (error) {
      connection.engine.release(this.#filterId);
      throw error;
    }
  }

  /** C: `sqlite3session_attach`. */
  attach(table: string | null): void {
    for (const { pointer } of this.#live) this.#attachTo(pointer, table);
    if (!this.tables.includes(table)) this.tables.push(table);
    this.#note();
  }

  /**
   * Passes what was recorded to `use`, as a view of the core's memory that is valid only during the call.
   * C: `sqlite3session_changeset`, `sqlite3session_patchset`.
   */
  read<T>(kind: ChangesetKind, use: (bytes: Uint8Array) => T): T {
    this.#refuseParts();
    return this.#read(kind, use);
  }

  /** The same in pieces of some KiB. C: `sqlite3session_changeset_strm`, `sqlite3session_patchset_strm`. */
  stream(kind: ChangesetKind, take: (piece: Uint8Array) => void): void {
    this.#refuseParts();
    const { engine } = this.#connection;
    const { c } = engine.core;
    const { pointer } = this.#last;
    const write = kind === 'changeset' ? c.sqlite3session_changeset_strm : c.sqlite3session_patchset_strm;
    const code = streamed(engine, take, (output, id) => write(pointer, output, id));
    engine.surface();
    if (code !== SQLITE_OK) throw readError(code);
  }

  /**
   * Returns what was recorded and forgets it: up to the first statement that cut something off, if there was
   * one.
   *
   * @param check may throw: then nothing is forgotten
   */
  take(check: (bytes: Uint8Array) => void = () => undefined): Uint8Array<ArrayBuffer> {
    const first = this.#part;
    const taken = first?.cut?.changeset ?? this.#read('changeset', (bytes) => bytes.slice());
    check(taken);
    if (!first) this.#live.push(this.#begin());
    const done = first ? this.#live.indexOf(first) + 1 : this.#live.length - 1;
    for (const { pointer } of this.#live.splice(0, done)) this.#delete(pointer);
    this.#columns = new Map();
    this.#dataVersion = undefined;
    this.#note();
    return taken;
  }

  /** Forgets what was recorded, and continues. */
  forget(): void {
    const fresh = this.#begin();
    for (const { pointer } of this.#live.splice(0, this.#live.length, fresh)) this.#delete(pointer);
  }

  /** C: `sqlite3session_enable`. */
  enable(on?: boolean): boolean {
    return this.#c.sqlite3session_enable(this.#last.pointer, asked(on)) !== 0;
  }

  /** C: `sqlite3session_indirect`. */
  indirect(on?: boolean): boolean {
    return this.#c.sqlite3session_indirect(this.#last.pointer, asked(on)) !== 0;
  }

  /** C: `sqlite3session_isempty`. */
  get isEmpty(): boolean {
    return !this.hasParts && this.#c.sqlite3session_isempty(this.#last.pointer) !== 0;
  }

  /** Bytes. C: `sqlite3session_memory_used`. */
  get memoryUsed(): number {
    return this.#live.reduce(
      (sum, { pointer, cut }) =>
        sum + Number(this.#c.sqlite3session_memory_used(pointer)) + (cut?.changeset.length ?? 0),
      0,
    );
  }

  /** The largest size of the result of `take`. C: `sqlite3session_changeset_size`. */
  get changesetSize(): number {
    return (
      this.#part?.cut?.changeset.length ?? Number(this.#c.sqlite3session_changeset_size(this.#last.pointer))
    );
  }

  /** C: `sqlite3session_diff`. Returns the result code and SQLite's message. */
  diff(from: string, table: string): { code: number; said: string | null } {
    const { memory } = this.#connection.engine.core;
    using arena = memory.arena();
    const out = arena.allocate(4);
    const [database, name] = [arena.cString(from), arena.cString(table)];
    const code = this.#c.sqlite3session_diff(this.#last.pointer, database, name, out);
    const message = memory.pointerAt(out);
    const said = memory.cString(message);
    this.#c.sqlite3_free(message);
    this.#connection.engine.surface();
    return { code, said };
  }

  /** Called once for each table if all are recorded. C: `sqlite3session_table_filter`. */
  filter(filter: (table: string) => boolean): void {
    this.#filter = filter;
    for (const { pointer } of this.#live) this.#filterOf(pointer);
  }

  /** How many columns the tables had when they were attached, by name in lower case. */
  get columns(): ReadonlyMap<string, number> {
    return this.#columns;
  }

  /** Whether another connection wrote to the database since recording began. */
  get hasOtherWriter(): boolean {
    return (
      this.#dataVersion !== undefined && dataVersion(this.#connection, this.database) !== this.#dataVersion
    );
  }

  /** Whether something was cut off, which `take` returns first. */
  get hasParts(): boolean {
    return this.#part !== undefined;
  }

  get #part(): Live | undefined {
    this.#reconcile();
    return this.#live.find(({ cut }) => cut && cut.changeset.length > 0);
  }

  /** C: `sqlite3session_delete`. */
  end(): void {
    for (const { pointer } of this.#live) this.#delete(pointer);
    this.#connection.engine.release(this.#filterId);
    if (this.options.rowid) vacuumGuard(this.#connection).delete(this);
  }

  /** A statement is about to begin that may remove `table` or columns of it. */
  before(table: string): void {
    this.#ahead = undefined;
    this.#reconcile();
    if (this.#c.sqlite3session_isempty(this.#last.pointer) !== 0) return;
    // Most statements remove nothing that a session recorded: then the session is not read.
    const name = table.toLowerCase();
    if (!this.#last.touched.has(name) && !this.tables.some((own) => own?.toLowerCase() === name)) return;
    const shape = tableShape(this.#connection, this.database, table);
    if (!shape) return;
    const changeset = this.#read('changeset', (bytes) => bytes.slice());
    this.#ahead = { table, columns: shape.columns.length, changeset };
  }

  /** It ran: if it removed something that was recorded, this session is cut off, and another continues. */
  after(): void {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (!ahead || !this.#isRecorded(ahead)) return;
    const now = tableShape(this.#connection, this.database, ahead.table)?.columns.length ?? 0;
    if (now >= ahead.columns) return;
    const last = this.#last;
    const next = this.#begin();
    this.#c.sqlite3session_enable(last.pointer, 0);
    last.cut = {
      changeset: ahead.changeset,
      version: schemaVersion(this.#connection, this.database),
      open: this.#isTransaction(),
    };
    this.#live.push(next);
    this.#forgetEmpty();
  }

  /** Whether a rollback can undo something that `after` noted. */
  get isOpen(): boolean {
    return this.#live.at(-2)?.cut?.open === true;
  }

  /** The transaction was committed. */
  committed(): void {
    for (const { cut } of this.#live) if (cut) cut.open = false;
    this.#forgetEmpty();
  }

  /** The transaction was rolled back, completely or to a savepoint. */
  rolledBack(): void {
    const version = this.#isTransaction() ? schemaVersion(this.#connection, this.database) : -1n;
    const first = this.#live.findIndex(({ cut }) => cut?.open && cut.version > version);
    const whole = this.#live[first];
    if (!whole) return;
    const on = [this.enable(), this.indirect()] as const;
    for (const { pointer } of this.#live.splice(first + 1)) this.#delete(pointer);
    delete whole.cut;
    this.enable(on[0]);
    this.indirect(on[1]);
  }

  /** Detects the end of a transaction that was not reported. */
  #reconcile(): void {
    if (!this.isOpen) return;
    const { version } = this.#live.at(-2)?.cut ?? {};
    if (this.#isTransaction() || schemaVersion(this.#connection, this.database) !== version)
      this.rolledBack();
    else this.committed();
  }

  /** Sessions that were cut off permanently and hold no changes can be dropped. */
  #forgetEmpty(): void {
    this.#live = this.#live.filter(({ pointer, cut }) => {
      const kept = !cut || cut.open || cut.changeset.length > 0;
      if (!kept) this.#delete(pointer);
      return kept;
    });
  }

  #refuseParts(): void {
    if (!this.hasParts) return;
    throw readError(
      SQLITE_SCHEMA,
      'session_take (take() in code) returns what was recorded before that, and then the rest',
    );
  }

  /** Whether changes of the table were recorded, even if they were undone since. */
  #isRecorded({ table, changeset }: Ahead): boolean {
    const name = table.toLowerCase();
    if (this.#last.touched.has(name)) return true;
    const reader = new ChangesetReader(changeset);
    while (reader.next()) if (reader.table.name.toLowerCase() === name) return true;
    return false;
  }

  /** Whether a table is recorded because all are. */
  #isWanted(table: string): boolean {
    const touched = (): unknown => this.#last.touched.add(table.toLowerCase());
    try {
      if (!this.#wants(table) || this.#isHidden(table)) return false;
      touched();
      return true;
    } catch (error) {
      touched();
      throw error;
    }
  }

  #wants(table: string): boolean {
    if (this.tables.some((own) => own?.toLowerCase() === table.toLowerCase())) return true;
    return this.#filter ? this.#filter(table) : this.tables.includes(null);
  }

  get tableByRowid(): string | undefined {
    if (!this.options.rowid) return undefined;
    const tables = query(
      this.#connection,
      `SELECT name FROM pragma_table_list AS t WHERE schema=?1 COLLATE NOCASE AND type IN ('table', 'shadow')
         AND name NOT LIKE 'sqlite~_%' ESCAPE '~'
         AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(t.name, ?1) AS c WHERE c.pk OR lower(c.name)='_rowid_')`,
      this.database,
    );
    return tables.map(([name]) => String(name)).find((name) => this.#wants(name));
  }

  /** Forgets what tables look like, because the schema may be another now. */
  forgetShapes(): void {
    this.#hidden.clear();
  }

  /** Whether a table would be recorded by a rowid that a column of it hides: then it is not recorded. */
  #isHidden(table: string): boolean {
    if (!this.options.rowid) return false;
    const name = table.toLowerCase();
    let isHidden = this.#hidden.get(name);
    if (isHidden === undefined) {
      const ask = (): TableShape | undefined => tableShape(this.#connection, this.database, table);
      const shape = hooksOf(this.#connection).unasked(ask);
      isHidden = shape ? shape.hidesRowid && !hasKey(table, shape) : false;
      this.#hidden.set(name, isHidden);
    }
    return isHidden;
  }

  /** The C session that records. */
  get #last(): Live {
    return this.#live.at(-1) as Live; // there is always one
  }

  get #c(): Bindings {
    return this.#connection.engine.core.c;
  }

  #delete(pointer: number): void {
    this.#c.sqlite3session_delete(pointer);
  }

  #isTransaction(): boolean {
    return this.#c.sqlite3_get_autocommit(this.#connection.db) === 0;
  }

  #read<T>(kind: ChangesetKind, use: (bytes: Uint8Array) => T): T {
    const { core } = this.#connection.engine;
    const { c, memory } = core;
    const { pointer } = this.#last;
    using arena = memory.arena();
    const length = arena.allocate(8);
    const code =
      kind === 'changeset'
        ? c.sqlite3session_changeset(pointer, length, length + 4)
        : c.sqlite3session_patchset(pointer, length, length + 4);
    const buffer = memory.pointerAt(length + 4);
    try {
      this.#connection.engine.surface();
      if (code !== SQLITE_OK) throw readError(code);
      return use(memory.bytes.subarray(buffer, buffer + memory.view.getInt32(length, true)));
    } finally {
      c.sqlite3_free(buffer);
    }
  }

  /** A C session with the same settings as the last one. */
  #begin(): Live {
    const [enabled, indirect] = [this.enable(), this.indirect()];
    const fresh = this.#make();
    this.#c.sqlite3session_enable(fresh.pointer, Number(enabled));
    this.#c.sqlite3session_indirect(fresh.pointer, Number(indirect));
    for (const table of this.tables) this.#attachTo(fresh.pointer, table);
    if (this.#filter) this.#filterOf(fresh.pointer);
    return fresh;
  }

  /** C: `sqlite3session_create`, `sqlite3session_object_config`. */
  #make(): Live {
    const { engine, db } = this.#connection;
    const { c, memory } = engine.core;
    using arena = memory.arena();
    const out = arena.allocate(8);
    engine.check(db, c.sqlite3session_create(db, arena.cString(this.database), out));
    const pointer = memory.pointerAt(out);
    const set = (option: number): void => {
      memory.view.setInt32(out + 4, 1, true);
      c.sqlite3session_object_config(pointer, option, out + 4);
    };
    if (this.options.rowid) set(SQLITE_SESSION_OBJCONFIG_ROWID);
    if (this.options.size) set(SQLITE_SESSION_OBJCONFIG_SIZE);
    return { pointer, touched: new Set() };
  }

  /** Attaches all tables, with a filter that SQLite calls for each. C: `sqlite3session_table_filter`. */
  #filterOf(pointer: number): void {
    const ask = this.#c.bridge_callback(CALLBACK_TABLE_FILTER);
    this.#c.sqlite3session_table_filter(pointer, ask, this.#filterId);
  }

  /** By rowid SQLite is asked to ask about each table, because a column may hide the rowid then. */
  #attachTo(pointer: number, table: string | null): void {
    if (table === null || this.options.rowid) this.#filterOf(pointer);
    if (this.options.rowid) return;
    const { engine, db } = this.#connection;
    using arena = engine.core.memory.arena();
    const name = table === null ? 0 : arena.cString(table);
    engine.check(db, engine.core.c.sqlite3session_attach(pointer, name));
  }

  /** For warnings only: if the schema cannot be read now, for example because of a lock, there are none. */
  #note(): void {
    let all: ReadonlyMap<string, number>;
    try {
      all = columnCounts(this.#connection, this.database);
      this.#dataVersion ??= dataVersion(this.#connection, this.database);
    } catch (error) {
      if (error instanceof SqliteError) return;
      throw error; // what an authorizer threw
    }
    for (const table of this.tables) {
      const names = table === null ? all.keys() : [table.toLowerCase()];
      for (const name of names) {
        const count = all.get(name);
        if (count !== undefined && !this.#columns.has(name)) this.#columns.set(name, count);
      }
    }
  }
}

/** SQLite's values to set (0, 1) or only to query (-1). */
function asked(on: boolean | undefined): number {
  return on === undefined ? -1 : Number(on);
}

function readError(code: number, remedy = 'a capture would have kept what was recorded before'): SqliteError {
  const text = errorText(code);
  const why = `: a recorded table was dropped, renamed or lost a column; ${remedy}`;
  return sqliteError(code, code === SQLITE_SCHEMA ? `${text}${why}` : text);
}
