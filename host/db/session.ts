/** Sessions in code, shaped as `Session` of `node:sqlite`. */

import { illegalConstructor, invalidState } from './arguments.js';
import type { ChangesetKind, SessionRegistry } from './sessions.js';
import { madeByDatabase, type OpenDatabase } from './statement.js';

/** What a session has of its database. */
export interface SessionOwner {
  readonly open: OpenDatabase;
  /** What the database has open now, if anything. */
  now(): OpenDatabase | undefined;
}

/** Records changes from its making on. Made by {@link DatabaseSync.createSession}; ends with its database. */
export class Session implements Disposable {
  readonly #owner: SessionOwner;
  readonly #handle: bigint;

  /** Made by {@link DatabaseSync.createSession}. @throws Error (ERR_ILLEGAL_CONSTRUCTOR) otherwise */
  constructor(token: symbol, owner: SessionOwner, handle: bigint) {
    if (token !== madeByDatabase) throw illegalConstructor();
    this.#owner = owner;
    this.#handle = handle;
  }

  /**
   * What was recorded so far, old values included; empty where nothing changed in the end. The caller owns the
   * bytes. C: `sqlite3session_changeset`.
   *
   * @throws Error (ERR_INVALID_STATE) where the session or its database is closed
   * @throws SqliteError (SQLITE_SCHEMA) where a recorded table was dropped, renamed or lost a column
   */
  changeset(): Uint8Array {
    return this.#read('changeset');
  }

  /** The same without old values. C: `sqlite3session_patchset`. */
  patchset(): Uint8Array {
    return this.#read('patchset');
  }

  /**
   * Ends the session. C: `sqlite3session_delete`.
   *
   * @throws Error (ERR_INVALID_STATE) where it is closed, or where a callback of its database is running
   */
  close(): void {
    const sessions = this.#open();
    if (this.#owner.open.running > 0) throw invalidState('session cannot be closed while in a callback');
    sessions.delete(this.#handle);
  }

  /** Ends the session unless it is closed already or a callback of its database is running. */
  [Symbol.dispose](): void {
    const { open } = this.#owner;
    if (this.#owner.now() !== open || open.running > 0) return;
    if (open.connection.sessions.has(this.#handle)) this.close();
  }

  #read(kind: ChangesetKind): Uint8Array {
    const sessions = this.#open();
    // Generated columns are computed for it, by functions that may call back.
    return this.#owner.open.run(() => sessions.changeset(this.#handle, kind));
  }

  #open(): SessionRegistry {
    const { open } = this.#owner;
    const now = this.#owner.now();
    if (!now) throw invalidState('database is not open');
    const { sessions } = open.connection;
    if (now !== open || !sessions.has(this.#handle)) throw invalidState('session is not open');
    return sessions;
  }
}
