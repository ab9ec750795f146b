/** Decides which sessions a component may use: its own, and those of the user if they are granted. */

import { SQLITE_AUTH, SQLITE_MISUSE } from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import { type Confinement, confinementOf } from '../kernel/confinement.js';
import { type Owner, type Owners, ownersOf } from '../kernel/owner.js';
import { type SessionRegistry, type SessionState, sessionsOf } from '../recording/sessions.js';

/** Added to the error if a session is not found and the client may not use the user's sessions. */
const remedy = "; the user's sessions need --allow-sessions, or grants.sessions in code";

/**
 * The sessions that one owner may use. If a component's SQL calls functions of the user, these functions can use only
 * the component's sessions.
 */
export class SessionAccess {
  readonly #owner: Owner;
  readonly #owners: Owners;
  readonly #confinement: Confinement;

  constructor(owner: Owner) {
    this.#owner = owner;
    this.#owners = ownersOf(owner.connection);
    this.#confinement = confinementOf(owner.connection);
  }

  /**
   * The client's own sessions, to make another one.
   *
   * @throws SqliteError (SQLITE_AUTH) if the client may not read rows
   */
  get own(): SessionRegistry {
    this.refuseRows('a session');
    const actor = this.#actor;
    if (!actor.isOver) return sessionsOf(actor);
    throw sqliteError(
      SQLITE_MISUSE,
      'this instance of the component has trapped or was replaced, so it cannot make sessions',
    );
  }

  /** The registry that has the session `handle`. @throws SqliteError if there is no such session */
  having(handle: bigint): SessionRegistry {
    const sessions = sessionsOf(this.#actor);
    if (sessions.has(handle) || sessions.gave(handle)) return sessions;
    if (this.#mayUseUsers) return sessionsOf(this.#owners.user);
    throw sessions.unknown(handle, remedy);
  }

  /** Lists the sessions that can be used: those of the user, then those of the client. */
  list(): SessionState[] {
    const actor = this.#actor;
    const { user } = this.#owners;
    const users = this.#mayUseUsers && actor !== user ? sessionsOf(user).list() : [];
    return [...users, ...sessionsOf(actor).list()];
  }

  /** @throws SqliteError (SQLITE_AUTH) if the client may not read rows */
  refuseRows(what: string): void {
    const { grants } = this.#actor;
    if (grants?.sql !== 'none') return;
    throw sqliteError(
      SQLITE_AUTH,
      `${what} reads rows of the database, which this component may not do: allow it with --allow-sql, or grants.sql in code`,
    );
  }

  /** The owner on whose behalf a call runs. If a component's SQL calls functions of the user, this is the component. */
  get #actor(): Owner {
    this.#owners.settle();
    return (this.#owner.isUser && this.#confinement.actor) || this.#owner;
  }

  get #mayUseUsers(): boolean {
    if (this.#confinement.withoutSessions) return false;
    return this.#owner.grants?.sessions ?? true;
  }
}
