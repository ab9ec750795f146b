/** SQL values between the core's memory and a component's, by the canonical ABI, and as jco's wrappers have them. */

import { maxArguments, SQLITE_BLOB, SQLITE_FLOAT, SQLITE_INTEGER, SQLITE_TEXT } from '../core/constants.js';
import type { Core } from '../core/core.js';
import { maxLength } from '../core/memory.js';
import type { Engine } from '../db/engine.js';
import { readValue, type SqlValue } from '../db/values.js';
import type { SqlValue as WitValue } from '../interfaces/generated/types.js';
import type { Guest } from '../interfaces/guest.js';

// variant sql-value: case at 0, payload at 8; 16 bytes.
export const valueSize = 16;
export const caseNull = 0;
export const caseInteger = 1;
export const caseReal = 2;
export const caseText = 3;
export const caseBlob = 4;

/**
 * Makes a function that lowers the `sqlite3_value`s at an address into places of a component, `stride` bytes
 * apart.
 */
export function lowering(
  { core, arguments: cells }: Engine,
  guest: Guest,
): (count: number, values: number, target: number, stride?: number) => void {
  const { memory } = core;
  // The exports' object is a dictionary: looking a function up costs more than calling it.
  const { bridge_values } = core.c;

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

  const lowerSome = (count: number, values: number, first: number, stride: number): void => {
    bridge_values(count, values, cells);
    const source = memory.view;
    let view = guest.view;
    for (let i = 0; i < count; i++) {
      const cell = cells + valueSize * i;
      const target = first + stride * i;
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
  };

  return (count, values, first, stride = valueSize) => {
    // A function has no more than maxArguments, and mostly this is one; a virtual table's row or plan may have more.
    for (let done = 0; done < count; done += maxArguments) {
      const some = Math.min(count - done, maxArguments);
      lowerSome(some, values + 4 * done, first + stride * done, stride);
    }
  };
}

/** Makes a function that sets a function's result to the `sql-value` at an address of a component. */
export function resulting({ core }: Engine, guest: Guest): (context: number, source: number) => void {
  const { c, memory } = core;
  const { bridge_result_int64, sqlite3_result_double, sqlite3_result_null } = c;

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

  return (context, source) => {
    const { view } = guest;
    const kind = view.getUint8(source);
    if (kind === caseInteger) {
      bridge_result_int64(context, view.getInt32(source + 8, true), view.getInt32(source + 12, true));
    } else if (kind === caseReal) sqlite3_result_double(context, view.getFloat64(source + 8, true));
    else if (kind === caseText || kind === caseBlob) liftBytes(context, source, kind);
    else if (kind === caseNull) sqlite3_result_null(context);
    else throw unknownKind(kind);
  };
}

export function unknownKind(kind: number): RangeError {
  return new RangeError(`the component returned a value of kind ${kind}, which sql-value has not`);
}

/**
 * Checks that a result of `size` bytes lies within a component's memory, aligned, and that it is one. Returns
 * whether it is the good case.
 */
export function isOk(guest: Guest, result: number, size: number, align = 8): boolean {
  const { view } = guest;
  if (result + size > view.byteLength || result % align !== 0) {
    throw new RangeError('the component returned a place outside its memory, or not aligned');
  }
  const kind = view.getUint8(result);
  if (kind > 1) throw new RangeError(`the component returned a result of kind ${kind}`);
  return kind === 0;
}

export function toWit(value: SqlValue): WitValue {
  if (value === null) return { tag: 'null' };
  if (typeof value === 'bigint') return { tag: 'integer', val: value };
  if (typeof value === 'number') return { tag: 'real', val: value };
  if (typeof value === 'string') return { tag: 'text', val: value };
  return { tag: 'blob', val: value };
}

/** The `sqlite3_value`s at an address, as jco's wrappers take them. */
export function toWitList(core: Core, count: number, values: number): WitValue[] {
  const list: WitValue[] = [];
  for (let i = 0; i < count; i++) list.push(toWit(readValue(core, core.memory.pointerAt(values + 4 * i))));
  return list;
}

export function fromWit(value: WitValue): SqlValue {
  return value.tag === 'null' ? null : value.val;
}
