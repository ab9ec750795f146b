/** Writes changesets. */

import {
  ChangesetError,
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
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

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
    const bytes: number[] = [value & 0x7f];
    for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
      bytes.unshift((rest & 0x7f) | 0x80);
    }
    for (const byte of bytes) this.byte(byte);
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

  table(table: Table): void {
    const { name, key, patchset } = table;
    if (key.length < 1 || key.length > maxColumns) {
      throw new ChangesetError(`table ${name} has ${key.length} columns: 1 to ${maxColumns} are possible`);
    }
    if (name.includes('\0')) throw new ChangesetError('the name of a table cannot contain U+0000');
    this.byte(patchset ? patchsetMark : changesetMark);
    this.length32(key.length);
    this.raw(Uint8Array.from(key));
    this.raw(encoder.encode(name));
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

/** Writes a change's records: what follows operation and indirect flag. */
export function writeRecords(writer: Writer, change: WrittenChange): void {
  const { table, op, old, new: fresh } = change;
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
  return a.name === b.name && a.patchset === b.patchset && a.key.every((place, i) => place === b.key[i]);
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
    writer.byte(codeOf(change.op));
    writer.byte(Number(change.indirect));
    writeRecords(writer, change);
  }
  return writer.output();
}
