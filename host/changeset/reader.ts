/** Reads changesets, one change at a time. Nothing is made of a value before it is asked for. */

import {
  type Change,
  ChangesetError,
  changesetMark,
  maxColumns,
  opDelete,
  operationOf,
  opInsert,
  opUpdate,
  patchsetMark,
  type Table,
  typeBlob,
  typeInteger,
  typeNull,
  typeReal,
  typeText,
  typeUndefined,
  type Value,
  type Values,
} from './format.js';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Up to this many bytes a loop over ASCII is faster than a call of the decoder. */
const shortText = 32;

/**
 * Goes through the changes of a changeset, as the C iterator does; but a type of value that there is not is refused,
 * where that one reads a NULL. After `next()` returned true the members describe one change, and
 * values are had by their place: `oldAt(i)` and `newAt(i)` for column i, -1 where the change has none.
 * What is read is not copied first: leave the bytes alone meanwhile.
 */
export class ChangesetReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #places = new Int32Array(64);
  #at = 0;
  #table: Table | undefined;
  #columns = 0;
  #head = new Uint8Array(0);

  /** The change's operation code: 18, 23 or 9. */
  op = 0;
  indirect = false;
  /** Where the change's records begin: behind operation and indirect flag. */
  start = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The table that the change is of. */
  get table(): Table {
    if (!this.#table) throw new ChangesetError('there is no change before next()');
    return this.#table;
  }

  /** The table's head, as it stands in the changeset. */
  get head(): Uint8Array {
    return this.#head;
  }

  /** How many columns it has. */
  get columns(): number {
    return this.#columns;
  }

  /** Where the next change or table begins; of the current change, where its records end. */
  get end(): number {
    return this.#at;
  }

  /**
   * Goes on to the next change. False at the end.
   *
   * @throws ChangesetError where the bytes are no changeset
   */
  next(): boolean {
    const { bytes } = this;
    const size = bytes.length;
    for (;;) {
      if (this.#at >= size) return false;
      const op = bytes[this.#at] as number;
      if (op !== changesetMark && op !== patchsetMark) break;
      this.#readTable(op === patchsetMark);
    }
    const op = bytes[this.#at] as number;
    if (!this.#table) throw new ChangesetError('a changeset begins with the byte T or P, not this', this.#at);
    if (op !== opInsert && op !== opUpdate && op !== opDelete) {
      throw new ChangesetError(`there is no operation ${op}`, this.#at);
    }
    if (this.#at + 1 >= size) throw new ChangesetError('the changeset is cut short', size);
    this.op = op;
    this.indirect = bytes[this.#at + 1] !== 0;
    this.start = this.#at + 2;
    this.#at = this.start;
    const columns = this.#columns;
    const { patchset } = this.#table;
    const places = this.#places;
    if (op === opInsert) {
      places.fill(-1, 0, columns);
      this.#readRecord(columns);
    } else if (op === opDelete) {
      if (patchset) this.#readKey();
      else this.#readRecord(0);
      places.fill(-1, columns, 2 * columns);
    } else if (patchset) {
      this.#readRecord(columns);
      this.#moveKey();
    } else {
      this.#readRecord(0);
      this.#readRecord(columns);
    }
    return true;
  }

  /** Where the old value of a column lies; -1 where there is none. */
  oldAt(column: number): number {
    return this.#places[column] as number;
  }

  /** Where the new value of a column lies; -1 where there is none. */
  newAt(column: number): number {
    return this.#places[this.#columns + column] as number;
  }

  /** The type of the value at a place: 1 INTEGER, 2 REAL, 3 TEXT, 4 BLOB, 5 NULL; 0 where there is none. */
  typeAt(place: number): number {
    return place < 0 ? typeUndefined : (this.bytes[place] as number);
  }

  /** An INTEGER as a number: exact up to 2^53 from 0. */
  numberAt(place: number): number {
    return this.#view.getInt32(place + 1) * 4_294_967_296 + this.#view.getUint32(place + 5);
  }

  integerAt(place: number): bigint {
    return this.#view.getBigInt64(place + 1);
  }

  realAt(place: number): number {
    return this.#view.getFloat64(place + 1);
  }

  textAt(place: number): string {
    const { bytes } = this;
    const length = lengthAt(bytes, place + 1);
    const start = place + 1 + lengthSize(bytes, place + 1);
    if (length > shortText) return decoder.decode(bytes.subarray(start, start + length));
    const end = start + length;
    let all = 0;
    for (let i = start; i < end; i++) all |= bytes[i] as number;
    if (all > 127) return decoder.decode(bytes.subarray(start, end));
    let text = '';
    let i = start;
    for (; i + 8 <= end; i += 8) {
      text += String.fromCharCode(
        bytes[i] as number,
        bytes[i + 1] as number,
        bytes[i + 2] as number,
        bytes[i + 3] as number,
        bytes[i + 4] as number,
        bytes[i + 5] as number,
        bytes[i + 6] as number,
        bytes[i + 7] as number,
      );
    }
    for (; i < end; i++) text += String.fromCharCode(bytes[i] as number);
    return text;
  }

  /** A TEXT; undefined where it is not UTF-8, which SQLite does not mind. */
  validTextAt(place: number): string | undefined {
    try {
      return strict.decode(this.bytesAt(place));
    } catch {
      return undefined;
    }
  }

  /** The bytes of a TEXT or BLOB: a view, valid as long as the changeset's bytes are. */
  bytesAt(place: number): Uint8Array {
    const { bytes } = this;
    const start = place + 1 + lengthSize(bytes, place + 1);
    return bytes.subarray(start, start + lengthAt(bytes, place + 1));
  }

  /** The value at a place; blobs are copied. */
  valueAt(place: number): Value | undefined {
    if (place < 0) return undefined;
    switch (this.bytes[place]) {
      case typeInteger:
        return this.integerAt(place);
      case typeReal:
        return this.realAt(place);
      case typeText:
        return this.textAt(place);
      case typeBlob:
        return this.bytesAt(place).slice();
      default:
        return null;
    }
  }

  /** The current change, copied. */
  change(): Change {
    const op = operationOf(this.op);
    const of = (at: (column: number) => number): Values =>
      Array.from({ length: this.#columns }, (_, column) => this.valueAt(at(column)));
    return {
      table: this.table,
      op,
      indirect: this.indirect,
      old: op === 'insert' ? [] : of((column) => this.oldAt(column)),
      new: op === 'delete' ? [] : of((column) => this.newAt(column)),
    };
  }

  #readTable(patchset: boolean): void {
    const { bytes } = this;
    const head = this.#at;
    const columns = lengthAt(bytes, head + 1);
    const start = head + 1 + lengthSize(bytes, head + 1);
    if (columns < 1 || columns > maxColumns) {
      throw new ChangesetError(`a table has 1 to ${maxColumns} columns, not ${columns}`, head + 1);
    }
    const name = start + columns;
    if (name >= bytes.length) throw new ChangesetError('the changeset is cut short', bytes.length);
    const end = bytes.indexOf(0, name);
    if (end < 0) throw new ChangesetError("the table's name has no end", name);
    const key = [...bytes.subarray(start, name)];
    this.#table = { name: decoder.decode(bytes.subarray(name, end)), key, patchset };
    this.#columns = columns;
    if (this.#places.length < 2 * columns) this.#places = new Int32Array(2 * columns);
    this.#head = bytes.slice(head, end + 1);
    this.#at = end + 1;
  }

  /** Notes where the values of a whole record lie, from `base` on. */
  #readRecord(base: number): void {
    const { bytes } = this;
    const places = this.#places;
    const size = bytes.length;
    const end = base + this.#columns;
    let at = this.#at;
    for (let i = base; i < end; i++) {
      if (at >= size) throw new ChangesetError('the changeset is cut short', size);
      const type = bytes[at] as number;
      places[i] = type === typeUndefined ? -1 : at;
      if (type === typeInteger || type === typeReal) at += 9;
      else if (type === typeNull || type === typeUndefined) at += 1;
      else if (type === typeText || type === typeBlob) {
        const short = bytes[at + 1] as number;
        if (short < 0x80) at += 2 + short;
        else at += 1 + lengthSize(bytes, at + 1) + lengthAt(bytes, at + 1);
      } else throw new ChangesetError(`there is no type ${type} of value`, at);
    }
    if (!(at <= size)) throw new ChangesetError('the changeset is cut short', size);
    this.#at = at;
  }

  /** A patchset's DELETE: the values of the key alone. */
  #readKey(): void {
    const { key } = this.table;
    const places = this.#places;
    const { bytes } = this;
    for (let i = 0; i < this.#columns; i++) {
      if (key[i] === 0) {
        places[i] = -1;
        continue;
      }
      const at = this.#at;
      if (at >= bytes.length) throw new ChangesetError('the changeset is cut short', bytes.length);
      const end = valueEnd(bytes, at);
      if (end > bytes.length) throw new ChangesetError('the changeset is cut short', bytes.length);
      places[i] = bytes[at] === typeUndefined ? -1 : at;
      this.#at = end;
    }
  }

  /** A patchset's UPDATE holds key and new values in one record: the key is what was there before. */
  #moveKey(): void {
    const { key } = this.table;
    const columns = this.#columns;
    const places = this.#places;
    for (let i = 0; i < columns; i++) {
      places[i] = -1;
      if (key[i] === 0) continue;
      if (places[columns + i] === -1) throw new ChangesetError('an UPDATE without its whole key', this.start);
      places[i] = places[columns + i] as number;
      places[columns + i] = -1;
    }
  }
}

/** The varint at a place: what it says. Never negative; a number that is too long is beyond any length. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw new ChangesetError('the changeset is cut short', bytes.length);
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      if (value > 0x7fffffff) break;
      return value;
    }
  }
  throw new ChangesetError('a length is larger than 2147483647', at);
}

/** The varint at a place: how many bytes it takes. */
export function lengthSize(bytes: Uint8Array, at: number): number {
  let size = 1;
  while ((bytes[at + size - 1] as number) >= 0x80) size += 1;
  return size;
}

/** Where the value at a place ends. @throws ChangesetError where it is none */
export function valueEnd(bytes: Uint8Array, at: number): number {
  const type = bytes[at];
  if (type === typeInteger || type === typeReal) return at + 9;
  if (type === typeNull || type === typeUndefined) return at + 1;
  if (type !== typeText && type !== typeBlob)
    throw new ChangesetError(`there is no type ${type} of value`, at);
  return at + 1 + lengthSize(bytes, at + 1) + lengthAt(bytes, at + 1);
}

/** The changes of a changeset, one after another, each copied. @throws ChangesetError where it is malformed */
export function* changes(bytes: Uint8Array): Generator<Change, void, void> {
  const reader = new ChangesetReader(bytes);
  while (reader.next()) yield reader.change();
}

/** What is wrong with the bytes. */
export interface Fault {
  /** The first wrong byte, from 0. */
  readonly offset: number;
  readonly reason: string;
}

/**
 * Why the bytes are no changeset or patchset; null where they are one. Stricter than the C library: the indirect
 * flag is 0 or 1, tables are not mixed, an UPDATE has its key, no key holds a NULL.
 */
export function validate(bytes: Uint8Array): Fault | null {
  const reader = new ChangesetReader(bytes);
  let patchset: boolean | undefined;
  try {
    while (reader.next()) {
      const { table } = reader;
      patchset ??= table.patchset;
      if (table.patchset !== patchset) {
        throw new ChangesetError('tables of a changeset and of a patchset are mixed', reader.start - 2);
      }
      const flag = bytes[reader.start - 1] as number;
      if (flag > 1) throw new ChangesetError(`the indirect flag is 0 or 1, not ${flag}`, reader.start - 1);
      for (let i = 0; i < reader.columns; i++) checkColumn(reader, i, (table.key[i] as number) > 0);
    }
  } catch (error) {
    if (!(error instanceof ChangesetError)) throw error;
    const offset = error.offset ?? 0;
    return { offset, reason: error.message.replace(/ at byte \d+$/, '') };
  }
  return null;
}

function checkColumn(reader: ChangesetReader, column: number, isKey: boolean): void {
  const { op, start } = reader;
  const old = reader.oldAt(column);
  const fresh = reader.newAt(column);
  if (isKey) {
    const place = op === opInsert ? fresh : old;
    if (place < 0) throw new ChangesetError('a change without its whole key', start);
    if (reader.typeAt(place) === typeNull) throw new ChangesetError('a key that holds a NULL', place);
  } else if (op === opInsert && fresh < 0) {
    throw new ChangesetError('an INSERT without all of its values', start);
  } else if (op === opDelete && old < 0 && !reader.table.patchset) {
    throw new ChangesetError('a DELETE without all of its values', start);
  }
}
