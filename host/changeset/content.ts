import { cutShort, noType } from './errors.js';
import {
  lengthSize,
  plain,
  typeBlob,
  typeInteger,
  typeNull,
  typeReal,
  typeText,
  typeUndefined,
  type Value,
  valueEnd,
} from './format.js';
import { Texts } from './text.js';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The values of a changeset, whose length is checked. The place of a value is the offset of its type byte. */
export class Content {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #texts: Texts;
  /** The end of the last record. */
  end = 0;

  /** @throws ChangesetError if there are more bytes than C can count */
  constructor(bytes: Uint8Array) {
    this.bytes = plain(bytes);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#texts = new Texts(this.bytes, this.#view);
  }

  numberAt(place: number): number {
    const view = this.#view;
    const high = view.getInt32(place + 1);
    const low = view.getInt32(place + 5);
    // V8 would allocate memory for the result of the calculation, even for a small integer.
    return low >> 31 === high ? low : high * 4_294_967_296 + (low >>> 0);
  }

  integerAt(place: number): bigint {
    return this.#view.getBigInt64(place + 1);
  }

  realAt(place: number): number {
    return this.#view.getFloat64(place + 1);
  }

  textAt(place: number): string {
    const length = this.bytes[place + 1] as number;
    if (length < 0x80) return this.#texts.text(place + 2, place + 2 + length);
    return this.#texts.text(this.#contentAt(place), valueEnd(this.bytes, place));
  }

  /** Returns a TEXT, or undefined if it is not UTF-8. */
  validTextAt(place: number): string | undefined {
    const text = this.textAt(place);
    if (!text.includes('\ufffd')) return text;
    try {
      return strict.decode(this.bytesAt(place));
    } catch {
      return undefined;
    }
  }

  bytesAt(place: number): Uint8Array {
    return this.bytes.subarray(this.#contentAt(place), valueEnd(this.bytes, place));
  }

  valueAt(place: number): Value | undefined {
    switch (this.bytes[place]) {
      case typeInteger:
        return this.#view.getBigInt64(place + 1);
      case typeReal:
        return this.#view.getFloat64(place + 1);
      case typeText:
        return this.textAt(place);
      case typeBlob:
        return this.bytes.slice(this.#contentAt(place), valueEnd(this.bytes, place));
      case typeNull:
        return null;
      default:
        return undefined;
    }
  }

  /** Reads all values of a record and sets `end` to its end. @throws ChangesetError if the record is malformed */
  record(from: number, columns: number): (Value | undefined)[] {
    const { bytes } = this;
    const view = this.#view;
    const size = bytes.length;
    const values = new Array<Value | undefined>(columns);
    let at = from;
    for (let i = 0; i < columns; i++) {
      if (at >= size) throw cutShort(size);
      let type = bytes[at] as number;
      // In an UPDATE, usually most columns in a row have no value.
      while (type === typeUndefined) {
        values[i] = undefined;
        at += 1;
        i += 1;
        if (i === columns) {
          this.end = at;
          return values;
        }
        if (at === size) throw cutShort(size);
        type = bytes[at] as number;
      }
      const place = at;
      if (type === typeInteger || type === typeReal) {
        at += 9;
        if (at > size) throw cutShort(size);
        values[i] = type === typeInteger ? view.getBigInt64(place + 1) : view.getFloat64(place + 1);
      } else if (type === typeText || type === typeBlob) {
        if (place + 1 >= size) throw cutShort(size);
        const length = bytes[place + 1] as number;
        const more = bytes[place + 2] as number;
        let start = place + 2;
        // Short lengths are decoded here, because a function call makes the loop slow.
        if (length < 0x80) at = start + length;
        else if (more < 0x80) {
          start += 1;
          at = start + (((length & 0x7f) << 7) | more);
        } else {
          start = this.#contentAt(place);
          at = valueEnd(bytes, place);
        }
        if (at > size) throw cutShort(size);
        values[i] = type === typeText ? this.#texts.text(start, at) : bytes.slice(start, at);
      } else if (type === typeNull) {
        at += 1;
        values[i] = null;
      } else throw noType(type, place);
    }
    this.end = at;
    return values;
  }

  /** The offset of a TEXT's or BLOB's bytes, after its type and length. */
  #contentAt(place: number): number {
    return place + 1 + lengthSize(this.bytes, place + 1);
  }
}
