/** Numbers for objects that code outside of JavaScript refers to. */

import { SQLITE_MISUSE } from './constants.js';
import { sqliteError } from './errors.js';

/** The largest number that C keeps in an int. */
const most = 0x7fff_ffff;

/** Numbers objects from 1. A number that was let go is not given again before all others were. */
export class HandleTable<T extends object> {
  readonly #all = new Map<number, T>();
  readonly #what: string;
  #last = 0;

  /** @param what an object is, for errors: such as "changeset" */
  constructor(what: string) {
    this.#what = what;
  }

  /** How many objects have a number. */
  get size(): number {
    return this.#all.size;
  }

  /** Gives an object a number. */
  add(object: T): number {
    do this.#last = this.#last === most ? 1 : this.#last + 1;
    while (this.#all.has(this.#last));
    this.#all.set(this.#last, object);
    return this.#last;
  }

  /** The object with a number. @throws SqliteError (SQLITE_MISUSE) if none has it */
  get(handle: number): T {
    const object = this.#all.get(handle);
    if (object) return object;
    throw sqliteError(SQLITE_MISUSE, `unknown ${this.#what} ${handle}: it was dropped, or never made`);
  }

  /** The same, without an error. */
  find(handle: number): T | undefined {
    return this.#all.get(handle);
  }

  /** Lets a number go, if an object has it. */
  delete(handle: number): void {
    this.#all.delete(handle);
  }
}
