/** The state of an open database: its connection with its statements. */

import type { Connection } from '../kernel/connection.js';
import { PreparedStatements } from './prepared-statements.js';

/** An open database, as its statements and sessions see it. It does not refer to the DatabaseSync. */
export class OpenDatabase {
  readonly connection: Connection;
  readonly statements: PreparedStatements;
  /** How many calls of SQLite are running: above 0, the current code is one of its callbacks. */
  running = 0;

  constructor(connection: Connection) {
    this.connection = connection;
    this.statements = new PreparedStatements(connection);
  }

  /** Runs an action that may call back. */
  run<T>(action: () => T): T {
    const nested = this.running > 0;
    this.running += 1;
    this.connection.engine.begin();
    try {
      return nested ? this.connection.nested(action) : action();
    } finally {
      this.running -= 1;
    }
  }

  /** Finalizes the statements and closes; SQLite reports that to the connection, which ends the sessions. */
  close(): void {
    this.statements.close();
    this.connection.engine.core.c.sqlite3_close_v2(this.connection.db);
  }
}
