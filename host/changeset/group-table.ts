/** The changes of one table in a group: a hash table, whose order is the order of the output, as in the C library. */

import {
  type Head,
  lengthSize,
  opDelete,
  typeBlob,
  typeInteger,
  typeReal,
  typeText,
  valueEnd,
} from './format.js';
import { Merger, type Records, same } from './merge.js';
import type { Writer } from './writer.js';

/** Marks the end of a bucket's list. */
const nothing = -1;

/** The indexes of an entry's numbers. `hashed` is the full hash of the key, before it is reduced to a bucket. */
const next = 0;
const hashed = 1;
const begin = 2;
const finish = 3;
const kind = 4;
const stride = 5;

/**
 * The entries of a table in one array of numbers. An entry is the index of its first number, because an object for each
 * entry would be slower.
 */
class Entries {
  readonly #bytes: Uint8Array[] = [];
  #numbers = new Int32Array(stride * 64);
  #end = 0;

  add(): number {
    const entry = this.#end;
    this.#end += stride;
    if (this.#end > this.#numbers.length) {
      const grown = new Int32Array(2 * this.#numbers.length);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    return entry;
  }

  set(entry: number, { op, indirect, bytes, start, end }: Records, hash: number): void {
    this.#bytes[entry / stride] = bytes;
    const numbers = this.#numbers;
    numbers[entry + hashed] = hash;
    numbers[entry + begin] = start;
    numbers[entry + finish] = end;
    numbers[entry + kind] = (op << 8) | indirect;
  }

  /** The next entry in the same bucket. */
  next(entry: number): number {
    return this.#numbers[entry + next] as number;
  }

  setNext(entry: number, following: number): void {
    this.#numbers[entry + next] = following;
  }

  hash(entry: number): number {
    return (this.#numbers[entry + hashed] as number) >>> 0;
  }

  /** The size of an entry's records in bytes. */
  size(entry: number): number {
    return (this.#numbers[entry + finish] as number) - (this.#numbers[entry + begin] as number);
  }

  records(entry: number): Records {
    const numbers = this.#numbers;
    const change = numbers[entry + kind] as number;
    return {
      op: change >> 8,
      indirect: change & 0xff,
      bytes: this.#bytes[entry / stride] as Uint8Array,
      start: numbers[entry + begin] as number,
      end: numbers[entry + finish] as number,
    };
  }
}

export class GroupTable {
  readonly key: readonly number[];
  readonly patchset: boolean;
  readonly #name: Uint8Array;
  /** The number of columns up to the last key column. */
  readonly #keyed: number;
  readonly #merger: Merger;
  readonly #entries = new Entries();
  /** The number of entries in the buckets. Other entries canceled out. */
  #used = 0;
  /** The total size of their records in bytes. */
  #bytes = 0;
  /** The first entry of each bucket. */
  #buckets = new Int32Array(0);

  constructor({ table, name }: Head) {
    this.key = table.key;
    this.patchset = table.patchset;
    this.#name = name;
    this.#keyed = this.key.findLastIndex((place) => place > 0) + 1;
    this.#merger = new Merger(table);
  }

  /** The approximate size of the output in bytes. */
  get size(): number {
    return this.key.length + this.#name.length + 16 + this.#bytes + 2 * this.#used;
  }

  /** C: `sessionOneChangeToHash`. */
  add(records: Records): void {
    this.#grow();
    const entries = this.#entries;
    const buckets = this.#buckets;
    const hash = this.#hash(records);
    const bucket = hash % buckets.length;
    let entry = buckets[bucket] as number;
    let before = nothing;
    while (
      entry !== nothing &&
      !(entries.hash(entry) === hash && this.#sameKey(entries.records(entry), records))
    ) {
      before = entry;
      entry = entries.next(entry);
    }
    if (entry === nothing) {
      entry = entries.add();
      entries.set(entry, records, hash);
      this.#used += 1;
      this.#bytes += entries.size(entry);
    } else {
      if (before === nothing) buckets[bucket] = entries.next(entry);
      else entries.setNext(before, entries.next(entry));
      const first = entries.records(entry);
      const merged = this.#merger.merge(first, records);
      this.#bytes -= entries.size(entry);
      if (!merged) {
        this.#used -= 1;
        return;
      }
      // An UPDATE that SQLite did not write can change the key. The entry then moves to its new bucket only when the
      // hash table grows.
      if (merged !== first) entries.set(entry, merged, this.#hash(merged));
      this.#bytes += entries.size(entry);
    }
    entries.setNext(entry, buckets[bucket] as number);
    buckets[bucket] = entry;
  }

  /** C: `sessionChangegroupOutput`. */
  write(writer: Writer): void {
    if (this.#used === 0) return;
    writer.table({ name: '', key: this.key, patchset: this.patchset }, this.#name);
    const entries = this.#entries;
    for (const first of this.#buckets) {
      for (let entry = first; entry !== nothing; entry = entries.next(entry)) {
        const { op, indirect, bytes, start, end } = entries.records(entry);
        writer.byte(op);
        writer.byte(indirect);
        writer.slice(bytes, start, end);
      }
    }
  }

  /** C: `sessionGrowHash`. */
  #grow(): void {
    const size = this.#buckets.length;
    if (size > 0 && this.#used < Math.floor(size / 2)) return;
    const entries = this.#entries;
    const grown = new Int32Array(2 * (size || 128)).fill(nothing);
    for (const first of this.#buckets) {
      for (let entry = first; entry !== nothing; ) {
        const following = entries.next(entry);
        const bucket = entries.hash(entry) % grown.length;
        entries.setNext(entry, grown[bucket] as number);
        grown[bucket] = entry;
        entry = following;
      }
    }
    this.#buckets = grown;
  }

  /** Whether the record of an operation contains only the key. */
  #keyOnly(op: number): boolean {
    return this.patchset && op === opDelete;
  }

  /** C: `sessionChangeHash`. */
  #hash({ op, bytes, start }: Records): number {
    const keyOnly = this.#keyOnly(op);
    const { key } = this;
    let hash = 0;
    let at = start;
    for (let i = 0; i < this.#keyed; i++) {
      if (key[i] === 0) {
        if (!keyOnly) at = valueEnd(bytes, at);
        continue;
      }
      const type = bytes[at] as number;
      const end = valueEnd(bytes, at);
      hash = append(hash, type);
      if (type === typeInteger || type === typeReal) {
        hash = append(hash, int32(bytes, at + 5)); // the lower half first
        hash = append(hash, int32(bytes, at + 1));
      } else if (type === typeText || type === typeBlob) {
        for (let b = at + 1 + lengthSize(bytes, at + 1); b < end; b++)
          hash = append(hash, bytes[b] as number);
      }
      at = end;
    }
    return hash >>> 0;
  }

  /** C: `sessionChangeEqual`. */
  #sameKey(a: Records, b: Records): boolean {
    const keyOnlyA = this.#keyOnly(a.op);
    const keyOnlyB = this.#keyOnly(b.op);
    const { key } = this;
    let atA = a.start;
    let atB = b.start;
    for (let i = 0; i < this.#keyed; i++) {
      const isKey = key[i] !== 0;
      const endA = isKey || !keyOnlyA ? valueEnd(a.bytes, atA) : atA;
      const endB = isKey || !keyOnlyB ? valueEnd(b.bytes, atB) : atB;
      if (isKey && !same(a.bytes, atA, endA, b.bytes, atB, endB)) return false;
      atA = endA;
      atB = endB;
    }
    return true;
  }
}

const append = (hash: number, part: number): number => (hash << 3) ^ hash ^ part;

const int32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number);
