/** Writes changesets. */

import { ChangesetError } from './errors.js';
import {
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

/** Bytes that grow. */
export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** @param expected how many bytes there is room for at first */
  constructor(expected = 1024) {
    this.#bytes = new Uint8Array(expected);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  raw(source: Uint8Array): void {
    this.#room(source.length);
    this.#bytes.set(source, this.#length);
    this.#length += source.length;
  }

  /** Part of `source`. */
  slice(source: Uint8Array, start: number, end: number): void {
    this.#room(end - start);
    if (end - start < 32) {
      for (let i = start; i < end; i++) this.#bytes[this.#length++] = source[i] as number;
    } else {
      this.#bytes.set(source.subarray(start, end), this.#length);
      this.#length += end - start;
    }
  }

  /** A number as SQLite's varint. */
  length32(value: number): void {
    for (let shift = 28; shift > 0; shift -= 7) {
      if (value >>> shift > 0) this.byte(((value >>> shift) & 0x7f) | 0x80);
    }
    this.byte(value & 0x7f);
  }

  value(value: Value | Raw | undefined): void {
    if (value === undefined) this.byte(typeUndefined);
    else if (value === null) this.byte(typeNull);
    else if (value instanceof Raw) this.raw(value.bytes);
    else if (typeof value === 'bigint') {
      if (BigInt.asIntN(64, value) !== value) throw new ChangesetError(`${value} does not fit 64 bits`);
      this.byte(typeInteger);
      this.#room(8);
      this.#view.setBigInt64(this.#length, value);
      this.#length += 8;
    } else if (typeof value === 'number') {
      this.byte(typeReal);
      this.#room(8);
      this.#view.setFloat64(this.#length, value);
      this.#length += 8;
    } else {
      const bytes = typeof value === 'string' ? encoder.encode(value) : value;
      this.byte(typeof value === 'string' ? typeText : typeBlob);
      this.length32(bytes.length);
      this.raw(bytes);
    }
  }

  /** @param nameBytes the bytes of the name, where they are not UTF-8 */
  table(table: Table, nameBytes?: Uint8Array): void {
    const { name, key, patchset } = table;
    if (key.length < 1 || key.length > maxColumns) {
      throw new ChangesetError(`table ${name} has ${key.length} columns: 1 to ${maxColumns} are possible`);
    }
    if (name.includes('\0')) throw new ChangesetError('the name of a table cannot contain U+0000');
    this.byte(patchset ? patchsetMark : changesetMark);
    this.length32(key.length);
    this.raw(Uint8Array.from(key));
    this.raw(nameBytes ?? encoder.encode(name));
    this.byte(0);
  }

  /** A copy of what was written. */
  output(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #room(more: number): void {
    const wanted = this.#length + more;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Writes a change: operation, indirect flag, records. */
export function writeChange(writer: Writer, change: WrittenChange): void {
  const { table, op, old, new: fresh } = change;
  writer.byte(codeOf(op));
  writer.byte(Number(change.indirect));
  const columns = table.key.length;
  for (const values of [old, fresh]) {
    if (values.length > 0 && values.length !== columns) {
      throw new ChangesetError(
        `a change of ${table.name} has ${values.length} values, the table ${columns} columns`,
      );
    }
  }
  for (let i = 0; i < columns; i++) {
    const isKey = (table.key[i] as number) > 0;
    if (op === 'insert') writer.value(fresh[i]);
    else if (op === 'delete') {
      if (!table.patchset || isKey) writer.value(old[i]);
    } else writer.value(table.patchset && !isKey ? fresh[i] : old[i]);
  }
  if (op === 'update' && !table.patchset) for (let i = 0; i < columns; i++) writer.value(fresh[i]);
}

function sameTable(a: Table, b: Table): boolean {
  return a.name === b.name && a.key.length === b.key.length && a.key.every((place, i) => place === b.key[i]);
}

/**
 * The bytes of changes, in their order. A table's head is written whenever the table is another than before.
 *
 * @throws ChangesetError for a change that cannot be: too many values, a changeset's table among a patchset's
 */
export function encode(changes: Iterable<WrittenChange>): Uint8Array {
  const writer = new Writer();
  let table: Table | undefined;
  for (const change of changes) {
    if (table && change.table.patchset !== table.patchset) {
      throw new ChangesetError('tables of a changeset and of a patchset cannot be mixed');
    }
    if (!table || (change.table !== table && !sameTable(change.table, table))) writer.table(change.table);
    table = change.table;
    writeChange(writer, change);
  }
  return writer.output();
}
