/** Reads changesets, one change at a time. Values are decoded only when requested. */

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

/** How to read. */
export interface ReaderOptions {
  /**
   * Reads records unchanged: an UPDATE's old values without new ones, which `sqlite3changeset_next` drops, are kept, and
   * an UPDATE of a patchset may lack its key. C does so for `sqlite3changegroup_add`.
   */
  readonly asWritten?: boolean;
  /** Called for every table's head, even if no change follows. */
  readonly onHead?: (head: Head) => void;
}

/**
 * Iterates over the changes of a changeset. After `next()` returned true, the members describe one change, and
 * values are read by place: `oldAt(i)` and `newAt(i)` for column i, -1 if the change has none.
 * The bytes are not copied: do not change them meanwhile. C: `sqlite3changeset_start`, `_next`, `_op`,
 * `_pk`, `_old`, `_new`.
 */
export class ChangesetReader {
  #content: Content;
  readonly #asWritten: boolean;
  readonly #onHead: ((head: Head) => void) | undefined;
  /** For each column the place of its value, -1 if there is none: of the record that was read, or #nothing. */
  #old: Int32Array;
  #new: Int32Array;
  #oldPlaces = new Int32Array(32).fill(-1);
  #newPlaces = new Int32Array(32).fill(-1);
  #nothing = new Int32Array(32).fill(-1);
  #at = 0;
  /** How many bytes of a stream came before #bytes. */
  #before = 0;
  #head: Head | undefined;
  #headBytes = new Uint8Array(0);
  #columns = 0;
  #patchset = false;
  #failed: ChangesetError | undefined;

  /** The change's operation code: 18 INSERT, 23 UPDATE, 9 DELETE. */
  op = 0;
  indirect = false;
  /** Where the change's records begin: after operation and indirect flag. */
  start = 0;

  /** @throws ChangesetError for more bytes than C can count */
  constructor(bytes: Uint8Array, options: ReaderOptions = {}) {
    this.#content = new Content(bytes);
    this.#old = this.#nothing;
    this.#new = this.#nothing;
    this.#asWritten = options.asWritten ?? false;
    this.#onHead = options.onHead;
  }

  /** The bytes. */
  get bytes(): Uint8Array {
    return this.#content.bytes;
  }

  /** The change's table. */
  get table(): Table {
    if (!this.#head) throw new ChangesetError('call next() before reading a change');
    return this.#head.table;
  }

  /** The bytes of the table's head, copied; empty before the first. */
  get head(): Uint8Array {
    return this.#headBytes;
  }

  /** The bytes of the table's name. */
  get nameBytes(): Uint8Array {
    return this.#head?.name ?? this.#headBytes;
  }

  /** How many columns it has. */
  get columns(): number {
    return this.#columns;
  }

  /** Where the next change or table begins, and the current change's records end. */
  get end(): number {
    return this.#at;
  }

  /**
   * Continues a stream: `bytes` follow the `before` bytes that were read, and begin with a change or a table.
   */
  goOn(bytes: Uint8Array, before: number): void {
    this.#content = new Content(bytes);
    this.#at = 0;
    this.#before = before;
  }

  /**
   * Moves to the next change. False at the end.
   *
   * @throws ChangesetError if the bytes are not a changeset; then also on every later call
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
   * Moves to the next change and copies it: faster than `next()` and `change()`. Undefined at the
   * end. Afterwards places are not available.
   *
   * @throws ChangesetError as `next()` does
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

  /** Reads what comes before the records of a change: heads of tables, operation, flag. False at the end. */
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
    if (this.#columns === 0) throw noTable(at);
    if (op !== opInsert && op !== opUpdate && op !== opDelete) throw noOperation(op, at);
    if (at + 1 >= size) throw cutShort(size);
    this.op = op;
    this.indirect = bytes[at + 1] !== 0;
    this.start = at + 2;
    return true;
  }

  /** Notes the places of the change's values. */
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

  /** Makes the values of the change. */
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
          if (fresh[i] === undefined && key[i] === 0) before[i] = undefined; // as #dropOld does
        }
      }
      old = before;
    }
    this.#at = content.end;
    const { name, key, patchset } = table;
    return { table: name, op: operationOf(op), indirect, key, patchset, old, new: fresh };
  }

  /** The place of the old value of a column; -1 if there is none. */
  oldAt(column: number): number {
    return this.#old[column] ?? -1;
  }

  /** The place of the new value of a column; -1 if there is none. */
  newAt(column: number): number {
    return this.#new[column] ?? -1;
  }

  /** The type of the value at a place: 1 INTEGER, 2 REAL, 3 TEXT, 4 BLOB, 5 NULL; 0 if there is none. */
  typeAt(place: number): number {
    return place < 0 ? typeUndefined : (this.#content.bytes[place] as number);
  }

  /** An INTEGER as a number: exact up to 2^53 from 0. */
  numberAt(place: number): number {
    return this.#content.numberAt(place);
  }

  /** An INTEGER. */
  integerAt(place: number): bigint {
    return this.#content.integerAt(place);
  }

  /** A REAL. */
  realAt(place: number): number {
    return this.#content.realAt(place);
  }

  /** A TEXT; invalid UTF-8 becomes U+FFFD. */
  textAt(place: number): string {
    return this.#content.textAt(place);
  }

  /** A TEXT; undefined if it is not UTF-8, which SQLite allows. */
  validTextAt(place: number): string | undefined {
    return this.#content.validTextAt(place);
  }

  /** The bytes of a TEXT or BLOB: a view, valid as long as the changeset's bytes are. */
  bytesAt(place: number): Uint8Array {
    return this.#content.bytesAt(place);
  }

  /** The value at a place; blobs are copied. */
  valueAt(place: number): Value | undefined {
    return place < 0 ? undefined : this.#content.valueAt(place);
  }

  /** The old value of a column; undefined if there is none. C: `sqlite3changeset_old`. */
  oldValue(column: number): Value | undefined {
    return this.valueAt(this.oldAt(column));
  }

  /** The new value of a column; undefined if there is none. C: `sqlite3changeset_new`. */
  newValue(column: number): Value | undefined {
    return this.valueAt(this.newAt(column));
  }

  /** The current change, copied. */
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
    this.#oldPlaces.fill(-1); // including those of a wider table
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

  /** A patchset's DELETE: only the values of the key. */
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

  /** A patchset's UPDATE holds key and new values in one record: the key is its old value. */
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

  /** Old values without new ones, except the key: rebasing used to write them, and C ignores them. */
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
