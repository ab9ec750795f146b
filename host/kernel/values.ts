/** Converts SQL values between the core's memory and JavaScript. */

import { SQLITE_BLOB, SQLITE_FLOAT, SQLITE_INTEGER, SQLITE_NOMEM, SQLITE_TEXT } from '../core/constants.js';
import type { Core } from '../core/core.js';
import { maxLength } from '../core/memory.js';
import { bytesOf, isBytes } from './arguments.js';

/** An SQL value in JavaScript. An integer is a bigint if requested, or if it does not fit in a number. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/**
 * Copies the `sqlite3_value` at address `value`. Integers become bigint.
 *
 * @throws SqliteError (SQLITE_NOMEM) if SQLite has no memory for a text or blob
 */
export function readValue(core: Core, value: number): SqlValue {
  const { c, memory } = core;
  switch (c.sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return c.sqlite3_value_int64(value);
    case SQLITE_FLOAT:
      return c.sqlite3_value_double(value);
    case SQLITE_TEXT: {
      const pointer = c.sqlite3_value_text(value);
      if (pointer === 0) throw core.error(0, SQLITE_NOMEM); // an empty text has a pointer
      return memory.text(pointer, c.sqlite3_value_bytes(value));
    }
    case SQLITE_BLOB: {
      const pointer = c.sqlite3_value_blob(value);
      const length = c.sqlite3_value_bytes(value);
      if (pointer === 0 && length > 0) throw core.error(0, SQLITE_NOMEM);
      return memory.copy(pointer, length);
    }
    default:
      return null;
  }
}

const encoder = new TextEncoder();

/** Makes `value` the result of the SQL function that runs in `context`. C: `sqlite3_result_*`. */
export function setResult({ c, memory }: Core, context: number, value: SqlValue): void {
  if (value === null) c.sqlite3_result_null(context);
  else if (typeof value === 'number') c.sqlite3_result_double(context, value);
  else if (typeof value === 'bigint') c.sqlite3_result_int64(context, value);
  else {
    const bytes = typeof value === 'string' ? encoder.encode(value) : value;
    if (bytes.length > maxLength) {
      c.sqlite3_result_error_toobig(context);
      return;
    }
    const pointer = memory.allocateBytes(bytes);
    if (typeof value === 'string') c.bridge_result_text(context, pointer, bytes.length);
    else c.bridge_result_blob(context, pointer, bytes.length);
  }
}

/**
 * Makes the return value of a JavaScript function the result of the SQL function. If it is not an SQL value, the
 * statement fails.
 */
export function setJsResult(core: Core, context: number, value: unknown): void {
  if (typeof value === 'number' || typeof value === 'string') setResult(core, context, value);
  else if (value === undefined || value === null) setResult(core, context, null);
  else if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) setResult(core, context, value);
  else if (isBytes(value)) setResult(core, context, bytesOf(value));
  else {
    using arena = core.memory.arena();
    const { pointer, length } = arena.text(whyNoValue(value));
    core.c.sqlite3_result_error(context, pointer, length);
  }
}

function whyNoValue(value: unknown): string {
  if (typeof value === 'bigint') return 'BigInt value is too large for SQLite';
  if (value instanceof Promise) return 'Asynchronous user-defined functions are not supported';
  return 'Returned JavaScript value cannot be converted to a SQLite value';
}
