/** Databases, shaped as `DatabaseSync` of `node:sqlite`. PARITY.md lists what is there. */

import { fileURLToPath } from 'node:url';
import {
  SQLITE_ABORT,
  SQLITE_CHANGESET_ABORT,
  SQLITE_CHANGESET_CONFLICT,
  SQLITE_CHANGESET_CONSTRAINT,
  SQLITE_CHANGESET_DATA,
  SQLITE_CHANGESET_FOREIGN_KEY,
  SQLITE_CHANGESET_NOTFOUND,
  SQLITE_CHANGESET_OMIT,
  SQLITE_CHANGESET_REPLACE,
  SQLITE_DBCONFIG_DQS_DDL,
  SQLITE_DBCONFIG_DQS_DML,
  SQLITE_DBCONFIG_ENABLE_FKEY,
  SQLITE_DETERMINISTIC,
  SQLITE_DIRECTONLY,
  SQLITE_OK,
  SQLITE_OPEN_CREATE,
  SQLITE_OPEN_READONLY,
  SQLITE_OPEN_READWRITE,
  SQLITE_OPEN_URI,
} from '../core/constants.js';
import { checkArgument, checkOptions, invalidState, invalidType, invalidValue } from './arguments.js';
import { cellSize, readCell } from './cells.js';
import type { Connection, Engine } from './engine.js';
import { Session } from './session.js';
import {
  checkStatementOptions,
  madeByDatabase,
  type StatementHandle,
  type StatementOptions,
  type StatementOwner,
  StatementSync,
  statementOptionKinds,
} from './statement.js';
import { type SqlValue, setResult } from './values.js';

export interface DatabaseOptions extends StatementOptions {
  /** Opens at once. On unless set to false; then `open()` does. */
  open?: boolean;
  readOnly?: boolean;
  /** On unless set to false. */
  enableForeignKeyConstraints?: boolean;
  /** Lets "x" mean the text 'x' where there is no column x, as old SQLite did. */
  enableDoubleQuotedStringLiterals?: boolean;
  /** Lets `loadExtension` and the SQL function `load_extension` be used. */
  allowExtension?: boolean;
  /** How long to wait for another connection's lock, in ms. */
  timeout?: number;
  /** `none`: takes no locks, for files that nobody else uses. `auto`: SQLite's own. */
  locking?: 'auto' | 'none';
}

const databaseOptionKinds = {
  open: 'boolean',
  readOnly: 'boolean',
  enableForeignKeyConstraints: 'boolean',
  enableDoubleQuotedStringLiterals: 'boolean',
  allowExtension: 'boolean',
  timeout: 'integer',
  locking: 'string',
  ...statementOptionKinds,
} as const;

export interface FunctionOptions {
  /** Integers arrive as bigint. */
  useBigIntArguments?: boolean;
  /** Takes any number of arguments; without it as many as the function declares. */
  varargs?: boolean;
  /** The same arguments give the same result. */
  deterministic?: boolean;
  /** Not callable from the schema. */
  directOnly?: boolean;
}

export interface ApplyOptions {
  /** Called once for each table of the changeset: whether its changes are applied. */
  filter?: (table: string) => boolean;
  /**
   * Called for each conflict with its kind, one of the SQLITE_CHANGESET_ constants. Returns
   * SQLITE_CHANGESET_OMIT, SQLITE_CHANGESET_REPLACE (for DATA and CONFLICT only) or SQLITE_CHANGESET_ABORT.
   * Without it every conflict aborts.
   */
  onConflict?: (kind: number) => number;
}

/** The kinds of conflicts and the answers to them. */
export const constants = Object.freeze({
  SQLITE_CHANGESET_DATA,
  SQLITE_CHANGESET_NOTFOUND,
  SQLITE_CHANGESET_CONFLICT,
  SQLITE_CHANGESET_CONSTRAINT,
  SQLITE_CHANGESET_FOREIGN_KEY,
  SQLITE_CHANGESET_OMIT,
  SQLITE_CHANGESET_REPLACE,
  SQLITE_CHANGESET_ABORT,
});

let makeEngine: (() => Engine) | undefined;
let engineOfThread: Engine | undefined;

/** Says how the engine of this thread is made, when the first database opens. */
export function useEngine(factory: () => Engine): void {
  makeEngine = factory;
}

