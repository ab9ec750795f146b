/** A session: its settings, the C session that records, and the changes recorded before schema changes. */

import { ChangesetReader } from '../changeset/index.js';
import { CAPTURE_SCHEMA, SQLITE_DONE, SQLITE_SCHEMA } from '../core/constants.js';
import { SqliteError } from '../core/errors.js';
import { Busy } from '../kernel/busy.js';
import type { Connection } from '../kernel/connection.js';
import { hooksOf } from '../kernel/hooks.js';
import { query } from '../kernel/query.js';
import {
  columnCounts,
  dataVersion,
  hasKey,
  schemaVersion,
  type TableShape,
  tableShape,
} from '../kernel/schema.js';
import { type SchemaListener, schemaListeners } from '../kernel/schema-statements.js';
import { readsOnly } from '../kernel/statement-rules.js';
import { type ChangesetKind, CSession, readError, type SessionOptions } from './c-session.js';
import { tableTakenFrom } from './ddl.js';
import { Segments } from './segments.js';
import { type RowidRecording, vacuumGuard } from './vacuum.js';

/** The changeset recorded before a statement that cut the session. */
type Part = Uint8Array<ArrayBuffer>;

/** A table before a statement that may drop it or remove columns: its number of columns and the recorded changes. */
interface Ahead {
  readonly table: string;
  readonly columns: number;
  readonly changeset: Part;
}

export class Recording implements RowidRecording, SchemaListener {
  readonly database: string;
  readonly options: SessionOptions;
  /** The names of the attached tables; null stands for all tables. */
  readonly tables: (string | null)[] = [];
  readonly #connection: Connection;
  readonly #segments: Segments<CSession, Part>;
  #ahead: Ahead | undefined;
  readonly #reading = new Busy();
  #filter: ((table: string) => boolean) | undefined;
  /** The number of the callback that filters tables. */
  readonly #filterId: number;
  /** The number of columns of each table when it was attached, by name in lower case. */
  #columns = new Map<string, number>();
  /** `dataVersion` when recording began; undefined if it could not be read. */
  #dataVersion: bigint | undefined;

