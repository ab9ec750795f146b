/** Converts SQL values between the core's memory and JavaScript. */

import { SQLITE_BLOB, SQLITE_FLOAT, SQLITE_INTEGER, SQLITE_NOMEM, SQLITE_TEXT } from '../core/constants.js';
import type { Core } from '../core/core.js';

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
