/** The owners of sessions, changesets and so on: the user is one, each instance of a component another. */

import type { Connection } from './connection.js';
import type { CheckedGrants } from './grants.js';
import { type MakePart, Parts } from './parts.js';

export class Owner {
  readonly connection: Connection;
  /** Its grants; undefined for the user, who may do anything. */
  readonly grants: CheckedGrants | undefined;
  readonly #parts = new Parts<Owner>(this);
  #isOver = false;

  /** @param grants undefined for the user */
  constructor(connection: Connection, grants?: CheckedGrants) {
    this.connection = connection;
    this.grants = grants;
  }

  get isUser(): boolean {
    return this.grants === undefined;
  }

  /** Whether it ended or is about to: then it makes nothing more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** From now on it makes nothing more. */
  retire(): void {
    this.#isOver = true;
  }

  /** The part that `make` makes for this owner: made when first requested, and ended with the owner. */
  part<Part extends object>(make: MakePart<Owner, Part>): Part {
    return this.#parts.get(make);
  }

  /** Calls `action` when the owner ends, to release what is held for it. */
  onEnd(action: () => void): void {
    this.#parts.onEnd(action);
  }

  /** Ends its parts. Not while SQLite does not allow SQL. */
  end(): void {
    this.#parts.end();
  }
}

const makeOwners = (connection: Connection): Owners => new Owners(connection);

/** The user and the components, with what each has on a connection. */
export function ownersOf(connection: Connection): Owners {
  return connection.part(makeOwners);
}

/** The owners of one connection. */
export class Owners implements Disposable {
  readonly #connection: Connection;
  readonly #all = new Set<Owner>();
  /** Those that are to end once SQLite allows it. */
  readonly #ended = new Set<Owner>();
  readonly user: Owner;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.user = new Owner(connection);
    this.#all.add(this.user);
  }

  /** An owner for a new instance of a component. */
  add(grants: CheckedGrants): Owner {
    this.settle();
    const owner = new Owner(this.#connection, grants);
    this.#all.add(owner);
    return owner;
  }

  /** An instance ended: its parts end, now or as soon as SQLite allows. The user never ends. */
  end(owner: Owner): void {
    if (owner.isUser || !this.#all.delete(owner)) return;
    owner.retire();
    this.#ended.add(owner);
    this.settle();
  }

  /** Ends what is due, if that is possible now. */
  settle(): void {
    if (this.#ended.size === 0 || this.#connection.inside !== undefined) return;
    for (const owner of this.#ended) owner.end();
    this.#ended.clear();
  }

  /** The connection closes: everything ends. */
  [Symbol.dispose](): void {
    for (const owner of [...this.#ended, ...this.#all]) owner.end();
    this.#ended.clear();
    this.#all.clear();
  }
}
