import type { Connection } from './connection.js';
import type { CheckedGrants } from './grants.js';
import { type MakePart, Parts } from './parts.js';

export class Owner {
  readonly connection: Connection;
  /** The owner's grants; undefined for the user, who may do anything. */
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

  /** Whether the owner has ended or is about to end. It must then make no more objects. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Marks the owner as about to end. */
  retire(): void {
    this.#isOver = true;
  }

  /** Returns the part that `make` makes, once. It is disposed of when the owner ends. */
  part<Part extends object>(make: MakePart<Owner, Part>): Part {
    return this.#parts.get(make);
  }

  /** Calls `action` when the owner ends. */
  onEnd(action: () => void): void {
    this.#parts.onEnd(action);
  }

  /** Disposes of the owner's parts. Do not call it while SQLite does not allow SQL. */
  end(): void {
    this.#parts.end();
  }
}

const makeOwners = (connection: Connection): Owners => new Owners(connection);

export function ownersOf(connection: Connection): Owners {
  return connection.part(makeOwners);
}

/** The owners of one connection: the user and the instances of components. */
export class Owners implements Disposable {
  readonly #connection: Connection;
  readonly #all = new Set<Owner>();
  /** The owners that end once SQLite allows SQL. */
  readonly #ended = new Set<Owner>();
  readonly user: Owner;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.user = new Owner(connection);
    this.#all.add(this.user);
  }

  /** Adds an owner for a new instance of a component. */
  add(grants: CheckedGrants): Owner {
    this.settle();
    const owner = new Owner(this.#connection, grants);
    this.#all.add(owner);
    return owner;
  }

  /** Ends an owner after its instance ended, now or once SQLite allows SQL. Does nothing for the user. */
  end(owner: Owner): void {
    if (owner.isUser || !this.#all.delete(owner)) return;
    owner.retire();
    this.#ended.add(owner);
    this.settle();
  }

  /** Ends the owners that are due, if SQLite allows SQL now. */
  settle(): void {
    if (this.#ended.size === 0 || this.#connection.inside !== undefined) return;
    for (const owner of this.#ended) owner.end();
    this.#ended.clear();
  }

  /** Ends all owners when the connection closes. */
  [Symbol.dispose](): void {
    for (const owner of [...this.#ended, ...this.#all]) owner.end();
    this.#ended.clear();
    this.#all.clear();
  }
}
