/** Rules for the statements that may run while SQLite is in the middle of an operation. */

import type { Core } from '../core/core.js';
import { controlOf } from './tokens.js';

/**
 * Returns why a statement may not run; undefined if it may.
 *
 * @param sql the SQL of the statement; empty for a write without SQL
 * @param reads whether the statement only reads
 */
export type StatementRule = (sql: string, reads: boolean) => string | undefined;

/** Whether a compiled statement reads data and does nothing else, such as control a transaction or a setting. */
export function onlyReads({ c }: Core, statement: number): boolean {
  return c.sqlite3_stmt_readonly(statement) !== 0 && c.sqlite3_column_count(statement) > 0;
}

/** @param during the time of the operation, such as "while a session is read" */
export function readsOnly(during: string): StatementRule {
  return (_, reads) => (reads ? undefined : `only SQL that reads can run ${during}`);
}

/** Refuses to end the transaction, or a savepoint that was open when the operation began. */
export function keepsTransaction(during: string): StatementRule {
  const begun: string[] = [];
  return (sql, reads) => {
    const control = reads ? undefined : controlOf(sql);
    if (!control) return undefined;
    const { verb, savepoint } = control;
    if (savepoint === undefined) return `the transaction cannot be ended ${during}`;
    if (verb === 'savepoint') {
      begun.push(savepoint);
      return undefined;
    }
    const at = begun.lastIndexOf(savepoint);
    if (at < 0) return `savepoint ${savepoint} cannot be ended or rolled back ${during}: it was begun before`;
    begun.length = verb === 'release' ? at : at + 1;
    return undefined;
  };
}
