/** Whose sessions and held changesets are whose: the user is one owner, and each other instance of a component one. */

import type { Connection } from './engine.js';
import type { CheckedGrants } from './grants.js';
import { SessionRegistry } from './sessions.js';

export class Owner {
  readonly connection: Connection;
  /** Its own: nobody else names, counts or ends them, unless granted the user's. */
  readonly sessions: SessionRegistry;
  /** What it was granted; undefined for the user, who may do anything. */
  readonly grants: CheckedGrants | undefined;
  readonly #ending: (() => void)[] = [];
  #isOver = false;

  /** @param grants undefined for the user */
  constructor(connection: Connection, grants?: CheckedGrants) {
    this.connection = connection;
    this.grants = grants;
    this.sessions = new SessionRegistry(connection, grants ? 'component' : 'user');
  }

  get isUser(): boolean {
    return this.grants === undefined;
  }

  /** Whether it ended, or is about to: it makes nothing more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** From now on it makes nothing more. */
  retire(): void {
    this.#isOver = true;
  }

  /** Calls `action` when the owner ends: the time to let go of what is held for it. */
  onEnd(action: () => void): void {
    this.#ending.push(action);
  }

  /** Ends what it has. Not in the middle of anything that SQLite allows no SQL in. */
  end(): void {
    this.sessions.deleteAll();
    for (const action of this.#ending.splice(0)) action();
  }
}

/** The owners of one connection. */
export class Owners {
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

  /** An instance is over: what it has ends with it, now or as soon as SQLite allows it. The user never ends. */
  end(owner: Owner): void {
    if (owner.isUser || !this.#all.delete(owner)) return;
    owner.retire();
    this.#ended.add(owner);
    this.settle();
  }

  /** Ends what is to end, if that is possible now. */
  settle(): void {
    if (this.#ended.size === 0 || this.#connection.inside !== undefined) return;
    for (const owner of this.#ended) owner.end();
    this.#ended.clear();
  }

  /** The connection closes: everything ends. */
  close(): void {
    for (const owner of [...this.#ended, ...this.#all]) owner.end();
    this.#ended.clear();
    this.#all.clear();
  }
}
