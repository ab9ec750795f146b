/** Scans of virtual tables. Copies batches of rows from a component to the core. */

import type { SqlValue as WitValue } from '../abi/generated/types.js';
import type { Argument, Batch, Functions as VirtualTable } from '../abi/generated/virtual-table.js';
import {
  argument,
  batch as batchLayout,
  batchOrError,
  caseBlob,
  caseText,
  list,
  sqlValue,
} from '../abi/layout.js';
import { failureAt, isOk, type WitError } from '../abi/results.js';
import {
  caseOf,
  lowering,
  putValues,
  toWit,
  unknownKind,
  valueLength,
  valuePayload,
  valueSize,
  valueStart,
} from '../abi/values.js';
import { SQLITE_OK } from '../core/constants.js';
import type { Engine } from '../kernel/engine.js';
import { readValue } from '../kernel/values.js';
import { type CoreInterface, payloadOf } from './component.js';

/** The start of a scan. */
export interface FilterRequest {
  /** The cursor's number in the component. */
  readonly cursor: number;
  readonly plan: number;
  readonly text: string;
  /** The indexes of the arguments that are all values of an IN operator. */
  readonly lists: readonly number[];
  readonly count: number;
  readonly values: number;
  readonly ask: number;
}

/**
 * Requests rows from a component. Each function fills the batch of the core at the address `batch`, or returns the
 * component's error.
 */
export interface Scans {
  filter(request: FilterRequest, batch: number, columns: number): WitError | undefined;
  fetch(cursor: number, ask: number, batch: number, columns: number): WitError | undefined;
}

/** The values of an IN operator. C: `sqlite3_vtab_in_first`, `sqlite3_vtab_in_next`. */
function listOf({ core }: Engine, value: number): WitValue[] {
  const { c, memory } = core;
  using arena = memory.arena();
  const out = arena.allocate(4);
  const found: WitValue[] = [];
  for (
    let code = c.sqlite3_vtab_in_first(value, out);
    code === SQLITE_OK && memory.pointerAt(out) !== 0;
    code = c.sqlite3_vtab_in_next(value, out)
  ) {
    found.push(toWit(readValue(core, memory.pointerAt(out))));
  }
  return found;
}

function argumentsOf(engine: Engine, { count, values, lists }: FilterRequest): Argument[] {
  const { core } = engine;
  return Array.from({ length: count }, (_, i): Argument => {
    const value = core.memory.pointerAt(values + 4 * i);
    return lists.includes(i)
      ? { tag: 'values', val: listOf(engine, value) }
      : { tag: 'value', val: toWit(readValue(core, value)) };
  });
}

/** The maximum size of a batch in bytes, because SQLite stores sizes in an int. */
const mostBytes = 0x7fff_0000;

/**
 * Allocates memory for rows in the core's `struct Batch` at `batch`; see host.h. Returns the address of the rowids,
 * which the cells and then the texts and blobs follow.
 */
function room({ core }: Engine, batch: number, rows: number, count: number, bytes: number): number {
  const { c, memory } = core;
  const size = 8 * rows + valueSize * count + bytes;
  if (size > mostBytes) throw new RangeError(`the component returned ${size} bytes of rows at once`);
  let block = memory.pointerAt(batch);
  if (size > memory.view.getInt32(batch + 4, true)) {
    c.sqlite3_free(block);
    memory.view.setUint32(batch, 0, true);
    memory.view.setInt32(batch + 4, 0, true);
    const wanted = size < 1 << 20 ? size * 2 : size;
    block = memory.allocate(wanted);
    memory.view.setUint32(batch, block, true);
    memory.view.setInt32(batch + 4, wanted, true);
  }
  memory.view.setInt32(batch + 8, size, true);
  return block;
}

/** Stores the number of rows in the batch, after the rows have been written. */
function ready({ core }: Engine, batch: number, rows: number, done: boolean): void {
  core.memory.view.setInt32(batch + 12, rows, true);
  core.memory.view.setInt32(batch + 16, Number(done), true);
}

