/** Reads changesets, one change at a time. Nothing is made of a value before it is asked for. */

import { ChangesetError, cutShort, noOperation, noTable, noType } from './errors.js';
import {
  type Change,
  changesetMark,
  type Head,
  lengthAt,
  lengthSize,
  opDelete,
  operationOf,
  opInsert,
  opUpdate,
  patchsetMark,
  plain,
  readHead,
  type Table,
  typeBlob,
  typeInteger,
  typeNull,
  typeReal,
  typeText,
  typeUndefined,
  type Value,
  type Values,
  valueEnd,
} from './format.js';
import { Texts } from './text.js';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const none: Values = [];

/** How to read. */
export interface ReaderOptions {
  /**
   * Records as they are: an UPDATE's old values without new ones, which `sqlite3changeset_next` drops, are there, and
   * an UPDATE of a patchset may lack its key. C reads so for `sqlite3changegroup_add`.
   */
  readonly asWritten?: boolean;
  /** Called for every table's head, also for those that no change follows. */
  readonly onHead?: (head: Head) => void;
}

/**
 * Goes through the changes of a changeset. After `next()` returned true the members describe one change, and
 * values are had by their place: `oldAt(i)` and `newAt(i)` for column i, -1 where the change has none.
 * What is read is not copied first: leave the bytes alone meanwhile. C: `sqlite3changeset_start`, `_next`, `_op`,
 * `_pk`, `_old`, `_new`.
 */
export class ChangesetReader {
  #bytes: Uint8Array;
  #view: DataView;
  #texts: Texts;
  readonly #asWritten: boolean;
  readonly #onHead: ((head: Head) => void) | undefined;
  #old = new Int32Array(32);
  #new = new Int32Array(32);
  /** Up to which column the changes before left something in #old and #new; behind it is -1. */
  #oldFilled = 32;
  #newFilled = 32;
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
  /** Where the change's records begin: behind operation and indirect flag. */
  start = 0;

  /** @throws ChangesetError for more bytes than C can count */
  constructor(bytes: Uint8Array, options: ReaderOptions = {}) {
    this.#bytes = plain(bytes);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#texts = new Texts(this.#bytes, this.#view);
    this.#asWritten = options.asWritten ?? false;
    this.#onHead = options.onHead;
  }

