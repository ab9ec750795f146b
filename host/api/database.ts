/** Databases with the interface of `DatabaseSync` of `node:sqlite`. PARITY.md lists the differences. */

import { applyTo } from '../applying/apply.js';
import {
  type ApplyFlags,
  applyFlagKinds,
  checkReportOptions,
  type ReportOptions,
} from '../applying/apply-options.js';
import type { Conflict } from '../applying/changes.js';
import { applyWithReport } from '../applying/execute.js';
import { applyCapture, type CaptureReport } from '../applying/replay.js';
import type { ApplyReport } from '../applying/report.js';
import type { Change } from '../changeset/format.js';
import {
  SQLITE_DBCONFIG_DEFENSIVE,
  SQLITE_DBCONFIG_DQS_DDL,
  SQLITE_DBCONFIG_DQS_DML,
  SQLITE_DBCONFIG_ENABLE_FKEY,
  SQLITE_OK,
  SQLITE_OPEN_CREATE,
  SQLITE_OPEN_READONLY,
  SQLITE_OPEN_READWRITE,
  SQLITE_OPEN_URI,
} from '../core/constants.js';
import { errorText } from '../core/errors.js';
import { Spool } from '../core/spool.js';
import {
  checkArgument,
  checkOptions,
  coded,
  invalidState,
  invalidType,
  invalidValue,
  isBytes,
  isInt32,
} from '../kernel/arguments.js';
import { connectionAt } from '../kernel/connection.js';
import { lost } from '../kernel/engine.js';
import { engine } from '../kernel/engine-of-thread.js';
import { type CheckedGrants, checkGrants, type Grants } from '../kernel/grants.js';
import { runRuled } from '../kernel/query.js';
import { set } from '../kernel/settings.js';
import type { SqlValue } from '../kernel/values.js';
import { type CaptureEntry, decodeCapture } from '../recording/capture-format.js';
import { type AggregateOptions, createAggregate } from './aggregate.js';
import { type Authorizer, refuseInAuthorizer, setAuthorizer } from './authorizer.js';
import { type BlobHandle, type BlobOptions, openBlob } from './blob-handle.js';
import { type Capture, type CaptureOptions, startCapture } from './capture.js';
import { Changeset } from './changeset.js';
import { keepConnection } from './connections.js';
import { pathText, sharedMemory } from './database-path.js';
import { checkLimits, type Limits, limitsOf } from './limits.js';
import { OpenDatabase } from './open-database.js';
import { createFunction, type FunctionOptions } from './scalar-function.js';
import { deserialize, serialize } from './serialized.js';
import { createSession, type Session, type SessionCreation } from './session.js';
import {
  checkStatementOptions,
  createStatement,
  type StatementOptions,
  type StatementSync,
  statementOptionKinds,
} from './statement.js';
import { makeTagStore, type SQLTagStore } from './tag-store.js';

/** Options for opening a database, and the default options of its statements. */
export interface DatabaseOptions extends StatementOptions {
  /** Opens the database in the constructor; true by default. If false, call `open()`. */
  open?: boolean;
  /** Opens read-only, and does not create the file. */
  readOnly?: boolean;
  /** Enforces foreign keys; true by default. */
  enableForeignKeyConstraints?: boolean;
  /** Treats "x" as the text 'x' if there is no column x, as old versions of SQLite did. */
  enableDoubleQuotedStringLiterals?: boolean;
  /** Prevents SQL from corrupting the file, for example by writing to the schema's tables; true by default. */
  defensive?: boolean;
  /** Allows `loadExtension` and the SQL function `load_extension`. */
  allowExtension?: boolean;
  /** The default grants of components. */
  grants?: Grants;
  /** Limits of the connection; see {@link DatabaseSync.limits}. */
  limits?: Partial<Limits>;
  /** How long to wait for another connection's lock, in ms. */
  timeout?: number;
  /** `auto` locks as SQLite does. `none` takes no locks; use it only for files that nothing else uses. */
  locking?: 'auto' | 'none';
}

