/** Reads changesets one change at a time. A value is decoded only when requested. */

import { Content } from './content.js';
import { ChangesetError, cutShort, noOperation, noTable } from './errors.js';
import {
  type Change,
  changesetMark,
  type Head,
  opDelete,
  operationOf,
  opInsert,
  opUpdate,
  patchsetMark,
  readHead,
  readPlaces,
  type Table,
  typeUndefined,
  type Value,
  type Values,
  valueEnd,
} from './format.js';

const none: Values = [];

/** Options of {@link ChangesetReader}. */
export interface ReaderOptions {
  /**
   * Reads records unchanged, as C does in `sqlite3changegroup_add`. Keeps old values of an UPDATE without new values,
   * which `sqlite3changeset_next` drops, and allows an UPDATE of a patchset without its key.
   */
  readonly asWritten?: boolean;
  /** Called for every table header, even if no change follows. */
  readonly onHead?: (head: Head) => void;
}

/**
 * Iterates over the changes of a changeset. After `next()` returned true, the members describe one change. `oldAt(i)`
 * and `newAt(i)` return the place of a value of column i, or -1 if the change has no such value; other methods read the
 * value at a place. The bytes are not copied, so do not change them while reading. C: `sqlite3changeset_start`,
 * `_next`, `_op`, `_pk`, `_old`, `_new`.
 */
export class ChangesetReader {
  #content: Content;
  readonly #asWritten: boolean;
  readonly #onHead: ((head: Head) => void) | undefined;
  /** The places of the old and new values by column, -1 if there is no value. */
  #old: Int32Array;
  #new: Int32Array;
  #oldPlaces = new Int32Array(32).fill(-1);
  #newPlaces = new Int32Array(32).fill(-1);
  #nothing = new Int32Array(32).fill(-1);
  #at = 0;
  /** The number of bytes of a stream before the current bytes. */
  #before = 0;
  #head: Head | undefined;
  #headBytes = new Uint8Array(0);
  #columns = 0;
  #patchset = false;
  #failed: ChangesetError | undefined;

  /** The change's operation code: 18 INSERT, 23 UPDATE, 9 DELETE. */
  op = 0;
  indirect = false;
  /** The offset of the change's records, after the operation and the indirect flag. */
  start = 0;

  /** @throws ChangesetError if there are more bytes than C can count */
  constructor(bytes: Uint8Array, options: ReaderOptions = {}) {
    this.#content = new Content(bytes);
    this.#old = this.#nothing;
    this.#new = this.#nothing;
    this.#asWritten = options.asWritten ?? false;
    this.#onHead = options.onHead;
  }

  /** The bytes of the changeset. */
  get bytes(): Uint8Array {
    return this.#content.bytes;
  }

