/** Reads and writes the core's memory: numbers, text, and scratch space. */

import { bytesAsText } from '../changeset/text.js';
import type { Bindings } from './bindings.js';
import { SQLITE_NOMEM } from './constants.js';
import { sqliteError } from './errors.js';
import { longestRead, longestWrite, type StringCopies, shortestWrite, stringCopies } from './strings.js';
import type { MemoryViews } from './views.js';

/** `ignoreBOM` keeps a U+FEFF at the start of a text. */
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The methods of Node's Buffer that decode and encode. They are faster than TextDecoder and TextEncoder, which need a
 * view of the text's bytes.
 */
interface TextBuffer extends Uint8Array {
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, start: number, length: number): number;
}

const { Buffer: buffers } = globalThis as { Buffer?: { from(memory: ArrayBuffer): object } };
/** Older versions of Node treat a Buffer's offsets as signed 32-bit numbers. */
const signedEnd = 0x8000_0000;

/** The largest size of a value in bytes: SQLITE_MAX_LENGTH, SQLite's own default. */
export const maxLength = 1_000_000_000;

/** For fewer bytes, a loop over ASCII is faster than a decoder. */
const shortText = 6;
/** For up to this many characters, a loop over ASCII is faster than an encoder. */
const shortInput = 32;
/** The number of short texts whose copying takes as long as making {@link StringCopies}. */
const copiesBefore = 200;

export class Memory implements MemoryViews {
  readonly #c: Bindings;
  // Fields, not getters that check for growth: V8 must optimize code again after a branch that it has not seen yet.
  bytes = new Uint8Array();
  view = new DataView(new ArrayBuffer());
  #text: TextBuffer | undefined;
  #texts = '';
  #textsAt = 0;
  #copies: StringCopies | undefined;
  /** The number of short texts that were copied without `copies`. */
  #uncopied = 0;

  constructor(c: Bindings) {
    this.#c = c;
    this.renew();
  }

  /** Makes the views again. Must be called when the memory has grown. */
  renew(): void {
    const buffer = this.#c.memory.buffer as ArrayBuffer;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.#text = buffers?.from(buffer) as TextBuffer | undefined;
  }

  /** Reads text up to its terminator. Returns null for a null pointer. */
  cString(pointer: number): string | null {
    if (pointer === 0) return null;
    const start = pointer >>> 0;
    const bytes = this.bytes;
    return decoder.decode(bytes.subarray(start, bytes.indexOf(0, start)));
  }

  /** Reads text as {@link cString} does. @throws TypeError if the text is not UTF-8 */
  strictCString(pointer: number): string | null {
    if (pointer === 0) return null;
    const start = pointer >>> 0;
    const bytes = this.bytes;
    return strict.decode(bytes.subarray(start, bytes.indexOf(0, start)));
  }

  /** Copies the bytes up to a terminator. */
  cBytes(pointer: number): Uint8Array<ArrayBuffer> {
    const start = pointer >>> 0;
    const bytes = this.bytes;
    return bytes.slice(start, bytes.indexOf(0, start));
  }

  /** Reads `length` bytes as text. */
  text(pointer: number, length: number): string {
    const start = pointer >>> 0;
    if (length <= longestRead) {
      const text = (this.#copies ?? this.#makeCopies())?.read(start, length);
      if (text) return text;
    }
    const bytes = this.bytes;
    if (length < shortText) {
      let text = '';
      for (let i = start; i < start + length; i++) {
        const byte = bytes[i] as number;
        if (byte > 127) return decoder.decode(bytes.subarray(start, start + length));
        text += String.fromCharCode(byte);
      }
      return text;
    }
    const buffer = start + length < signedEnd ? this.#text : undefined;
    if (buffer) return buffer.utf8Slice(start, start + length);
    return decoder.decode(bytes.subarray(start, start + length));
  }

  /**
   * Decodes `length` bytes at once for {@link asciiText}. One call for many short texts is faster than one call for
   * each.
   */
  beginTexts(pointer: number, length: number): void {
    this.#texts = length === 0 ? '' : bytesAsText(this.bytes, pointer, pointer + length);
    this.#textsAt = pointer;
  }

  /**
   * Returns an ASCII text from the bytes that {@link beginTexts} decoded. The string may keep all of those bytes in
   * memory.
   */
  asciiText(pointer: number, length: number): string {
    const start = pointer - this.#textsAt;
    return this.#texts.substring(start, start + length);
  }

  /**
   * Writes a text as UTF-8 and returns its length in bytes. The memory at `pointer` must hold three bytes for each
   * character.
   */
  writeText(pointer: number, text: string): number {
    const start = pointer >>> 0;
    if (text.length < shortestWrite) {
      if (this.#writeAscii(start, text)) return text.length;
    } else if (text.length <= longestWrite) {
      const copies = this.#copies ?? this.#makeCopies();
      const isAscii = copies
        ? copies.write(text, start) !== 0
        : text.length <= shortInput && this.#writeAscii(start, text);
      if (isAscii) return text.length;
    }
    const end = start + text.length * 3;
    const buffer = end < signedEnd ? this.#text : undefined;
    if (buffer) return buffer.utf8Write(text, start, end - start);
    return encoder.encodeInto(text, this.bytes.subarray(start, end)).written;
  }

  #makeCopies(): StringCopies | undefined {
    if (this.#uncopied < copiesBefore) {
      this.#uncopied += 1;
      if (this.#uncopied === copiesBefore) this.#copies = stringCopies(this.#c.memory);
    }
    return this.#copies;
  }

  /** Writes a text by words. Returns false if the text is not ASCII: the bytes are wrong then. */
  #writeAscii(start: number, text: string): boolean {
    const { view } = this;
    const { length } = text;
    let bits = 0;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      const a = text.charCodeAt(i);
      const b = text.charCodeAt(i + 1);
      const c = text.charCodeAt(i + 2);
      const d = text.charCodeAt(i + 3);
      bits |= a | b | c | d;
      view.setInt32(start + i, a | (b << 8) | (c << 16) | (d << 24), true);
    }
    for (; i < length; i++) {
      const unit = text.charCodeAt(i);
      bits |= unit;
      view.setUint8(start + i, unit);
    }
    return bits < 0x80;
  }

