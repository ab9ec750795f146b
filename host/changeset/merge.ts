/** Merges two changes of one row. The caller has checked that the records are well-formed. */

import { opDelete, opInsert, opUpdate, readPlaces, type Table, typeUndefined, valueEnd } from './format.js';
import { Writer } from './writer.js';

export interface Records {
  readonly op: number;
  readonly indirect: number;
  /** The records are these bytes from `start` to `end`. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** One or two records. Values of the second record take precedence. */
class Overlaid {
  readonly #places: Int32Array;
  readonly #overPlaces: Int32Array;
  #record: Uint8Array = new Uint8Array(0);
  #over = this.#record;
  /** The effective value: `bytes` from `start` to `end`. */
  bytes = this.#record;
  start = 0;
  end = 0;

  constructor(columns: number) {
    this.#places = new Int32Array(columns);
    this.#overPlaces = new Int32Array(columns);
  }

  one(record: Uint8Array, at: number): this {
    this.#record = record;
    readPlaces(record, at, this.#places.length, this.#places);
    this.#overPlaces.fill(-1);
    return this;
  }

  two(record: Uint8Array, at: number, over: Uint8Array, overAt: number): this {
    this.#record = record;
    this.#over = over;
    readPlaces(record, at, this.#places.length, this.#places);
    readPlaces(over, overAt, this.#places.length, this.#overPlaces);
    return this;
  }

  /** Moves to a column. If neither record has a value, `start` is -1. C: `sessionMergeValue`. */
  at(column: number): void {
    const over = this.#overPlaces[column] as number;
    const place = over < 0 ? (this.#places[column] as number) : over;
    this.bytes = over < 0 ? this.#record : this.#over;
    this.start = place;
    this.end = place < 0 ? place : valueEnd(this.bytes, place);
  }

  equals(other: Overlaid): boolean {
    return same(this.bytes, this.start, this.end, other.bytes, other.start, other.end);
  }

  write(writer: Writer): void {
    if (this.start < 0) writer.byte(typeUndefined);
    else writer.slice(this.bytes, this.start, this.end);
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

/** The size of the buffers for merged changes. */
const shared = 65_536;

/** Merges pairs of changes of one table. */
export class Merger {
  readonly #key: readonly number[];
  readonly #patchset: boolean;
  readonly #old: Overlaid;
  readonly #new: Overlaid;
  readonly #changed: Uint8Array;
  readonly #writer = new Writer();
  #shared = new Uint8Array(0);
  #sharedEnd = 0;

  constructor({ key, patchset }: Table) {
    this.#key = key;
    this.#patchset = patchset;
    this.#old = new Overlaid(key.length);
    this.#new = new Overlaid(key.length);
    this.#changed = new Uint8Array(key.length);
  }

  /**
   * Merges `first` and then `second` into one change. Returns undefined if they cancel out. Returns `first` if `second`
   * cannot follow it, such as an INSERT of an existing row or a change of a deleted row. C: `sessionChangeMerge`.
   */
  merge(first: Records, second: Records): Records | undefined {
    const { op } = second;
    if (op === opInsert ? first.op !== opDelete : first.op === opDelete) return first;
    if (first.op === opInsert && op === opDelete) return undefined;
    const indirect = Number(first.indirect !== 0 && second.indirect !== 0);
    const [a, b] = [first.bytes, second.bytes];
    if (first.op === opInsert) {
      this.#overlay(this.#new.two(a, first.start, b, this.#newRecord(second)));
      return this.#merged(opInsert, indirect);
    }
    if (this.#patchset && (first.op === opDelete || op === opDelete)) {
      return { ...second, op: op === opDelete ? opDelete : opUpdate, indirect };
    }
    if (op === opDelete) {
      this.#overlay(this.#old.two(b, second.start, a, first.start));
      return this.#merged(opDelete, indirect);
    }
    if (first.op === opDelete) {
      this.#old.one(a, first.start);
      this.#new.one(b, second.start);
    } else {
      this.#old.two(b, second.start, a, first.start);
      this.#new.two(a, this.#newRecord(first), b, this.#newRecord(second));
    }
    return this.#update() ? this.#merged(opUpdate, indirect) : undefined;
  }

  /** Makes a change from the written bytes. Short changes share a buffer, because making many buffers is slow. */
  #merged(op: number, indirect: number): Records {
    const writer = this.#writer;
    const { length } = writer;
    if (length > shared / 16) return { op, indirect, bytes: writer.take(), start: 0, end: length };
    if (this.#sharedEnd + length > this.#shared.length) {
      this.#shared = new Uint8Array(shared);
      this.#sharedEnd = 0;
    }
    const bytes = this.#shared;
    const start = this.#sharedEnd;
    this.#sharedEnd += length;
    writer.takeTo(bytes, start);
    return { op, indirect, bytes, start, end: start + length };
  }

  /** The start of an UPDATE's second record. An UPDATE of a patchset has only one record. */
  #newRecord({ bytes, start }: Records): number {
    let at = start;
    if (!this.#patchset) for (let i = this.#key.length; i > 0; i--) at = valueEnd(bytes, at);
    return at;
  }

  /** Writes an UPDATE. Returns false if the UPDATE would change nothing. C: `sessionMergeUpdate`. */
  #update(): boolean {
    const writer = this.#writer;
    const key = this.#key;
    const old = this.#old;
    const fresh = this.#new;
    if (!this.#patchset) {
      let required = false;
      for (let i = 0; i < key.length; i++) {
        old.at(i);
        fresh.at(i);
        const changed = !old.equals(fresh);
        this.#changed[i] = Number(changed && key[i] === 0);
        if (this.#changed[i]) required = true;
        if (changed || key[i] !== 0) old.write(writer);
        else writer.byte(typeUndefined);
      }
      if (!required) {
        writer.take();
        return false;
      }
    }
    for (let i = 0; i < key.length; i++) {
      fresh.at(i);
      if (this.#patchset || this.#changed[i]) fresh.write(writer);
      else writer.byte(typeUndefined);
    }
    return true;
  }

  /** C: `sessionMergeRecord`. */
  #overlay(values: Overlaid): void {
    for (let i = 0; i < this.#key.length; i++) {
      values.at(i);
      values.write(this.#writer);
    }
  }
}
