/** Decides which statements the daemon refuses. All clients share one connection, which captures one database. */

import { type Action, subject, written } from '../../api/actions.js';
import { SQLITE_AUTH } from '../../core/constants.js';
import { sqliteError } from '../../core/errors.js';
import { constants, type DatabaseSync } from '../../index.js';
import { vacuumed } from '../../recording/ddl.js';
import { markers } from '../journal/format.js';
import type { Made, Rule } from '../journal/guard.js';
import { bare } from '../journal/recorder.js';

/** Pragmas that are refused because they affect all clients. */
const refusedPragmas = new Set([
  'case_sensitive_like',
  'hard_heap_limit',
  'locking_mode',
  'schema_version',
  'soft_heap_limit',
  'temp_store',
  'temp_store_directory',
  'writable_schema',
]);
/** The refused journal modes. SQLite also accepts a prefix of such a word. */
const unsafeJournals = ['off', 'memory'];
/** The accepted values of PRAGMA synchronous. All others are less safe. */
const safeSynchronous = new Set(['full', '2', 'extra', '3']);

/** Makes the rule for the statements of clients. @param database the path of the database, for messages */
export function clientRules(database: string): Rule {
  return (action) => {
    const to = written(action);
    if (to !== undefined && to !== 'main' && to !== 'temp') {
      return `${to}.${subject(action)} is in an attached database, and its changes are not captured: clients can write only to ${database}`;
    }
    if (
      (to !== undefined || action.code === constants.SQLITE_CREATE_TEMP_TRIGGER) &&
      touchesMarkers(action)
    ) {
      return `${markers} is the daemon's own table, which tracks captured changes: it cannot be changed`;
    }
    if (action.code === constants.SQLITE_CREATE_TEMP_TRIGGER) {
      return `the temporary trigger ${action.first} is refused: it would fire for every client of the daemon`;
    }
    return action.code === constants.SQLITE_PRAGMA ? pragmaRule(action) : undefined;
  };
}

/**
 * Refuses a new table or view if `main` and `temp` would then both have that name. Otherwise other clients would write
 * to the temporary one, which is not captured.
 *
 * @throws SqliteError (SQLITE_AUTH)
 */
export function refuseStandIns(database: DatabaseSync, made: readonly Made[]): void {
  for (const { name, isTemporary } of made) {
    const schema = isTemporary ? 'main' : 'temp';
    const found = database
      .prepare(
        `SELECT 1 FROM ${schema}.sqlite_schema WHERE name=? COLLATE NOCASE AND type IN ('table', 'view') LIMIT 1`,
      )
      .get(name);
    if (!found) continue;
    const message = `${isTemporary ? 'temp' : 'main'}.${name} is refused: ${schema}.${name} exists, and clients could write to the wrong one`;
    throw sqliteError(SQLITE_AUTH, message);
  }
}

/** Refuses VACUUM. @throws SqliteError (SQLITE_AUTH) */
export function refuseVacuum(sql: string, database: string): void {
  if (!/^vacuum\b/i.test(bare(sql))) return;
  const message =
    vacuumed(sql) === undefined
      ? `VACUUM INTO is refused, because clients can write only to ${database}`
      : 'VACUUM is refused while the daemon runs, because it changes the rowids of tables without a PRIMARY KEY: end the daemon first';
  throw sqliteError(SQLITE_AUTH, message);
}

function touchesMarkers({ code, first, second }: Action): boolean {
  const isMarkers = (name: string | null): boolean => name?.toLowerCase() === markers;
  if (code === constants.SQLITE_REINDEX || code === constants.SQLITE_ANALYZE) return false;
  // For a trigger or an index, the table is the second argument.
  return isMarkers(first) || (code !== constants.SQLITE_UPDATE && isMarkers(second));
}

function pragmaRule({ first, second }: Action): string | undefined {
  if (second === null) return undefined;
  const name = (first ?? '').toLowerCase();
  const value = second.toLowerCase();
  if (name === 'synchronous' && !safeSynchronous.has(value)) {
    return `PRAGMA synchronous=${second} is refused: acknowledged changes of all clients must be on disk`;
  }
  if (name === 'journal_mode' && value !== '' && unsafeJournals.some((mode) => mode.startsWith(value))) {
    return `PRAGMA journal_mode=${second} is refused: a crash would damage the database of all clients`;
  }
  if (!refusedPragmas.has(name)) return undefined;
  return `PRAGMA ${name}=${second} is refused: it would affect every client of the daemon`;
}
