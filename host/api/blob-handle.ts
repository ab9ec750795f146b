import type { Bindings } from '../core/bindings.js';
import {
  SQLITE_ABORT,
  SQLITE_DBCONFIG_DEFENSIVE,
  SQLITE_ERROR,
  SQLITE_OK,
  SQLITE_READONLY,
} from '../core/constants.js';
import { SqliteError, sqliteError } from '../core/errors.js';
import {
  bytesOf,
  checkArgument,
  checkOptions,
  illegalConstructor,
  invalidState,
  invalidType,
  invalidValue,
  isBytes,
  outOfRange,
} from '../kernel/arguments.js';
import { query } from '../kernel/query.js';
import { isOn } from '../kernel/settings.js';
import { refuseInAuthorizer } from './authorizer.js';
import type { OpenDatabase } from './open-database.js';

/** Options of {@link DatabaseSync.openBlob}. */
export interface BlobOptions {
  /** The database: 'main' (the default), 'temp' or an attached database. */
  db?: string;
  /** Opens the value read-only. */
  readOnly?: boolean;
}

const optionKinds = { db: 'string', readOnly: 'boolean' } as const;

/** The maximum number of bytes that one call of the core copies. */
const most = 1 << 20;

/** An open `sqlite3_blob`. It does not refer to the BlobHandle. */
class OpenBlob {
  readonly open: OpenDatabase;
  /** The address of the `sqlite3_blob`; 0 once it is closed. */
  pointer: number;
  /**
   * Whether an operation on the handle is running. If a callback closed or moved the handle meanwhile, SQLite would use
   * freed memory.
   */
  isBusy = false;
  /** The error message if the handle no longer has a value. */
  lost = 'the BLOB handle has lost its row, which was changed or deleted: open it again';
  /** The code of the last failure. `sqlite3_blob_close` returns it again. */
  said = SQLITE_OK;
  readonly #unwatch: () => void;

  constructor(open: OpenDatabase, pointer: number) {
    this.open = open;
    this.pointer = pointer;
    // SQLite does not close a connection with open BLOB handles.
    this.#unwatch = open.connection.beforeClose(() => {
      const code = this.end();
      if (code !== SQLITE_OK) open.lost ??= open.connection.engine.error(open.connection.db, code);
    });
  }

  /** Closes the handle if it is open. Returns SQLite's result code. */
  end(): number {
    const { pointer, open } = this;
    this.pointer = 0;
    this.#unwatch();
    if (pointer === 0 || open.isLost) return SQLITE_OK;
    const code = open.connection.engine.core.c.sqlite3_blob_close(pointer);
    return code === this.said ? SQLITE_OK : code;
  }
}

/** Known only to this file, so that `new BlobHandle()` throws in a program. */
const own = Symbol('made by a database');
let construct: (blob: OpenBlob) => BlobHandle;

/**
 * An open BLOB or TEXT value. It reads and writes parts of the value in place. {@link DatabaseSync.openBlob} makes
 * handles, and they end with the database. A handle cannot change the length of the value: insert `zeroblob(N)` first.
 * A transaction is open while a handle is open.
 */
export class BlobHandle implements Disposable {
  readonly #blob: OpenBlob;

  /** @throws Error (ERR_ILLEGAL_CONSTRUCTOR) if a program calls it: {@link DatabaseSync.openBlob} makes handles */
  private constructor(token: symbol, blob: OpenBlob) {
    if (token !== own) throw illegalConstructor();
    this.#blob = blob;
  }

  static {
    construct = (blob) => new this(own, blob);
  }

  /** The length of the value in bytes; 0 once the row was changed or deleted. C: `sqlite3_blob_bytes`. */
  get length(): number {
    return this.#c.sqlite3_blob_bytes(this.#there());
  }

  /**
   * Reads `length` bytes from `offset` on, by default up to the end. The caller owns the result. C:
   * `sqlite3_blob_read`.
   *
   * @throws RangeError (ERR_OUT_OF_RANGE) if the range is not inside the value
   * @throws SqliteError (SQLITE_ABORT) if the row was changed or deleted
   */
  read(offset = 0, length?: number): Uint8Array<ArrayBuffer> {
    const pointer = this.#there();
    const count = this.#checkRange(offset, length);
    const { memory } = this.#open.connection.engine.core;
    using arena = memory.arena();
    const room = arena.allocate(Math.max(1, Math.min(count, most)));
    const bytes = new Uint8Array(count);
    for (let done = 0; done < count || count === 0; done += most) {
      const part = Math.min(count - done, most);
      this.#call(() => this.#c.sqlite3_blob_read(pointer, room, part, offset + done));
      bytes.set(memory.bytes.subarray(room, room + part), done);
      if (count === 0) break;
    }
    return bytes;
  }

  /**
   * Overwrites bytes from `offset` on. Sessions and captures record the change. C: `sqlite3_blob_write`.
   *
   * @throws RangeError (ERR_OUT_OF_RANGE) if the range is not inside the value; nothing is written
   * @throws SqliteError (SQLITE_READONLY) if the handle is read-only, (SQLITE_ABORT) if the row was changed or deleted
   */
  write(bytes: ArrayBufferView | ArrayBufferLike, offset = 0): void {
    const pointer = this.#there();
    if (!isBytes(bytes)) {
      throw invalidType('The "bytes" argument must be an ArrayBuffer, a TypedArray or a DataView.');
    }
    this.#open.connection.refuse('', false);
    const source = bytesOf(bytes);
    this.#checkRange(offset, source.length);
    const { memory } = this.#open.connection.engine.core;
    using arena = memory.arena();
    const room = arena.bytes(source);
    this.#call(() => this.#c.sqlite3_blob_write(pointer, room, source.length, offset));
  }