  /** Copies `length` bytes. */
  copy(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    const start = pointer >>> 0;
    return this.bytes.slice(start, start + length);
  }

  pointerAt(address: number): number {
    return this.view.getUint32(address, true);
  }

  /**
   * Allocates memory with sqlite3_malloc64. Free it with sqlite3_free.
   *
   * @throws SqliteError SQLITE_NOMEM if out of memory
   */
  allocate(size: number): number {
    const pointer = this.#c.sqlite3_malloc64(BigInt(Math.max(size, 1))) >>> 0;
    if (pointer === 0) throw sqliteError(SQLITE_NOMEM, `out of memory: cannot allocate ${size} bytes`);
    return pointer;
  }

  /** Copies `source` to memory from sqlite3_malloc64. */
  allocateBytes(source: Uint8Array): number {
    const pointer = this.allocate(source.length);
    this.bytes.set(source, pointer);
    return pointer;
  }

  /** Copies a terminated text to memory from sqlite3_malloc64. */
  allocateText(text: string): number {
    return this.#textIn(text).pointer;
  }

  #textIn(text: string): { pointer: number; length: number } {
    const room = text.length * 3 + 1;
    if (room < 65_536) {
      const pointer = this.allocate(room);
      const { written } = encoder.encodeInto(text, this.bytes.subarray(pointer, pointer + room - 1));
      this.bytes[pointer + written] = 0;
      return { pointer, length: written };
    }
    const encoded = encoder.encode(text);
    const pointer = this.allocate(encoded.length + 1);
    this.bytes.set(encoded, pointer);
    this.bytes[pointer + encoded.length] = 0;
    return { pointer, length: encoded.length };
  }

  /** Returns scratch space for one call. Disposing of it frees all memory taken from it. Declare it with `using`. */
  arena(): Arena {
    return new Arena(this, this.#c, (text) => this.#textIn(text));
  }
}

export class Arena implements Disposable {
  readonly #memory: Memory;
  readonly #c: Bindings;
  readonly #textIn: (text: string) => { pointer: number; length: number };
  readonly #taken: number[] = [];

  constructor(memory: Memory, c: Bindings, textIn: (text: string) => { pointer: number; length: number }) {
    this.#memory = memory;
    this.#c = c;
    this.#textIn = textIn;
  }

  /** Allocates `size` bytes, all zero. */
  allocate(size: number): number {
    const pointer = this.#memory.allocate(size);
    this.#taken.push(pointer);
    this.#memory.bytes.fill(0, pointer, pointer + size);
    return pointer;
  }

  bytes(source: Uint8Array): number {
    const pointer = this.#memory.allocateBytes(source);
    this.#taken.push(pointer);
    return pointer;
  }

  /** Copies a terminated text. `length` counts its bytes without the terminator. */
  text(text: string): { pointer: number; length: number } {
    const made = this.#textIn(text);
    this.#taken.push(made.pointer);
    return made;
  }

  /** Copies a terminated text. */
  cString(text: string): number {
    return this.text(text).pointer;
  }

  [Symbol.dispose](): void {
    for (const pointer of this.#taken.splice(0)) this.#c.sqlite3_free(pointer);
  }
}
