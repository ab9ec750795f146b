/** What undoes a changeset, and one that does what several do. Byte for byte as the C library has it. */

import { ChangesetError, opDelete, opInsert, opUpdate, patchsetMark } from './format.js';
import { ChangesetReader, valueEnd } from './reader.js';
import { Writer } from './writer.js';

/**
 * What undoes a changeset. C: `sqlite3changeset_invert`.
 *
 * @throws ChangesetError for a patchset, which has no old values, and for what is no changeset
 */
export function invert(bytes: Uint8Array): Uint8Array {
  const reader = new ChangesetReader(bytes);
  const writer = new Writer();
  let done = 0;
  while (reader.next()) {
    const { table, op, start, end, columns } = reader;
    if (table.patchset) throw new ChangesetError('a patchset has no old values, so it has no inverse', done);
    writer.slice(bytes, done, start - 2); // the heads of tables, and nothing else, lie between changes
    writer.byte(op === opInsert ? opDelete : op === opDelete ? opInsert : opUpdate);
    writer.byte(bytes[start - 1] as number);
    if (op !== opUpdate) writer.slice(bytes, start, end);
    else {
      const put = (place: number): void => {
        if (place < 0) writer.byte(0);
        else writer.slice(bytes, place, valueEnd(bytes, place));
      };
      for (let i = 0; i < columns; i++) put(table.key[i] ? reader.oldAt(i) : reader.newAt(i));
      for (let i = 0; i < columns; i++) put(table.key[i] ? -1 : reader.oldAt(i));
    }
    done = end;
  }
  if (bytes[done] === patchsetMark) {
    throw new ChangesetError('a patchset has no old values, so it has no inverse', done);
  }
  writer.slice(bytes, done, bytes.length);
  return writer.output();
}

/** A change of a group: its records as bytes, in its bucket's list. */
interface Entry {
  op: number;
  indirect: number;
  record: Uint8Array;
  /** Its hash before it is taken modulo the number of buckets. */
  hash: number;
  next: Entry | undefined;
}

/** All changes of one table, in a hash table: its order is the order of the output. */
class GroupTable {
  readonly name: string;
  readonly head: Uint8Array;
  readonly key: readonly number[];
  readonly patchset: boolean;
  #buckets: (Entry | undefined)[] = [];
  entries = 0;

  constructor(name: string, head: Uint8Array, key: readonly number[], patchset: boolean) {
    this.name = name;
    this.head = head;
    this.key = key;
    this.patchset = patchset;
  }

  /** C: `sessionGrowHash`, `sessionOneChangeToHash`. */
  add(op: number, indirect: number, record: Uint8Array): void {
    this.#grow();
    const hash = this.#hash(op, record);
    const bucket = hash % this.#buckets.length;
    let existing: Entry | undefined;
    let before: Entry | undefined;
    for (let entry = this.#buckets[bucket]; entry; before = entry, entry = entry.next) {
      if (entry.hash !== hash || !this.#sameKey(entry.op, entry.record, op, record)) continue;
      existing = entry;
      if (before) before.next = entry.next;
      else this.#buckets[bucket] = entry.next;
      this.entries -= 1;
      break;
    }
    const merged = existing ? this.#merge(existing, op, indirect, record) : { op, indirect, record };
    if (!merged) return;
    this.#buckets[bucket] = { ...merged, hash, next: this.#buckets[bucket] };
    this.entries += 1;
  }

  write(writer: Writer): void {
    if (this.entries === 0) return;
    writer.raw(this.head);
    for (const first of this.#buckets) {
      for (let entry = first; entry; entry = entry.next) {
        writer.byte(entry.op);
        writer.byte(entry.indirect);
        writer.raw(entry.record);
      }
    }
  }

  #grow(): void {
    const size = this.#buckets.length;
    if (size > 0 && this.entries < Math.floor(size / 2)) return;
    const grown: (Entry | undefined)[] = new Array(2 * (size || 128)).fill(undefined);
    for (const first of this.#buckets) {
      for (let entry = first; entry; ) {
        const { next } = entry;
        const bucket = entry.hash % grown.length;
        entry.next = grown[bucket];
        grown[bucket] = entry;
        entry = next;
      }
    }
    this.#buckets = grown;
  }

