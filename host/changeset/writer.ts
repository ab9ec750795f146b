import { ChangesetError } from './errors.js';
import {
  type Change,
  changesetMark,
  codeOf,
  maxColumns,
  patchsetMark,
  Raw,
  type Table,
  typeBlob,
  typeInteger,
  typeNull,
  typeReal,
  typeText,
  typeUndefined,
  type Value,
  type WrittenChange,
} from './format.js';

const encoder = new TextEncoder();

/** Writes to a growing buffer. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  /** @param expected the initial capacity, in bytes */
  constructor(expected = 1024) {
    this.#bytes = new Uint8Array(expected);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    const at = this.#room(1); // may replace #bytes
    this.#bytes[at] = value;
  }

  raw(source: Uint8Array): void {
    const at = this.#room(source.length);
    this.#bytes.set(source, at);
  }

  /** Writes a part of `source`. */
  slice(source: Uint8Array, start: number, end: number): void {
    let at = this.#room(end - start);
    if (end - start >= 64) this.#bytes.set(source.subarray(start, end), at);
    else {
      const bytes = this.#bytes;
      for (let i = start; i < end; i++) bytes[at++] = source[i] as number;
    }
  }

  /** Writes a number as an SQLite varint. */
  length32(value: number): void {
    for (let shift = 28; shift > 0; shift -= 7) {
      if (value >>> shift > 0) this.byte(((value >>> shift) & 0x7f) | 0x80);
    }
    this.byte(value & 0x7f);
  }

  value(value: Value | Raw | undefined): void {
    if (value === undefined) this.byte(typeUndefined);
    else if (value === null) this.byte(typeNull);
    else if (typeof value === 'bigint') {
      if (BigInt.asIntN(64, value) !== value) throw new ChangesetError(`${value} does not fit 64 bits`);
      const at = this.#room(9);
      this.#bytes[at] = typeInteger;
      this.#view.setBigInt64(at + 1, value);
    } else if (typeof value === 'number') {
      const at = this.#room(9);
      this.#bytes[at] = typeReal;
      this.#view.setFloat64(at + 1, value);
    } else if (typeof value === 'string') {
      if (!this.#ascii(value)) this.#content(typeText, encoder.encode(value));
    } else if (value instanceof Raw) this.raw(value.bytes);
    else this.#content(typeBlob, value);
  }

  #content(type: number, bytes: Uint8Array): void {
    this.byte(type);
    this.length32(bytes.length);
    this.slice(bytes, 0, bytes.length);
  }

  /** Writes a short ASCII text, for which the encoder is slow. Returns false and writes nothing for other texts. */
  #ascii(text: string): boolean {
    const { length } = text;
    if (length >= 0x80) return false;
    const at = this.#room(length + 2);
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        this.#length = at;
        return false;
      }
      bytes[at + 2 + i] = code;
    }
    bytes[at] = typeText;
    bytes[at + 1] = length;
    return true;
  }

  /** @param nameBytes the bytes of the name, if it is not UTF-8 */
  table(table: Table, nameBytes?: Uint8Array): void {
    const { name, key, patchset } = table;
    if (key.length < 1 || key.length > maxColumns) {
      throw new ChangesetError(`table ${name} has ${key.length} columns; 1 to ${maxColumns} are allowed`);
    }
    if (name.includes('\0')) throw new ChangesetError('the name of a table cannot contain U+0000');
    this.byte(patchset ? patchsetMark : changesetMark);
    this.length32(key.length);
    this.raw(Uint8Array.from(key));
    this.raw(nameBytes ?? encoder.encode(name));
    this.byte(0);
  }

  /** Returns the written bytes. Nothing can be written afterwards. */
  output(): Uint8Array<ArrayBuffer> {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
  }

  /** Returns a copy of the written bytes and empties the buffer. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  /** Copies the written bytes to `target` and empties the buffer. */
  takeTo(target: Uint8Array, at: number): void {
    const bytes = this.#bytes;
    for (let i = 0; i < this.#length; i++) target[at + i] = bytes[i] as number;
    this.#length = 0;
  }

  /** Makes room for `count` bytes and returns its offset. */
  #room(count: number): number {
    const at = this.#length;
    this.#length = at + count;
    if (this.#length > this.#bytes.length) this.#grow(at);
    return at;
  }

  #grow(used: number): void {
    const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, used));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

export function tableOf({ table: name, key, patchset }: Pick<Change, 'table' | 'key' | 'patchset'>): Table {
  return { name, key, patchset };
}

/** Writes a change: operation, indirect flag, records. */
export function writeChange(writer: Writer, change: WrittenChange): void {
  const { table, key, patchset, op, old, new: fresh } = change;
  writer.byte(codeOf(op));
  writer.byte(Number(change.indirect));
  const columns = key.length;
  if ((old.length > 0 && old.length !== columns) || (fresh.length > 0 && fresh.length !== columns)) {
    const wrong = old.length > 0 && old.length !== columns ? old : fresh;
    throw new ChangesetError(
      `a change of ${table} has ${wrong.length} values, but the table has ${columns} columns`,
    );
  }
  if (op === 'insert') for (let i = 0; i < columns; i++) writer.value(fresh[i]);
  else if (!patchset) {
    for (let i = 0; i < columns; i++) writer.value(old[i]);
    if (op === 'update') for (let i = 0; i < columns; i++) writer.value(fresh[i]);
  } else {
    for (let i = 0; i < columns; i++) {
      if (key[i]) writer.value(old[i]);
      else if (op === 'update') writer.value(fresh[i]);
    }
  }
}

function sameKey(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((place, i) => place === b[i]));
}

/**
 * Encodes changes, in order. Writes a table header whenever the table differs from the previous one.
 *
 * @throws ChangesetError if a change has too many values, or changesets and patchsets are mixed
 */
export function encode(changes: Iterable<WrittenChange>): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  let last: WrittenChange | undefined;
  for (const change of changes) {
    if (last && change.patchset !== last.patchset) {
      throw new ChangesetError('tables of a changeset and of a patchset cannot be mixed');
    }
    if (change.table !== last?.table || !sameKey(change.key, last.key)) writer.table(tableOf(change));
    last = change;
    writeChange(writer, change);
  }
  return writer.output();
}
