/** The sessions of a capture: one with its settings, and one for the tables created during the capture. */

import type { Connection } from '../kernel/connection.js';
import {
  hasKey,
  hasNullableKey,
  hiddenRowid,
  nullKeys,
  schemaVersion,
  type TableShape,
  tableShape,
  type Warning,
} from '../kernel/schema.js';
import { globsInclude, oncePerTable } from '../kernel/table-filters.js';
import type { ChangesetKind } from './c-session.js';
import { collatedKeyChanges, hasCollatedKey, spelledOtherwise } from './collated-keys.js';
import { rowCount } from './schema-reading.js';
import { type SessionRegistry, sessionsOfUser } from './sessions.js';

export interface CaptureSettings {
  /** The database: 'main', 'temp' or an attached database. */
  readonly database: string;
  /** The tables to record; null for all, including tables created later. */
  readonly tables: readonly string[] | null;
  readonly filter?: ((table: string) => boolean) | readonly string[] | undefined;
  /** See {@link SessionOptions}. */
  readonly rowid: boolean;
  readonly indirect: boolean;
  /** The kind of changeset made from the sessions. */
  readonly kind: ChangesetKind;
}

/** The handles of sessions that record at the same time, each for other tables. */
export type Recorded = readonly bigint[];

export class CaptureSessions {
  readonly #connection: Connection;
  readonly #sessions: SessionRegistry;
  readonly #settings: CaptureSettings;
  /** Whether the settings include a table with this name. */
  readonly #wanted: (table: string) => boolean;
  /** The shapes of tables by name in lower case, for the schema version {@link #shapesOf}. */
  #shapes = new Map<string, TableShape | undefined>();
  #shapesOf = -1n;
  /** Whether the keys of these tables can contain NULL. */
  #nullable = new Map<string, boolean>();

