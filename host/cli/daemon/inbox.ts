/** Input up to this size, in bytes, is parsed whenever data arrives. */
const small = 65_536;
/** Larger input is parsed if no data has arrived for this time, in ms. */
const pause = 20;

/**
 * Collects input and calls the parser. Because each parse reads all of the input, large input is parsed only if it has
 * doubled, or if no more data arrives for a moment.
 */
export class Inbox {
  readonly #look: (received: Buffer) => Buffer;
  #parts: Buffer[] = [];
  #size = 0;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param look handles the complete requests at the front and returns the remaining bytes */
  constructor(look: (received: Buffer) => Buffer) {
    this.#look = look;
  }

  push(data: Buffer): void {
    this.#parts.push(data);
    this.#size += data.length;
    clearTimeout(this.#timer);
    if (this.#size <= small || this.#size >= this.#next) this.look();
    else this.#timer = setTimeout(() => this.look(), pause);
  }

  /** Parses the input. Returns the remaining bytes. */
  look(): Buffer {
    clearTimeout(this.#timer);
    const rest = this.#size === 0 ? Buffer.alloc(0) : this.#look(Buffer.concat(this.#parts, this.#size));
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    this.#next = 2 * this.#size;
    return rest;
  }

  /** Discards the input. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#parts = [];
    this.#size = 0;
  }
}
