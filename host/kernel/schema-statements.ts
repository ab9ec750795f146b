/** Reports statements that change the schema, before and after they run, and events that may have undone them. */

import type { Connection } from './connection.js';

/** A listener for statements of a connection that change the schema. */
export interface SchemaListener {
  /** A statement that may change the schema is about to begin. */
  before(sql: string): void;
  /**
   * Such a statement was run, or a transaction may have ended or been undone. Must not run a query if `code` is an
   * error.
   *
   * @param kind CAPTURE_SCHEMA, CAPTURE_ROLLBACK or CAPTURE_OTHER
   * @param code the result of the statement's step
   */
  after(kind: number, code: number): void;
  /** Calls `before` or `after` and handles their exceptions, because they cannot return an error to SQLite. */
  attempt(action: () => void): void;
}

/** The schema listeners of a connection. Without listeners, the core does not call the host. */
export class SchemaListeners implements Disposable {
  readonly #connection: Connection;
  readonly #id: number;
  readonly #listeners = new Set<SchemaListener>();

  constructor(connection: Connection) {
    this.#connection = connection;
    const { engine } = connection;
    this.#id = engine.register({
      captureBefore: (statement) => {
        const sql = textOf(connection, statement);
        for (const listener of this.#listeners) listener.attempt(() => listener.before(sql));
      },
      captureAfter: (_statement, kind, code) => {
        for (const listener of this.#listeners) listener.attempt(() => listener.after(kind, code));
      },
    });
  }

  /** Called when the connection closes. Listeners are not called again. */
  [Symbol.dispose](): void {
    const { engine, db } = this.#connection;
    engine.core.c.bridge_capture(db, 0);
    engine.release(this.#id);
    this.#listeners.clear();
  }

  /** Whether there is no listener, so no session or capture is recording. */
  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  add(listener: SchemaListener): void {
    this.#listeners.add(listener);
    const { engine, db } = this.#connection;
    engine.check(db, engine.core.c.bridge_capture(db, this.#id));
  }

  /** Removes a listener. Returns false if there was no such listener. */
  delete(listener: SchemaListener): boolean {
    if (!this.#listeners.delete(listener)) return false;
    if (this.#listeners.size === 0) {
      const { engine, db } = this.#connection;
      engine.core.c.bridge_capture(db, 0);
    }
    return true;
  }
}

const makeListeners = (connection: Connection): SchemaListeners => new SchemaListeners(connection);

export function schemaListeners(connection: Connection): SchemaListeners {
  return connection.part(makeListeners);
}

/** Returns a statement's SQL, with the values of its parameters. */
function textOf({ engine }: Connection, statement: number): string {
  const { c, memory } = engine.core;
  if (c.sqlite3_bind_parameter_count(statement) === 0) return memory.cString(c.sqlite3_sql(statement)) ?? '';
  const expanded = c.sqlite3_expanded_sql(statement);
  try {
    return memory.cString(expanded) ?? '';
  } finally {
    c.sqlite3_free(expanded);
  }
}