function checkCounts(rows: number, values: number, columns: number, ask: number, done: boolean): void {
  if (rows > ask)
    throw new RangeError(`the component returned ${rows} rows, but at most ${ask} were requested`);
  if (values !== rows * columns) {
    throw new RangeError(`the component returned ${values} values for ${rows} rows of ${columns} columns`);
  }
  if (rows === 0 && !done) {
    throw new RangeError('the component returned no rows, but did not report the end');
  }
}

const { size: argumentSize, payload: argumentPayload } = argument;
const { rowids: rowsAt, values: valuesAt } = batchLayout.at;
/** Up to this many bytes, a loop is faster than a view and a call of set(). */
const shortText = 48;

export function directScans(engine: Engine, exports: CoreInterface): Scans {
  const { core } = engine;
  const { memory } = core;
  const { guest } = exports;
  type Filter = (
    cursor: number,
    plan: number,
    text: number,
    textLength: number,
    args: number,
    count: number,
    ask: number,
  ) => number;
  const filter = exports.function('filter') as Filter;
  const fetch = exports.function('fetch') as (cursor: number, ask: number) => number;
  const [filtered, fetched] = [exports.post('filter'), exports.post('fetch')];
  const lower = lowering(engine, guest);
  const encoder = new TextEncoder();

  /** Checks that a list is within the component's memory and aligned to 8 bytes. */
  const checkPlace = (place: number, size: number): void => {
    if (place + size > guest.bytes.length || (place & 7) !== 0) {
      throw new RangeError('the component returned rows that are outside its memory or not aligned');
    }
  };

  /** Copies `length` bytes of the component, and checks UTF-8 if `isText`. */
  const copyBytes = (from: number, length: number, target: Uint8Array, to: number, isText: boolean): void => {
    const source = guest.bytes;
    if (from + length > source.length) {
      throw new RangeError(`the component returned ${length} bytes outside its memory`);
    }
    if (length > shortText) {
      target.set(isText ? guest.utf8(from, length) : source.subarray(from, from + length), to);
      return;
    }
    let all = 0;
    for (let i = 0; i < length; i++) {
      const byte = source[from + i] as number;
      all |= byte;
      target[to + i] = byte;
    }
    if (isText && all > 0x7f) guest.utf8(from, length);
  };

  /**
   * Copies the rows of a `result<batch, sqlite-error>` to the core. The core uses the same layout of values as the
   * component; only the addresses of texts and blobs are changed.
   */
  const lift = (result: number, batch: number, columns: number, ask: number): WitError | undefined => {
    if (!isOk(guest, result, batchOrError)) return failureAt(guest, result, batchOrError);
    const given = result + batchOrError.payload;
    const { view, bytes: source } = guest;
    const rows = view.getUint32(given + rowsAt + list.at.length, true);
    const count = view.getUint32(given + valuesAt + list.at.length, true);
    const done = view.getUint8(given + batchLayout.at.done) !== 0;
    checkCounts(rows, count, columns, ask, done);
    if (rows === 0) {
      ready(engine, batch, 0, true);
      return undefined;
    }
    const rowids = view.getUint32(given + rowsAt + list.at.start, true);
    const values = view.getUint32(given + valuesAt + list.at.start, true);
    checkPlace(rowids, 8 * rows);
    checkPlace(values, valueSize * count);
    const cases = source.subarray(values, values + valueSize * count);
    let texts = 0;
    let bytes = 0;
    for (let at = 0; at < cases.length; at += valueSize) {
      const kind = cases[at] as number;
      if (kind < caseText) continue;
      if (kind > caseBlob) throw unknownKind(kind);
      texts++;
      bytes += view.getUint32(values + at + valueLength, true);
    }
    if (bytes > source.length) {
      throw new RangeError(`the component returned ${bytes} bytes of rows, which is more than its memory`);
    }
    const block = room(engine, batch, rows, count, bytes);
    const target = memory.bytes;
    const cells = block + 8 * rows;
    target.set(source.subarray(rowids, rowids + 8 * rows), block);
    target.set(cases, cells);
    if (texts > 0) {
      const places = memory.view;
      let to = cells + valueSize * count;
      for (let at = 0; at < cases.length; at += valueSize) {
        const kind = cases[at] as number;
        if (kind < caseText) continue;
        const length = view.getUint32(values + at + valueLength, true);
        copyBytes(view.getUint32(values + at + valueStart, true), length, target, to, kind === caseText);
        places.setUint32(cells + at + valueStart, to, true);
        to += length;
      }
    }
    ready(engine, batch, rows, done);
    return undefined;
  };

  const lowerList = (values: readonly WitValue[], target: number): void => {
    const first = guest.allocate(Math.max(valueSize * values.length, 1), sqlValue.align);
    putValues(guest, values, first);
    guest.view.setUint32(target + list.at.start, first, true);
    guest.view.setUint32(target + list.at.length, values.length, true);
  };

  return {
    filter({ cursor, plan, text, lists, count, values, ask }, batch, columns) {
      let args = 0;
      if (count > 0) {
        args = guest.allocate(argumentSize * count, argument.align);
        lower(count, values, args + argumentPayload, argumentSize);
        for (let i = 0; i < count; i++) {
          guest.view.setUint8(args + argumentSize * i, Number(lists.includes(i)));
          if (!lists.includes(i)) continue;
          lowerList(
            listOf(engine, memory.pointerAt(values + 4 * i)),
            args + argumentSize * i + argumentPayload,
          );
        }
      }
      const bytes = text === '' ? undefined : encoder.encode(text);
      const place = bytes ? guest.put(bytes) : 0;
      const result = filter(cursor, plan, place, bytes?.length ?? 0, args, count, ask) >>> 0;
      const error = lift(result, batch, columns, ask);
      filtered(result);
      return error;
    },
    fetch(cursor, ask, batch, columns) {
      const result = fetch(cursor, ask) >>> 0;
      const error = lift(result, batch, columns, ask);
      fetched(result);
      return error;
    },
  };
}

