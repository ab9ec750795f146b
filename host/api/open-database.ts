/** The state of an open database: its connection and statements. */

import { SQLITE_ERROR } from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { PreparedStatements } from './prepared-statements.js';

/** The maximum number of nested calls, which all use the JavaScript stack. */
const deepest = 100;

/** The open database of statements and sessions. It does not refer to the DatabaseSync, which can thus be collected. */
export class OpenDatabase {
  readonly connection: Connection;
  readonly statements: PreparedStatements;
  /** The number of running calls of SQLite. If it is above 0, the current code is a callback. */
  running = 0;
  /** An error that occurred while the database was closed. */
  lost: Error | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
    this.statements = new PreparedStatements(connection);
  }

  /** Whether an exception made the engine unusable. See {@link Engine.isLost}. */
  get isLost(): boolean {
    return this.connection.engine.isLost;
  }

  /** Begins a call of SQLite. @throws SqliteError if too many calls are nested */
  enter(): void {
    if (this.running >= deepest) {
      throw sqliteError(SQLITE_ERROR, `too many nested calls of SQL in functions: the limit is ${deepest}`);
    }
    this.connection.engine.begin();
    this.running += 1; // last, because begin() throws if the stack is exhausted
  }

  /** Runs an action that may call callbacks of the user. */
  run<T>(action: () => T): T {
    const nested = this.running > 0;
    const { engine } = this.connection;
    this.enter();
    let stack: number | undefined;
    let isDone = false;
    try {
      stack = engine.stack();
      const result = nested ? this.connection.nested(action) : action();
      isDone = true;
      return result;
    } finally {
      this.running -= 1;
      if (!isDone && stack !== undefined) {
        engine.doubted = true;
        if (engine.stack() === stack) engine.doubted = false;
      }
    }
  }

  /** Finalizes the statements and closes the connection. The connection then ends its sessions. */
  close(): void {
    if (this.isLost) return;
    this.statements.close();
    this.connection.engine.core.c.sqlite3_close_v2(this.connection.db);
    if (this.lost) throw this.lost;
  }
}
