/** The changes of a changeset as an iterator. */

import type { Change } from './format.js';
import { ChangesetReader } from './reader.js';

type Result = IteratorResult<Change, undefined>;

/** Like a generator, but faster. The rest, including iterator helpers, is the runtime's own. */
class Changes implements Generator<Change, undefined, void> {
  declare readonly [Symbol.iterator]: () => this;
  declare readonly [Symbol.dispose]: () => void;
  declare readonly [Symbol.toStringTag]: string;
  readonly #reader: ChangesetReader;
  #done = false;

  static {
    Object.setPrototypeOf(
      Changes.prototype,
      Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())),
    );
  }

  constructor(bytes: Uint8Array) {
    this.#reader = new ChangesetReader(bytes);
  }

  next(): Result {
    if (this.#done) return { done: true, value: undefined };
    this.#done = true; // even if the next line throws
    const value = this.#reader.nextChange();
    if (!value) return { done: true, value };
    this.#done = false;
    return { done: false, value };
  }

  return(): Result {
    this.#done = true;
    return { done: true, value: undefined };
  }

  throw(error: unknown): Result {
    this.#done = true;
    throw error;
  }
}

/**
 * The changes of a changeset, one after another, each copied.
 *
 * @throws ChangesetError if it is malformed, after the changes before that
 */
export function changes(bytes: Uint8Array): Generator<Change, void, void> {
  return new Changes(bytes);
}