  /**
   * Moves the handle to the same column of another row. This is faster than opening another handle. C:
   * `sqlite3_blob_reopen`.
   *
   * @throws SqliteError if there is no such row, or its value is not a BLOB or TEXT. The handle can then only be
   *   closed.
   */
  reopen(rowid: number | bigint): void {
    const pointer = this.#there();
    const row = checkedRowid(rowid);
    try {
      this.#call(() => this.#c.sqlite3_blob_reopen(pointer, row));
    } catch (error) {
      if (error instanceof SqliteError && (error.errcode & 0xff) !== SQLITE_ABORT) {
        this.#blob.lost = `the BLOB handle has no value since reopen(${row}) failed (${error.message}): open it again`;
      }
      throw error;
    }
  }

  /** Closes the handle. C: `sqlite3_blob_close`. @throws SqliteError if this ends a transaction that cannot commit */
  close(): void {
    this.#there();
    this.#open.run(() => {
      const { engine, db } = this.#open.connection;
      engine.check(db, this.#blob.end());
    });
  }

  /** Closes the handle unless it or its database is already closed. */
  [Symbol.dispose](): void {
    if (this.#blob.pointer !== 0 && !this.#blob.isBusy && !this.#open.isLost) this.close();
  }

  get #open(): OpenDatabase {
    return this.#blob.open;
  }

  get #c(): Bindings {
    return this.#open.connection.engine.core.c;
  }

  #there(): number {
    if (this.#open.isLost) throw invalidState('database is not open');
    if (this.#blob.pointer === 0) throw invalidState('BLOB handle is not open');
    if (this.#blob.isBusy) throw invalidState('BLOB handle cannot be used in its own callback');
    refuseInAuthorizer(this.#open.connection);
    return this.#blob.pointer;
  }

  /** Checks that a range is inside the value. Returns its length. */
  #checkRange(offset: number, length: number | undefined): number {
    checkArgument('offset', offset, 'integer');
    if (length !== undefined) checkArgument('length', length, 'integer');
    const { length: all } = this;
    const count = length ?? all - offset;
    if (offset >= 0 && count >= 0 && offset + count <= all) return count;
    if (all === 0) this.#call(() => this.#c.sqlite3_blob_read(this.#blob.pointer, 0, 0, 0)); // throws if the row was changed or deleted
    throw outOfRange(`bytes ${offset} to ${offset + count} are not all in the value, which has ${all} bytes`);
  }

  #call(action: () => number): void {
    const { engine, db } = this.#open.connection;
    this.#open.run(() => {
      this.#blob.isBusy = true;
      let code: number;
      try {
        code = action();
      } finally {
        this.#blob.isBusy = false;
      }
      this.#blob.said = code;
      if (code === SQLITE_READONLY) throw sqliteError(code, 'the BLOB handle is read-only');
      if ((code & 0xff) === SQLITE_ABORT) {
        throw sqliteError(SQLITE_ABORT, this.#blob.lost);
      }
      engine.check(db, code);
    });
  }
}

function checkedRowid(rowid: unknown): bigint {
  if (typeof rowid === 'bigint' && BigInt.asIntN(64, rowid) === rowid) return rowid;
  if (Number.isSafeInteger(rowid)) return BigInt(rowid as number);
  if (typeof rowid !== 'bigint' && typeof rowid !== 'number') {
    throw invalidType('The "rowid" argument must be a number or a bigint.');
  }
  throw outOfRange(`The "rowid" argument must be an integer of 64 bits, not ${rowid}.`);
}

/** Refuses tables that a defensive connection cannot UPDATE, because SQLite does not check this for BLOB handles. */
function refuseDefended({ connection }: OpenDatabase, database: string, table: string): void {
  const isSchema = /^sqlite_(?:temp_)?(?:schema|master)$/i.test(table);
  if (!isSchema && !table.includes('_')) return; // the name of a shadow table contains an underscore
  if (!isOn(connection, SQLITE_DBCONFIG_DEFENSIVE)) return;
  const shadow =
    "SELECT 1 FROM pragma_table_list WHERE schema=?1 COLLATE NOCASE AND name=?2 COLLATE NOCASE AND type='shadow'";
  if (!isSchema && query(connection, shadow, database, table).length === 0) return;
  throw sqliteError(
    SQLITE_ERROR,
    `table ${table} may not be modified while the database is defensive: open the BLOB with { readOnly: true }`,
  );
}

/** Implements {@link DatabaseSync.openBlob}. `forget` closes the handle if it is open. */
export function openBlob(
  open: OpenDatabase,
  table: string,
  column: string,
  rowid: number | bigint,
  options: BlobOptions,
): { handle: BlobHandle; forget: () => void } {
  checkArgument('table', table, 'string');
  checkArgument('column', column, 'string');
  checkOptions(options, optionKinds);
  const row = checkedRowid(rowid);
  if ([table, column, options.db ?? ''].some((name) => name.includes('\0'))) {
    throw invalidValue('The names of a table, a column and a database must not contain null characters.');
  }
  if (!options.readOnly) open.run(() => refuseDefended(open, options.db ?? 'main', table));
  const { engine, db } = open.connection;
  const { c, memory } = engine.core;
  using arena = memory.arena();
  const out = arena.allocate(4);
  memory.view.setUint32(out, 0, true);
  const names = [options.db ?? 'main', table, column].map((name) => arena.cString(name)) as [
    number,
    number,
    number,
  ];
  open.run(() => engine.check(db, c.sqlite3_blob_open(db, ...names, row, Number(!options.readOnly), out)));
  const blob = new OpenBlob(open, memory.pointerAt(out));
  return { handle: construct(blob), forget: () => blob.end() };
}
