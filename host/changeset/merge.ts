/** What two changes of one row come to. All records are well-formed: readers went over them. */

import { opDelete, opInsert, opUpdate, typeUndefined, valueEnd } from './format.js';
import { Writer } from './writer.js';

/** The records of one change. */
export interface Records {
  readonly op: number;
  readonly indirect: number;
  /** They are the bytes of this from `start` to `end`. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** What of its table merging asks for. */
export interface MergedTable {
  readonly key: readonly number[];
  readonly patchset: boolean;
}

/** Two values that stand for one column, of which the second counts where it is there; as places in bytes. */
class Pair {
  #a: Uint8Array;
  #atA: number;
  #b: Uint8Array | undefined;
  #atB: number;
  /** The value that counts. */
  bytes: Uint8Array;
  start = 0;
  end = 0;

  constructor(a: Uint8Array, atA: number, b: Uint8Array | undefined, atB: number) {
    this.#a = a;
    this.#atA = atA;
    this.#b = b;
    this.#atB = atB;
    this.bytes = a;
  }

  /** C: `sessionMergeValue`. */
  next(): void {
    this.bytes = this.#a;
    this.start = this.#atA;
    this.end = valueEnd(this.#a, this.#atA);
    this.#atA = this.end;
    if (!this.#b) return;
    const start = this.#atB;
    const end = valueEnd(this.#b, start);
    this.#atB = end;
    if (this.#b[start] === typeUndefined) return;
    this.bytes = this.#b;
    this.start = start;
    this.end = end;
  }

  equals(other: Pair): boolean {
    return same(this.bytes, this.start, this.end, other.bytes, other.start, other.end);
  }

  write(writer: Writer): void {
    writer.slice(this.bytes, this.start, this.end);
  }
}

export function same(
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

/** Where the second record of an UPDATE begins; of a patchset's the only one. */
function newRecord(table: MergedTable, records: Records): number {
  let at = records.start;
  if (!table.patchset) for (let i = table.key.length; i > 0; i--) at = valueEnd(records.bytes, at);
  return at;
}

/**
 * One change in place of `first` and, after it, `second`; undefined where they come to nothing, `first` where the
 * second cannot follow it: an INSERT of what is there, a change of what is gone. C: `sessionChangeMerge`.
 */
export function merge(table: MergedTable, first: Records, second: Records): Records | undefined {
  const { op } = second;
  if (op === opInsert ? first.op !== opDelete : first.op === opDelete) return first;
  if (first.op === opInsert && op === opDelete) return undefined;
  const indirect = Number(first.indirect !== 0 && second.indirect !== 0);
  const writer = new Writer(first.end - first.start + second.end - second.start);
  const merged = (op: number): Records => {
    const bytes = writer.output();
    return { op, indirect, bytes, start: 0, end: bytes.length };
  };
  if (first.op === opInsert) {
    overlay(table, writer, first, first.start, second, newRecord(table, second));
    return merged(opInsert);
  }
  if (table.patchset && (first.op === opDelete || op === opDelete)) {
    return { ...second, op: op === opDelete ? opDelete : opUpdate, indirect };
  }
  if (first.op === opDelete) {
    const old = (): Pair => new Pair(first.bytes, first.start, undefined, 0);
    const fresh = (): Pair => new Pair(second.bytes, second.start, undefined, 0);
    return mergeUpdate(table, writer, old, fresh) ? merged(opUpdate) : undefined;
  }
  if (op === opDelete) {
    overlay(table, writer, second, second.start, first, first.start);
    return merged(opDelete);
  }
  const [firstNew, secondNew] = [newRecord(table, first), newRecord(table, second)];
  const old = (): Pair => new Pair(second.bytes, second.start, first.bytes, first.start);
  const fresh = (): Pair => new Pair(first.bytes, firstNew, second.bytes, secondNew);
  return mergeUpdate(table, writer, old, fresh) ? merged(opUpdate) : undefined;
}

/** Writes an UPDATE. False where it would change nothing. C: `sessionMergeUpdate`. */
function mergeUpdate(table: MergedTable, writer: Writer, olds: () => Pair, news: () => Pair): boolean {
  const { key, patchset } = table;
  if (!patchset) {
    const old = olds();
    const fresh = news();
    let required = false;
    for (const place of key) {
      old.next();
      fresh.next();
      const changed = !old.equals(fresh);
      if (changed && place === 0) required = true;
      if (changed || place > 0) old.write(writer);
      else writer.byte(typeUndefined);
    }
    if (!required) return false;
  }
  const old = olds();
  const fresh = news();
  for (const place of key) {
    old.next();
    fresh.next();
    if (!patchset && (place > 0 || old.equals(fresh))) writer.byte(typeUndefined);
    else fresh.write(writer);
  }
  return true;
}

/** C: `sessionMergeRecord`. */
function overlay(table: MergedTable, writer: Writer, a: Records, atA: number, b: Records, atB: number): void {
  const pair = new Pair(a.bytes, atA, b.bytes, atB);
  for (let i = table.key.length; i > 0; i--) {
    pair.next();
    pair.write(writer);
  }
}
