/**
 * Calls of a component's scalar functions. The direct path moves `sql-value`s between the two memories by the
 * canonical ABI; the other goes through jco's wrappers and serves whatever the direct one does not fit.
 */

import { SQLITE_BLOB, SQLITE_FLOAT, SQLITE_INTEGER, SQLITE_TEXT } from '../core/constants.js';
import type { Core } from '../core/core.js';
import { maxLength } from '../core/memory.js';
import { readValue, setResult } from '../db/values.js';
import type { Functions as ScalarFunction } from '../interfaces/generated/scalar-function.js';
import type { SqlValue as WitValue } from '../interfaces/generated/types.js';
import { Guest, type GuestOptions, type WitError } from '../interfaces/guest.js';

/** Runs function `id` of a component over the values at address `values`; sets the result in `context`. */
export type Call = (id: bigint, context: number, count: number, values: number) => void;

/** The exports of the core module that carries the interface. */
export interface CoreExports {
  readonly memory: WebAssembly.Memory;
  readonly realloc: GuestOptions['realloc'];
  call(id: bigint, args: number, count: number): number;
  post(result: number): void;
}

// variant sql-value: case at 0, payload at 8; 16 bytes.
const valueSize = 16;
const caseNull = 0;
const caseInteger = 1;
const caseReal = 2;
const caseText = 3;
const caseBlob = 4;

/** Ends the running statement with a component's own error. */
export function failWith({ c, memory }: Core, context: number, error: WitError): void {
  using arena = memory.arena();
  const { pointer, length } = arena.text(error.message);
  c.sqlite3_result_error(context, pointer, length);
  const code = error.extendedCode || error.code;
  if (code > 1 && code !== 100 && code !== 101) c.sqlite3_result_error_code(context, code);
}

export function directCall(core: Core, exports: CoreExports): Call {
  const { c, memory } = core;
  const guest = new Guest({ memory: exports.memory, realloc: exports.realloc });

  const lower = (values: number, index: number, target: number): void => {
    const value = memory.pointerAt(values + 4 * index);
    const type = c.sqlite3_value_type(value);
    if (type === SQLITE_INTEGER) {
      guest.view.setUint8(target, caseInteger);
      guest.view.setBigInt64(target + 8, c.sqlite3_value_int64(value), true);
    } else if (type === SQLITE_FLOAT) {
      guest.view.setUint8(target, caseReal);
      guest.view.setFloat64(target + 8, c.sqlite3_value_double(value), true);
    } else if (type === SQLITE_TEXT || type === SQLITE_BLOB) {
      const source = (type === SQLITE_TEXT ? c.sqlite3_value_text(value) : c.sqlite3_value_blob(value)) >>> 0;
      const length = c.sqlite3_value_bytes(value);
      const copy = guest.allocate(length, 1);
      guest.bytes.set(memory.bytes.subarray(source, source + length), copy);
      guest.view.setUint8(target, type === SQLITE_TEXT ? caseText : caseBlob);
      guest.view.setUint32(target + 8, copy, true);
      guest.view.setUint32(target + 12, length, true);
    } else {
      guest.view.setUint8(target, caseNull);
    }
  };

  const lift = (context: number, source: number): void => {
    const kind = guest.view.getUint8(source);
    switch (kind) {
      case caseNull:
        c.sqlite3_result_null(context);
        break;
      case caseInteger:
        c.sqlite3_result_int64(context, guest.view.getBigInt64(source + 8, true));
        break;
      case caseReal:
        c.sqlite3_result_double(context, guest.view.getFloat64(source + 8, true));
        break;
      case caseText:
      case caseBlob: {
        const bytes = guest.pairAt(source + 8);
        if (bytes.length > maxLength) {
          c.sqlite3_result_error_toobig(context);
          break;
        }
        const pointer = memory.allocateBytes(bytes);
        if (kind === caseText) c.bridge_result_text(context, pointer, bytes.length);
        else c.bridge_result_blob(context, pointer, bytes.length);
        break;
      }
      default:
        throw new RangeError(`the component returned a value of kind ${kind}, which sql-value has not`);
    }
  };

  return (id, context, count, values) => {
    let args = 0;
    if (count > 0) {
      args = guest.allocate(valueSize * count, 8);
      for (let i = 0; i < count; i++) lower(values, i, args + valueSize * i);
    }
    const result = exports.call(id, args, count) >>> 0;
    // result<sql-value, sqlite-error>: case at 0, payload at 8; 24 bytes.
    guest.slice(result, 24);
    const kind = guest.view.getUint8(result);
    if (kind === 0) lift(context, result + 8);
    else if (kind === 1) failWith(core, context, guest.errorAt(result + 8));
    else throw new RangeError(`the component returned a result of kind ${kind}`);
    exports.post(result);
  };
}

/** @param payload takes the component's own error out of what jco throws, and throws on what is a fault */
export function wrappedCall(
  core: Core,
  functions: ScalarFunction,
  payload: (error: unknown) => WitError,
): Call {
  return (id, context, count, values) => {
    const args: WitValue[] = [];
    for (let i = 0; i < count; i++) args.push(toWit(readValue(core, core.memory.pointerAt(values + 4 * i))));
    let result: WitValue;
    try {
      result = functions.call(id, args);
    } catch (error) {
      failWith(core, context, payload(error));
      return;
    }
    setResult(core, context, result.tag === 'null' ? null : result.val);
  };
}

function toWit(value: ReturnType<typeof readValue>): WitValue {
  if (value === null) return { tag: 'null' };
  if (typeof value === 'bigint') return { tag: 'integer', val: value };
  if (typeof value === 'number') return { tag: 'real', val: value };
  if (typeof value === 'string') return { tag: 'text', val: value };
  return { tag: 'blob', val: value };
}
