/**
 * Captures: sessions with the schema's changes between them. A session cannot record those, and one of whose tables
 * lost a column fails whole; so a capture reads its session just before a statement that changes the schema, keeps
 * the statement, and goes on with a fresh session.
 *
 * Until the transaction is committed the old session is kept, for a rollback takes the statement back and what was
 * recorded before it counts again. Which statements a rollback took back, the schema's version number tells: it
 * goes back with them, and no other connection can change it meanwhile.
 */

import { CAPTURE_ROLLBACK, CAPTURE_SCHEMA, SQLITE_DONE, SQLITE_MISUSE } from '../core/constants.js';
import { SqliteError } from '../core/errors.js';
import { type CaptureEntry, encodeCapture } from './capture-format.js';
import { isCreateAs, isTemporary, unqualified } from './ddl.js';
import type { Connection } from './engine.js';
import { numberPragma } from './query.js';
import type { ChangesetKind } from './recording.js';
import { schemaVersion, type Warning } from './schema.js';
import { listen, type SchemaListener, unlisten } from './schema-statements.js';

export interface CaptureSettings {
  /** The database: 'main', 'temp' or an attached one. */
  readonly database: string;
  /** The tables to record; null is all, those made later included. */
  readonly tables: readonly string[] | null;
  readonly filter?: ((table: string) => boolean) | readonly string[] | undefined;
  /** As in {@link SessionOptions}. */
  readonly rowid: boolean;
  readonly indirect: boolean;
  /** What is made of the sessions. */
  readonly kind: ChangesetKind;
}

/** A statement that changed the schema, and what was recorded before it. */
interface Segment {
  /** The session that recorded it, at rest; undefined once the statement is committed. */
  session: bigint | undefined;
  readonly changes: Uint8Array;
  readonly sql: string;
  /** The schema's version before and after the statement. */
  readonly before: bigint;
  readonly after: bigint;
}

/** A statement that is running and may change the schema. */
interface Pending {
  readonly changes: Uint8Array;
  readonly sql: string;
  readonly version: bigint;
}

/** What the file's header holds for the program, which no changeset does. */
const headerPragmas = ['user_version', 'application_id'] as const;

export class CaptureLog implements SchemaListener {
  readonly #connection: Connection;
  readonly #settings: CaptureSettings;
  #session: bigint;
  #segments: Segment[] = [];
  /** Read before the statement that is running. */
  #pending: Pending | undefined;
  /** The schema's version as this capture knows it. */
  #version: bigint;
  #header: readonly bigint[];
  readonly #lost: Warning[] = [];

  /** @throws SqliteError as {@link SessionRegistry.create} does */
  constructor(connection: Connection, settings: CaptureSettings) {
    this.#connection = connection;
    this.#settings = settings;
    this.#session = this.#begin();
    this.#version = this.#schemaVersion();
    this.#header = this.#readHeader();
    listen(connection, this);
  }

