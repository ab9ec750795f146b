/** Makes an operation atomic, also within a transaction of the user. */

import { SQLITE_DONE } from '../core/constants.js';
import { SqliteError, sqliteError } from '../core/errors.js';
import type { Connection } from './connection.js';
import { keepsTransaction } from './statement-rules.js';

/** The time during which the user's SQL cannot end the transaction, for error messages. */
export const whileApplying = 'while a changeset is applied';

/** The error of an apply within a statement that writes. */
export function refusedByWriter({ errcode }: SqliteError): SqliteError {
  return sqliteError(
    errcode,
    'a changeset cannot be applied while a statement of the same connection writes',
  );
}

/** The statements of a savepoint, compiled in advance, because compiling could fail later for lack of memory. */
interface Statements {
  readonly begin: number;
  readonly release: number;
  readonly rollBack: number;
}

/** The statements of each savepoint, by name. They are finalized before the connection is closed. */
function savepoints(connection: Connection): Map<string, Statements> {
  const all = new Map<string, Statements>();
  const { c } = connection.engine.core;
  connection.beforeClose(() => {
    for (const { begin, release, rollBack } of all.values()) {
      for (const statement of [begin, release, rollBack]) c.sqlite3_finalize(statement);
    }
    all.clear();
  });
  return all;
}

/**
 * Runs `action` within a savepoint, which the user's SQL cannot end.
 *
 * @param action returns its result, and whether to keep its changes
 * @throws the exception of `action`, after undoing its changes
 * @throws SqliteError if a statement of the same connection is writing
 */
export function insideSavepoint<T>(
  connection: Connection,
  name: string,
  action: () => readonly [T, boolean],
): T {
  connection.refuse('', false);
  const { begin, release, rollBack } = statementsOf(connection, name);
  try {
    step(connection, begin);
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    throw refusedByWriter(error);
  }
  let keep = false;
  try {
    const [result, stays] = connection.ruled(keepsTransaction(whileApplying), action);
    if (stays) step(connection, release);
    keep = stays;
    return result;
  } finally {
    // If SQLite ended the transaction itself, for example because the disk is full, there is nothing to undo.
    if (!keep && connection.inTransaction) {
      step(connection, rollBack);
      step(connection, release);
    }
  }
}

function statementsOf(connection: Connection, name: string): Statements {
  const all = connection.part(savepoints);
  let found = all.get(name);
  if (!found) {
    found = {
      begin: compile(connection, `SAVEPOINT ${name}`),
      release: compile(connection, `RELEASE ${name}`),
      rollBack: compile(connection, `ROLLBACK TO ${name}`),
    };
    all.set(name, found);
  }
  return found;
}

function compile({ engine, db }: Connection, sql: string): number {
  const { c, memory } = engine.core;
  using arena = memory.arena();
  const out = arena.allocate(4);
  engine.check(db, c.sqlite3_prepare_v3(db, arena.cString(sql), -1, 0, out, 0));
  return memory.pointerAt(out);
}

function step({ engine, db }: Connection, statement: number): void {
  const { c } = engine.core;
  const code = c.sqlite3_step(statement);
  try {
    if (code !== SQLITE_DONE) engine.check(db, code);
  } finally {
    c.sqlite3_reset(statement);
  }
}
