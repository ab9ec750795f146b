/** What a client sent and what is no whole request yet. */

/** Up to this size it is looked at whenever something comes, in bytes. */
const small = 65_536;
/** How long nothing must come before more is looked at, in ms. */
const pause = 20;

/**
 * Collects what comes and has it looked at: what is long only where it doubled, or where nothing more comes for a
 * moment, for each look goes through all of it.
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

  /** Looks at what is there. Returns what is left. */
  look(): Buffer {
    clearTimeout(this.#timer);
    const rest = this.#size === 0 ? Buffer.alloc(0) : this.#look(Buffer.concat(this.#parts, this.#size));
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    this.#next = 2 * this.#size;
    return rest;
  }

  /** Forgets it. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#parts = [];
    this.#size = 0;
  }
}
