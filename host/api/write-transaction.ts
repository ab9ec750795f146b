/** Runs the host's own transactions on a database. */

import type { DatabaseSync } from './database.js';

/** Runs `action` in a transaction that takes the write lock at the start. If it throws, the transaction is rolled back. */
export function writeTransaction<T>(database: DatabaseSync, action: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = action();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
