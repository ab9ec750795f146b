/** Checks of arguments, with the error codes and messages of `node:sqlite`. */

import { unknownName } from './nearest.js';

type Code =
  | 'ERR_INVALID_ARG_TYPE'
  | 'ERR_INVALID_STATE'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_ILLEGAL_CONSTRUCTOR'
  | 'ERR_INVALID_ARG_VALUE'
  | 'ERR_INVALID_URL_SCHEME'
  | 'ERR_LOAD_SQLITE_EXTENSION';

export function coded<E extends Error>(error: E, code: Code): E & { code: Code } {
  return Object.assign(error, { code });
}

export function invalidType(message: string): TypeError {
  return coded(new TypeError(message), 'ERR_INVALID_ARG_TYPE');
}

export function invalidState(message: string): Error {
  return coded(new Error(message), 'ERR_INVALID_STATE');
}

export function outOfRange(message: string): RangeError {
  return coded(new RangeError(message), 'ERR_OUT_OF_RANGE');
}

export function invalidValue(message: string): TypeError {
  return coded(new TypeError(message), 'ERR_INVALID_ARG_VALUE');
}

export function illegalConstructor(): Error {
  return coded(new Error('Illegal constructor'), 'ERR_ILLEGAL_CONSTRUCTOR');
}

/** The type of an option, as `typeof` names it. The caller checks `any`. */
type Kind = 'boolean' | 'string' | 'function' | 'integer' | 'any';

const articles: Record<Kind, string> = {
  boolean: 'a boolean',
  string: 'a string',
  function: 'a function',
  integer: 'an integer',
  any: 'anything',
};

/** Whether the value is an integer that fits in a C int. */
export function isInt32(value: unknown): value is number {
  return typeof value === 'number' && (value | 0) === value;
}

/** Whether the value becomes a blob. */
export function isBytes(value: unknown): value is ArrayBufferView | ArrayBufferLike {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

/** The bytes of a value, not copied. A detached buffer has no bytes. */
export function bytesOf(value: ArrayBufferView | ArrayBufferLike): Uint8Array {
  if (value.byteLength === 0) return new Uint8Array(0);
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** @throws TypeError unless `value` is of the kind */
export function checkArgument(name: string, value: unknown, kind: Kind): void {
  const fits = kind === 'any' || (kind === 'integer' ? isInt32(value) : typeof value === kind);
  if (!fits) throw invalidType(`The "${name}" argument must be ${articles[kind]}.`);
}

/**
 * Checks an options object: the type of each option, and that all names are known.
 *
 * @throws TypeError that names the wrong option; for an unknown name, it suggests the nearest known name or lists all
 */
export function checkOptions(options: unknown, kinds: Readonly<Record<string, Kind>>): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    throw invalidType('The "options" argument must be an object.');
  }
  for (const [name, value] of Object.entries(options)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (!kind) {
      throw invalidValue(unknownName('option', name, Object.keys(kinds)));
    }
    if (value !== undefined) checkArgument(`options.${name}`, value, kind);
  }
}
