/** Copies SQL values between the memories of the core and a component, and converts them to and from jco's objects. */

import {
  SQLITE_BLOB,
  SQLITE_FLOAT,
  SQLITE_INTEGER,
  SQLITE_MAX_FUNCTION_ARG,
  SQLITE_NOMEM,
  SQLITE_TEXT,
} from '../core/constants.js';
import type { Core } from '../core/core.js';
import { maxLength } from '../core/memory.js';
import { copyBetween } from '../core/views.js';
import { cellContent, cellLength, cellSize, readCell } from '../kernel/cells.js';
import { type Engine, scratchSize } from '../kernel/engine.js';
import { readValue, type SqlValue } from '../kernel/values.js';
import type { SqlValue as WitValue } from './generated/types.js';
import { checkFits, type Guest } from './guest.js';
import { caseBlob, caseInteger, caseNull, caseReal, caseText, list, sqlValue } from './layout.js';

export const { size: valueSize, payload: valuePayload } = sqlValue;
/** The offsets of the address and length of a text or blob. */
export const valueStart = valuePayload + list.at.start;
export const valueLength = valuePayload + list.at.length;

/** Makes a function that lowers Cells of bridge_values into a component's memory, `stride` bytes apart. */
export function loweringCells(
  { core }: Engine,
  guest: Guest,
): (count: number, cells: number, target: number, stride?: number) => void {
  const { memory } = core;
  return (count, cells, first, stride = valueSize) => {
    const source = memory.view;
    if (hasLarge(source, count, cells)) guest.checkFits(sizeOf(source, count, cells));
    let view = guest.view;
    for (let i = 0; i < count; i++) {
      const cell = cells + cellSize * i;
      const target = first + stride * i;
      const type = source.getInt32(cell, true);
      if (type === SQLITE_INTEGER || type === SQLITE_FLOAT) {
        view.setUint8(target, type === SQLITE_INTEGER ? caseInteger : caseReal);
        view.setInt32(target + valuePayload, source.getInt32(cell + cellContent, true), true);
        view.setInt32(target + valuePayload + 4, source.getInt32(cell + cellContent + 4, true), true);
      } else if (type === SQLITE_TEXT || type === SQLITE_BLOB) {
        const length = source.getInt32(cell + cellLength, true);
        const copy = guest.take(memory, source.getUint32(cell + cellContent, true), length);
        view = guest.view; // the guest's memory may have grown
        view.setUint8(target, type === SQLITE_TEXT ? caseText : caseBlob);
        view.setUint32(target + valueStart, copy, true);
        view.setUint32(target + valueLength, length, true);
      } else {
        view.setUint8(target, caseNull);
      }
    }
  };
}

/** From this many bytes on, all values are checked first, because values that were passed cannot be freed. */
export const large = 2 ** 20;

/** Whether one of `count` Cells may be a large text or blob. The length of other values is undefined. */
function hasLarge(source: DataView, count: number, cells: number): boolean {
  for (let i = 0; i < count; i++)
    if (source.getInt32(cells + cellSize * i + cellLength, true) > large) return true;
  return false;
}

/** The total size of the texts and blobs among `count` Cells at an address. */
function sizeOf(source: DataView, count: number, cells: number): number {
  let size = 0;
  for (let i = 0; i < count; i++) {
    const type = source.getInt32(cells + cellSize * i, true);
    if (type === SQLITE_TEXT || type === SQLITE_BLOB)
      size += source.getInt32(cells + cellSize * i + cellLength, true);
  }
  return size;
}

/** Makes a function that lowers the `sqlite3_value`s whose pointers are at an address. */
export function lowering(
  engine: Engine,
  guest: Guest,
): (count: number, values: number, target: number, stride?: number) => void {
  const { cells } = engine;
  const { bridge_values } = engine.core.c;
  const lower = loweringCells(engine, guest);
  return (count, values, first, stride = valueSize) => {
    // A row or plan may have more values than the buffer holds.
    for (let done = 0; done < count; done += SQLITE_MAX_FUNCTION_ARG) {
      const some = Math.min(count - done, SQLITE_MAX_FUNCTION_ARG);
      if (bridge_values(some, values + 4 * done, cells)) throw engine.core.error(0, SQLITE_NOMEM);
      lower(some, cells, first + stride * done, stride);
    }
  };
}

