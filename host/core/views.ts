/** Up to this many bytes a loop is faster than a view and a call of set(). */
const shortCopy = 48;

/** Copies `length` bytes of one memory into another. */
export function copyBytes(
  source: Uint8Array,
  from: number,
  length: number,
  target: Uint8Array,
  to: number,
): void {
  if (length > shortCopy) target.set(source.subarray(from, from + length), to);
  else for (let i = 0; i < length; i++) target[to + i] = source[from + i] as number;
}

/** Views of a wasm memory that follow its growth: a grown memory leaves the old ones empty. */

export class Views {
  readonly #memory: WebAssembly.Memory;
  #bytes: Uint8Array;
  #view: DataView;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
  }

  /** The entire memory. Valid until wasm runs again, because it may grow then. */
  get bytes(): Uint8Array {
    if (this.#bytes.byteLength === 0) this.#renew();
    return this.#bytes;
  }

  /** The same as numbers, little-endian. Valid until wasm runs again. */
  get view(): DataView {
    if (this.#bytes.byteLength === 0) this.#renew();
    return this.#view;
  }

  #renew(): void {
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#view = new DataView(this.#memory.buffer);
  }
}