  constructor(connection: Connection, settings: CaptureSettings) {
    this.#connection = connection;
    this.#sessions = sessionsOfUser(connection);
    this.#settings = settings;
    const { filter } = settings;
    this.#wanted = oncePerTable((table) => {
      if (typeof filter === 'function') return filter(table);
      return !filter || globsInclude(connection.engine.core, filter, table);
    });
  }

  /**
   * Starts recording.
   *
   * @param made the tables created during the capture. All their rows are recorded, because later statements may copy
   *   from them into recorded tables
   * @param except a table that a DROP removes. The table and its statistics, which are also removed, are not recorded
   * @throws SqliteError as {@link SessionRegistry.create} does
   */
  begin(made: ReadonlySet<string>, except?: string): Recorded {
    const { tables, filter, rowid } = this.#settings;
    const out = new Set(except === undefined ? [] : [except.toLowerCase(), 'sqlite_stat1']);
    const isOut = (table: string): boolean => out.has(table.toLowerCase());
    const named = tables?.filter((table) => !isOut(table));
    const handles: bigint[] = [];
    try {
      const own = this.#create(rowid);
      handles.push(own);
      const sessions = this.#sessions;
      if (filter || out.size > 0) {
        sessions.filter(own, (table) => !isOut(table) && this.#wanted(table));
      }
      for (const table of named ?? [null]) sessions.attach(own, table);
      const rest = [...made].filter((table) => !isOut(table) && !this.#isRecorded(table));
      if (rest.length > 0) {
        const whole = this.#create(true);
        handles.push(whole);
        for (const table of rest) sessions.attach(whole, table);
      }
      return handles;
    } catch (error) {
      this.end(handles);
      throw error;
    }
  }

  /** Called before this connection changes the schema. After a rollback, another schema may have the same version. */
  forgetShapes(): void {
    this.#shapes.clear();
    this.#nullable.clear();
  }

  /** Returns the changesets. @throws SqliteError (SQLITE_SCHEMA) if a recorded table was dropped or lost a column */
  read(recorded: Recorded): Uint8Array[] {
    return recorded.map((handle) => this.#sessions.changeset(handle, this.#settings.kind));
  }

  forget(recorded: Recorded): void {
    for (const handle of recorded) this.#sessions.forget(handle);
  }

  rest(recorded: Recorded): void {
    for (const handle of recorded) this.#sessions.enable(handle, false);
  }

  resume(recorded: Recorded): void {
    for (const handle of recorded) this.#sessions.enable(handle, true);
  }

  end(recorded: Recorded | undefined): void {
    for (const handle of recorded ?? []) this.#sessions.delete(handle);
  }

  /** Warns of tables that the settings exclude. @param made tables that are recorded regardless of the settings */
  warnings([own]: Recorded, made: ReadonlySet<string>): Warning[] {
    if (own === undefined) return [];
    return this.#sessions
      .warnings(own)
      .filter(({ kind, table }) => kind !== 'no-key' || !made.has(table.toLowerCase()));
  }

  /** Warns of tables of changesets in which only the spelling of a key changed. */
  spelledOtherwise(changesets: readonly Uint8Array[]): Warning[] {
    const isCollated = (table: string): boolean =>
      hasCollatedKey(this.#connection, this.#settings.database, table);
    return changesets.flatMap((bytes) => [...collatedKeyChanges(bytes, isCollated)].map(spelledOtherwise));
  }

  /** Warns of rows of tables created during the capture that a session cannot record. */
  unrecorded(made: ReadonlySet<string>): Warning[] {
    const { database } = this.#settings;
    return [...made].flatMap((table): Warning[] => {
      const shape = this.#shape(table);
      if (!shape) return [];
      if (!hasKey(table, shape) && shape.hidesRowid) return this.#hiddenRows(shape.name);
      if (!this.#canHaveNullKeys(table, shape)) return [];
      const rows = nullKeys(this.#connection, database, table, shape);
      if (rows === 0n) return [];
      const message = `${table}: it was created during the capture, and changes of ${rows} rows whose PRIMARY KEY contains NULL cannot be recorded`;
      return [{ kind: 'lost', table, message }];
    });
  }

  #hiddenRows(table: string): Warning[] {
    const rows = rowCount(this.#connection, this.#settings.database, table) ?? 0;
    if (rows === 0) return [];
    const message = `${table}: it was created during the capture, and its ${rows} rows cannot be recorded because ${hiddenRowid}`;
    return [{ kind: 'lost', table, message }];
  }

  #canHaveNullKeys(table: string, shape: TableShape): boolean {
    const name = table.toLowerCase();
    let found = this.#nullable.get(name);
    if (found === undefined) {
      const { kind } = shape;
      found =
        kind !== 'virtual' &&
        kind !== 'view' &&
        hasKey(table, shape) &&
        hasNullableKey(this.#connection, this.#settings.database, table);
      this.#nullable.set(name, found);
    }
    return found;
  }

  #create(rowid: boolean): bigint {
    const sessions = this.#sessions;
    const handle = sessions.create(this.#settings.database, { rowid, parts: false });
    if (this.#settings.indirect) sessions.indirect(handle, true);
    return handle;
  }

  /** Whether all changes of a table were recorded. */
  recordsWhole(table: string, made: ReadonlySet<string>): boolean {
    const name = table.toLowerCase();
    const shape = this.#shape(name);
    if (!shape || (!made.has(name) && !this.#isRecorded(name))) return false;
    if (!hasKey(name, shape)) return !shape.hidesRowid;
    return nullKeys(this.#connection, this.#settings.database, name, shape) === 0n;
  }

  /** Whether the settings alone record all changes of a table. */
  #isRecorded(table: string): boolean {
    const { tables, rowid } = this.#settings;
    if (tables && !tables.some((name) => name.toLowerCase() === table)) return false;
    const shape = this.#shape(table);
    if (!shape) return true;
    if (!tables && !this.#wanted(shape.name)) return false;
    return hasKey(table, shape) || (rowid && !shape.hidesRowid);
  }

  #shape(table: string): TableShape | undefined {
    const { database } = this.#settings;
    const version = schemaVersion(this.#connection, database);
    if (version !== this.#shapesOf) this.forgetShapes();
    this.#shapesOf = version;
    const name = table.toLowerCase();
    if (!this.#shapes.has(name)) this.#shapes.set(name, tableShape(this.#connection, database, table));
    return this.#shapes.get(name);
  }
}
