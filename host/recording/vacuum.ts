/** Refuses VACUUM while rows are recorded by rowid, because VACUUM changes the rowids of tables without a key. */

import { CAPTURE_SCHEMA, SQLITE_ATTACH, SQLITE_DENY, SQLITE_OK } from '../core/constants.js';
import type { Connection } from '../kernel/connection.js';
import { hooksOf } from '../kernel/hooks.js';
import { type SchemaListener, schemaListeners } from '../kernel/schema-statements.js';
import { vacuumed } from './ddl.js';

/** A session or capture that may record tables without a key by rowid. */
export interface RowidRecording {
  readonly database: string;
  /** A table that is currently recorded by rowid; undefined if there is none. */
  readonly tableByRowid: string | undefined;
}

const makeGuard = (connection: Connection): VacuumGuard => new VacuumGuard(connection);

export function vacuumGuard(connection: Connection): VacuumGuard {
  return connection.part(makeGuard);
}

export class VacuumGuard implements SchemaListener {
  readonly #connection: Connection;
  readonly #recordings = new Set<RowidRecording>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  add(recording: RowidRecording): void {
    this.#recordings.add(recording);
    schemaListeners(this.#connection).add(this);
  }

  delete(recording: RowidRecording): void {
    this.#recordings.delete(recording);
    if (this.#recordings.size === 0) schemaListeners(this.#connection).delete(this);
  }

  before(sql: string): void {
    const database = vacuumed(sql)?.toLowerCase();
    if (database === undefined) return;
    for (const recording of this.#recordings) {
      if (recording.database.toLowerCase() !== database) continue;
      const table = recording.tableByRowid;
      if (table === undefined) continue;
      this.#refuse(table);
      return;
    }
  }

  after(kind: number): void {
    if (kind === CAPTURE_SCHEMA) hooksOf(this.#connection).remove(this);
  }

  attempt(action: () => void): void {
    try {
      action();
    } catch {} // the schema cannot be read now, so VACUUM fails too
  }

  /** A schema listener cannot make a statement fail, so this adds an authorizer until the statement has run. */
  #refuse(table: string): void {
    const hooks = hooksOf(this.#connection);
    const authorize = (action: number): number => {
      if (action !== SQLITE_ATTACH) return SQLITE_OK; // VACUUM runs ATTACH first
      hooks.denied(
        `VACUUM is refused while changes of ${table}, a table without a PRIMARY KEY, are recorded by rowid: it would change the rowids`,
      );
      return SQLITE_DENY;
    };
    hooks.add({ authorize }, this);
  }
}
