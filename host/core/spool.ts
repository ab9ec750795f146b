/** Buffers bytes between a writer and a reader. Up to 1 MiB stays in memory; larger amounts go to a temporary file. */

import type { OpenFile } from './host-services.js';
import { platform } from './platform.js';

const blockSize = 65_536;
/** The number of blocks that stay in memory. */
const mostBlocks = 16;

/** Closes the files of spools that were not closed. */
const forgotten = new FinalizationRegistry<OpenFile>((file) => file.close());

/** Collects bytes, then returns them in order, any number of times. Dispose of a spool, because it may hold a file. */
export class Spool implements Iterable<Uint8Array>, Disposable {
  /** Full blocks, which follow the bytes in the file. */
  #blocks: Uint8Array[] = [];
  #last = new Uint8Array(blockSize);
  /** How many bytes of the last block are in use. */
  #used = 0;
  #file: OpenFile | undefined;
  #written = 0;

  /** Appends a copy of `piece`. @throws FileError if the disk is full */
  add(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + blockSize - this.#used);
      this.#last.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used === blockSize) this.#next();
    }
  }

  /** The number of bytes. */
  get size(): number {
    return this.#written + this.#blocks.length * blockSize + this.#used;
  }

  /** All bytes, in pieces that are valid until the next one is requested. */
  *[Symbol.iterator](): Generator<Uint8Array, void, void> {
    const file = this.#file;
    if (file) {
      const block = new Uint8Array(blockSize);
      for (let at = 0; at < this.#written; at += blockSize) {
        yield block.subarray(0, file.read(block, 0, blockSize, at));
      }
    }
    yield* this.#blocks;
    if (this.#used > 0) yield this.#last.subarray(0, this.#used);
  }

  /** Discards everything. Can be called more than once. */
  [Symbol.dispose](): void {
    this.#blocks = [];
    this.#used = 0;
    this.#written = 0;
    if (!this.#file) return;
    forgotten.unregister(this);
    this.#file.close();
    this.#file = undefined;
  }

  /** Begins a block after the last one is full. Moves the full blocks to the file if there are too many. */
  #next(): void {
    this.#blocks.push(this.#last);
    this.#used = 0;
    if (this.#blocks.length < mostBlocks) {
      this.#last = new Uint8Array(blockSize);
      return;
    }
    if (!this.#file) {
      this.#file = platform().temporaryFile();
      forgotten.register(this, this.#file, this);
    }
    for (const block of this.#blocks) {
      this.#file.write(block, 0, blockSize, this.#written);
      this.#written += blockSize;
    }
    this.#blocks = [];
  }
}
