/** Interface `sqlite:extension/spi`: SQL of a component on its connection, as far as granted. */

import { SQLITE_BLOB, SQLITE_FLOAT, SQLITE_INTEGER, SQLITE_TEXT } from '../core/constants.js';
import type { Client } from './client.js';
import type { Functions, QueryResult, SqlValue } from './generated/spi.js';
import { asResult, cabiLower, Guest, type GuestOptions, witError } from './guest.js';
import type { GuestResult, Parameters } from './guest-result.js';
import { GuestSql } from './guest-sql.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes of one value on either side: of a cell of the core, and of a `variant sql-value`. */
const valueSize = 16;
const caseNull = 0;
const caseInteger = 1;
const caseReal = 2;
const caseText = 3;
const caseBlob = 4;

/** The functions of the interface for one component. */
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
    execute: Object.assign(execute, {
      [cabiLower](options: GuestOptions) {
        const guest = new Guest(options, memory);
        return (text: number, length: number, params: number, count: number, out: number): void => {
          const target = out >>> 0;
          try {
            sql.execute(
              guest.slice(text, length), // GuestSql checks that it is UTF-8
              count >>> 0,
              (parameters) => bindGuest(guest, parameters, params >>> 0, count >>> 0),
              (result) => lowerResult(guest, target + 8, result),
            );
            guest.view.setUint8(target, 0);
          } catch (thrown) {
            guest.putError(target + 8, witError(thrown));
            guest.view.setUint8(target, 1);
          }
        };
      },
    }),
    run: Object.assign(run, {
      [cabiLower](options: GuestOptions) {
        const guest = new Guest(options, memory);
        return (text: number, length: number, out: number): void => {
          const target = out >>> 0;
          try {
            sql.run(guest.slice(text, length).slice());
            guest.view.setUint8(target, 0);
          } catch (thrown) {
            guest.putError(target + 4, witError(thrown));
            guest.view.setUint8(target, 1);
          }
        };
      },
    }),
  };
}

function bindWit(parameters: Parameters, value: SqlValue): void {
  if (value.tag === 'null') parameters.null();
  else if (value.tag === 'integer') parameters.integer(value.val);
  else if (value.tag === 'real') parameters.real(value.val);
  else if (value.tag === 'text') parameters.text(encoder.encode(value.val));
  else parameters.blob(value.val);
}

/** Binds the list<sql-value> at `address` of the guest. */
function bindGuest(guest: Guest, parameters: Parameters, address: number, count: number): void {
  guest.slice(address, count * valueSize);
  const { view } = guest;
  for (let at = address; at < address + count * valueSize; at += valueSize) {
    const kind = view.getUint8(at);
    if (kind === caseInteger) parameters.integer(view.getBigInt64(at + 8, true));
    else if (kind === caseReal) parameters.real(view.getFloat64(at + 8, true));
    else if (kind === caseText) {
      parameters.text(guest.utf8(view.getUint32(at + 8, true), view.getUint32(at + 12, true)));
    } else if (kind === caseBlob) parameters.blob(guest.pairAt(at + 8));
    else if (kind === caseNull) parameters.null();
    else throw new RangeError(`the component passed a value of the unknown kind ${kind}`);
  }
}

/** Stores a `record query-result` at `address` of the guest: two lists, two integers of 64 bits. */
function lowerResult(guest: Guest, address: number, result: GuestResult): void {
  const { names, rows, cells, heap } = result;
  const width = names.length;
  const columns = width === 0 ? 0 : guest.allocate(8 * width, 4);
  for (let i = 0; i < width; i++) guest.putPair(columns + 8 * i, names[i] as Uint8Array);
  const list = rows === 0 ? 0 : guest.allocate(8 * rows, 4);
  for (let row = 0; row < rows; row++) {
    const target = guest.allocate(valueSize * width, 8);
    const source = row * width * valueSize;
    let { view } = guest;
    view.setUint32(list + 8 * row, target, true);
    view.setUint32(list + 8 * row + 4, width, true);
    for (let i = 0; i < width * valueSize; i += valueSize) {
      const type = cells.getInt32(source + i, true);
      const at = target + i;
      if (type === SQLITE_INTEGER || type === SQLITE_FLOAT) {
        view.setUint8(at, type === SQLITE_INTEGER ? caseInteger : caseReal);
        view.setInt32(at + 8, cells.getInt32(source + i + 8, true), true);
        view.setInt32(at + 12, cells.getInt32(source + i + 12, true), true);
      } else if (type === SQLITE_TEXT || type === SQLITE_BLOB) {
        const length = cells.getInt32(source + i + 4, true);
        guest.putPair(at + 8, heap, cells.getUint32(source + i + 8, true), length);
        view = guest.view; // the guest's memory may have grown
        view.setUint8(at, type === SQLITE_TEXT ? caseText : caseBlob);
      } else {
        view.setUint8(at, caseNull);
      }
    }
  }
  const { view } = guest;
  view.setUint32(address, columns, true);
  view.setUint32(address + 4, width, true);
  view.setUint32(address + 8, list, true);
  view.setUint32(address + 12, rows, true);
  view.setBigInt64(address + 16, result.changes, true);
  view.setBigInt64(address + 24, result.lastInsertRowid, true);
}

function liftResult(result: GuestResult): QueryResult {
  const { names, cells, heap } = result;
  const width = names.length;
  const value = (at: number): SqlValue => {
    const type = cells.getInt32(at, true);
    if (type === SQLITE_INTEGER) return { tag: 'integer', val: cells.getBigInt64(at + 8, true) };
    if (type === SQLITE_FLOAT) return { tag: 'real', val: cells.getFloat64(at + 8, true) };
    if (type !== SQLITE_TEXT && type !== SQLITE_BLOB) return { tag: 'null' };
    const start = cells.getUint32(at + 8, true);
    const bytes = heap.slice(start, start + cells.getInt32(at + 4, true));
    return type === SQLITE_TEXT ? { tag: 'text', val: decoder.decode(bytes) } : { tag: 'blob', val: bytes };
  };
  return {
    columns: names.map((name) => decoder.decode(name)),
    rows: Array.from({ length: result.rows }, (_row, row) =>
      Array.from({ length: width }, (_value, column) => value((row * width + column) * valueSize)),
    ),
    changes: result.changes,
    lastInsertRowid: result.lastInsertRowid,
  };
}
