/**
 * Captures: sessions with schema changes between them. A session cannot record schema changes. So a capture reads its
 * session before a statement that changes the schema, keeps the statement, and continues with a new session.
 */

import {
  CAPTURE_SCHEMA,
  SQLITE_DBCONFIG_DQS_DDL,
  SQLITE_DBCONFIG_DQS_DML,
  SQLITE_DBCONFIG_ENABLE_FKEY,
  SQLITE_DBCONFIG_LEGACY_ALTER_TABLE,
  SQLITE_DONE,
  SQLITE_MISUSE,
  SQLITE_ROW,
} from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { numberPragma } from '../kernel/query.js';
import { schemaVersion, type Warning } from '../kernel/schema.js';
import { type SchemaListener, schemaListeners } from '../kernel/schema-statements.js';
import { isOn, withSettings } from '../kernel/settings.js';
import { type CaptureEntry, encodeCapture, type StatementSettings } from './capture-format.js';
import { CaptureSessions, type CaptureSettings, type Recorded } from './capture-sessions.js';
import { isTemporary, type SchemaStatement, schemaStatement, unqualified } from './ddl.js';
import { compiles, createdText, rowCount, schemaText, tableNames, wholeTable } from './schema-reading.js';
import { Segments } from './segments.js';

/** A statement that changed the schema, and the changes before it. */
interface Kept {
  /** The changes recorded before it. */
  readonly changes: readonly Uint8Array[];
  readonly sql: string;
  readonly settings: StatementSettings | undefined;
  /** The changes made by the statement itself: the rows of CREATE TABLE AS, and the foreign key actions of a DROP. */
  readonly caused: readonly Uint8Array[];
  /** The schema version before the statement, and the tables created during the capture before it. */
  readonly version: bigint;
  readonly made: ReadonlySet<string>;
}

/** A statement that is running and may change the schema. */
interface Pending {
  readonly changes: readonly Uint8Array[];
  readonly sql: string;
  readonly statement: SchemaStatement;
  readonly settings: StatementSettings | undefined;
  readonly version: bigint;
  readonly tables: ReadonlySet<string>;
  /** The sessions that record the foreign key actions of a DROP. */
  readonly aside: Recorded | undefined;
}

/** A change that a capture cannot record. */
interface Loss {
  readonly warning: Warning;
  /** Whether a rollback can still undo it. */
  open: boolean;
}

const doubleQuotes = [SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_DQS_DML];

/** Values in the header of the database file that changesets do not contain. */
const headerPragmas = ['user_version', 'application_id'] as const;

export class CaptureLog implements SchemaListener {
  readonly #connection: Connection;
  readonly #settings: CaptureSettings;
  readonly #sessions: CaptureSessions;
  readonly #segments: Segments<Recorded, Kept>;
  /** The state before the running statement. */
  #pending: Pending | undefined;
  /** The schema before a statement that may write to sqlite_schema directly. */
  #edited: string | undefined;
  /** Whether a VACUUM is running, which changes the schema version but not the schema. */
  #vacuumed = false;
  /** The last schema version that this capture knows. */
  #version: bigint;
  #header: readonly bigint[];
  /** The header values at the last call of {@link entries}. */
  #headerRead: readonly bigint[] | undefined;
  /** The tables created during the capture, in lower case. All their rows are recorded. */
  #made: ReadonlySet<string> = new Set();
  #losses: Loss[] = [];

