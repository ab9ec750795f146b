/** Converts texts of a changeset to strings. Most are short and ASCII. */

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** Used outside Node. It makes one character of each byte, which is correct for ASCII. */
let bytewise: TextDecoder | undefined;

type Slice = (this: Uint8Array, start: number, end: number) => string;

/** Methods of Node's Buffer, used if they exist. */
const { latin1Slice, utf8Slice } =
  (globalThis as { Buffer?: { prototype?: { latin1Slice?: Slice; utf8Slice?: Slice } } }).Buffer?.prototype ??
  {};

/** The smallest and largest number of bytes that are converted at once. */
const smallest = 256;
const largest = 16_384;

/** Makes a string with one character for each byte. */
export function bytesAsText(bytes: Uint8Array, start: number, end: number): string {
  if (latin1Slice) return latin1Slice.call(bytes, start, end);
  bytewise ??= new TextDecoder('windows-1252');
  return bytewise.decode(bytes.subarray(start, end));
}

/**
 * The texts of one changeset. Calling the decoder takes longer than decoding a short text. So a stretch of the
 * changeset is converted to one string, with one character for each byte, and ASCII texts are substrings of it. A text
 * may keep that string in memory, at most 16 KiB.
 */
export class Texts {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #stretch = '';
  #start = 0;
  #end = 0;

  constructor(bytes: Uint8Array, view: DataView) {
    this.#bytes = bytes;
    this.#view = view;
  }

  /** Reads the text from `start` to `end`. Invalid UTF-8 becomes U+FFFD. */
  text(start: number, end: number): string {
    // For long texts, the decoder is faster than a loop over the bytes.
    if (end - start > smallest || !this.#isAscii(start, end)) return this.#decoded(start, end);
    if (start < this.#start || end > this.#end) this.#goOn(start);
    return this.#stretch.substring(start - this.#start, end - this.#start);
  }

  #isAscii(start: number, end: number): boolean {
    const bytes = this.#bytes;
    const view = this.#view;
    let i = start;
    let bits = 0;
    for (const whole = end - 15; i < whole; i += 16) {
      bits |= view.getInt32(i, true) | view.getInt32(i + 4, true);
      bits |= view.getInt32(i + 8, true) | view.getInt32(i + 12, true);
    }
    for (const whole = end - 3; i < whole; i += 4) bits |= view.getInt32(i, true);
    bits &= 0x80808080;
    for (; i < end; i++) bits |= (bytes[i] as number) & 0x80;
    return bits === 0;
  }

  #decoded(start: number, end: number): string {
    const bytes = this.#bytes;
    return utf8Slice ? utf8Slice.call(bytes, start, end) : decoder.decode(bytes.subarray(start, end));
  }

  /** Converts another stretch. Its size doubles while texts are close together, and is small again after a jump. */
  #goOn(start: number): void {
    const size = this.#end - this.#start;
    const near = start >= this.#start && start < this.#end + size;
    this.#start = start;
    this.#end = Math.min(this.#bytes.length, start + (near ? Math.min(2 * size, largest) : smallest));
    this.#stretch = bytesAsText(this.#bytes, start, this.#end);
  }
}