  /** The change's table. */
  get table(): Table {
    if (!this.#head) throw new ChangesetError('call next() before reading a change');
    return this.#head.table;
  }

  /** A copy of the table header; empty before the first one. */
  get head(): Uint8Array {
    return this.#headBytes;
  }

  /** The bytes of the table's name. */
  get nameBytes(): Uint8Array {
    return this.#head?.name ?? this.#headBytes;
  }

  /** The number of columns of the table. */
  get columns(): number {
    return this.#columns;
  }

  /** The offset of the end of the current change, which is the start of the next change or table. */
  get end(): number {
    return this.#at;
  }

  /** Continues with bytes that begin with a change or a table header. @param before the number of bytes before them */
  goOn(bytes: Uint8Array, before: number): void {
    this.#content = new Content(bytes);
    this.#at = 0;
    this.#before = before;
  }

  /**
   * Moves to the next change. Returns false at the end.
   *
   * @throws ChangesetError if the bytes are not a changeset. Every later call throws it again.
   */
  next(): boolean {
    if (this.#failed) throw this.#failed;
    try {
      if (!this.#begin()) return false;
      this.#places();
      return true;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /**
   * Moves to the next change and copies it. Returns undefined at the end. This is faster than `next()` and `change()`,
   * but the places of values are then not available.
   *
   * @throws the errors of {@link next}
   */
  nextChange(): Change | undefined {
    if (this.#failed) throw this.#failed;
    try {
      if (!this.#begin()) return undefined;
      return this.#values();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): unknown {
    if (!(error instanceof ChangesetError)) return error;
    const { reason, offset } = error;
    this.#failed = this.#before ? new ChangesetError(reason, (offset ?? 0) + this.#before) : error;
    return this.#failed;
  }

  /** Reads table headers, the operation and the indirect flag of the next change. Returns false at the end. */
  #begin(): boolean {
    const { bytes } = this.#content;
    const size = bytes.length;
    let at = this.#at;
    if (at >= size) return false;
    let op = bytes[at] as number;
    while (op === changesetMark || op === patchsetMark) {
      at = this.#readHead(at);
      if (at >= size) return false;
      op = bytes[at] as number;
    }
    if (this.#columns === 0) throw noTable(bytes, at);
    if (op !== opInsert && op !== opUpdate && op !== opDelete) throw noOperation(op, at);
    if (at + 1 >= size) throw cutShort(size);
    this.op = op;
    this.indirect = bytes[at + 1] !== 0;
    this.start = at + 2;
    return true;
  }

  /** Finds the places of the change's values. */
  #places(): void {
    const { bytes } = this.#content;
    const { op, start } = this;
    const columns = this.#columns;
    this.#old = op === opInsert ? this.#nothing : this.#oldPlaces;
    this.#new = op === opDelete ? this.#nothing : this.#newPlaces;
    if (op === opInsert) this.#at = readPlaces(bytes, start, columns, this.#new);
    else if (op === opDelete) {
      this.#at = this.#patchset ? this.#readKey(start) : readPlaces(bytes, start, columns, this.#old);
    } else if (this.#patchset) {
      this.#at = readPlaces(bytes, start, columns, this.#new);
      this.#moveKey();
    } else {
      this.#at = readPlaces(bytes, readPlaces(bytes, start, columns, this.#old), columns, this.#new);
      if (!this.#asWritten) this.#dropOld();
    }
  }

  #values(): Change {
    const { op, start, indirect, table } = this;
    if (this.#patchset && op !== opInsert) {
      this.#places();
      const change = this.change();
      this.#noPlaces();
      return change;
    }
    this.#noPlaces();
    const content = this.#content;
    const columns = this.#columns;
    let old = none;
    let fresh = none;
    if (op === opInsert) fresh = content.record(start, columns);
    else {
      const before = content.record(start, columns);
      if (op === opUpdate) {
        fresh = content.record(content.end, columns);
        const { key } = table;
        for (let i = 0; i < columns && !this.#asWritten; i++) {
          if (fresh[i] === undefined && key[i] === 0) before[i] = undefined; // like #dropOld
        }
      }
      old = before;
    }
    this.#at = content.end;
    const { name, key, patchset } = table;
    return { table: name, op: operationOf(op), indirect, key, patchset, old, new: fresh };
  }

  /** The place of the old value of a column; -1 if the change has no such value. */
  oldAt(column: number): number {
    return this.#old[column] ?? -1;
  }

  /** The place of the new value of a column; -1 if the change has no such value. */
  newAt(column: number): number {
    return this.#new[column] ?? -1;
  }

  /** The type of the value at a place: 1 INTEGER, 2 REAL, 3 TEXT, 4 BLOB, 5 NULL; 0 if the place is -1. */
  typeAt(place: number): number {
    return place < 0 ? typeUndefined : (this.#content.bytes[place] as number);
  }

  /** Reads an INTEGER as a number, which is exact between -2^53 and 2^53. */
  numberAt(place: number): number {
    return this.#content.numberAt(place);
  }

  /** Reads an INTEGER. */
  integerAt(place: number): bigint {
    return this.#content.integerAt(place);
  }

  /** Reads a REAL. */
  realAt(place: number): number {
    return this.#content.realAt(place);
  }

  /** Reads a TEXT. Invalid UTF-8 becomes U+FFFD. */
  textAt(place: number): string {
    return this.#content.textAt(place);
  }

  /** Reads a TEXT; undefined if it is not UTF-8, which SQLite allows. */
  validTextAt(place: number): string | undefined {
    return this.#content.validTextAt(place);
  }

  /** A view of the bytes of a TEXT or BLOB. */
  bytesAt(place: number): Uint8Array {
    return this.#content.bytesAt(place);
  }

  /** Reads the value at a place. Blobs are copied. */
  valueAt(place: number): Value | undefined {
    return place < 0 ? undefined : this.#content.valueAt(place);
  }

  /** The old value of a column; undefined if the change has no such value. C: `sqlite3changeset_old`. */
  oldValue(column: number): Value | undefined {
    return this.valueAt(this.oldAt(column));
  }

  /** The new value of a column; undefined if the change has no such value. C: `sqlite3changeset_new`. */
  newValue(column: number): Value | undefined {
    return this.valueAt(this.newAt(column));
  }

  /** Copies the current change. */
  change(): Change {
    const { op, table, indirect } = this;
    return {
      table: table.name,
      op: operationOf(op),
      indirect,
      key: table.key,
      patchset: table.patchset,
      old: op === opInsert ? none : this.#valuesAt(this.#old),
      new: op === opDelete ? none : this.#valuesAt(this.#new),
    };
  }

  #valuesAt(places: Int32Array): Values {
    const values = new Array<Value | undefined>(this.#columns);
    for (let i = 0; i < values.length; i++) values[i] = this.valueAt(places[i] as number);
    return values;
  }

  #readHead(at: number): number {
    const { bytes } = this.#content;
    const head = readHead(bytes, at);
    const columns = head.table.key.length;
    if (columns > this.#nothing.length) {
      this.#oldPlaces = new Int32Array(columns);
      this.#newPlaces = new Int32Array(columns);
      this.#nothing = new Int32Array(columns).fill(-1);
    }
    this.#oldPlaces.fill(-1); // also the columns of an earlier, wider table
    this.#newPlaces.fill(-1);
    this.#noPlaces();
    this.#columns = columns;
    this.#patchset = head.table.patchset;
    this.#head = head;
    this.#headBytes = bytes.slice(at, head.end);
    this.#at = head.end;
    this.#onHead?.(head);
    return head.end;
  }

  #noPlaces(): void {
    this.#old = this.#nothing;
    this.#new = this.#nothing;
  }

  /** Reads a DELETE of a patchset, which has only the key. */
  #readKey(from: number): number {
    const { key } = this.table;
    const { bytes } = this.#content;
    let at = from;
    for (let i = 0; i < this.#columns; i++) {
      if (key[i] === 0) {
        this.#old[i] = -1;
        continue;
      }
      if (at >= bytes.length) throw cutShort(bytes.length);
      const end = valueEnd(bytes, at);
      if (end > bytes.length) throw cutShort(bytes.length);
      this.#old[i] = bytes[at] === typeUndefined ? -1 : at;
      at = end;
    }
    return at;
  }

  /** Moves the key to the old values. An UPDATE of a patchset has the key and the new values in one record. */
  #moveKey(): void {
    const { key } = this.table;
    for (let i = 0; i < this.#columns; i++) {
      this.#old[i] = -1;
      if (key[i] === 0) continue;
      if (this.#new[i] === -1 && !this.#asWritten) {
        throw new ChangesetError('an UPDATE without its complete key', this.start);
      }
      this.#old[i] = this.#new[i] as number;
      this.#new[i] = -1;
    }
  }

  /** Drops old values without new values, except the key. Old rebasers wrote them, and C ignores them. */
  #dropOld(): void {
    const old = this.#old;
    const fresh = this.#new;
    const columns = this.#columns;
    const { key } = this.table;
    for (let i = 0; i < columns; i++) {
      if (fresh[i] === -1 && old[i] !== -1 && key[i] === 0) old[i] = -1;
    }
  }
}
