/** The protocol between the daemon and its clients. ../README.md describes it. */

import { toHex } from '../../changeset/hex.js';
import type { JsonValue } from '../../changeset/json.js';
import type { SqlValue } from '../../kernel/values.js';

export const protocolVersion = 1;
export const largestFrame = 2 ** 24 - 1;
/** The maximum length of a frame. */
export const largestAnswer = 2 ** 32 - 1;

export type Request =
  | { readonly sql: string; readonly params: readonly SqlValue[] }
  | { readonly command: 'status' | 'quit' }
  /** A command that only some databases support. */
  | { readonly command: string; readonly args: readonly unknown[] };

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

/** Converts JSON to an SQL value. @throws TypeError if the JSON does not describe a value */
export function sqlValueOf(json: unknown): SqlValue {
  if (json === null || typeof json === 'string') return json;
  if (typeof json === 'number') {
    if (!Number.isInteger(json)) return json;
    if (Number.isSafeInteger(json)) return BigInt(json);
  } else if (typeof json === 'object') {
    const { integer, real, blob } = json as Record<string, unknown>;
    if (typeof integer === 'string' && /^-?\d{1,19}$/.test(integer)) {
      const value = BigInt(integer);
      if (BigInt.asIntN(64, value) === value) return value;
    }
    if (typeof real === 'string' && real.trim() !== '' && !Number.isNaN(Number(real))) return Number(real);
    if (typeof blob === 'string' && /^(?:[0-9a-f]{2})*$/i.test(blob)) {
      return new Uint8Array(Buffer.from(blob, 'hex'));
    }
  }
  throw new TypeError(
    `${JSON.stringify(json)} is not a value: use null, a number, a string, {"integer": "9007199254740993"}, {"real": "1"} or {"blob": "00ff"}`,
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Parses the contents of a frame. @throws TypeError if they are not JSON */
export function jsonOfFrame(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new TypeError('the frame is not JSON: it is not UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TypeError(`the frame is not JSON: ${(error as Error).message}`);
  }
}

/** Returns the id of a request; null if it has none. */
export function idOf(json: unknown): unknown {
  return (json as { id?: unknown } | null)?.id ?? null;
}

/**
 * Checks a request.
 *
 * @param commands the commands in addition to status and quit
 * @throws TypeError that says what is wrong with the request
 */
export function requestOf(json: unknown, commands: readonly string[] = []): Request {
  const { sql, params = [], command, args = [] } = (json ?? {}) as Record<string, unknown>;
  if (command === 'status' || command === 'quit') return { command };
  if (typeof command === 'string' && commands.includes(command) && Array.isArray(args))
    return { command, args };
  if (typeof sql !== 'string')
    throw new TypeError('a request must have "sql", or "command": "status" or "quit"');
  if (!Array.isArray(params)) throw new TypeError('"params" must be an array');
  return { sql, params: params.map(sqlValueOf) };
}

export function frame(json: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(json));
  return Buffer.concat([frameHead(text.length), text]);
}

/** Returns the first bytes of a frame, which hold its length. */
export function frameHead(length: number): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  return head;
}

/** Formats a value for a line. Tabs, newlines and backslashes are escaped, and NULL is \N. */
export function lineValue(value: SqlValue): string {
  if (value === null) return '\\N';
  if (value instanceof Uint8Array) return `x'${toHex(value)}'`;
  if (typeof value === 'number' && Number.isInteger(value)) return `${value}.0`;
  const escapes: Record<string, string> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };
  return String(value).replace(/[\t\n\r\\]/g, (character) => escapes[character] ?? character);
}
