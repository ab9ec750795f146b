/** Which sessions a component may use: its own, and the user's if they are granted. */

import { SQLITE_AUTH, SQLITE_MISUSE } from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import { type Confinement, confinementOf } from '../kernel/confinement.js';
import { type Owner, type Owners, ownersOf } from '../kernel/owner.js';
import { type SessionRegistry, type SessionState, sessionsOf } from '../recording/sessions.js';

/** Added if a session is not found by a client that may not use the user's. */
const remedy = "; the user's sessions need --allow-sessions, or grants.sessions in code";

/** What one owner may use. Functions called by a component's SQL are limited to that component's sessions. */
export class SessionAccess {
  readonly #owner: Owner;
  readonly #owners: Owners;
  readonly #confinement: Confinement;

  constructor(owner: Owner) {
    this.#owner = owner;
    this.#owners = ownersOf(owner.connection);
    this.#confinement = confinementOf(owner.connection);
  }

  /** Its own sessions, to make one. @throws SqliteError (SQLITE_AUTH) if it may not read rows */
  get own(): SessionRegistry {
    this.refuseRows('a session');
    const actor = this.#actor;
    if (!actor.isOver) return sessionsOf(actor);
    throw sqliteError(
      SQLITE_MISUSE,
      'this instance of the component ended, because it trapped or was loaded again, so it cannot make sessions',
    );
  }

  /** The sessions that have `handle`, or that report why there is none. */
  having(handle: bigint): SessionRegistry {
    const sessions = sessionsOf(this.#actor);
    if (sessions.has(handle) || sessions.gave(handle)) return sessions;
    if (this.#mayUseUsers) return sessionsOf(this.#owners.user);
    throw sessions.unknown(handle, remedy);
  }

  /** Those that can be used: the user's, then its own. */
  list(): SessionState[] {
    const actor = this.#actor;
    const { user } = this.#owners;
    const users = this.#mayUseUsers && actor !== user ? sessionsOf(user).list() : [];
    return [...users, ...sessionsOf(actor).list()];
  }

  /** @throws SqliteError (SQLITE_AUTH) unless it was granted to read rows */
  refuseRows(what: string): void {
    const { grants } = this.#actor;
    if (grants?.sql !== 'none') return;
    throw sqliteError(
      SQLITE_AUTH,
      `${what} reads rows of the database, which this component may not do: allow it with --allow-sql, or grants.sql in code`,
    );
  }

  /** The caller: the component whose SQL runs, if that calls the user's own functions. */
  get #actor(): Owner {
    this.#owners.settle();
    return (this.#owner.isUser && this.#confinement.actor) || this.#owner;
  }

  get #mayUseUsers(): boolean {
    if (this.#confinement.withoutSessions) return false;
    return this.#owner.grants?.sessions ?? true;
  }
}
