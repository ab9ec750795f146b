/** The actions of statements, as SQLite's authorizer reports them. */

import { authorizerConstants as constants } from './authorizer.js';

/** An action of a statement. https://www.sqlite.org/c3ref/c_alter_table.html describes the arguments. */
export interface Action {
  readonly code: number;
  readonly first: string | null;
  readonly second: string | null;
  readonly database: string | null;
  /** The innermost trigger or view that causes the action. */
  readonly source: string | null;
}

/** Actions that write to a table or the schema. */
const writing = new Set<number>([
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_CREATE_VTABLE,
  constants.SQLITE_DELETE,
  constants.SQLITE_DROP_INDEX,
  constants.SQLITE_DROP_TABLE,
  constants.SQLITE_DROP_TRIGGER,
  constants.SQLITE_DROP_VIEW,
  constants.SQLITE_DROP_VTABLE,
  constants.SQLITE_INSERT,
  constants.SQLITE_UPDATE,
  constants.SQLITE_ALTER_TABLE,
  constants.SQLITE_REINDEX,
  constants.SQLITE_ANALYZE,
]);
/** Pragmas that write content that a capture records. */
const writingPragmas = new Set(['user_version', 'application_id', 'optimize']);

/** The database that an action writes to; undefined if it writes to none. */
export function written({ code, first, second, database }: Action): string | undefined {
  if (code === constants.SQLITE_ALTER_TABLE) return first ?? undefined;
  if (writing.has(code)) return database ?? 'main';
  const sets = code === constants.SQLITE_PRAGMA && writingPragmas.has((first ?? '').toLowerCase());
  return sets && (second !== null || first?.toLowerCase() === 'optimize') ? (database ?? 'main') : undefined;
}

/** The name of the table, index, trigger or view that an action affects. */
export function subject({ code, first, second }: Action): string {
  return (code === constants.SQLITE_ALTER_TABLE ? second : first) ?? '';
}
