/**
 * Reads and writes a guest's memory, by the canonical ABI of the component model
 * (https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md). It lowers and lifts the few
 * types of this package's interfaces without jco's wrappers.
 */

import { SQLITE_TOOBIG } from '../core/constants.js';
import { SqliteError } from '../core/errors.js';
import { platform } from '../core/platform.js';
import { copyBetween, copyBytes, type MemoryViews, Views } from '../core/views.js';
import type { GuestOptions } from './cabi-lower.js';
import { list } from './layout.js';

const { start, length: count } = list.at;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true }); // keeps a U+FEFF at the start
/** Up to this many bytes, a loop over ASCII is faster than a call into Node. */
const shortText = 256;

/** The bytes of memory that a component is assumed to need besides its arguments. */
const slack = 2 ** 20;

/** A value does not fit in a component's memory, as found before the call, so the component's state is unchanged. */
export class TooLarge extends SqliteError {
  /** @param size in bytes */
  constructor(size: number, most: number) {
    super(
      `${size} bytes do not fit in a component limited to ${most} bytes of memory: ` +
        'allow more with --max-memory SIZE, or grants.memory in code',
      SQLITE_TOOBIG,
    );
  }
}

/** The maximum number of bytes that can be passed at once to a component with a memory limit of `memory` bytes. */
export function mostAtOnce(memory: number): number {
  return Math.max(memory - slack, memory / 2);
}

/** @throws TooLarge if a component with a memory limit of `most` bytes can never take `size` bytes at once */
export function checkFits(size: number, most: number): void {
  if (size > mostAtOnce(most)) throw new TooLarge(size, most);
}

export class Guest extends Views {
  readonly #realloc: GuestOptions['realloc'];
  readonly #most: number;

  /** @param most the memory limit, in bytes */
  constructor(options: GuestOptions, most = 2 ** 32) {
    super(options.memory);
    this.#realloc = options.realloc;
    this.#most = most;
  }

  /** @throws TooLarge if the guest can never take `size` bytes at once */
  checkFits(size: number): void {
    checkFits(size, this.#most);
  }

  /**
   * Allocates memory in the guest for an argument.
   *
   * @throws TooLarge if `size` bytes can never fit
   * @throws RangeError if the guest is out of memory, or returns an address that is not aligned or outside its memory
   */
  allocate(size: number, align: number): number {
    if (size > slack) this.checkFits(size);
    const pointer = this.#realloc(0, 0, align, size) >>> 0;
    if (pointer === 0 && size > 0) throw new RangeError(`the component cannot allocate ${size} bytes`);
    if ((pointer & (align - 1)) !== 0 || pointer + size > this.bytes.length) {
      throw new RangeError(
        `the component allocated ${size} bytes that are outside its memory or not aligned`,
      );
    }
    return pointer;
  }

  /** Copies `source` into the guest. */
  put(source: Uint8Array): number {
    const pointer = this.allocate(source.length, 1);
    this.bytes.set(source, pointer);
    return pointer;
  }

  /** Copies `length` bytes at `from` of another memory into the guest. */
  take(source: MemoryViews, from: number, length: number): number {
    const pointer = this.allocate(length, 1);
    copyBetween(source, from, length, this, pointer);
    return pointer;
  }

  /** @throws RangeError if `size` bytes at `start` are not all in the guest's memory */
  checkPlace(start: number, size: number): void {
    if (start + size > this.bytes.length) {
      throw new RangeError(`the component passed ${size} bytes outside its memory`);
    }
  }

  /** A view of `length` bytes at `pointer`. */
  slice(pointer: number, length: number): Uint8Array {
    const start = pointer >>> 0;
    const size = length >>> 0;
    this.checkPlace(start, size);
    return this.bytes.subarray(start, start + size);
  }

  /** Checks text at an address. @throws TypeError if the text is not UTF-8 */
  checkUtf8(start: number, length: number): void {
    this.checkPlace(start, length);
    if (length <= shortText && this.isAscii(start, length)) return;
    if (!platform().isUtf8(this.bytes.subarray(start, start + length))) {
      throw new TypeError('the component passed text that is not UTF-8');
    }
  }

  /** A view of text. @throws TypeError if the text is not UTF-8 */
  utf8(pointer: number, length: number): Uint8Array {
    this.checkUtf8(pointer >>> 0, length >>> 0);
    return this.slice(pointer, length);
  }

  /** @throws TypeError if the text is not UTF-8 */
  text(pointer: number, length: number): string {
    return decoder.decode(this.utf8(pointer, length));
  }

  /** A view of the contents of the string or list of bytes at `address`. */
  listAt(address: number): Uint8Array {
    const { view } = this;
    return this.slice(view.getUint32(address + start, true), view.getUint32(address + count, true));
  }

  /** Copies bytes into the guest, as the contents of the string or list at `address`. */
  putList(address: number, source: Uint8Array, from = 0, length = source.length): void {
    const pointer = this.allocate(length, 1);
    copyBytes(source, from, length, this.bytes, pointer);
    const { view } = this;
    view.setUint32(address + start, pointer, true);
    view.setUint32(address + count, length, true);
  }
}
