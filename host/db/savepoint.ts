/** Work that is done whole or not at all, also within a transaction of the user's. */

import { SqliteError } from '../core/errors.js';
import type { Connection } from './engine.js';
import { run } from './query.js';

/**
 * Runs `action` within a savepoint.
 *
 * @param action returns its result, and whether what it did stays
 * @throws what `action` throws; then nothing that it did stays
 * @throws SqliteError if a statement of the same connection writes
 */
export function insideSavepoint<T>(
  connection: Connection,
  name: string,
  action: () => readonly [T, boolean],
): T {
  begin(connection, name);
  let keep = false;
  try {
    const [result, stays] = action();
    if (stays) run(connection, `RELEASE ${name}`);
    keep = stays;
    return result;
  } finally {
    // Nothing is left to take back if SQLite ended the transaction itself, as it does when the disk is full.
    if (!keep && isOpen(connection)) run(connection, `ROLLBACK TO ${name}; RELEASE ${name}`);
  }
}

function begin(connection: Connection, name: string): void {
  try {
    run(connection, `SAVEPOINT ${name}`);
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    throw new SqliteError(
      `a changeset cannot be applied while a statement of the same connection writes: ${error.message}`,
      error.errcode,
      error.errstr,
    );
  }
}

function isOpen({ engine, db }: Connection): boolean {
  return engine.core.c.sqlite3_get_autocommit(db) === 0;
}
