/** Which sessions a component may use: its own, and the user's where they are granted. */

import { SQLITE_AUTH, SQLITE_MISUSE } from '../core/constants.js';
import { SqliteError } from '../core/errors.js';
import type { Owner } from './owner.js';
import type { SessionRegistry, SessionState } from './sessions.js';

/** Said if a session is not found by one who may not use the user's. */
const remedy = "; the user's sessions need --allow-sessions, or grants.sessions in code";

/** What one owner may use. What SQL of a component calls is held to that component's sessions. */
export class SessionAccess {
  readonly #owner: Owner;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** Its own sessions, to make one. @throws SqliteError (SQLITE_AUTH) if it may not read rows */
  get own(): SessionRegistry {
    this.refuseRows('a session');
    const { isOver, sessions, connection } = this.#actor;
    if (!isOver) return sessions;
    throw new SqliteError(
      'this instance of the component is over, since it trapped or was loaded again: it makes no sessions',
      SQLITE_MISUSE,
      connection.engine.core.errorText(SQLITE_MISUSE),
    );
  }

  /** The sessions that have `handle`, or that say why there is none. */
  having(handle: bigint): SessionRegistry {
    const { sessions } = this.#actor;
    if (sessions.has(handle) || sessions.gave(handle)) return sessions;
    const { user } = this.#owner.connection.owners;
    if (this.#mayUseUsers) return user.sessions;
    throw sessions.unknown(handle, remedy);
  }

  /** Those that can be used: the user's, then its own. */
  list(): SessionState[] {
    const actor = this.#actor;
    const { user } = this.#owner.connection.owners;
    return [...(this.#mayUseUsers && actor !== user ? user.sessions.list() : []), ...actor.sessions.list()];
  }

  /** @throws SqliteError (SQLITE_AUTH) unless it was granted to read rows */
  refuseRows(what: string): void {
    const { grants, connection } = this.#actor;
    if (grants?.sql !== 'none') return;
    throw new SqliteError(
      `${what} reads rows of the database, which is not granted to this component: allow it with --allow-sql, or grants.sql in code`,
      SQLITE_AUTH,
      connection.engine.core.errorText(SQLITE_AUTH),
    );
  }

  /** Whose call this is: of the component whose SQL runs, if the user's own functions are called by it. */
  get #actor(): Owner {
    const { confinement, owners } = this.#owner.connection;
    owners.settle();
    return (this.#owner.isUser && confinement.actor) || this.#owner;
  }

  get #mayUseUsers(): boolean {
    if (this.#owner.connection.confinement.withoutSessions) return false;
    return this.#owner.grants?.sessions ?? true;
  }
}
