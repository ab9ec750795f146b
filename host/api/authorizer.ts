/** An authorizer written in JavaScript, and its constants, as in `node:sqlite`. */

import { SQLITE_DENY, SQLITE_IGNORE, SQLITE_OK } from '../core/constants.js';
import { invalidState, invalidType, isInt32 } from '../kernel/arguments.js';
import type { Connection } from '../kernel/connection.js';
import { hooksOf } from '../kernel/hooks.js';

/** Decides what a statement may do: returns SQLITE_OK, SQLITE_DENY or SQLITE_IGNORE of `constants`. */
export type Authorizer = (
  /** The action, such as `constants.SQLITE_READ`. */
  actionCode: number,
  /** The meaning of this and the next argument depends on the action: https://www.sqlite.org/c3ref/c_alter_table.html */
  arg1: string | null,
  arg2: string | null,
  /** The database: "main", "temp" or an attached name. */
  dbName: string | null,
  /** The innermost trigger or view that the action comes from. */
  triggerOrView: string | null,
) => number;

/** The verdicts and the action codes. */
export const authorizerConstants = {
  SQLITE_OK,
  SQLITE_DENY,
  SQLITE_IGNORE,
  SQLITE_CREATE_INDEX: 1,
  SQLITE_CREATE_TABLE: 2,
  SQLITE_CREATE_TEMP_INDEX: 3,
  SQLITE_CREATE_TEMP_TABLE: 4,
  SQLITE_CREATE_TEMP_TRIGGER: 5,
  SQLITE_CREATE_TEMP_VIEW: 6,
  SQLITE_CREATE_TRIGGER: 7,
  SQLITE_CREATE_VIEW: 8,
  SQLITE_DELETE: 9,
  SQLITE_DROP_INDEX: 10,
  SQLITE_DROP_TABLE: 11,
  SQLITE_DROP_TEMP_INDEX: 12,
  SQLITE_DROP_TEMP_TABLE: 13,
  SQLITE_DROP_TEMP_TRIGGER: 14,
  SQLITE_DROP_TEMP_VIEW: 15,
  SQLITE_DROP_TRIGGER: 16,
  SQLITE_DROP_VIEW: 17,
  SQLITE_INSERT: 18,
  SQLITE_PRAGMA: 19,
  SQLITE_READ: 20,
  SQLITE_SELECT: 21,
  SQLITE_TRANSACTION: 22,
  SQLITE_UPDATE: 23,
  SQLITE_ATTACH: 24,
  SQLITE_DETACH: 25,
  SQLITE_ALTER_TABLE: 26,
  SQLITE_REINDEX: 27,
  SQLITE_ANALYZE: 28,
  SQLITE_CREATE_VTABLE: 29,
  SQLITE_DROP_VTABLE: 30,
  SQLITE_FUNCTION: 31,
  SQLITE_SAVEPOINT: 32,
  SQLITE_COPY: 0,
  SQLITE_RECURSIVE: 33,
} as const;

const owner = 'setAuthorizer';

/**
 * Sets the program's authorizer, or removes it with null; those of components stay. What it throws is rethrown
 * unchanged by the call that compiles, as is an error about its return value. C: `sqlite3_set_authorizer`.
 *
 * @throws TypeError if it is neither a function nor null
 */
export function setAuthorizer(connection: Connection, callback: Authorizer | null): void {
  const { engine } = connection;
  const hooks = hooksOf(connection);
  if (callback === null) {
    hooks.remove(owner);
    return;
  }
  if (typeof callback !== 'function') {
    throw invalidType('The "callback" argument must be a function or null.');
  }
  hooks.add(
    {
      authorize(action, texts) {
        return engine.attempt(SQLITE_DENY, () => checked(callback(action, ...texts)));
      },
    },
    owner,
  );
}

function checked(verdict: unknown): number {
  if (!isInt32(verdict)) {
    throw new TypeError('Authorizer callback must return an integer authorization code');
  }
  if (verdict !== SQLITE_OK && verdict !== SQLITE_DENY && verdict !== SQLITE_IGNORE) {
    throw new RangeError('Authorizer callback returned a invalid authorization code');
  }
  return verdict;
}

/** @throws Error (ERR_INVALID_STATE) while an authorizer runs: SQLite is compiling a statement */
export function refuseInAuthorizer(connection: Connection): void {
  if (connection.inside === 'an authorizer') {
    throw invalidState('database cannot be accessed from an authorizer callback');
  }
}
