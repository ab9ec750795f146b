/** Numbers that C or WebAssembly code uses to refer to JavaScript objects. */

import { SQLITE_MISUSE } from './constants.js';
import { sqliteError } from './errors.js';

/** The largest C int. */
const most = 0x7fff_ffff;

/** Numbers objects from 1. A deleted number is used again only after all other numbers were used. */
export class HandleTable<T extends object> {
  readonly #all = new Map<number, T>();
  readonly #what: string;
  #last = 0;

  /** @param what the kind of object, named in errors, such as "changeset" */
  constructor(what: string) {
    this.#what = what;
  }

  /** How many objects have a number. */
  get size(): number {
    return this.#all.size;
  }

  add(object: T): number {
    do this.#last = this.#last === most ? 1 : this.#last + 1;
    while (this.#all.has(this.#last));
    this.#all.set(this.#last, object);
    return this.#last;
  }

  /** Returns the object with this number. @throws SqliteError (SQLITE_MISUSE) if there is none */
  get(handle: number): T {
    const object = this.#all.get(handle);
    if (object) return object;
    throw sqliteError(SQLITE_MISUSE, `unknown ${this.#what} ${handle}: it was dropped or never existed`);
  }

  /** Returns the object with this number, or undefined if there is none. */
  find(handle: number): T | undefined {
    return this.#all.get(handle);
  }

  /** Deletes a number. Does nothing if no object has it. */
  delete(handle: number): void {
    this.#all.delete(handle);
  }
}