  /** Ends it. More than once does no harm. */
  end(): void {
    if (!unlisten(this.#connection, this)) return;
    for (const session of [this.#session, ...this.#segments.map((segment) => segment.session)]) {
      if (session !== undefined) this.#connection.sessions.delete(session);
    }
  }

  /**
   * What was captured so far, in order.
   *
   * @throws SqliteError (SQLITE_SCHEMA) where another connection changed the schema so that the session is lost
   */
  entries(): CaptureEntry[] {
    this.#reconcile();
    const { kind } = this.#settings;
    const entries: CaptureEntry[] = [];
    for (const { changes, sql } of this.#segments) {
      if (changes.length > 0) entries.push({ kind: 'changeset', bytes: changes });
      entries.push({ kind: 'ddl', sql });
    }
    const bytes = this.#connection.sessions.changeset(this.#session, kind);
    if (bytes.length > 0) entries.push({ kind: 'changeset', bytes });
    this.#readHeader().forEach((value, i) => {
      if (value !== this.#header[i])
        entries.push({ kind: 'ddl', sql: `PRAGMA ${headerPragmas[i]}=${value}` });
    });
    return entries;
  }

  /**
   * The same as bytes, and a fresh start. Where they cannot be had nothing is forgotten.
   *
   * @throws SqliteError (SQLITE_MISUSE) within a transaction: its rollback would take back what was handed out
   */
  take(): Uint8Array {
    const { engine, db, sessions } = this.#connection;
    if (engine.core.c.sqlite3_get_autocommit(db) === 0) {
      throw new SqliteError(
        'a capture cannot be taken within a transaction: commit it or roll it back first',
        SQLITE_MISUSE,
        engine.core.errorText(SQLITE_MISUSE),
      );
    }
    const taken = encodeCapture(this.entries());
    sessions.take(this.#session);
    this.#segments = [];
    this.#version = this.#schemaVersion();
    this.#header = this.#readHeader();
    return taken;
  }

  /** What is left out without a word as things stand, and what was lost. */
  warnings(): Warning[] {
    this.#reconcile();
    const foreign: Warning[] = [];
    if (this.#schemaVersion() !== this.#version) {
      foreign.push({
        kind: 'schema-changed',
        table: '',
        message: 'another connection changed the schema, which is not captured',
      });
    }
    const rerun = this.#segments.filter(({ sql }) => isCreateAs(sql));
    return [
      ...this.#lost,
      ...foreign,
      ...rerun.map(({ sql }): Warning => {
        return { kind: 'create-as', table: '', message: `its query runs again where it is applied: ${sql}` };
      }),
      ...this.#connection.sessions.warnings(this.#session),
    ];
  }

  /** What was lost. */
  get lost(): Warning[] {
    return [...this.#lost];
  }

  before(sql: string): void {
    const { database, kind } = this.#settings;
    this.#pending = undefined;
    if (isTemporary(sql) && database.toLowerCase() !== 'temp') return;
    this.#reconcile();
    const version = this.#schemaVersion();
    let changes: Uint8Array = new Uint8Array(0);
    this.attempt(() => {
      changes = this.#connection.sessions.changeset(this.#session, kind);
    });
    this.#pending = { changes, sql, version };
  }

  /** Where it fails, what was recorded up to there may be lost. */
  attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      const message = `changes were lost, for they could not be read: ${(error as Error).message}`;
      this.#lost.push({ kind: 'lost', table: '', message });
    }
  }

  after(kind: number, code: number): void {
    const { engine, db } = this.#connection;
    const pending = this.#pending;
    if (kind === CAPTURE_SCHEMA) this.#pending = undefined;
    if (kind === CAPTURE_SCHEMA && pending && code === SQLITE_DONE) this.#keep(pending);
    const open = engine.core.c.sqlite3_get_autocommit(db) === 0;
    if (open && code !== SQLITE_DONE) return; // reconciled when it matters
    if (open) {
      if (kind === CAPTURE_ROLLBACK) this.#rewind();
    } else if (kind !== CAPTURE_ROLLBACK && code === SQLITE_DONE) {
      this.#rewind();
      this.#commit();
    } else {
      this.#drop(this.#firstOpen());
    }
  }

  /** A statement was run: keeps it if it changed the schema of this database. */
  #keep({ changes, sql, version }: Pending): void {
    const after = this.#schemaVersion();
    if (after === version) return;
    const { sessions } = this.#connection;
    const own = unqualified(sql, this.#settings.database);
    const fresh = this.#begin();
    sessions.enable(this.#session, false);
    this.#segments.push({
      session: this.#session,
      changes,
      sql: own,
      before: version,
      after,
    });
    this.#session = fresh;
    this.#version = after;
  }

  /** Takes notice of rollbacks that nobody told of. */
  #reconcile(): void {
    const first = this.#firstOpen();
    if (first === this.#segments.length) return;
    const { engine, db } = this.#connection;
    if (engine.core.c.sqlite3_get_autocommit(db) === 0) {
      this.#rewind();
    } else if (this.#schemaVersion() === this.#segments.at(-1)?.after) {
      this.#commit();
    } else {
      this.#drop(first);
    }
  }

  /** Drops the statements that a rollback within the transaction took back. */
  #rewind(): void {
    const first = this.#firstOpen();
    if (first === this.#segments.length) return;
    const version = this.#schemaVersion();
    const last = this.#segments.findLastIndex((segment, i) => i >= first && segment.after === version);
    if (last >= 0) this.#drop(last + 1);
    else if (this.#segments[first]?.before === version) this.#drop(first);
  }

  /** Goes back to what was before the statement at `index`. */
  #drop(index: number): void {
    const dropped = this.#segments.splice(index);
    const [first] = dropped;
    if (!first) return;
    const { sessions } = this.#connection;
    sessions.delete(this.#session);
    for (const { session } of dropped.slice(1)) if (session !== undefined) sessions.delete(session);
    this.#session = first.session ?? this.#begin();
    sessions.enable(this.#session, true);
    this.#version = first.before;
  }

  /** What was done stays: the sessions that a rollback would have needed are ended. */
  #commit(): void {
    for (const segment of this.#segments) {
      if (segment.session !== undefined) this.#connection.sessions.delete(segment.session);
      segment.session = undefined;
    }
  }

  /** The index of the first statement that can still be taken back; how many there are where none can. */
  #firstOpen(): number {
    const found = this.#segments.findIndex(({ session }) => session !== undefined);
    return found < 0 ? this.#segments.length : found;
  }

  #begin(): bigint {
    const { sessions } = this.#connection;
    const { database, tables, filter, rowid, indirect } = this.#settings;
    const handle = sessions.create(database, { rowid, parts: false });
    try {
      if (typeof filter === 'function') sessions.filter(handle, filter);
      else if (filter) sessions.filterByGlobs(handle, filter);
      for (const table of tables ?? [null]) sessions.attach(handle, table);
      if (indirect) sessions.indirect(handle, true);
    } catch (error) {
      sessions.delete(handle);
      throw error;
    }
    return handle;
  }

  #schemaVersion(): bigint {
    return schemaVersion(this.#connection, this.#settings.database);
  }

  #readHeader(): bigint[] {
    return headerPragmas.map((name) => numberPragma(this.#connection, this.#settings.database, name));
  }
}
