/** Authorizers written in JavaScript, and their constants, as in `node:sqlite`. */

import * as sqlite from '../core/constants.js';
import { invalidState, invalidType, isInt32 } from '../kernel/arguments.js';
import type { Connection } from '../kernel/connection.js';
import { hooksOf } from '../kernel/hooks.js';

/** Decides what a statement may do: returns SQLITE_OK, SQLITE_DENY or SQLITE_IGNORE of `constants`. */
export type Authorizer = (
  /** The action, such as `constants.SQLITE_READ`. */
  actionCode: number,
  /** The meaning of `arg1` and `arg2` depends on the action: https://www.sqlite.org/c3ref/c_alter_table.html */
  arg1: string | null,
  arg2: string | null,
  /** The database: "main", "temp" or an attached name. */
  dbName: string | null,
  /** The innermost trigger or view that causes the action. */
  triggerOrView: string | null,
) => number;

/** The return values and the action codes of authorizers. */
export const authorizerConstants = {
  SQLITE_OK: sqlite.SQLITE_OK,
  SQLITE_DENY: sqlite.SQLITE_DENY,
  SQLITE_IGNORE: sqlite.SQLITE_IGNORE,
  SQLITE_CREATE_INDEX: sqlite.SQLITE_CREATE_INDEX,
  SQLITE_CREATE_TABLE: sqlite.SQLITE_CREATE_TABLE,
  SQLITE_CREATE_TEMP_INDEX: sqlite.SQLITE_CREATE_TEMP_INDEX,
  SQLITE_CREATE_TEMP_TABLE: sqlite.SQLITE_CREATE_TEMP_TABLE,
  SQLITE_CREATE_TEMP_TRIGGER: sqlite.SQLITE_CREATE_TEMP_TRIGGER,
  SQLITE_CREATE_TEMP_VIEW: sqlite.SQLITE_CREATE_TEMP_VIEW,
  SQLITE_CREATE_TRIGGER: sqlite.SQLITE_CREATE_TRIGGER,
  SQLITE_CREATE_VIEW: sqlite.SQLITE_CREATE_VIEW,
  SQLITE_DELETE: sqlite.SQLITE_DELETE,
  SQLITE_DROP_INDEX: sqlite.SQLITE_DROP_INDEX,
  SQLITE_DROP_TABLE: sqlite.SQLITE_DROP_TABLE,
  SQLITE_DROP_TEMP_INDEX: sqlite.SQLITE_DROP_TEMP_INDEX,
  SQLITE_DROP_TEMP_TABLE: sqlite.SQLITE_DROP_TEMP_TABLE,
  SQLITE_DROP_TEMP_TRIGGER: sqlite.SQLITE_DROP_TEMP_TRIGGER,
  SQLITE_DROP_TEMP_VIEW: sqlite.SQLITE_DROP_TEMP_VIEW,
  SQLITE_DROP_TRIGGER: sqlite.SQLITE_DROP_TRIGGER,
  SQLITE_DROP_VIEW: sqlite.SQLITE_DROP_VIEW,
  SQLITE_INSERT: sqlite.SQLITE_INSERT,
  SQLITE_PRAGMA: sqlite.SQLITE_PRAGMA,
  SQLITE_READ: sqlite.SQLITE_READ,
  SQLITE_SELECT: sqlite.SQLITE_SELECT,
  SQLITE_TRANSACTION: sqlite.SQLITE_TRANSACTION,
  SQLITE_UPDATE: sqlite.SQLITE_UPDATE,
  SQLITE_ATTACH: sqlite.SQLITE_ATTACH,
  SQLITE_DETACH: sqlite.SQLITE_DETACH,
  SQLITE_ALTER_TABLE: sqlite.SQLITE_ALTER_TABLE,
  SQLITE_REINDEX: sqlite.SQLITE_REINDEX,
  SQLITE_ANALYZE: sqlite.SQLITE_ANALYZE,
  SQLITE_CREATE_VTABLE: sqlite.SQLITE_CREATE_VTABLE,
  SQLITE_DROP_VTABLE: sqlite.SQLITE_DROP_VTABLE,
  SQLITE_FUNCTION: sqlite.SQLITE_FUNCTION,
  SQLITE_SAVEPOINT: sqlite.SQLITE_SAVEPOINT,
  SQLITE_COPY: sqlite.SQLITE_COPY,
  SQLITE_RECURSIVE: sqlite.SQLITE_RECURSIVE,
} as const;

const owner = 'setAuthorizer';

/** Implements {@link DatabaseSync.setAuthorizer}. */
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
        return engine.attempt(sqlite.SQLITE_DENY, () => checked(callback(action, ...texts)));
      },
    },
    owner,
  );
}

function checked(verdict: unknown): number {
  if (!isInt32(verdict)) {
    throw new TypeError('Authorizer callback must return an integer authorization code');
  }
  if (verdict !== sqlite.SQLITE_OK && verdict !== sqlite.SQLITE_DENY && verdict !== sqlite.SQLITE_IGNORE) {
    throw new RangeError('Authorizer callback returned a invalid authorization code');
  }
  return verdict;
}

/** @throws Error (ERR_INVALID_STATE) while an authorizer or the function of {@link setErrorLog} runs */
export function refuseInAuthorizer(connection: Connection): void {
  connection.engine.refuseInLog();
  if (connection.inside === 'an authorizer') {
    throw invalidState('database cannot be accessed from an authorizer callback');
  }
}
