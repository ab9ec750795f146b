/** Sets the results of SQL functions that are written in JavaScript. */

import { maxLength } from '../core/memory.js';
import { bytesOf, isBytes } from './arguments.js';
import { type Engine, scratchSize } from './engine.js';
import type { SqlValue } from './values.js';

const encoder = new TextEncoder();

/** Makes `value` the result of the SQL function that runs in `context`. C: `sqlite3_result_*`. */
export function setResult(engine: Engine, context: number, value: SqlValue): void {
  const { c, memory } = engine.core;
  if (value === null) c.sqlite3_result_null(context);
  else if (typeof value === 'number') c.sqlite3_result_double(context, value);
  else if (typeof value === 'bigint') c.sqlite3_result_int64(context, value);
  else if (typeof value === 'string' && value.length * 3 <= scratchSize) {
    const { scratch } = engine;
    c.bridge_result_copy(context, scratch, memory.writeText(scratch, value), 1);
  } else if (typeof value !== 'string' && value.length <= scratchSize) {
    const { scratch } = engine;
    memory.bytes.set(value, scratch);
    c.bridge_result_copy(context, scratch, value.length, 0);
  } else {
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
export function setJsResult(engine: Engine, context: number, value: unknown): void {
  if (typeof value === 'number' || typeof value === 'string') setResult(engine, context, value);
  else if (value === undefined || value === null) setResult(engine, context, null);
  else if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) setResult(engine, context, value);
  else if (isBytes(value)) setResult(engine, context, bytesOf(value));
  else {
    const { c, memory } = engine.core;
    using arena = memory.arena();
    const { pointer, length } = arena.text(whyNoValue(value));
    c.sqlite3_result_error(context, pointer, length);
  }
}

function whyNoValue(value: unknown): string {
  if (typeof value === 'bigint') return 'BigInt value is too large for SQLite';
  if (value instanceof Promise) return 'Asynchronous user-defined functions are not supported';
  return 'Returned JavaScript value cannot be converted to a SQLite value';
}