  /** Whether a record holds the values of the key alone. */
  #keyOnly(op: number): boolean {
    return this.patchset && op === opDelete;
  }

  /** C: `sessionChangeHash`. */
  #hash(op: number, record: Uint8Array): number {
    const keyOnly = this.#keyOnly(op);
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    let hash = 0;
    let at = 0;
    const append = (part: number): void => {
      hash = (hash << 3) ^ hash ^ part;
    };
    for (const place of this.key) {
      if (place === 0) {
        if (!keyOnly) at = valueEnd(record, at);
        continue;
      }
      const type = record[at] as number;
      const end = valueEnd(record, at);
      append(type);
      if (type === 1 || type === 2) {
        append(view.getInt32(at + 5));
        append(view.getInt32(at + 1));
      } else if (end > at + 1) {
        let start = at + 1;
        while ((record[start] as number) >= 0x80) start += 1;
        for (let i = start + 1; i < end; i++) append(record[i] as number);
      }
      at = end;
    }
    return hash >>> 0;
  }

  /** C: `sessionChangeEqual`. */
  #sameKey(op1: number, a: Uint8Array, op2: number, b: Uint8Array): boolean {
    const onlyA = this.#keyOnly(op1);
    const onlyB = this.#keyOnly(op2);
    let atA = 0;
    let atB = 0;
    for (const place of this.key) {
      const isKey = place > 0;
      const endA = isKey || !onlyA ? valueEnd(a, atA) : atA;
      const endB = isKey || !onlyB ? valueEnd(b, atB) : atB;
      if (isKey && !same(a, atA, endA, b, atB, endB)) return false;
      atA = endA;
      atB = endB;
    }
    return true;
  }

  /** C: `sessionChangeMerge`. Undefined where the two changes come to nothing. */
  #merge(
    first: Entry,
    op: number,
    indirect: number,
    record: Uint8Array,
  ): Omit<Entry, 'hash' | 'next'> | undefined {
    const before = first.op;
    // What cannot follow is dropped: an INSERT of what is there, a change of what is gone.
    if (op === opInsert ? before !== opDelete : before === opDelete) return first;
    if (before === opInsert && op === opDelete) return undefined;
    const columns = this.key.length;
    const both = Number(indirect !== 0 && first.indirect !== 0);
    const writer = new Writer();
    const half = (whole: Uint8Array): Uint8Array =>
      this.patchset ? whole : whole.subarray(recordEnd(whole, columns));
    if (before === opInsert) {
      overlay(writer, columns, first.record, half(record));
      return { op: opInsert, indirect: both, record: writer.output() };
    }
    if (before === opDelete) {
      if (this.patchset) return { op: opUpdate, indirect: both, record };
      if (!this.#mergeUpdate(writer, first.record, undefined, record, undefined)) return undefined;
      return { op: opUpdate, indirect: both, record: writer.output() };
    }
    if (op === opUpdate) {
      if (!this.#mergeUpdate(writer, record, first.record, half(first.record), half(record)))
        return undefined;
      return { op: opUpdate, indirect: both, record: writer.output() };
    }
    if (this.patchset) return { op: opDelete, indirect: both, record };
    overlay(writer, columns, record, first.record);
    return { op: opDelete, indirect: both, record: writer.output() };
  }

  /** C: `sessionMergeUpdate`. The second of each pair wins where it has a value. */
  #mergeUpdate(
    writer: Writer,
    old1: Uint8Array,
    old2: Uint8Array | undefined,
    new1: Uint8Array,
    new2: Uint8Array | undefined,
  ): boolean {
    const columns = this.key.length;
    const olds = fields(columns, old1, old2);
    const news = fields(columns, new1, new2);
    let required = false;
    const fresh = new Writer();
    for (let i = 0; i < columns; i++) {
      const [o, oStart, oEnd] = olds[i] as Field;
      const [n, nStart, nEnd] = news[i] as Field;
      const isKey = (this.key[i] as number) > 0;
      const equal = same(o, oStart, oEnd, n, nStart, nEnd);
      if (!this.patchset) {
        if (!isKey && !equal) required = true;
        if (isKey || !equal) writer.slice(o, oStart, oEnd);
        else writer.byte(0);
      }
      if (!this.patchset && (isKey || equal)) fresh.byte(0);
      else fresh.slice(n, nStart, nEnd);
    }
    if (!this.patchset && !required) return false;
    writer.raw(fresh.output());
    return true;
  }
}

