/** Iterates over the rows of a statement. */

import type { Row } from './rows.js';

const iterators: object = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));

/** The rows of `StatementSync.iterate`, with iterator helpers if the runtime has them. */
export interface RowIterator extends IterableIterator<Row, null> {
  /** Returns the next row. @throws the errors of `StatementSync.all`, and an error if the statement was run again */
  next(): IteratorResult<Row, null>;
  /** Ends the iteration and resets the statement. @throws Error (ERR_INVALID_STATE) if the statement is finalized */
  return(): IteratorResult<Row, null>;
}

const empty = {};

const ended = (): IteratorReturnResult<null> =>
  ({ __proto__: null, done: true, value: null }) as IteratorReturnResult<null>;

/** The rows of one execution. */
export class StatementRows implements RowIterator {
  readonly #next: () => Row | undefined;
  readonly #finish: () => void;
  #done = false;

  constructor(next: () => Row | undefined, finish: () => void) {
    this.#next = next;
    this.#finish = finish;
  }

  static {
    Object.setPrototypeOf(StatementRows.prototype, iterators);
  }

  next(): IteratorResult<Row, null> {
    if (this.#done) {
      this.#finish(); // only checks that the statement is not finalized
      return ended();
    }
    const value = this.#next();
    if (value !== undefined) {
      const result = { ...empty, __proto__: null } as unknown as IteratorYieldResult<Row>; // see rowBuilder
      result.done = false;
      result.value = value;
      return result;
    }
    this.#done = true;
    return ended();
  }

  return(): IteratorResult<Row, null> {
    this.#finish();
    this.#done = true;
    return ended();
  }

  [Symbol.iterator](): this {
    return this;
  }
}
