import type { Change } from './format.js';
import { ChangesetReader } from './reader.js';

type Result = IteratorResult<Change, undefined>;

/** An iterator that is faster than a generator function. It inherits the iterator helpers of the runtime. */
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
 * Iterates over copies of the changes of a changeset.
 *
 * @throws ChangesetError if the changeset is malformed, after the changes before the error
 */
export function changes(bytes: Uint8Array): Generator<Change, void, void> {
  return new Changes(bytes);
}
