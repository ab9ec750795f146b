/**
 * The registry of session handles: the C session API behind numbers that cannot be mistaken for pointers.
 *
 * A handle holds its connection's serial in the upper 32 bits and a sequence in the lower, so a deleted one,
 * another connection's and one that never was are told apart without keeping a list of the dead.
 */

import { SQLITE_ERROR, SQLITE_MISUSE, SQLITE_OK, SQLITE_ROW } from '../core/constants.js';
import { SqliteError } from '../core/errors.js';
import { Connection } from './engine.js';

/** What a changeset can be made as: with the old values, or without them. */
export type ChangesetKind = 'changeset' | 'patchset';

interface Entry {
  /** The address of the `sqlite3_session` structure. */
  readonly pointer: number;
  readonly database: string;
}

const sequenceBits = 32n;
const sequenceMask = (1n << sequenceBits) - 1n;

export class SessionRegistry {
  readonly #connection: Connection;
  readonly #entries = new Map<bigint, Entry>();
  #lastSequence = 0n;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Makes a session on database `name`: "main", "temp" or one that is attached. C: `sqlite3session_create`.
   *
   * @returns its handle, positive and below 2^63
   * @throws SqliteError (SQLITE_ERROR) where no such database is attached
   */
  create(name: string): bigint {
    const { engine, db, serial } = this.#connection;
    const { c, memory } = engine.core;
    const attached = this.#databases();
    if (!attached.some((known) => known.toLowerCase() === name.toLowerCase())) {
      throw this.#error(
        SQLITE_ERROR,
        `no database is attached as ${quoted(name)}: there is ${list(attached)}`,
      );
    }
    using arena = memory.arena();
    const out = arena.allocate(4);
    engine.check(db, c.sqlite3session_create(db, arena.cString(name), out));
    this.#lastSequence += 1n;
    const handle = (BigInt(serial) << sequenceBits) | this.#lastSequence;
    this.#entries.set(handle, { pointer: memory.pointerAt(out), database: name });
    return handle;
  }

  /**
   * Starts recording `table`, or every table where it is null. C: `sqlite3session_attach`.
   *
   * @returns false where the table is attached but records nothing as things stand: it does not exist, or has
   *   no primary key
   */
  attach(handle: bigint, table: string | null): boolean {
    const { pointer, database } = this.#entry(handle);
    const { engine, db } = this.#connection;
    using arena = engine.core.memory.arena();
    const name = table === null ? 0 : arena.cString(table);
    engine.check(db, engine.core.c.sqlite3session_attach(pointer, name));
    return table === null || this.#hasKey(database, table);
  }

  /**
   * Hands what was recorded to `use`, as a view of the core's memory that is valid during the call only.
   * C: `sqlite3session_changeset`, `sqlite3session_patchset`.
   *
   * @throws SqliteError (SQLITE_SCHEMA) where a recorded table was dropped, renamed or lost a column
   */
  read<T>(handle: bigint, kind: ChangesetKind, use: (bytes: Uint8Array) => T): T {
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
    this.#entries.delete(handle);
    this.#connection.engine.core.c.sqlite3session_delete(entry.pointer);
    return true;
  }

  /** Whether the handle names a session that can be used here. */
  has(handle: bigint): boolean {
    return this.#entries.has(handle);
  }

  deleteAll(): void {
    for (const handle of [...this.#entries.keys()]) this.delete(handle);
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

  /** Whether the session module records the table: it has a key, or is sqlite_stat1, whose key it knows. */
  #hasKey(database: string, table: string): boolean {
    const { engine, db } = this.#connection;
    const { c, memory } = engine.core;
    using arena = memory.arena();
    const sql = "SELECT 1 FROM pragma_table_info(?1,?2) WHERE pk OR lower(?1)='sqlite_stat1'";
    const out = arena.allocate(4);
    engine.check(db, c.sqlite3_prepare_v3(db, arena.cString(sql), -1, 0, out, 0));
    const statement = memory.pointerAt(out);
    try {
      for (const [index, value] of [table, database].entries()) {
        const { pointer, length } = arena.text(value);
        engine.check(db, c.bridge_bind_text(statement, index + 1, pointer, length));
      }
      return c.sqlite3_step(statement) === SQLITE_ROW;
    } finally {
      c.sqlite3_finalize(statement);
    }
  }
}

function quoted(name: string): string {
  return `'${name.replaceAll("'", "''")}'`;
}

function list(names: string[]): string {
  return names.map(quoted).join(', ');
}
