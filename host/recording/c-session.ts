/** Wraps an `sqlite3_session` of the C library. */

import {
  CALLBACK_SESSION_FILTER,
  SQLITE_OK,
  SQLITE_SCHEMA,
  SQLITE_SESSION_OBJCONFIG_ROWID,
  SQLITE_SESSION_OBJCONFIG_SIZE,
} from '../core/constants.js';
import { errorText, type SqliteError, sqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { streamed } from '../kernel/pieces.js';

/** The kinds of changesets: with or without old values. */
export type ChangesetKind = 'changeset' | 'patchset';

/** The options of a session. */
export interface SessionOptions {
  /** Records tables without a PRIMARY KEY by their rowid. SQLITE_SESSION_OBJCONFIG_ROWID. */
  readonly rowid?: boolean;
  /** Enables `changesetSize`. SQLITE_SESSION_OBJCONFIG_SIZE. */
  readonly size?: boolean;
  /** Whether changes recorded before a schema change are kept. If false, the creator of the session must keep them. */
  readonly parts?: boolean;
}

export class CSession {
  /** The tables that were recorded because the session records all tables, in lower case. */
  readonly touched = new Set<string>();
  readonly #connection: Connection;
  readonly #pointer: number;

  /** C: `sqlite3session_create`, `sqlite3session_object_config`. */
  constructor(connection: Connection, database: string, { rowid, size }: SessionOptions) {
    const { engine, db } = connection;
    const { c, memory } = engine.core;
    using arena = memory.arena();
    const out = arena.allocate(8);
    engine.check(db, c.sqlite3session_create(db, arena.cString(database), out));
    const pointer = memory.pointerAt(out);
    const set = (option: number): void => {
      memory.view.setInt32(out + 4, 1, true);
      c.sqlite3session_object_config(pointer, option, out + 4);
    };
    if (rowid) set(SQLITE_SESSION_OBJCONFIG_ROWID);
    if (size) set(SQLITE_SESSION_OBJCONFIG_SIZE);
    this.#connection = connection;
    this.#pointer = pointer;
  }

  attach(table: string | null): void {
    const { engine, db } = this.#connection;
    using arena = engine.core.memory.arena();
    const name = table === null ? 0 : arena.cString(table);
    engine.check(db, engine.core.c.sqlite3session_attach(this.#pointer, name));
  }

  /**
   * Attaches all tables, with a filter that SQLite calls for each table. C: `sqlite3session_table_filter`.
   *
   * @param id the number of the callback
   */
  filter(id: number): void {
    const { c } = this.#connection.engine.core;
    c.bridge_forget_filter(id);
    c.sqlite3session_table_filter(this.#pointer, c.bridge_callback(CALLBACK_SESSION_FILTER), id);
  }

  enable(on?: boolean): boolean {
    return this.#connection.engine.core.c.sqlite3session_enable(this.#pointer, asked(on)) !== 0;
  }

  indirect(on?: boolean): boolean {
    return this.#connection.engine.core.c.sqlite3session_indirect(this.#pointer, asked(on)) !== 0;
  }

  get isEmpty(): boolean {
    return this.#connection.engine.core.c.sqlite3session_isempty(this.#pointer) !== 0;
  }

  /** The used memory in bytes. C: `sqlite3session_memory_used`. */
  get memoryUsed(): number {
    return Number(this.#connection.engine.core.c.sqlite3session_memory_used(this.#pointer));
  }

  /** An upper bound of the changeset's size in bytes. C: `sqlite3session_changeset_size`. */
  get changesetSize(): number {
    return Number(this.#connection.engine.core.c.sqlite3session_changeset_size(this.#pointer));
  }

  /** C: `sqlite3session_diff`. Returns the result code and SQLite's message. */
  diff(from: string, table: string): { code: number; said: string | null } {
    const { engine } = this.#connection;
    const { c, memory } = engine.core;
    using arena = memory.arena();
    const out = arena.allocate(4);
    const [database, name] = [arena.cString(from), arena.cString(table)];
    const code = c.sqlite3session_diff(this.#pointer, database, name, out);
    const message = memory.pointerAt(out);
    const said = memory.cString(message);
    c.sqlite3_free(message);
    engine.surface();
    return { code, said };
  }

  /**
   * Passes the recorded changes to `use`, as a view of the core's memory that is valid only during the call. C:
   * `sqlite3session_changeset`, `sqlite3session_patchset`.
   */
  read<T>(kind: ChangesetKind, use: (bytes: Uint8Array) => T): T {
    const { engine } = this.#connection;
    const { c, memory } = engine.core;
    using arena = memory.arena();
    const length = arena.allocate(8);
    const make = kind === 'changeset' ? c.sqlite3session_changeset : c.sqlite3session_patchset;
    const code = make(this.#pointer, length, length + 4);
    const buffer = memory.pointerAt(length + 4);
    try {
      engine.surface();
      if (code !== SQLITE_OK) throw readError(code);
      return use(memory.bytes.subarray(buffer, buffer + memory.view.getInt32(length, true)));
    } finally {
      c.sqlite3_free(buffer);
    }
  }

  /** Passes the changes to `take` in pieces of a few KiB. C: `sqlite3session_changeset_strm`, `_patchset_strm`. */
  stream(kind: ChangesetKind, take: (piece: Uint8Array) => void): void {
    const { engine } = this.#connection;
    const { c } = engine.core;
    const write = kind === 'changeset' ? c.sqlite3session_changeset_strm : c.sqlite3session_patchset_strm;
    const code = streamed(engine, take, (output, id) => write(this.#pointer, output, id));
    engine.surface();
    if (code !== SQLITE_OK) throw readError(code);
  }

  end(): void {
    this.#connection.engine.core.c.sqlite3session_delete(this.#pointer);
  }
}

/** SQLite's argument to set a value (0, 1) or only read it (-1). */
function asked(on: boolean | undefined): number {
  return on === undefined ? -1 : Number(on);
}

/** Makes the error for a session that cannot be read. */
export function readError(
  code: number,
  remedy = 'a capture would have kept the changes recorded before that',
): SqliteError {
  const text = errorText(code);
  const why = `: a recorded table was dropped, renamed or lost a column; ${remedy}`;
  return sqliteError(code, code === SQLITE_SCHEMA ? `${text}${why}` : text);
}
