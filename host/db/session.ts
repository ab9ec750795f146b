/** Sessions in code, shaped as `Session` of `node:sqlite`. */

import { illegalConstructor, invalidState } from './arguments.js';
import type { Connection } from './engine.js';
import { madeByDatabase } from './statement.js';

export class Session {
  readonly #connection: () => Connection;
  readonly #handle: bigint;

  /** Made by {@link DatabaseSync.createSession}. @throws TypeError (ERR_ILLEGAL_CONSTRUCTOR) otherwise */
  constructor(token: symbol, connection: () => Connection, handle: bigint) {
    if (token !== madeByDatabase) throw illegalConstructor();
    this.#connection = connection;
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
    return this.#open().sessions.changeset(this.#handle);
  }

  /** The same without old values. C: `sqlite3session_patchset`. */
  patchset(): Uint8Array {
    return this.#open().sessions.changeset(this.#handle, 'patchset');
  }

  /** Ends the session. C: `sqlite3session_delete`. @throws Error (ERR_INVALID_STATE) where it is closed */
  close(): void {
    this.#open().sessions.delete(this.#handle);
  }

  /** Ends the session unless it is closed already. */
  [Symbol.dispose](): void {
    try {
      this.close();
    } catch {
      // It, or its database, is closed: what was wanted.
    }
  }

  #open(): Connection {
    const connection = this.#connection();
    if (!connection.sessions.has(this.#handle)) throw invalidState('session is not open');
    return connection;
  }
}
