/** The state of an open database: its connection with its statements. */

import { SQLITE_ERROR } from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { PreparedStatements } from './prepared-statements.js';

/** The most calls within each other. Their code is on one stack, that of JavaScript. */
const deepest = 100;

/** An open database, as its statements and sessions see it. It does not refer to the DatabaseSync. */
export class OpenDatabase {
  readonly connection: Connection;
  readonly statements: PreparedStatements;
  /** How many calls of SQLite are running: above 0, the current code is one of its callbacks. */
  running = 0;
  /** What could not be committed while it was closed. */
  lost: Error | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
    this.statements = new PreparedStatements(connection);
  }

  /** Whether it can no longer be used, although nobody closed it. See {@link Engine.isLost}. */
  get isLost(): boolean {
    return this.connection.engine.isLost;
  }

  /** A call of SQLite begins. @throws SqliteError if it is within too many others */
  enter(): void {
    if (this.running >= deepest) {
      throw sqliteError(SQLITE_ERROR, `SQL in functions is nested ${deepest} deep, which is the limit`);
    }
    this.connection.engine.begin();
    this.running += 1; // last: without any stack left, begin() throws
  }

  /** Runs an action that may call back. */
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

  /** Finalizes the statements and closes; SQLite reports that to the connection, which ends the sessions. */
  close(): void {
    if (this.isLost) return;
    this.statements.close();
    this.connection.engine.core.c.sqlite3_close_v2(this.connection.db);
    if (this.lost) throw this.lost;
  }
}
