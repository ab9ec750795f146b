/**
 * What the daemon and its clients say to each other.
 *
 * The daemon greets with a line: `sqlite-wasm-run daemon 1 FILE`; 1 is the protocol's version. A client then speaks
 * lines or frames, and its first byte says which: a frame's length begins with the byte 0.
 *
 * Lines are for people and simple tools: SQL, over as many lines as it takes; `.status`, `.quit`. Each row comes back as a
 * line, values separated by tabs, and after the rows `-- ok, N rows, M changes`, or `-- error CODE: MESSAGE`.
 *
 * A frame is its length, 4 bytes big-endian, and JSON: `{"id": 1, "sql": "...", "params": [...]}` or `{"id": 2, "command":
 * "status"}` (or "quit"). The answer has the same id, and `columns`, `rows`, `changes`, `lastInsertRowid`; or `error` with
 * `code`, `extendedCode` and `message`. Values are as in the JSON of changesets: `{"integer": "..."}` beyond 2^53,
 * `{"real": "1"}` for a REAL without a fraction, `{"blob": "hex"}`.
 */

import { toHex } from '../../changeset/hex.js';
import type { JsonValue } from '../../changeset/json.js';
import type { SqlValue } from '../../db/values.js';

export const protocolVersion = 1;
export const largestFrame = 2 ** 24 - 1;

export type Request = { id: unknown } & (
  | { sql: string; params: SqlValue[] }
  | { command: 'status' | 'quit' }
);

export function jsonOf(value: SqlValue): JsonValue {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : { integer: `${value}` };
  }
  if (typeof value === 'number')
    return Number.isInteger(value) || !Number.isFinite(value) ? { real: `${value}` } : value;
  return { blob: toHex(value) };
}

/** @throws TypeError where it is no value */
export function sqlValueOf(json: unknown): SqlValue {
  if (json === null || typeof json === 'string') return json;
  if (typeof json === 'number') return Number.isInteger(json) ? BigInt(json) : json;
  if (typeof json === 'object') {
    const { integer, real, blob } = json as Record<string, unknown>;
    if (typeof integer === 'string' && /^-?\d+$/.test(integer)) return BigInt.asIntN(64, BigInt(integer));
    if (typeof real === 'string') return Number(real);
    if (typeof blob === 'string') return new Uint8Array(Buffer.from(blob, 'hex'));
  }
  throw new TypeError(`${JSON.stringify(json)} is no value: see the description of the protocol`);
}

/** @throws Error that says what is wrong with the frame */
export function requestOf(text: string): Request {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new TypeError(`the frame is no JSON: ${(error as Error).message}`);
  }
  const { id, sql, params = [], command } = (json ?? {}) as Record<string, unknown>;
  if (command === 'status' || command === 'quit') return { id, command };
  if (typeof sql !== 'string') throw new TypeError('a request has "sql", or "command": "status" or "quit"');
  if (!Array.isArray(params)) throw new TypeError('"params" must be an array');
  return { id, sql, params: params.map(sqlValueOf) };
}

export function frame(json: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(json));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(text.length);
  return Buffer.concat([head, text]);
}

/** A value in a line: tabs, line ends and backslashes escaped; NULL is \N. */
export function lineValue(value: SqlValue): string {
  if (value === null) return '\\N';
  if (value instanceof Uint8Array) return `x'${toHex(value)}'`;
  if (typeof value === 'number' && Number.isInteger(value)) return `${value}.0`;
  const escapes: Record<string, string> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };
  return String(value).replace(/[\t\n\r\\]/g, (character) => escapes[character] ?? character);
}