const databaseOptionKinds = {
  open: 'boolean',
  readOnly: 'boolean',
  enableForeignKeyConstraints: 'boolean',
  enableDoubleQuotedStringLiterals: 'boolean',
  defensive: 'boolean',
  allowExtension: 'boolean',
  grants: 'any',
  limits: 'any',
  timeout: 'integer',
  locking: 'string',
  ...statementOptionKinds,
} as const;

export interface ApplyOptions extends ApplyFlags {
  /** Called once for each table of the changeset. Returns whether to apply the table's changes. */
  filter?: (table: string) => boolean;
  /** Called for each change. Returns whether to apply it. */
  filterChange?: (change: Change) => boolean;
  /**
   * Called for each conflict with its kind, an SQLITE_CHANGESET_ constant, and the conflicting change, which is valid
   * only while the handler runs. Returns SQLITE_CHANGESET_OMIT, SQLITE_CHANGESET_REPLACE (only for DATA and CONFLICT)
   * or SQLITE_CHANGESET_ABORT. By default every conflict aborts. SQL in the handler cannot end the transaction.
   */
  onConflict?: (kind: number, conflict: Conflict) => number;
  /**
   * Called with the rebase buffer for {@link Rebaser} after all changes are applied. The buffer is empty if no conflict
   * was omitted or replaced. Not called if a conflict aborts.
   */
  onRebase?: (buffer: Uint8Array) => void;
}

/** Frees databases that were garbage-collected without being closed. */
const forgotten = new FinalizationRegistry<() => void>((free) => free());

/** A connection to a database. Close it to free its memory, file and locks. */
export class DatabaseSync implements Disposable {
  readonly #path: string;
  readonly #options: DatabaseOptions;
  #opened: OpenDatabase | undefined;
  #extensions: boolean;
  readonly #grants: CheckedGrants;
  readonly #limits: Limits = limitsOf(() => this.#open());

