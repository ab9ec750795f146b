/** The binary format of changesets and patchsets, which a comment in sqlite3session.c describes. */

import { ChangesetError, cutShort, noType, notBytes } from './errors.js';

/** The first byte of a table header: `T` in a changeset, `P` in a patchset. */
export const changesetMark = 0x54;
export const patchsetMark = 0x50;

export const opDelete = 9;
export const opInsert = 18;
export const opUpdate = 23;

/** The first byte of a value. */
export const typeUndefined = 0;
export const typeInteger = 1;
export const typeReal = 2;
export const typeText = 3;
export const typeBlob = 4;
export const typeNull = 5;

/** The maximum number of columns of a table that the C library accepts. */
export const maxColumns = 65_536;

/** The maximum size of a changeset that the C library can count, in bytes. */
export const maxSize = 0x7fffffff;

/** An operation on a row. */
export type Operation = 'insert' | 'update' | 'delete';

export const operationOf = (op: number): Operation =>
  op === opInsert ? 'insert' : op === opUpdate ? 'update' : 'delete';

export const codeOf = (op: Operation): number =>
  op === 'insert' ? opInsert : op === 'update' ? opUpdate : opDelete;

/** A value: INTEGER is a bigint, REAL a number. */
export type Value = null | bigint | number | string | Uint8Array;

/** The values of a row by column; undefined if the change has no value for the column. */
export type Values = readonly (Value | undefined)[];

/** The header of a table's changes. */
export interface Table {
  readonly name: string;
  /**
   * For each column, its position in the PRIMARY KEY from 1, or 0. Any byte is accepted; every byte except 0 marks a
   * key column.
   */
  readonly key: readonly number[];
  /** Whether the changes have no old values. */
  readonly patchset: boolean;
}

/** One change of one row. */
export interface Change {
  /** The table's name. */
  readonly table: string;
  readonly op: Operation;
  /** Whether a trigger or a foreign key action made it. */
  readonly indirect: boolean;
  /** See {@link Table.key}. */
  readonly key: readonly number[];
  /** Whether the change is from a patchset, in which UPDATE and DELETE have old values only for the key. */
  readonly patchset: boolean;
  /** All values for a DELETE, the key and the changed columns for an UPDATE, empty for an INSERT. */
  readonly old: Values;
  /** All values for an INSERT, the changed columns for an UPDATE, empty for a DELETE. */
  readonly new: Values;
}

/** The bytes of a value that JavaScript cannot represent: TEXT that is not UTF-8, or a NaN with certain bits. */
export class Raw {
  readonly bytes: Uint8Array;

  constructor(type: number, content: Uint8Array) {
    this.bytes = Uint8Array.from([type, ...content]);
  }
}

/** A change to write, in which a value can be {@link Raw}. */
export interface WrittenChange extends Omit<Change, 'old' | 'new'> {
  readonly old: readonly (Value | Raw | undefined)[];
  readonly new: readonly (Value | Raw | undefined)[];
}

/**
 * Reads a varint as C does (`sessionVarintGet`). It has up to nine bytes. Only 31 bits are used, and a value that does
 * not fit in 32 bits becomes the largest length.
 *
 * @throws ChangesetError if the bytes end before the varint ends
 */
export function lengthAt(bytes: Uint8Array, at: number): number {
  let value = 0; // a double is exact enough to tell whether the value fits in 32 bits
  for (let i = 0; i < 9; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw cutShort(bytes.length);
    if (i === 8) value = value * 256 + byte;
    else value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) break;
  }
  return value > 0xffffffff ? 0x7fffffff : value % 0x80000000;
}

/** The size of the varint at an offset, in bytes. */
export function lengthSize(bytes: Uint8Array, at: number): number {
  let size = 1;
  while (size < 9 && (bytes[at + size - 1] as number) >= 0x80) size += 1;
  return size;
}

/** The end of the value at an offset. @throws ChangesetError if it is not a value */
export function valueEnd(bytes: Uint8Array, at: number): number {
  const type = bytes[at];
  if (type === typeInteger || type === typeReal) return at + 9;
  if (type === typeNull || type === typeUndefined) return at + 1;
  if (type !== typeText && type !== typeBlob) throw type === undefined ? cutShort(at) : noType(type, at);
  const short = bytes[at + 1] as number;
  if (short < 0x80) return at + 2 + short;
  return at + 1 + lengthSize(bytes, at + 1) + lengthAt(bytes, at + 1);
}

/** Writes the offset of each value of a record to `places`, -1 for a missing value. Returns the end of the record. */
export function readPlaces(bytes: Uint8Array, from: number, columns: number, places: Int32Array): number {
  const size = bytes.length;
  let at = from;
  for (let i = 0; i < columns; i++) {
    if (at >= size) throw cutShort(size);
    let type = bytes[at] as number;
    // In an UPDATE, usually most columns in a row have no value.
    while (type === typeUndefined) {
      places[i] = -1;
      at += 1;
      i += 1;
      if (i === columns) return at;
      if (at === size) throw cutShort(size);
      type = bytes[at] as number;
    }
    places[i] = at;
    if (type === typeInteger || type === typeReal) at += 9;
    else if (type === typeText || type === typeBlob) {
      if (at + 1 >= size) throw cutShort(size);
      const length = bytes[at + 1] as number;
      const more = bytes[at + 2] as number;
      // Short lengths are decoded here, because a function call makes the loop slow.
      if (length < 0x80) at += 2 + length;
      else if (more < 0x80) at += 3 + (((length & 0x7f) << 7) | more);
      else at = valueEnd(bytes, at);
    } else if (type === typeNull) at += 1;
    else throw noType(type, at);
  }
  if (at > size) throw cutShort(size);
  return at;
}

/** A table header and its place in the bytes. */
export interface Head {
  readonly table: Table;
  readonly start: number;
  readonly end: number;
  /** The bytes of the name, without the terminating NUL. */
  readonly name: Uint8Array;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reads the table header at an offset. @throws ChangesetError if it is malformed */
export function readHead(bytes: Uint8Array, start: number): Head {
  const columns = lengthAt(bytes, start + 1);
  const keyAt = start + 1 + lengthSize(bytes, start + 1);
  if (columns < 1 || columns > maxColumns) {
    throw new ChangesetError(`a table has 1 to ${maxColumns} columns, not ${columns}`, start + 1);
  }
  const nameAt = keyAt + columns;
  if (nameAt >= bytes.length) throw cutShort(bytes.length);
  const end = bytes.indexOf(0, nameAt);
  if (end < 0) throw new ChangesetError("the table's name is not terminated", nameAt);
  const name = bytes.slice(nameAt, end);
  const key = Array.from(bytes.subarray(keyAt, nameAt));
  const table = { name: decoder.decode(name), key, patchset: bytes[start] === patchsetMark };
  return { table, start, end: end + 1, name };
}

/**
 * Returns a plain Uint8Array with the same memory, because `slice` of a Buffer does not copy.
 *
 * @throws ChangesetError if there are more bytes than C can count; TypeError (ERR_INVALID_ARG_TYPE) if `bytes` is not
 *   bytes
 */
export function plain(bytes: Uint8Array): Uint8Array {
  if (!ArrayBuffer.isView(bytes)) throw notBytes();
  if (bytes.length > maxSize)
    throw new ChangesetError(`a changeset can have at most ${maxSize} bytes`, maxSize);
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
