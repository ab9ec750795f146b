import type { WasmMemory } from './web-assembly.js';

/** Up to this many bytes, a loop is faster than set() on a view. */
const shortCopy = 48;

/** Copies `length` bytes of one array into another. */
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

/** Up to this many bytes, a loop over words is faster than set() on a view. */
const shortWords = 72;

/** Copies `length` bytes from one memory to another. */
export function copyBetween(
  source: MemoryViews,
  from: number,
  length: number,
  target: MemoryViews,
  to: number,
): void {
  if (length > shortWords) {
    target.bytes.set(source.bytes.subarray(from, from + length), to);
    return;
  }
  const { view: read } = source;
  const { view: write } = target;
  let done = 0;
  for (; done + 4 <= length; done += 4) write.setInt32(to + done, read.getInt32(from + done, true), true);
  for (; done < length; done++) write.setUint8(to + done, read.getUint8(from + done));
}

/** Views of a wasm memory, created again when the memory grows, which detaches the old views. */
export interface MemoryViews {
  /** The entire memory. The array is valid until wasm code runs again, because that may grow the memory. */
  readonly bytes: Uint8Array;
  /** A DataView of the entire memory. It is valid until wasm code runs again. */
  readonly view: DataView;
}

/** Views of a memory that may grow at any time. */
export class Views implements MemoryViews {
  readonly #memory: WasmMemory;
  #bytes: Uint8Array;
  #view: DataView;

  constructor(memory: WasmMemory) {
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
  }

  get bytes(): Uint8Array {
    if (this.#bytes.byteLength === 0) this.#renew();
    return this.#bytes;
  }

  get view(): DataView {
    if (this.#bytes.byteLength === 0) this.#renew();
    return this.#view;
  }

  /** Whether `length` bytes are all ASCII. From 256 bytes on, a call into Node is faster. */
  isAscii(start: number, length: number): boolean {
    const { view } = this;
    const end = start + length;
    let bits = 0;
    let at = start;
    for (; at + 4 <= end; at += 4) bits |= view.getInt32(at, true);
    for (; at < end; at++) bits |= view.getUint8(at);
    return (bits & 0x80808080) === 0;
  }

  #renew(): void {
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#view = new DataView(this.#memory.buffer);
  }
}