  /**
   * Opens a database file or ':memory:'. The file is created if it does not exist.
   *
   * @param path text or bytes of a path, or a `file:` URL
   * @throws TypeError if an argument has the wrong type or an option is unknown
   * @throws SqliteError if the database cannot be opened
   */
  constructor(path: string | Uint8Array | URL, options: DatabaseOptions = {}) {
    this.#path = pathText(path);
    checkOptions(options, databaseOptionKinds);
    if (options.locking !== undefined && !['auto', 'none'].includes(options.locking)) {
      throw invalidValue("The \"options.locking\" argument must be 'auto' or 'none'.");
    }
    this.#options = Object.freeze({ ...options });
    this.#grants = checkGrants(options.grants);
    checkLimits(options.limits);
    this.#extensions = options.allowExtension ?? false;
    keepConnection(this, () => this.#open().connection);
    if (options.open ?? true) this.open();
  }

  /**
   * Opens a database that was created with `open: false`, or closed.
   *
   * @throws Error (ERR_INVALID_STATE) if it is open
   */
  open(): void {
    if (this.#current) throw invalidState('database is already open');
    const { core } = engine();
    const { c, memory } = core;
    const options = this.#options;
    const access = options.readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    using arena = memory.arena();
    const out = arena.allocate(8);
    const vfs = arena.cString(options.locking === 'none' ? 'node-none' : 'node');
    const path = arena.cString(sharedMemory(this.#path) ?? this.#path);
    const code = c.bridge_open(path, out, access | SQLITE_OPEN_URI, vfs);
    const db = memory.pointerAt(out);
    try {
      if (code !== SQLITE_OK) throw core.error(db, code);
      const connection = connectionAt(engine(), db);
      connection.grants = this.#grants;
      const configure = (op: number, value: boolean | undefined): void =>
        engine().check(db, c.bridge_db_config(db, op, Number(value), out + 4));
      c.sqlite3_extended_result_codes(db, 1);
      configure(SQLITE_DBCONFIG_DEFENSIVE, options.defensive ?? true);
      configure(SQLITE_DBCONFIG_DQS_DML, options.enableDoubleQuotedStringLiterals);
      configure(SQLITE_DBCONFIG_DQS_DDL, options.enableDoubleQuotedStringLiterals);
      configure(SQLITE_DBCONFIG_ENABLE_FKEY, options.enableForeignKeyConstraints ?? true);
      engine().check(db, c.sqlite3_busy_timeout(db, options.timeout ?? 0));
      if (this.#extensions) c.sqlite3_enable_load_extension(db, 1);
      const current = new OpenDatabase(connection);
      this.#opened = current;
      Object.assign(this.#limits, definedIn(options.limits));
      const free = (): void => {
        try {
          current.close();
        } catch {
          // There is no caller to report the error to.
        }
      };
      forgotten.register(this, free, current);
    } catch (error) {
      c.sqlite3_close_v2(db);
      throw error;
    }
  }

  /**
   * Closes the database, its sessions, captures, statements and BLOB handles.
   *
   * @throws Error (ERR_INVALID_STATE) if the database is closed, or one of its callbacks is running
   * @throws SqliteError if closing a BLOB handle ends a transaction that cannot be committed. The database is closed
   *   nevertheless.
   */
  close(): void {
    const current = this.#open();
    if (current.running > 0) throw invalidState('database cannot be closed while in a callback');
    this.#opened = undefined;
    forgotten.unregister(current);
    current.close();
  }

  /** Closes the database unless it is already closed or one of its callbacks is running. */
  [Symbol.dispose](): void {
    if (this.#current && this.#current.running === 0) this.close();
  }

  /** Whether the database is open. */
  get isOpen(): boolean {
    return this.#current !== undefined;
  }

  /** The limits of the connection. Assigning to a property changes the limit immediately. C: `sqlite3_limit`. */
  get limits(): Limits {
    this.#open();
    return this.#limits;
  }

  /** Whether a transaction is open. C: `sqlite3_get_autocommit`. */
  get isTransaction(): boolean {
    const { db, engine: own } = this.#open().connection;
    return own.core.c.sqlite3_get_autocommit(db) === 0;
  }

  /** The path of a database's file, or null if the database is in memory. C: `sqlite3_db_filename`. */
  location(dbName = 'main'): string | null {
    const { db, engine: own } = this.#open().connection;
    checkArgument('dbName', dbName, 'string');
    const { c, memory } = own.core;
    using arena = memory.arena();
    return memory.cString(c.sqlite3_db_filename(db, arena.cString(dbName))) || null;
  }

  /**
   * Runs all statements of `sql` and discards their rows. C: `sqlite3_exec`.
   *
   * @throws SqliteError if a statement fails
   */
  exec(sql: string): void {
    const current = this.#ready();
    const { db, engine: own } = current.connection;
    checkArgument('sql', sql, 'string');
    using arena = own.core.memory.arena();
    const text = arena.cString(sql);
    current.statements.ran(sql);
    current.run(() => {
      if (current.connection.rule) runRuled(current.connection, sql);
      else own.check(db, own.core.c.sqlite3_exec(db, text, 0, 0, 0));
    });
  }

  /**
   * Compiles the first statement of `sql` and ignores the rest. C: `sqlite3_prepare_v3`.
   *
   * @param options override the database's own statement options
   * @throws SqliteError if the statement cannot be compiled
   * @throws TypeError (ERR_INVALID_ARG_VALUE) if `sql` contains no statement
   */
  prepare(sql: string, options: StatementOptions = {}): StatementSync {
    const open = this.#ready();
    checkArgument('sql', sql, 'string');
    checkStatementOptions(options);
    const held = open.run(() => open.statements.take(sql));
    return createStatement({ open, database: this }, held, {
      ...this.#options,
      ...options,
    });
  }

  /**
   * Adds an SQL function, or replaces the function with the same name and number of arguments. Integer arguments are
   * numbers unless `useBigIntArguments` is set. A returned number becomes REAL, a bigint INTEGER, and undefined NULL.
   * The call that runs the statement rethrows an exception of the function unchanged. C: `sqlite3_create_function_v2`.
   *
   * @throws TypeError if an argument has the wrong type
   * @throws SqliteError if SQLite refuses the name or the number of arguments
   */
  function(name: string, implementation: (...values: SqlValue[]) => unknown): void;
  function(name: string, options: FunctionOptions, implementation: (...values: SqlValue[]) => unknown): void;
  function(name: string, ...rest: unknown[]): void {
    const open = this.#ready();
    checkArgument('name', name, 'string');
    open.statements.forget();
    createFunction(open.connection, name, rest);
  }

  /**
   * Adds an aggregate, or replaces the aggregate with the same name and number of arguments. With `inverse` it is also
   * a window function. Values are converted as for {@link function}. C: `sqlite3_create_window_function`.
   *
   * @throws TypeError if an option has the wrong type
   * @throws SqliteError if SQLite refuses the name or the number of arguments
   */
  aggregate<State>(name: string, options: AggregateOptions<State>): void {
    const open = this.#ready();
    createAggregate(open.connection, String(name), options as AggregateOptions);
    open.statements.forget();
  }

  /**
   * Sets the function that decides what statements may do, or removes it if `callback` is null. The authorizers of
   * components and the host stay in force. The call that compiles a statement rethrows an exception of the function, or
   * throws if its return value is invalid. C: `sqlite3_set_authorizer`.
   *
   * @throws TypeError if `callback` is neither a function nor null
   */
  setAuthorizer(callback: Authorizer | null): void {
    setAuthorizer(this.#ready().connection, callback);
  }

  /**
   * Starts recording changes of some or all tables. The session ends with the database. C: `sqlite3session_create`,
   * `sqlite3session_object_config`, `sqlite3session_table_filter`, `sqlite3session_attach`.
   *
   * @throws SqliteError (SQLITE_CONSTRAINT) if `onUnrecorded` is 'refuse' and some changes would not be recorded
   */
  createSession(options: SessionCreation = {}): Session {
    const open = this.#ready();
    const { session, forget } = createSession({ open, now: () => this.#current }, options);
    forgotten.register(session, forget);
    return session;
  }

  /**
   * Starts recording changes together with the statements that change the schema, which a session does not record.
   *
   * @throws SqliteError if there is no such database
   */
  capture(options: CaptureOptions = {}): Capture {
    const { capture, forget } = startCapture({ open: this.#open(), now: () => this.#current }, options);
    forgotten.register(capture, forget);
    return capture;
  }

  /**
   * Returns an object that runs tagged templates on this database and caches their statements.
   *
   * @param maxSize the most cached statements, 1000 by default
   */
  createTagStore(maxSize = 1000): SQLTagStore<DatabaseSync> {
    this.#open();
    return makeTagStore<DatabaseSync>(this, maxSize);
  }

  /**
   * Returns a database as bytes, in the format of a database file. The caller owns the bytes. C: `sqlite3_serialize`.
   *
   * @param dbName 'main' (the default), 'temp' or an attached database
   * @throws SqliteError if there is no such database
   */
  serialize(dbName = 'main'): Uint8Array<ArrayBuffer> {
    return serialize(this.#ready(), dbName);
  }

  /**
   * Replaces a database with an in-memory database that has these bytes, which are copied. The previous database file
   * stays unchanged. Functions and statements stay valid. WAL mode is turned off. C: `sqlite3_deserialize`.
   *
   * @throws SqliteError if there is no such database, a transaction or a statement is open, or a session or capture is
   *   recording
   */
  deserialize(buffer: Uint8Array, options: { dbName?: string } = {}): void {
    deserialize(this.#ready(), buffer, options);
  }

  /**
   * Opens a value in the row with this rowid, to read and write parts of it in place. The handle ends with the
   * database. C: `sqlite3_blob_open`.
   *
   * @throws SqliteError if there is no such row, the value is not a BLOB or TEXT, the table has no rowids, or the
   *   column is read-only because it is in a key, an index or a foreign key
   */
  openBlob(table: string, column: string, rowid: number | bigint, options: BlobOptions = {}): BlobHandle {
    const { handle, forget } = openBlob(this.#ready(), table, column, rowid, options);
    forgotten.register(handle, forget);
    return handle;
  }

  /**
   * Applies a capture to `main`, completely or not at all. Its statements may change the schema but cannot reach beyond
   * the database. Triggers and foreign key actions do not run by default, because the capture contains their changes.
   *
   * @throws SqliteError if the capture is malformed or an entry fails
   * @throws TypeError (ERR_INVALID_ARG_VALUE) if `invert` is set and the capture contains statements
   */
  applyCapture(capture: Uint8Array | readonly CaptureEntry[], options: ReportOptions = {}): CaptureReport {
    const current = this.#open();
    if (!(capture instanceof Uint8Array) && !Array.isArray(capture)) {
      throw invalidType('The "capture" argument must be a Uint8Array or an array of entries.');
    }
    checkReportOptions(options);
    const entries = capture instanceof Uint8Array ? decodeCapture(capture) : [...capture];
    current.statements.forget();
    return current.run(() => applyCapture(current.connection, entries, options));
  }

  /**
   * Applies a changeset or patchset to `main`, completely or not at all. If it is given in pieces, they are read one at
   * a time. C: `sqlite3changeset_apply_v2`, `sqlite3changeset_apply_v3` and their `_strm` forms.
   *
   * @returns false if a conflict aborted the apply
   * @throws SqliteError if the changeset is malformed or cannot be applied. An exception of a handler is rethrown
   *   unchanged.
   */
  applyChangeset(
    changeset: Uint8Array | Changeset | Iterable<Uint8Array>,
    options: ApplyOptions = {},
  ): boolean {
    const current = this.#ready();
    const input = changeset instanceof Changeset ? changeset.bytes : changeset;
    if (!(input instanceof Uint8Array) && (isBytes(input) || !isIterable(input))) {
      throw invalidType('The "changeset" argument must be a Uint8Array.');
    }
    checkOptions(options, {
      filter: 'function',
      onConflict: 'function',
      filterChange: 'function',
      onRebase: 'function',
      ...applyFlagKinds,
    });
    const { onConflict, onRebase } = options;
    const handlers = onConflict
      ? { ...options, onConflict: (kind: number, conflict: Conflict) => answer(onConflict(kind, conflict)) }
      : options;
    const { done, rebase } = current.run(() => applyTo(current.connection, input, handlers));
    if (done) onRebase?.(rebase);
    return done;
  }

  /**
   * Applies changesets to `main` in order, all or none, with a conflict policy. Returns a report for each table,
   * including changes that SQLite silently ignores.
   *
   * @throws TypeError for unknown options; SqliteError if a changeset is malformed or cannot be applied
   */
  apply(
    changesets: Uint8Array | Changeset | readonly (Uint8Array | Changeset)[],
    options: ReportOptions = {},
  ): ApplyReport {
    const current = this.#ready();
    const list = Array.isArray(changesets) ? changesets : [changesets];
    const all = list.map((one) => (one instanceof Changeset ? one.bytes : one));
    if (!all.every((one) => one instanceof Uint8Array)) {
      throw invalidType('The "changesets" argument must be a Uint8Array, a Changeset, or an array of them.');
    }
    checkReportOptions(options);
    return current.run(() => applyWithReport(current.connection, all, options));
  }

  /**
   * Applies a changeset from a stream as {@link apply} does. The stream is read to its end before anything is locked.
   * If the changeset exceeds 1 MiB, it is kept in a temporary file.
   */
  async applyStream(
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: ReportOptions = {},
  ): Promise<ApplyReport> {
    checkReportOptions(options);
    if (pieces instanceof Uint8Array) {
      throw invalidType(
        'The "pieces" argument must be an iterable of Uint8Arrays, such as an array or a stream.',
      );
    }
    using spool = new Spool();
    for await (const piece of pieces) {
      if (!(piece instanceof Uint8Array)) throw invalidType('A piece of a changeset must be a Uint8Array.');
      spool.add(piece);
    }
    const current = this.#ready();
    return current.run(() => applyWithReport(current.connection, [spool], options));
  }

  /**
   * Allows or forbids loading extensions, in code and in SQL. C: `sqlite3_enable_load_extension`.
   *
   * @throws Error (ERR_INVALID_STATE) if the database was not opened with `allowExtension`
   */
  enableLoadExtension(allow: boolean): void {
    const { db, engine: own } = this.#ready().connection;
    checkArgument('allow', allow, 'boolean');
    if (allow && !this.#options.allowExtension) {
      throw invalidState('Cannot enable extension loading because it was disabled at database creation.');
    }
    this.#extensions = allow;
    own.check(db, own.core.c.sqlite3_enable_load_extension(db, Number(allow)));
  }

  /** Turns defensive mode on or off; see {@link DatabaseOptions.defensive}. */
  enableDefensive(active: boolean): void {
    const { connection } = this.#ready();
    checkArgument('active', active, 'boolean');
    set(connection, SQLITE_DBCONFIG_DEFENSIVE, active);
  }

  /**
   * Loads a component by path, or an included component by name. C: `sqlite3_load_extension`.
   *
   * @param options the grants of this component, if different from the database's `grants`. A string, the entry point
   *   of a native extension, is ignored: a component has only one.
   * @throws Error (ERR_LOAD_SQLITE_EXTENSION) that explains why the component cannot be loaded. Nothing is registered
   *   then.
   * @throws Error (ERR_INVALID_STATE) if loading is not allowed
   */
  loadExtension(path: string, options?: string | { grants?: Grants }): void {
    const current = this.#ready();
    const { db, engine: own } = current.connection;
    if (!this.#extensions) throw invalidState('extension loading is not allowed');
    checkArgument('path', path, 'string');
    const named = typeof options === 'object' && options !== null;
    if (named) checkOptions(options, { grants: 'any' });
    else if (options !== undefined) checkArgument('entryPoint', options, 'string');
    const grants = checkGrants(named ? options.grants : undefined, this.#grants);
    current.statements.forget();
    const { c, memory } = own.core;
    using arena = memory.arena();
    const out = arena.allocate(4);
    const name = arena.cString(path);
    own.loading = grants;
    let code: number;
    try {
      code = current.run(() => c.sqlite3_load_extension(db, name, 0, out));
    } finally {
      own.loading = undefined;
    }
    const message = memory.pointerAt(out);
    try {
      if (code === SQLITE_OK) return;
      const text = memory.cString(message) || errorText(code);
      throw coded(new Error(text), 'ERR_LOAD_SQLITE_EXTENSION');
    } finally {
      c.sqlite3_free(message);
    }
  }

  /** Returns the open state for operations that are not allowed inside an authorizer. */
  #ready(): OpenDatabase {
    const current = this.#open();
    refuseInAuthorizer(current.connection);
    return current;
  }

  #open(): OpenDatabase {
    const current = this.#current;
    if (current) {
      current.connection.engine.refuseInLog();
      return current;
    }
    throw invalidState(this.#opened ? lost : 'database is not open');
  }

  get #current(): OpenDatabase | undefined {
    return this.#opened?.isLost ? undefined : this.#opened;
  }
}

const definedIn = (limits: Partial<Limits> = {}): Partial<Limits> =>
  Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** Converts a conflict handler's return value. An invalid value becomes -1, which SQLite refuses with SQLITE_MISUSE. */
function answer(value: unknown): number {
  return isInt32(value) ? value : -1;
}
