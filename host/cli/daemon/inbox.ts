/** What a client sent that is not a complete request yet. */

/** Up to this size it is parsed whenever something arrives, in bytes. */
const small = 65_536;
/** How long nothing must arrive before more is parsed, in ms. */
const pause = 20;

/**
 * Collects input and has it parsed: long input only if it doubled, or if nothing more arrives for a
 * moment, because each parse goes through all of it.
 */
export class Inbox {
  readonly #look: (received: Buffer) => Buffer;
  #parts: Buffer[] = [];
  #size = 0;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param look takes whole requests from the front and returns the rest */
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

  /** Parses what arrived. Returns what is left. */
  look(): Buffer {
    clearTimeout(this.#timer);
    const rest = this.#size === 0 ? Buffer.alloc(0) : this.#look(Buffer.concat(this.#parts, this.#size));
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    this.#next = 2 * this.#size;
    return rest;
  }

  /** Discards it. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#parts = [];
    this.#size = 0;
  }
}