  constructor(connection: Connection, database: string, options: SessionOptions) {
    this.#connection = connection;
    this.database = database;
    this.options = options;
    this.#filterId = connection.engine.register({
      filterTable: (table) => this.#isWanted(table),
      filterFailed: true, // the filter cannot prevent the change, so the change is recorded
    });
    try {
      this.#segments = new Segments(connection, database, new CSession(connection, database, options), {
        rejoin: ({ recorder }, last) => {
          recorder.enable(last.enable());
          recorder.indirect(last.indirect());
        },
        end: (session) => session.end(),
        isKept: (part) => part.length > 0,
      });
      if (options.rowid) vacuumGuard(connection).add(this);
      if (options.parts !== false) schemaListeners(connection).add(this);
    } catch (error) {
      connection.engine.release(this.#filterId);
      throw error;
    }
  }

  attach(table: string | null): void {
    for (const session of this.#segments.recorders) this.#attachTo(session, table);
    if (!this.tables.includes(table)) this.tables.push(table);
    this.#note();
  }

  /** See {@link CSession.read}. */
  read<T>(kind: ChangesetKind, use: (bytes: Uint8Array) => T): T {
    this.#refuseParts();
    return this.#during(() => this.#last.read(kind, use));
  }

  /** See {@link CSession.stream}. */
  stream(kind: ChangesetKind, take: (piece: Uint8Array) => void): void {
    this.#refuseParts();
    this.#during(() => this.#last.stream(kind, take));
  }

  /**
   * Returns the recorded changes and removes them from the session. If a statement cut the session, returns only the
   * changes up to the first such statement.
   *
   * @param check may throw an exception; the session then keeps its changes
   */
  take(check: (bytes: Uint8Array) => void = () => undefined): Part {
    const part = this.#part;
    const taken = part ?? this.#during(() => this.#last.read('changeset', (bytes) => bytes.slice()));
    check(taken);
    if (part) this.#segments.forget(this.#segments.held.indexOf(part) + 1);
    else this.#segments.restart(this.#begin());
    this.#columns = new Map();
    this.#dataVersion = undefined;
    this.#note();
    return taken;
  }

  /** Removes all recorded changes and continues. */
  forget(): void {
    this.#segments.restart(this.#begin());
  }

  enable(on?: boolean): boolean {
    return this.#last.enable(on);
  }

  indirect(on?: boolean): boolean {
    return this.#last.indirect(on);
  }

  get isEmpty(): boolean {
    return !this.hasParts && this.#last.isEmpty;
  }

  /** The used memory in bytes, including parts before schema changes. */
  get memoryUsed(): number {
    const { recorders, held } = this.#segments;
    const parts = held.reduce((sum, { length }) => sum + length, 0);
    return recorders.reduce((sum, session) => sum + session.memoryUsed, parts);
  }

  /** The largest size of the result of `take`. C: `sqlite3session_changeset_size`. */
  get changesetSize(): number {
    return this.#part?.length ?? this.#last.changesetSize;
  }

  diff(from: string, table: string): { code: number; said: string | null } {
    return this.#during(() => this.#last.diff(from, table));
  }

  /** Whether SQLite is reading or filling the session. If a callback ended it, SQLite would use freed memory. */
  get isBusy(): boolean {
    return this.#reading.isOn;
  }

  /** Runs `action`, which reads or fills the C session. SQL may only read, because its changes would be recorded. */
  #during<T>(action: () => T): T {
    return this.#connection.ruled(readsOnly('while a session is read'), () => this.#reading.during(action));
  }

  /** Sets the filter, called once per table if all tables are recorded. C: `sqlite3session_table_filter`. */
  filter(filter: (table: string) => boolean): void {
    this.#filter = filter;
    for (const session of this.#segments.recorders) session.filter(this.#filterId);
  }

  /** The number of columns of each table when it was attached, by name in lower case. */
  get columns(): ReadonlyMap<string, number> {
    return this.#columns;
  }

  /** Whether another connection wrote to the database since recording began. */
  get hasOtherWriter(): boolean {
    return (
      this.#dataVersion !== undefined && dataVersion(this.#connection, this.database) !== this.#dataVersion
    );
  }

  /** Whether a statement cut the session, so that `take` returns only a part. */
  get hasParts(): boolean {
    return this.#part !== undefined;
  }

  get #part(): Part | undefined {
    this.#segments.reconcile();
    return this.#segments.held.find(({ length }) => length > 0);
  }

  end(): void {
    this.#segments.end();
    this.#connection.engine.core.c.bridge_forget_filter(this.#filterId);
    this.#connection.engine.release(this.#filterId);
    if (this.options.rowid) vacuumGuard(this.#connection).delete(this);
    if (this.options.parts !== false) schemaListeners(this.#connection).delete(this);
  }

  before(sql: string): void {
    this.#ahead = undefined;
    this.#askAgain();
    this.#segments.reconcile();
    if (this.#last.isEmpty) return;
    // Read the session only if the statement may remove something that was recorded.
    const table = tableTakenFrom(sql);
    const name = table?.toLowerCase();
    if (table === undefined || name === undefined) return;
    if (!this.#last.touched.has(name) && !this.tables.some((own) => own?.toLowerCase() === name)) return;
    const shape = tableShape(this.#connection, this.database, table);
    if (!shape) return;
    const changeset = this.#last.read('changeset', (bytes) => bytes.slice());
    this.#ahead = { table, columns: shape.columns.length, changeset };
  }

  after(kind: number, code: number): void {
    this.#askAgain();
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead && kind === CAPTURE_SCHEMA && code === SQLITE_DONE) this.attempt(() => this.#cut(ahead));
    this.#segments.settle(kind, code);
  }

  /** Calls the filter again for all tables, because a table may have been replaced by a new one of the same name. */
  #askAgain(): void {
    this.#connection.engine.core.c.bridge_forget_filter(this.#filterId);
  }

  /** A failure is ignored, because reading the session later fails too. */
  attempt(action: () => void): void {
    try {
      action();
    } catch {}
  }

  /** After a statement that removed a recorded table or column, keeps the changes and starts a new C session. */
  #cut(ahead: Ahead): void {
    if (!this.#isRecorded(ahead)) return;
    const now = tableShape(this.#connection, this.database, ahead.table)?.columns.length ?? 0;
    if (now >= ahead.columns) return;
    const version = schemaVersion(this.#connection, this.database);
    const next = this.#begin();
    this.#last.enable(false);
    this.#segments.cut(next, ahead.changeset, version);
  }

  #refuseParts(): void {
    if (!this.hasParts) return;
    throw readError(
      SQLITE_SCHEMA,
      'session_take (take() in code) returns the changes recorded before that, and then the others',
    );
  }

  /** Whether changes of the table were recorded, even if they were undone later. */
  #isRecorded({ table, changeset }: Ahead): boolean {
    const name = table.toLowerCase();
    if (this.#last.touched.has(name)) return true;
    const reader = new ChangesetReader(changeset);
    while (reader.next()) if (reader.table.name.toLowerCase() === name) return true;
    return false;
  }

  /** Whether a table is recorded because the session records all tables. */
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

  /** Whether a table is not recorded because a column hides the rowid that would identify its rows. */
  #isHidden(table: string): boolean {
    if (!this.options.rowid) return false;
    const ask = (): TableShape | undefined => tableShape(this.#connection, this.database, table);
    const shape = hooksOf(this.#connection).unasked(ask);
    return shape ? shape.hidesRowid && !hasKey(table, shape) : false;
  }

  /** The C session that is recording. */
  get #last(): CSession {
    return this.#segments.recorder;
  }

  /** Starts a C session with the same settings as the last one. */
  #begin(): CSession {
    const fresh = new CSession(this.#connection, this.database, this.options);
    fresh.enable(this.enable());
    fresh.indirect(this.indirect());
    for (const table of this.tables) this.#attachTo(fresh, table);
    if (this.#filter) fresh.filter(this.#filterId);
    return fresh;
  }

  /**
   * Attaches a table or all tables. With the option rowid it uses a filter, because a table in which a column hides the
   * rowid must be excluded.
   */
  #attachTo(session: CSession, table: string | null): void {
    if (table === null || this.options.rowid) session.filter(this.#filterId);
    if (!this.options.rowid) session.attach(table);
  }

  /** Notes the numbers of columns for warnings. If the schema cannot be read, for example if locked, there are none. */
  #note(): void {
    let all: ReadonlyMap<string, number>;
    try {
      all = columnCounts(this.#connection, this.database);
      this.#dataVersion ??= dataVersion(this.#connection, this.database);
    } catch (error) {
      if (error instanceof SqliteError) return;
      throw error; // an exception of an authorizer
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
