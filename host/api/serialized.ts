/** Converts whole databases to and from bytes. */

import {
  SQLITE_BUSY,
  SQLITE_DESERIALIZE_FREEONCLOSE,
  SQLITE_DESERIALIZE_RESIZEABLE,
  SQLITE_ERROR,
  SQLITE_LOCKED,
  SQLITE_OK,
} from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import { checkArgument, checkOptions, invalidState, invalidType, invalidValue } from '../kernel/arguments.js';
import { schemaListeners } from '../kernel/schema-statements.js';
import type { OpenDatabase } from './open-database.js';

const optionKinds = { dbName: 'string' } as const;

const unknown = (name: string): Error => sqliteError(SQLITE_ERROR, `unknown or empty database ${name}`);

/** @see DatabaseSync.serialize */
export function serialize(open: OpenDatabase, dbName: string): Uint8Array<ArrayBuffer> {
  checkArgument('dbName', dbName, 'string');
  const { c, memory } = open.connection.engine.core;
  using arena = memory.arena();
  const size = arena.allocate(8);
  const pointer =
    open.run(() => c.sqlite3_serialize(open.connection.db, arena.cString(dbName), size, 0)) >>> 0;
  if (pointer === 0) {
    const code = c.sqlite3_extended_errcode(open.connection.db);
    throw (code & 0xff) === SQLITE_BUSY
      ? open.connection.engine.error(open.connection.db, code)
      : unknown(dbName);
  }
  try {
    return memory.copy(pointer, Number(memory.view.getBigInt64(size, true)));
  } finally {
    c.sqlite3_free(pointer);
  }
}

/** @see DatabaseSync.deserialize */
export function deserialize(open: OpenDatabase, buffer: unknown, options: { dbName?: string }): void {
  if (!(buffer instanceof Uint8Array)) throw invalidType('The "buffer" argument must be a Uint8Array.');
  if (buffer.length === 0) throw invalidValue('The "buffer" argument must not be empty.');
  checkOptions(options, optionKinds);
  if (open.running > 0) throw invalidState('database cannot be deserialized while in a callback');
  const { connection } = open;
  const { engine, db } = connection;
  const { c, memory } = engine.core;
  if (!schemaListeners(connection).isEmpty) {
    throw sqliteError(
      SQLITE_LOCKED,
      'a session or capture is recording: close it before you replace the database',
    );
  }
  const { dbName = 'main' } = options;
  open.statements.forget();
  using arena = memory.arena();
  const name = arena.cString(dbName);
  const bytes = memory.allocateBytes(buffer); // SQLite frees the bytes, also on failure
  // SQLite cannot open an in-memory database in WAL mode.
  for (const at of [18, 19])
    if (memory.bytes[bytes + at] === 2 && buffer.length > 19) memory.bytes[bytes + at] = 1;
  const flags = SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE;
  const size = BigInt(buffer.length);
  const code = open.run(() => c.sqlite3_deserialize(db, name, bytes, size, size, flags));
  if (code === SQLITE_OK) return;
  if (code === SQLITE_ERROR) throw unknown(dbName);
  throw code === SQLITE_BUSY
    ? sqliteError(code, 'database is locked: a transaction or a backup is open')
    : engine.error(db, code);
}