function engine(): Engine {
  if (!engineOfThread) {
    if (!makeEngine) throw new Error('no engine: useEngine was not called');
    engineOfThread = makeEngine();
  }
  return engineOfThread;
}

/** Finalizes statements that were forgotten: a net, for a database finalizes all of its own. */
const forgotten = new FinalizationRegistry<() => void>((finalize) => finalize());

const connections = new WeakMap<DatabaseSync, () => Connection>();

/** The connection behind an open database. @throws Error (ERR_INVALID_STATE) where it is closed */
export function connectionOf(database: DatabaseSync): Connection {
  const connection = connections.get(database);
  if (!connection) throw invalidType('The "database" argument must be a DatabaseSync.');
  return connection();
}

export class DatabaseSync implements Disposable {
  readonly #path: string;
  readonly #options: DatabaseOptions;
  readonly #statements = new Set<StatementHandle>();
  #connection: Connection | undefined;
  #extensions: boolean;
  #busy = 0;

  /**
   * Opens a database: a file, made where it is not there, or ':memory:'.
   *
   * @param path text or bytes of a path, or a `file:` URL
   * @throws TypeError for an argument of another kind or an unknown option
   * @throws SqliteError where it cannot be opened
   */
  constructor(path: string | Uint8Array | URL, options: DatabaseOptions = {}) {
    this.#path = pathText(path);
    checkOptions(options, databaseOptionKinds);
    if (options.locking !== undefined && !['auto', 'none'].includes(options.locking)) {
      throw invalidType("The \"options.locking\" argument must be 'auto' or 'none'.");
    }
    this.#options = Object.freeze({ ...options });
    this.#extensions = options.allowExtension ?? false;
    connections.set(this, () => this.#open());
    if (options.open ?? true) this.open();
  }

  /** Opens a database that was made with `open: false`, or closed. @throws Error (ERR_INVALID_STATE) if open */
  open(): void {
    if (this.#connection) throw invalidState('database is already open');
    const { core } = engine();
    const { c, memory } = core;
    const options = this.#options;
    const access = options.readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    using arena = memory.arena();
    const out = arena.allocate(8);
    const vfs = arena.cString(options.locking === 'none' ? 'node-none' : 'node');
    const code = c.bridge_open(arena.cString(this.#path), out, access | SQLITE_OPEN_URI, vfs);
    const db = memory.pointerAt(out);
    try {
      if (code !== SQLITE_OK) throw core.error(db, code);
      const connection = engine().connection(db);
      const configure = (op: number, value: boolean | undefined): void =>
        engine().check(db, c.bridge_db_config(db, op, Number(value), out + 4));
      c.sqlite3_extended_result_codes(db, 1);
      configure(SQLITE_DBCONFIG_DQS_DML, options.enableDoubleQuotedStringLiterals);
      configure(SQLITE_DBCONFIG_DQS_DDL, options.enableDoubleQuotedStringLiterals);
      configure(SQLITE_DBCONFIG_ENABLE_FKEY, options.enableForeignKeyConstraints ?? true);
      engine().check(db, c.sqlite3_busy_timeout(db, options.timeout ?? 0));
      if (this.#extensions) c.sqlite3_enable_load_extension(db, 1);
      this.#connection = connection;
    } catch (error) {
      c.sqlite3_close_v2(db);
      throw error;
    }
  }

  /**
   * Closes the database: ends its sessions, finalizes its statements, lets go of its file.
   *
   * @throws Error (ERR_INVALID_STATE) where it is closed, or where one of its own callbacks is running
   */
  close(): void {
    const { db, engine: own } = this.#open();
    if (this.#busy > 0)
      throw invalidState('database is busy: it cannot be closed from inside its own callback');
    const { c } = own.core;
    for (const statement of this.#statements) finalize(own, statement);
    this.#statements.clear();
    this.#connection = undefined;
    c.sqlite3_close_v2(db);
  }

  /** Closes the database unless it is closed already. */
  [Symbol.dispose](): void {
    if (this.#connection) this.close();
  }

  get isOpen(): boolean {
    return this.#connection !== undefined;
  }

  /** Whether a transaction is open. C: `sqlite3_get_autocommit`. */
  get isTransaction(): boolean {
    const { db, engine: own } = this.#open();
    return own.core.c.sqlite3_get_autocommit(db) === 0;
  }

  /** The file of a database, or null where it is in memory. C: `sqlite3_db_filename`. */
  location(dbName = 'main'): string | null {
    const { db, engine: own } = this.#open();
    checkArgument('dbName', dbName, 'string');
    const { c, memory } = own.core;
    using arena = memory.arena();
    return memory.cString(c.sqlite3_db_filename(db, arena.cString(dbName))) || null;
  }

  /** Runs all statements of `sql`; rows are dropped. C: `sqlite3_exec`. @throws SqliteError */
  exec(sql: string): void {
    const { db, engine: own } = this.#open();
    checkArgument('sql', sql, 'string');
    using arena = own.core.memory.arena();
    const text = arena.cString(sql);
    this.busy(() => own.check(db, own.core.c.sqlite3_exec(db, text, 0, 0, 0)));
  }

  /** Compiles one statement. What follows it in `sql` is ignored. C: `sqlite3_prepare_v3`. @throws SqliteError */
  prepare(sql: string, options: StatementOptions = {}): StatementSync {
    const connection = this.#open();
    checkArgument('sql', sql, 'string');
    checkStatementOptions(options);
    const { db, engine: own } = connection;
    const { c, memory } = own.core;
    using arena = memory.arena();
    const out = arena.allocate(4);
    const { pointer, length } = arena.text(sql);
    own.check(db, c.sqlite3_prepare_v3(db, pointer, length + 1, 0, out, 0));
    const handle: StatementHandle = { pointer: memory.pointerAt(out), cells: 0 };
    if (handle.pointer === 0) throw invalidValue('The SQL query contains no statements.');
    this.#statements.add(handle);
    const owner: StatementOwner = { connection, busy: (action) => this.busy(action) };
    const statement = new StatementSync(madeByDatabase, owner, handle, { ...this.#options, ...options });
    const statements = this.#statements;
    forgotten.register(statement, () => {
      if (statements.delete(handle)) finalize(own, handle);
    });
    return statement;
  }

  /**
   * Adds an SQL function. What `implementation` throws surfaces as itself from the statement's call.
   * C: `sqlite3_create_function_v2`.
   */
  function(name: string, implementation: (...values: SqlValue[]) => unknown): void;
  function(name: string, options: FunctionOptions, implementation: (...values: SqlValue[]) => unknown): void;
  function(name: string, ...rest: unknown[]): void {
    const { db, engine: own } = this.#open();
    checkArgument('name', name, 'string');
    const options = (rest.length > 1 ? rest[0] : {}) as FunctionOptions;
    const implementation = rest[rest.length > 1 ? 1 : 0];
    checkArgument('function', implementation, 'function');
    checkOptions(options, {
      useBigIntArguments: 'boolean',
      varargs: 'boolean',
      deterministic: 'boolean',
      directOnly: 'boolean',
    });
    const target = implementation as (...values: SqlValue[]) => unknown;
    const bigints = options.useBigIntArguments ?? false;
    const { memory, c } = own.core;
    const { bridge_values } = c;
    const cells = own.arguments;
    const id = own.register({
      call(context, count, values) {
        bridge_values(count, values, cells);
        const args: SqlValue[] = [];
        for (let i = 0; i < count; i++) args.push(readCell(memory, cells + cellSize * i, bigints));
        setResult(own.core, context, sqlValue(target(...args)));
      },
    });
    const flags =
      (options.deterministic ? SQLITE_DETERMINISTIC : 0) | (options.directOnly ? SQLITE_DIRECTONLY : 0);
    using arena = memory.arena();
    const count = options.varargs ? -1 : target.length;
    own.check(db, c.bridge_create_function(db, arena.cString(name), count, flags, id));
  }

  /**
   * Starts recording changes of `db` ('main'), in one table or in all. C: `sqlite3session_create`,
   * `sqlite3session_attach`. The session ends with the database.
   */
  createSession(options: { table?: string; db?: string } = {}): Session {
    const connection = this.#open();
    checkOptions(options, { table: 'string', db: 'string' });
    const handle = connection.sessions.create(options.db ?? 'main');
    try {
      connection.sessions.attach(handle, options.table ?? null);
    } catch (error) {
      connection.sessions.delete(handle);
      throw error;
    }
    return new Session(
      madeByDatabase,
      () => {
        const now = this.#open();
        if (now !== connection) throw invalidState('session is not open');
        return now;
      },
      handle,
    );
  }

  /**
   * Applies a changeset or patchset, whole or not at all. C: `sqlite3changeset_apply_v2`.
   *
   * @returns false where a conflict aborted it
   * @throws SqliteError where it is malformed or cannot be applied; what a handler throws surfaces as itself
   */
  applyChangeset(changeset: Uint8Array, options: ApplyOptions = {}): boolean {
    const { db, engine: own } = this.#open();
    if (!(changeset instanceof Uint8Array))
      throw invalidType('The "changeset" argument must be a Uint8Array.');
    checkOptions(options, { filter: 'function', onConflict: 'function' });
    const { filter, onConflict } = options;
    const filterId = filter ? own.register({ filterTable: (table) => Boolean(filter(table)) }) : -1;
    const conflictId = own.register({ conflict: (kind) => answer(onConflict?.(kind)) });
    using arena = own.core.memory.arena();
    const bytes = arena.bytes(changeset);
    try {
      const code = this.busy(() =>
        own.core.c.bridge_changeset_apply(db, changeset.length, bytes, filterId, conflictId, 0, 0, 0),
      );
      const thrown = own.takeThrown();
      if (thrown) throw thrown.error;
      if ((code & 0xff) === SQLITE_ABORT) return false;
      own.check(db, code);
      return true;
    } finally {
      own.release(filterId);
      own.release(conflictId);
    }
  }

  /**
   * Allows or forbids loading extensions, in code and in SQL. C: `sqlite3_enable_load_extension`.
   *
   * @throws Error (ERR_INVALID_STATE) where the database was not opened with `allowExtension`
   */
  enableLoadExtension(allow: boolean): void {
    const { db, engine: own } = this.#open();
    checkArgument('allow', allow, 'boolean');
    if (allow && !this.#options.allowExtension) {
      throw invalidState('Cannot enable extension loading because it was disabled at database creation.');
    }
    this.#extensions = allow;
    own.check(db, own.core.c.sqlite3_enable_load_extension(db, Number(allow)));
  }

  /**
   * Loads a component, by its path or the name of one that ships with us. C: `sqlite3_load_extension`.
   *
   * @throws SqliteError that says why it cannot be loaded; nothing of it is there then
   */
  loadExtension(path: string): void {
    const { db, engine: own } = this.#open();
    if (!this.#extensions) throw invalidState('extension loading is not allowed');
    checkArgument('path', path, 'string');
    const { c, memory } = own.core;
    using arena = memory.arena();
    const out = arena.allocate(4);
    const code = c.sqlite3_load_extension(db, arena.cString(path), 0, out);
    const message = memory.pointerAt(out);
    try {
      if (code !== SQLITE_OK) throw own.core.error(0, code, memory.cString(message) ?? undefined);
    } finally {
      c.sqlite3_free(message);
    }
  }

  /** Runs an action during which {@link close} is refused. */
  private busy<T>(action: () => T): T {
    this.#busy += 1;
    try {
      return action();
    } finally {
      this.#busy -= 1;
    }
  }

  #open(): Connection {
    if (!this.#connection) throw invalidState('database is not open');
    return this.#connection;
  }
}

function finalize({ core: { c } }: Engine, statement: StatementHandle): void {
  c.sqlite3_finalize(statement.pointer);
  if (statement.cells) c.sqlite3_free(statement.cells);
  statement.pointer = 0;
  statement.cells = 0;
}

function pathText(path: unknown): string {
  let text: string | undefined;
  if (typeof path === 'string') text = path;
  else if (path instanceof Uint8Array) text = Buffer.from(path).toString();
  else if (path instanceof URL && path.protocol === 'file:') {
    text = path.search ? path.href : fileURLToPath(path);
  }
  if (text === undefined || text.includes('\0')) {
    throw invalidType('The "path" argument must be a string, Uint8Array, or URL without null bytes.');
  }
  return text;
}

/** What an SQL function returned, as an SQL value. */
function sqlValue(value: unknown): SqlValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) === value) return value;
    throw new RangeError('BigInt value is too large for SQLite');
  }
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof Promise) throw new TypeError('Asynchronous user-defined functions are not supported');
  throw new TypeError('Returned JavaScript value cannot be converted to a SQLite value');
}

/** A conflict handler's answer: what is no answer is passed on as one that SQLite refuses (SQLITE_MISUSE). */
function answer(value: unknown): number {
  if (value === undefined) return SQLITE_CHANGESET_ABORT;
  return Number.isInteger(value) ? (value as number) : -1;
}
