import {
  type Change,
  changesetMark,
  lengthAt,
  lengthSize,
  maxColumns,
  opDelete,
  opInsert,
  opUpdate,
  patchsetMark,
  readHead,
  type Table,
  typeBlob,
  typeInteger,
  typeNull,
  typeReal,
  typeText,
  typeUndefined,
} from './format.js';
import { ChangesetReader } from './reader.js';

/** Finds how much of a growing buffer consists of complete table headers and changes. */
class Whole {
  /** The end of the complete part. */
  end = 0;
  /** Whether the bytes are malformed. The reader reports the error. */
  malformed = false;
  #table: Table | undefined;
  #keys = 0;
  /** The number of missing values of the change at `end`, and the offset of the next one. */
  #values = 0;
  #at = 0;
  /** The offset up to which a table's name was searched for its end. */
  #looked = 0;

  /** Called after `count` bytes were removed from the front. */
  taken(count: number): void {
    this.end -= count;
    this.#at -= count;
    this.#looked = Math.max(0, this.#looked - count);
  }

  goOn(bytes: Uint8Array): void {
    while (!this.malformed && this.#step(bytes));
  }

  /** Returns whether it advanced. */
  #step(bytes: Uint8Array): boolean {
    const { end } = this;
    const size = bytes.length;
    if (this.#values > 0) return this.#skip(bytes);
    if (this.#at > end) {
      if (this.#at > size) return false;
      this.end = this.#at;
      return true;
    }
    const op = bytes[end];
    if (op === undefined) return false;
    if (op === changesetMark || op === patchsetMark) return this.#head(bytes);
    if (end + 2 > size) return false;
    const columns = this.#table?.key.length ?? 0;
    if (!this.#table || (op !== opInsert && op !== opUpdate && op !== opDelete)) this.malformed = true;
    else if (this.#table.patchset) this.#values = op === opDelete ? this.#keys : columns;
    else this.#values = op === opUpdate ? 2 * columns : columns;
    this.#at = end + 2;
    return true;
  }

  #head(bytes: Uint8Array): boolean {
    const { end } = this;
    const sizeOf = lengthSize(bytes, end + 1);
    if (end + 1 + sizeOf > bytes.length) return false;
    const columns = lengthAt(bytes, end + 1);
    this.malformed = columns < 1 || columns > maxColumns;
    if (this.malformed) return false;
    const nameAt = end + 1 + sizeOf + columns;
    const nul = bytes.indexOf(0, Math.max(nameAt, this.#looked));
    if (nul < 0) {
      this.#looked = bytes.length;
      return false;
    }
    this.#looked = 0;
    this.#table = readHead(bytes, end).table;
    this.#keys = this.#table.key.filter((place) => place > 0).length;
    this.end = nul + 1;
    this.#at = this.end;
    return true;
  }

  #skip(bytes: Uint8Array): boolean {
    const size = bytes.length;
    let at = this.#at;
    let left = this.#values;
    while (left > 0 && at < size) {
      const type = bytes[at] as number;
      if (type === typeInteger || type === typeReal) at += 9;
      else if (type === typeText || type === typeBlob) {
        if (at + 1 >= size) break;
        const sizeOf = lengthSize(bytes, at + 1);
        if (at + 1 + sizeOf > size) break;
        at += 1 + sizeOf + lengthAt(bytes, at + 1);
      } else if (type === typeNull || type === typeUndefined) at += 1;
      else {
        this.malformed = true;
        break;
      }
      left -= 1;
    }
    const forward = at > this.#at;
    this.#at = at;
    this.#values = left;
    return forward;
  }
}

/**
 * Iterates over the changes of a changeset in pieces, and returns each change as soon as it is complete. Keeps only the
 * bytes of one piece and one change. A wrong length in the input cannot make it allocate more memory than it received
 * bytes. C: `sqlite3changeset_start_strm`.
 *
 * @throws ChangesetError if the changeset is malformed, after the changes before the error; and the exceptions of
 *   `source`
 */
export async function* changesFrom(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Change, void, void> {
  const reader = new ChangesetReader(new Uint8Array(0));
  const whole = new Whole();
  let buffer = new Uint8Array(0);
  let used = 0;
  let before = 0;
  for await (const piece of source) {
    if (used + piece.length > buffer.length) {
      const grown = new Uint8Array(Math.max(used + piece.length, 2 * used));
      grown.set(buffer.subarray(0, used));
      buffer = grown;
    }
    buffer.set(piece, used);
    used += piece.length;
    whole.goOn(buffer.subarray(0, used));
    const { end } = whole;
    if (end > 0) {
      reader.goOn(buffer.subarray(0, end), before);
      for (let change = reader.nextChange(); change; change = reader.nextChange()) yield change;
      buffer.copyWithin(0, end, used);
      used -= end;
      before += end;
      whole.taken(end);
    }
    if (whole.malformed) break;
  }
  reader.goOn(buffer.subarray(0, used), before);
  for (let change = reader.nextChange(); change; change = reader.nextChange()) yield change;
}
