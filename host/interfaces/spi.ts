/** Implements the interface `sqlite:extension/spi`, by which a component runs the granted SQL on its connection. */

import type { Functions, QueryResult, SqlValue } from '../abi/generated/spi.js';
import type { Guest } from '../abi/guest.js';
import {
  caseBlob,
  caseInteger,
  caseNull,
  caseReal,
  caseText,
  list,
  nothingOrError,
  queryOrError,
  queryResult,
  sqlValue,
} from '../abi/layout.js';
import { answer, asResult, withDirect } from '../abi/results.js';
import { valueLength, valueSize, valueStart } from '../abi/values.js';
import { SQLITE_BLOB, SQLITE_FLOAT, SQLITE_INTEGER, SQLITE_TEXT } from '../core/constants.js';
import { cellContent, cellLength, cellSize } from '../kernel/cells.js';
import type { Client } from './client.js';
import type { GuestResult, Parameters } from './guest-result.js';
import { GuestSql } from './guest-sql.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const { start, length } = list.at;
const { payload } = sqlValue;

export function spiInterface({ owner, grants, memory }: Client): Functions {
  const sql = new GuestSql(owner, grants);

  const execute = (text: string, params: readonly SqlValue[]): QueryResult =>
    asResult(() =>
      sql.execute(
        encoder.encode(text),
        params.length,
        (parameters) => {
          for (const value of params) bindWit(parameters, value);
        },
        liftResult,
      ),
    );
  const run = (text: string): void => asResult(() => sql.run(encoder.encode(text)));

  return {
    execute: withDirect(
      execute,
      memory,
      (guest) =>
        (text: number, bytes: number, params: number, count: number, out: number): void =>
          answer(guest, queryOrError, out, (place) =>
            sql.execute(
              guest.slice(text, bytes), // GuestSql checks that the text is UTF-8
              count >>> 0,
              (parameters) => bindGuest(guest, parameters, params >>> 0, count >>> 0),
              (result) => lowerResult(guest, place, result),
            ),
          ),
    ),
    run: withDirect(
      run,
      memory,
      (guest) =>
        (text: number, bytes: number, out: number): void =>
          answer(guest, nothingOrError, out, () => sql.run(guest.slice(text, bytes).slice())),
    ),
  };
}

function bindWit(parameters: Parameters, value: SqlValue): void {
  if (value.tag === 'null') parameters.null();
  else if (value.tag === 'integer') parameters.integer(value.val);
  else if (value.tag === 'real') parameters.real(value.val);
  else if (value.tag === 'text') parameters.text(encoder.encode(value.val));
  else parameters.blob(value.val);
}

/** Binds the `list<sql-value>` at an address of the guest's memory. */
function bindGuest(guest: Guest, parameters: Parameters, address: number, count: number): void {
  guest.slice(address, count * valueSize);
  const { view } = guest;
  for (let at = address; at < address + count * valueSize; at += valueSize) {
    const kind = view.getUint8(at);
    if (kind === caseInteger) parameters.integer(view.getBigInt64(at + payload, true));
    else if (kind === caseReal) parameters.real(view.getFloat64(at + payload, true));
    else if (kind === caseText) {
      parameters.text(
        guest.utf8(view.getUint32(at + valueStart, true), view.getUint32(at + valueLength, true)),
      );
    } else if (kind === caseBlob) parameters.blob(guest.listAt(at + payload));
    else if (kind === caseNull) parameters.null();
    else throw new RangeError(`the component passed a value of the unknown kind ${kind}`);
  }
}

/** Stores a `record query-result` at an address of the guest's memory. */
function lowerResult(guest: Guest, address: number, result: GuestResult): void {
  const { names, rows, cells, heap } = result;
  const width = names.length;
  const columns = width === 0 ? 0 : guest.allocate(list.size * width, list.align);
  for (let i = 0; i < width; i++) guest.putList(columns + list.size * i, names[i] as Uint8Array);
  const table = rows === 0 ? 0 : guest.allocate(list.size * rows, list.align);
  for (let row = 0; row < rows; row++) {
    const target = guest.allocate(valueSize * width, sqlValue.align);
    const source = row * width * cellSize;
    let { view } = guest;
    view.setUint32(table + list.size * row + start, target, true);
    view.setUint32(table + list.size * row + length, width, true);
    for (let i = 0; i < width; i++) {
      const cell = source + cellSize * i;
      const type = cells.getInt32(cell, true);
      const at = target + valueSize * i;
      if (type === SQLITE_INTEGER || type === SQLITE_FLOAT) {
        view.setUint8(at, type === SQLITE_INTEGER ? caseInteger : caseReal);
        view.setInt32(at + payload, cells.getInt32(cell + cellContent, true), true);
        view.setInt32(at + payload + 4, cells.getInt32(cell + cellContent + 4, true), true);
      } else if (type === SQLITE_TEXT || type === SQLITE_BLOB) {
        const from = cells.getUint32(cell + cellContent, true);
        guest.putList(at + payload, heap, from, cells.getInt32(cell + cellLength, true));
        view = guest.view; // the guest's memory may have grown
        view.setUint8(at, type === SQLITE_TEXT ? caseText : caseBlob);
      } else {
        view.setUint8(at, caseNull);
      }
    }
  }
  const { view } = guest;
  const { at } = queryResult;
  view.setUint32(address + at.columns + start, columns, true);
  view.setUint32(address + at.columns + length, width, true);
  view.setUint32(address + at.rows + start, table, true);
  view.setUint32(address + at.rows + length, rows, true);
  view.setBigInt64(address + at.changes, result.changes, true);
  view.setBigInt64(address + at.lastInsertRowid, result.lastInsertRowid, true);
}

function liftResult(result: GuestResult): QueryResult {
  const { names, cells, heap } = result;
  const width = names.length;
  const value = (at: number): SqlValue => {
    const type = cells.getInt32(at, true);
    if (type === SQLITE_INTEGER) return { tag: 'integer', val: cells.getBigInt64(at + cellContent, true) };
    if (type === SQLITE_FLOAT) return { tag: 'real', val: cells.getFloat64(at + cellContent, true) };
    if (type !== SQLITE_TEXT && type !== SQLITE_BLOB) return { tag: 'null' };
    const from = cells.getUint32(at + cellContent, true);
    const bytes = heap.slice(from, from + cells.getInt32(at + cellLength, true));
    return type === SQLITE_TEXT ? { tag: 'text', val: decoder.decode(bytes) } : { tag: 'blob', val: bytes };
  };
  return {
    columns: names.map((name) => decoder.decode(name)),
    rows: Array.from({ length: result.rows }, (_row, row) =>
      Array.from({ length: width }, (_value, column) => value((row * width + column) * cellSize)),
    ),
    changes: result.changes,
    lastInsertRowid: result.lastInsertRowid,
  };
}