/** Makes a function that sets an SQL function's result to the `sql-value` at an address of a component. */
export function resulting(
  { core, scratch }: Engine,
  guest: Guest,
): (context: number, source: number) => void {
  const { c, memory } = core;
  const { bridge_result_copy, bridge_result_int64, sqlite3_result_double, sqlite3_result_null } = c;

  const liftBytes = (context: number, source: number, isText: boolean): void => {
    const from = guest.view.getUint32(source + valueStart, true);
    const length = guest.view.getUint32(source + valueLength, true);
    if (isText) guest.checkUtf8(from, length);
    else guest.checkPlace(from, length);
    if (length <= scratchSize) {
      copyBetween(guest, from, length, memory, scratch);
      bridge_result_copy(context, scratch, length, Number(isText));
      return;
    }
    if (length > maxLength) {
      c.sqlite3_result_error_toobig(context);
      return;
    }
    const pointer = memory.allocateBytes(guest.slice(from, length));
    if (isText) c.bridge_result_text(context, pointer, length);
    else c.bridge_result_blob(context, pointer, length);
  };

  return (context, source) => {
    const { view } = guest;
    const kind = view.getUint8(source);
    if (kind === caseInteger) {
      const low = view.getInt32(source + valuePayload, true);
      bridge_result_int64(context, low, view.getInt32(source + valuePayload + 4, true));
    } else if (kind === caseReal)
      sqlite3_result_double(context, view.getFloat64(source + valuePayload, true));
    else if (kind === caseText || kind === caseBlob) liftBytes(context, source, kind === caseText);
    else if (kind === caseNull) sqlite3_result_null(context);
    else throw unknownKind(kind);
  };
}

export function unknownKind(kind: number): RangeError {
  return new RangeError(`the component returned a value of the unknown kind ${kind}`);
}

const encoder = new TextEncoder();
const cases: readonly WitValue['tag'][] = ['null', 'integer', 'real', 'text', 'blob'];
/** The number of a value's case. */
export const caseOf = (value: WitValue): number => cases.indexOf(value.tag);

/** Stores consecutive values at an address of a component. */
export function putValues(guest: Guest, values: readonly WitValue[], target: number): void {
  values.forEach((value, i) => {
    const at = target + valueSize * i;
    if (value.tag === 'text') guest.putList(at + valuePayload, encoder.encode(value.val));
    else if (value.tag === 'blob') guest.putList(at + valuePayload, value.val);
    else if (value.tag === 'integer') guest.view.setBigInt64(at + valuePayload, value.val, true);
    else if (value.tag === 'real') guest.view.setFloat64(at + valuePayload, value.val, true);
    guest.view.setUint8(at, caseOf(value));
  });
}

export function toWit(value: SqlValue): WitValue {
  if (value === null) return { tag: 'null' };
  if (typeof value === 'bigint') return { tag: 'integer', val: value };
  if (typeof value === 'number') return { tag: 'real', val: value };
  if (typeof value === 'string') return { tag: 'text', val: value };
  return { tag: 'blob', val: value };
}

/** Converts the `sqlite3_value`s whose pointers are at an address to jco's objects. */
export function toWitList(core: Core, count: number, values: number): WitValue[] {
  const list: WitValue[] = [];
  for (let i = 0; i < count; i++) list.push(toWit(readValue(core, core.memory.pointerAt(values + 4 * i))));
  return list;
}

/**
 * Converts Cells, as bridge_values writes them, to jco's objects.
 *
 * @param most the component's memory limit, in bytes
 * @throws TooLarge if the values can never fit
 */
export function cellsToWit({ memory }: Core, count: number, cells: number, most: number): WitValue[] {
  checkFits(sizeOf(memory.view, count, cells), most);
  const list: WitValue[] = [];
  for (let i = 0; i < count; i++) list.push(toWit(readCell(memory, cells + cellSize * i, true)));
  return list;
}

export function fromWit(value: WitValue): SqlValue {
  return value.tag === 'null' ? null : value.val;
}