export function wrappedScans(engine: Engine, tables: VirtualTable): Scans {
  const { memory } = engine.core;
  const encoder = new TextEncoder();

  const put = ({ rowids, values, done }: Batch, batch: number, columns: number, ask: number): void => {
    const rows = rowids.length;
    checkCounts(rows, values.length, columns, ask, done);
    const encoded = values.map(({ tag, val }: { tag: string; val?: unknown }) =>
      tag === 'text' ? encoder.encode(val as string) : tag === 'blob' ? (val as Uint8Array) : undefined,
    );
    const bytes = encoded.reduce((sum, part) => sum + (part?.length ?? 0), 0);
    const block = room(engine, batch, rows, values.length, bytes);
    const { view } = memory;
    rowids.forEach((rowid, i) => {
      view.setBigInt64(block + 8 * i, rowid, true);
    });
    let cell = block + 8 * rows;
    let text = cell + valueSize * values.length;
    values.forEach((value, i) => {
      const part = encoded[i];
      view.setUint8(cell, caseOf(value));
      if (value.tag === 'integer') view.setBigInt64(cell + valuePayload, value.val, true);
      else if (value.tag === 'real') view.setFloat64(cell + valuePayload, value.val, true);
      else if (part) {
        memory.bytes.set(part, text);
        view.setUint32(cell + valueStart, text, true);
        view.setUint32(cell + valueLength, part.length, true);
        text += part.length;
      }
      cell += valueSize;
    });
    ready(engine, batch, rows, done);
  };
  const fill = (batch: number, columns: number, ask: number, action: () => Batch): WitError | undefined => {
    let rows: Batch;
    try {
      rows = action();
    } catch (error) {
      return payloadOf(error);
    }
    put(rows, batch, columns, ask);
    return undefined;
  };

  return {
    filter(request, batch, columns) {
      const args = argumentsOf(engine, request);
      const { cursor, plan, text, ask } = request;
      return fill(batch, columns, ask, () => tables.filter(cursor, plan, text, args, ask));
    },
    fetch: (cursor, ask, batch, columns) => fill(batch, columns, ask, () => tables.fetch(cursor, ask)),
  };
}