  /** @throws the errors of {@link SessionRegistry.create} */
  constructor(connection: Connection, settings: CaptureSettings) {
    this.#connection = connection;
    this.#settings = settings;
    this.#sessions = new CaptureSessions(connection, settings);
    this.#segments = new Segments(connection, settings.database, this.#sessions.begin(this.#made), {
      rejoin: ({ recorder, held }) => {
        this.#made = held.made;
        this.#version = held.version;
        this.#sessions.resume(recorder);
      },
      end: (recorded) => this.#sessions.end(recorded),
      isKept: () => true,
    });
    this.#version = this.#schemaVersion();
    this.#header = this.#readHeader();
    schemaListeners(connection).add(this);
  }

  /** Ends the capture. Can be called more than once. */
  end(): void {
    if (!schemaListeners(this.#connection).delete(this)) return;
    this.#endPending();
    this.#segments.end();
  }

  /**
   * Returns the entries captured so far, in order.
   *
   * @throws SqliteError (SQLITE_SCHEMA) if changes are lost because another connection changed the schema;
   *   (SQLITE_MISUSE) if a change cannot be recorded
   */
  entries(): CaptureEntry[] {
    this.#segments.reconcile();
    const [lost] = this.lost;
    if (lost) throw sqliteError(SQLITE_MISUSE, `nothing is captured: ${lost.message}`);
    const entries: CaptureEntry[] = [];
    const add = (changesets: readonly Uint8Array[]): void => {
      for (const bytes of changesets) if (bytes.length > 0) entries.push({ kind: 'changeset', bytes });
    };
    for (const { changes, sql, settings, caused } of this.#segments.held) {
      add(changes);
      entries.push({ kind: 'ddl', sql, ...(settings && { settings }) });
      add(caused);
    }
    add(this.#sessions.read(this.#recorded));
    this.#headerRead = this.#readHeader();
    this.#headerRead.forEach((value, i) => {
      if (value !== this.#header[i])
        entries.push({ kind: 'ddl', sql: `PRAGMA ${headerPragmas[i]}=${value}` });
    });
    return entries;
  }

  /**
   * Returns the entries as bytes and empties the capture. If it throws, the capture keeps everything.
   *
   * @throws SqliteError (SQLITE_MISUSE) within a transaction, because a rollback would undo changes that were returned
   */
  take(): Uint8Array<ArrayBuffer> {
    this.#refuseInTransaction('taken');
    const taken = encodeCapture(this.entries());
    this.#startAfresh();
    return taken;
  }

  /** Empties the capture without reading it. @throws SqliteError (SQLITE_MISUSE) within a transaction */
  forget(): void {
    this.#refuseInTransaction('forgotten');
    this.#segments.reconcile();
    if (this.#segments.held.length > 0 || !this.#headerRead) {
      this.#startAfresh();
      return;
    }
    // Reset the header to the values of the last call of entries(). Reading the database here could need a lock.
    this.#sessions.forget(this.#recorded);
    this.#header = this.#headerRead;
    this.#headerRead = undefined;
  }

  #startAfresh(): void {
    this.#segments.restart(this.#sessions.begin(this.#made));
    this.#version = this.#schemaVersion();
    this.#header = this.#readHeader();
    this.#headerRead = undefined;
  }

  #refuseInTransaction(done: string): void {
    if (!this.#connection.inTransaction) return;
    const message = `a capture cannot be ${done} within a transaction: commit it or roll it back first`;
    throw sqliteError(SQLITE_MISUSE, message);
  }

  /** Warnings of changes that are silently not recorded, or that were lost. */
  warnings(): Warning[] {
    this.#segments.reconcile();
    const foreign: Warning[] = [];
    if (this.#schemaVersion() !== this.#version) {
      foreign.push({
        kind: 'schema-changed',
        table: '',
        message: 'another connection changed the schema, which is not captured',
      });
    }
    const now = this.#sessions.warnings(this.#recorded, this.#made);
    const spelled = this.#segments.held.flatMap(({ changes }) => this.#sessions.spelledOtherwise(changes));
    return [...this.lost, ...foreign, ...spelled, ...now];
  }

  /** Warnings of lost changes. If there are any, the capture cannot be read. */
  get lost(): Warning[] {
    return [...this.#losses.map(({ warning }) => warning), ...this.#sessions.unrecorded(this.#made)];
  }

  before(sql: string): void {
    this.#endPending();
    this.#sessions.forgetShapes();
    this.#edited = undefined;
    if (isTemporary(sql) && this.#settings.database.toLowerCase() !== 'temp') return;
    this.#segments.reconcile();
    const statement = schemaStatement(sql);
    if (statement.verb === 'vacuum') {
      this.#vacuumed = this.#schemaVersion() === this.#version;
      return;
    }
    if (!['create', 'alter', 'drop', 'analyze'].includes(statement.verb)) {
      this.#edited = schemaText(this.#connection, this.#settings.database);
      return;
    }
    const version = this.#schemaVersion();
    let changes: readonly Uint8Array[] = [];
    this.attempt(() => {
      changes = this.#sessions.read(this.#recorded);
    });
    const settings = this.#settingsOf(sql, statement);
    const tables = tableNames(this.#connection, this.#settings.database);
    const { verb, name } = statement;
    const cascades =
      verb === 'drop' && settings?.foreignKeys && name !== undefined && tables.has(name.toLowerCase());
    const aside = cascades ? this.#sessions.begin(this.#made, name) : undefined;
    this.#pending = { changes, sql, statement, settings, version, tables, aside };
    // The statement's own changes are recorded separately, so that after a rollback no session contains tables that the
    // statement created. If its tables exist, ANALYZE changes only rows.
    if (verb !== 'analyze' || !tables.has('sqlite_stat1')) this.#sessions.rest(this.#recorded);
  }

  /** If the action fails, changes recorded so far may be lost. */
  attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#lose('lost', '', `changes were lost because they could not be read: ${(error as Error).message}`);
    }
  }

  after(kind: number, code: number): void {
    const pending = this.#pending;
    if (kind === CAPTURE_SCHEMA) {
      this.#noteEdit(code);
      if (this.#vacuumed && code === SQLITE_DONE) this.#version = this.#schemaVersion();
      this.#vacuumed = false;
      if (pending && code === SQLITE_DONE) this.#keep(pending);
      this.#endPending();
    }
    const end = this.#segments.settle(kind, code);
    if (end === 'rolled back') this.#losses = this.#losses.filter((loss) => !loss.open);
    else if (end === 'committed') for (const loss of this.#losses) loss.open = false;
  }

  /** Returns the settings that affect a statement; undefined if no setting affects it. */
  #settingsOf(sql: string, { verb, object, name }: SchemaStatement): StatementSettings | undefined {
    const connection = this.#connection;
    const doubleQuotedText =
      verb === 'alter' ? this.#allowsDoubleQuotedText : this.#readsDoubleQuotedText(sql);
    const isDrop = verb === 'drop' && object === 'table' && name !== undefined;
    if (verb !== 'alter' && !isDrop && !doubleQuotedText) return undefined;
    const isWhole = isDrop && this.#sessions.recordsWhole(name, this.#made);
    const rows = isWhole ? rowCount(connection, this.#settings.database, name) : undefined;
    return {
      legacyAlterTable: isOn(connection, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE),
      foreignKeys: isOn(connection, SQLITE_DBCONFIG_ENABLE_FKEY),
      doubleQuotedText,
      ...(rows !== undefined && { rows }),
    };
  }

  /** Whether SQLite reads a name in double quotes as text in a statement. */
  #readsDoubleQuotedText(sql: string): boolean {
    if (!sql.includes('"') || !this.#allowsDoubleQuotedText) return false;
    const off = doubleQuotes.map((option) => [option, false] as const);
    return !withSettings(this.#connection, off, () => compiles(this.#connection, sql));
  }

  get #allowsDoubleQuotedText(): boolean {
    return doubleQuotes.some((option) => isOn(this.#connection, option));
  }

  /** Called after a statement that may have written to sqlite_schema directly. */
  #noteEdit(code: number): void {
    const before = this.#edited;
    this.#edited = undefined;
    if (before === undefined || (code !== SQLITE_DONE && code !== SQLITE_ROW)) return;
    if (schemaText(this.#connection, this.#settings.database) === before) return;
    const message =
      'sqlite_schema was edited with writable_schema, which a capture cannot record: use ALTER TABLE';
    this.#lose('schema-edited', 'sqlite_schema', message);
  }

  /** Keeps a statement after it ran if it changed the schema of this database. */
  #keep({ changes, sql, statement, settings, version, tables, aside }: Pending): void {
    const after = this.#schemaVersion();
    if (after === version) return;
    const { database, kind } = this.#settings;
    const caused = aside ? [...this.#sessions.read(aside)] : [];
    let own = unqualified(sql, database);
    let ranUnder = settings;
    if (statement.ofQuery && statement.name !== undefined) {
      own = createdText(this.#connection, database, statement.name);
      ranUnder = undefined; // the query, which may have contained such text, is not kept
      caused.push(wholeTable(this.#connection, database, statement.name, kind));
    }
    const made = this.#made;
    this.#made = this.#madeAfter(tables);
    const fresh = this.#sessions.begin(this.#made);
    this.#sessions.rest(this.#recorded);
    const held = { changes, sql: own, settings: ranUnder, caused, version, made };
    this.#segments.cut(fresh, held, after);
    this.#version = after;
  }

  /** Returns the tables created during the capture, after a statement. @param tables all tables before the statement */
  #madeAfter(tables: ReadonlySet<string>): ReadonlySet<string> {
    const now = tableNames(this.#connection, this.#settings.database);
    const gone = [...tables].filter((name) => !now.has(name));
    const come = [...now].filter((name) => !tables.has(name));
    if (gone.length === 0 && come.length === 0) return this.#made;
    const made = new Set([...this.#made].filter((name) => now.has(name)));
    // A renamed table counts as created during the capture only if the table was before.
    const isRename = gone.length === come.length;
    for (const [i, name] of come.entries()) if (!isRename || this.#made.has(gone[i] ?? '')) made.add(name);
    return made;
  }

  #endPending(): void {
    if (!this.#pending) return;
    this.#sessions.end(this.#pending.aside);
    this.#pending = undefined;
    this.#sessions.resume(this.#recorded);
  }

  #lose(kind: Warning['kind'], table: string, message: string): void {
    this.#losses.push({ warning: { kind, table, message }, open: this.#connection.inTransaction });
  }

  get #recorded(): Recorded {
    return this.#segments.recorder;
  }

  #schemaVersion(): bigint {
    return schemaVersion(this.#connection, this.#settings.database);
  }

  #readHeader(): bigint[] {
    return headerPragmas.map((name) => numberPragma(this.#connection, this.#settings.database, name));
  }
}