type Field = readonly [bytes: Uint8Array, start: number, end: number];

/** The fields of a record, or of a second one where that has a value. */
function fields(columns: number, first: Uint8Array, second: Uint8Array | undefined): Field[] {
  const found: Field[] = [];
  let at1 = 0;
  let at2 = 0;
  for (let i = 0; i < columns; i++) {
    const end1 = valueEnd(first, at1);
    const end2 = second ? valueEnd(second, at2) : 0;
    found.push(second && second[at2] !== 0 ? [second, at2, end2] : [first, at1, end1]);
    at1 = end1;
    at2 = end2;
  }
  return found;
}

/** C: `sessionMergeRecord`. */
function overlay(writer: Writer, columns: number, first: Uint8Array, second: Uint8Array): void {
  for (const [bytes, start, end] of fields(columns, first, second)) writer.slice(bytes, start, end);
}

function recordEnd(bytes: Uint8Array, columns: number): number {
  let at = 0;
  for (let i = 0; i < columns; i++) at = valueEnd(bytes, at);
  return at;
}

function same(
  a: Uint8Array,
  startA: number,
  endA: number,
  b: Uint8Array,
  startB: number,
  endB: number,
): boolean {
  if (endA - startA !== endB - startB) return false;
  for (let i = startA, j = startB; i < endA; i++, j++) if (a[i] !== b[j]) return false;
  return true;
}

/** Changesets that become one. C: `sqlite3changegroup_new`, `_add`, `_output`. */
export class Group {
  readonly #tables: GroupTable[] = [];
  #patchset: boolean | undefined;

  /**
   * Adds the changes of a changeset.
   *
   * @throws ChangesetError where it is malformed, of another kind than those before, or disagrees with them on a
   *   table; the group is then as the C library's: what came before the error is in it
   */
  add(bytes: Uint8Array): void {
    const reader = new ChangesetReader(bytes);
    while (reader.next()) {
      const { table, start, end } = reader;
      this.#patchset ??= table.patchset;
      if (table.patchset !== this.#patchset) {
        throw new ChangesetError('changesets and patchsets cannot be mixed', start - 2);
      }
      const name = table.name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
      let group = this.#tables.find((known) => known.name === name);
      if (!group) {
        group = new GroupTable(name, reader.head, table.key, table.patchset);
        this.#tables.push(group);
      } else if (
        group.key.length !== table.key.length ||
        group.key.some((place, i) => place !== table.key[i])
      ) {
        throw new ChangesetError(`the changesets disagree on the columns or the key of table ${table.name}`);
      }
      group.add(reader.op, bytes[start - 1] as number, bytes.slice(start, end));
    }
  }

  /** All changes as one changeset. */
  output(): Uint8Array {
    const writer = new Writer();
    for (const table of this.#tables) table.write(writer);
    return writer.output();
  }
}

/** One changeset that does what the given ones do one after another. C: `sqlite3changeset_concat`. */
export function concat(...changesets: readonly Uint8Array[]): Uint8Array {
  const group = new Group();
  for (const changeset of changesets) group.add(changeset);
  return group.output();
}