  /** What is read. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** The table that the change is of. */
  get table(): Table {
    if (!this.#head) throw new ChangesetError('there is no change before next()');
    return this.#head.table;
  }

  /** The table's head as it stands in the changeset, copied; empty before the first. */
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

  /** Where the next change or table begins; of the current change, where its records end. */
  get end(): number {
    return this.#at;
  }

  /**
   * Goes on in a stream: `bytes` follow what was read, `before` bytes, and begin with a change or a table.
   */
  goOn(bytes: Uint8Array, before: number): void {
    this.#bytes = plain(bytes);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#texts = new Texts(this.#bytes, this.#view);
    this.#at = 0;
    this.#before = before;
  }

  /**
   * Goes on to the next change. False at the end.
   *
   * @throws ChangesetError where the bytes are no changeset; after that, whenever it is called
   */
  next(): boolean {
    if (this.#failed) throw this.#failed;
    try {
      return this.#next();
    } catch (error) {
      if (error instanceof ChangesetError) {
        const { reason, offset } = error;
        if (this.#before) this.#failed = new ChangesetError(reason, (offset ?? 0) + this.#before);
        else this.#failed = error;
        throw this.#failed;
      }
      throw error;
    }
  }

  #next(): boolean {
    const bytes = this.#bytes;
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
    const columns = this.#columns;
    this.op = op;
    this.indirect = bytes[at + 1] !== 0;
    at += 2;
    this.start = at;
    if (op === opInsert) {
      if (this.#oldFilled > 0) this.#forgetOld();
      at = readRecord(bytes, at, columns, this.#new);
      this.#newFilled = columns;
    } else if (op === opDelete) {
      if (this.#newFilled > 0) this.#forgetNew();
      at = this.#patchset ? this.#readKey(at) : readRecord(bytes, at, columns, this.#old);
      this.#oldFilled = columns;
    } else {
      this.#oldFilled = columns;
      this.#newFilled = columns;
      if (this.#patchset) {
        at = readRecord(bytes, at, columns, this.#new);
        this.#moveKey();
      } else {
        at = readRecord(bytes, at, columns, this.#old);
        at = readRecord(bytes, at, columns, this.#new);
        if (!this.#asWritten) this.#dropOld();
      }
    }
    this.#at = at;
    return true;
  }

  /** Where the old value of a column lies; -1 where there is none. */
  oldAt(column: number): number {
    return this.#old[column] as number;
  }

  /** Where the new value of a column lies; -1 where there is none. */
  newAt(column: number): number {
    return this.#new[column] as number;
  }

  /** The type of the value at a place: 1 INTEGER, 2 REAL, 3 TEXT, 4 BLOB, 5 NULL; 0 where there is none. */
  typeAt(place: number): number {
    return place < 0 ? typeUndefined : (this.#bytes[place] as number);
  }

  /** An INTEGER as a number: exact up to 2^53 from 0. */
  numberAt(place: number): number {
    const view = this.#view;
    return view.getInt32(place + 1) * 4_294_967_296 + view.getUint32(place + 5);
  }

  /** An INTEGER. */
  integerAt(place: number): bigint {
    return this.#view.getBigInt64(place + 1);
  }

  /** A REAL. */
  realAt(place: number): number {
    return this.#view.getFloat64(place + 1);
  }

  /** A TEXT; what is not UTF-8 becomes U+FFFD. */
  textAt(place: number): string {
    const length = this.#bytes[place + 1] as number;
    if (length < 0x80) return this.#texts.text(place + 2, place + 2 + length);
    const start = place + 1 + lengthSize(this.#bytes, place + 1);
    return this.#texts.text(start, start + lengthAt(this.#bytes, place + 1));
  }

  /** A TEXT; undefined where it is not UTF-8, which SQLite does not mind. */
  validTextAt(place: number): string | undefined {
    const text = this.textAt(place);
    if (!text.includes('\ufffd')) return text;
    try {
      return strict.decode(this.bytesAt(place));
    } catch {
      return undefined;
    }
  }

  /** The bytes of a TEXT or BLOB: a view, valid as long as the changeset's bytes are. */
  bytesAt(place: number): Uint8Array {
    const bytes = this.#bytes;
    const start = place + 1 + lengthSize(bytes, place + 1);
    return bytes.subarray(start, start + lengthAt(bytes, place + 1));
  }

  /** The value at a place; blobs are copied. */
  valueAt(place: number): Value | undefined {
    if (place < 0) return undefined;
    switch (this.#bytes[place]) {
      case typeInteger:
        return this.#view.getBigInt64(place + 1);
      case typeReal:
        return this.#view.getFloat64(place + 1);
      case typeText:
        return this.textAt(place);
      case typeBlob: {
        const start = place + 1 + lengthSize(this.#bytes, place + 1);
        return this.#bytes.slice(start, start + lengthAt(this.#bytes, place + 1));
      }
      default:
        return null;
    }
  }

  /** The old value of a column; undefined where there is none. C: `sqlite3changeset_old`. */
  oldValue(column: number): Value | undefined {
    return this.valueAt(this.#old[column] as number);
  }

  /** The new value of a column; undefined where there is none. C: `sqlite3changeset_new`. */
  newValue(column: number): Value | undefined {
    return this.valueAt(this.#new[column] as number);
  }

  /** The current change, copied. */
  change(): Change {
    const { op } = this;
    return {
      table: this.table,
      op: operationOf(op),
      indirect: this.indirect,
      old: op === opInsert ? none : this.#values(this.#old),
      new: op === opDelete ? none : this.#values(this.#new),
    };
  }

  #values(places: Int32Array): Values {
    const columns = this.#columns;
    const values: (Value | undefined)[] = [];
    for (let i = 0; i < columns; i++) values.push(this.valueAt(places[i] as number));
    return values;
  }

  #readHead(at: number): number {
    const head = readHead(this.#bytes, at);
    const columns = head.table.key.length;
    this.#forgetOld();
    this.#forgetNew();
    if (this.#old.length < columns) {
      this.#old = new Int32Array(columns).fill(-1);
      this.#new = new Int32Array(columns).fill(-1);
    }
    this.#columns = columns;
    this.#patchset = head.table.patchset;
    this.#head = head;
    this.#headBytes = this.#bytes.slice(at, head.end);
    this.#at = head.end;
    this.#onHead?.(head);
    return head.end;
  }

  #forgetOld(): void {
    this.#old.fill(-1, 0, this.#oldFilled);
    this.#oldFilled = 0;
  }

  #forgetNew(): void {
    this.#new.fill(-1, 0, this.#newFilled);
    this.#newFilled = 0;
  }

  /** A patchset's DELETE: the values of the key alone. */
  #readKey(from: number): number {
    const { key } = this.table;
    const bytes = this.#bytes;
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

  /** A patchset's UPDATE holds key and new values in one record: the key is what was there before. */
  #moveKey(): void {
    const { key } = this.table;
    for (let i = 0; i < this.#columns; i++) {
      this.#old[i] = -1;
      if (key[i] === 0) continue;
      if (this.#new[i] === -1 && !this.#asWritten) {
        throw new ChangesetError('an UPDATE without its whole key', this.start);
      }
      this.#old[i] = this.#new[i] as number;
      this.#new[i] = -1;
    }
  }

  /** Old values that no new ones replace, but for the key: rebasing wrote such once, and C passes them over. */
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

/** Notes where the values of a whole record lie. Returns its end. */
function readRecord(bytes: Uint8Array, from: number, columns: number, places: Int32Array): number {
  const size = bytes.length;
  let at = from;
  for (let i = 0; i < columns; i++) {
    if (at >= size) throw cutShort(size);
    const type = bytes[at] as number;
    places[i] = at;
    if (type === typeInteger || type === typeReal) at += 9;
    else if (type === typeText || type === typeBlob) {
      if (at + 1 >= size) throw cutShort(size);
      const short = bytes[at + 1] as number;
      if (short < 0x80) at += 2 + short;
      else at += 1 + lengthSize(bytes, at + 1) + lengthAt(bytes, at + 1);
    } else if (type === typeNull) at += 1;
    else if (type === typeUndefined) {
      places[i] = -1;
      at += 1;
    } else throw noType(type, at);
  }
  if (at > size) throw cutShort(size);
  return at;
}

/**
 * The changes of a changeset, one after another, each copied.
 *
 * @throws ChangesetError where it is malformed, after what comes before that
 */
export function* changes(bytes: Uint8Array): Generator<Change, void, void> {
  const reader = new ChangesetReader(bytes);
  while (reader.next()) yield reader.change();
}
