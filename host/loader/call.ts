/**
 * Calls of a component's scalar functions. The direct path moves `sql-value`s between the two memories by the
 * canonical ABI; the other goes through jco's wrappers and serves whatever the direct one does not fit.
 */

import { SQLITE_BLOB, SQLITE_FLOAT, SQLITE_INTEGER, SQLITE_TEXT } from '../core/constants.js';
import type { Core } from '../core/core.js';
import { maxLength } from '../core/memory.js';
import type { Engine } from '../db/engine.js';
import { readValue, setResult } from '../db/values.js';
import type { Functions as ScalarFunction } from '../interfaces/generated/scalar-function.js';
import type { SqlValue as WitValue } from '../interfaces/generated/types.js';
import type { WitError } from '../interfaces/guest.js';
import { type CoreInterface, payloadOf } from './component.js';

/** Runs function `id` of a component over the values at address `values`; sets the result in `context`. */
export type Call = (id: bigint, context: number, count: number, values: number) => void;

// variant sql-value: case at 0, payload at 8; 16 bytes.
const valueSize = 16;
const caseNull = 0;
const caseInteger = 1;
const caseReal = 2;
const caseText = 3;
const caseBlob = 4;
// result<sql-value, sqlite-error>: case at 0, payload at 8.
const resultSize = 24;

/** Ends the running statement with a component's own error. */
export function failWith({ c, memory }: Core, context: number, error: WitError): void {
  using arena = memory.arena();
  const { pointer, length } = arena.text(error.message);
  c.sqlite3_result_error(context, pointer, length);
  const code = error.extendedCode || error.code;
  if (code > 1 && code !== 100 && code !== 101) c.sqlite3_result_error_code(context, code);
}

export function directCall(engine: Engine, exports: CoreInterface): Call {
  const { core, arguments: cells } = engine;
  const { c, memory } = core;
  // The exports' object is a dictionary: looking a function up costs more than calling it.
  const { bridge_values, bridge_result_int64, sqlite3_result_double, sqlite3_result_null } = c;
  const call = exports.function('call') as (id: bigint, args: number, count: number) => number;
  const post = exports.post('call');
  const { guest } = exports;

  const lowerBytes = (cell: number, target: number, kind: number): void => {
    const length = memory.view.getInt32(cell + 4, true);
    const start = memory.view.getUint32(cell + 8, true);
    const copy = guest.allocate(length, 1);
    guest.bytes.set(memory.bytes.subarray(start, start + length), copy);
    const view = guest.view;
    view.setUint8(target, kind);
    view.setUint32(target + 8, copy, true);
    view.setUint32(target + 12, length, true);
  };

  const liftBytes = (context: number, source: number, kind: number): void => {
    const bytes = kind === caseText ? guest.utf8At(source + 8) : guest.pairAt(source + 8);
    if (bytes.length > maxLength) {
      c.sqlite3_result_error_toobig(context);
      return;
    }
    const pointer = memory.allocateBytes(bytes);
    if (kind === caseText) c.bridge_result_text(context, pointer, bytes.length);
    else c.bridge_result_blob(context, pointer, bytes.length);
  };

  return (id, context, count, values) => {
    let args = 0;
    if (count > 0) {
      args = guest.allocate(valueSize * count, 8);
      bridge_values(count, values, cells);
      const source = memory.view;
      let view = guest.view;
      for (let i = 0; i < count; i++) {
        const cell = cells + valueSize * i;
        const target = args + valueSize * i;
        const type = source.getInt32(cell, true);
        if (type === SQLITE_INTEGER || type === SQLITE_FLOAT) {
          view.setUint8(target, type === SQLITE_INTEGER ? caseInteger : caseReal);
          view.setInt32(target + 8, source.getInt32(cell + 8, true), true);
          view.setInt32(target + 12, source.getInt32(cell + 12, true), true);
        } else if (type === SQLITE_TEXT || type === SQLITE_BLOB) {
          lowerBytes(cell, target, type === SQLITE_TEXT ? caseText : caseBlob);
          view = guest.view; // the guest's memory may have grown
        } else {
          view.setUint8(target, caseNull);
        }
      }
    }
    const result = call(id, args, count) >>> 0;
    const view = guest.view;
    if (result + resultSize > view.byteLength || result % 8 !== 0) {
      throw new RangeError('the component returned a place outside its memory, or not aligned');
    }
    if (view.getUint8(result) === 0) {
      const kind = view.getUint8(result + 8);
      if (kind === caseInteger) {
        bridge_result_int64(context, view.getInt32(result + 16, true), view.getInt32(result + 20, true));
      } else if (kind === caseReal) sqlite3_result_double(context, view.getFloat64(result + 16, true));
      else if (kind === caseText || kind === caseBlob) liftBytes(context, result + 8, kind);
      else if (kind === caseNull) sqlite3_result_null(context);
      else throw new RangeError(`the component returned a value of kind ${kind}, which sql-value has not`);
    } else if (view.getUint8(result) === 1) failWith(core, context, guest.errorAt(result + 8));
    else throw new RangeError(`the component returned a result of kind ${view.getUint8(result)}`);
    post(result);
  };
}

export function wrappedCall(core: Core, functions: ScalarFunction): Call {
  return (id, context, count, values) => {
    const args: WitValue[] = [];
    for (let i = 0; i < count; i++) args.push(toWit(readValue(core, core.memory.pointerAt(values + 4 * i))));
    let result: WitValue;
    try {
      result = functions.call(id, args);
    } catch (error) {
      failWith(core, context, payloadOf(error));
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
