/** The file of a copy, read beside the process that follows with it. */

import type { DatabaseSync } from '../../index.js';
import { StateTables } from '../../replica/state.js';
import { openDatabase } from '../changeset/files.js';
import { CommandError } from '../exit.js';
import { asCommandError } from './control.js';
import { runningOn } from './running.js';

/** Reads what a copy knows. Nothing is written. @throws CommandError if the file is not a copy */
export function readCopy<T>(path: string, action: (tables: StateTables, database: DatabaseSync) => T): T {
  using database = openDatabase(path, { readOnly: true });
  return inCopy(path, database, action);
}

/** Changes the file of a copy that no process follows with. @throws CommandError */
export function changeCopy<T>(path: string, action: (tables: StateTables, database: DatabaseSync) => T): T {
  const running = runningOn(path);
  if (running) throw new CommandError(`process ${running.pid} follows with ${path}: end it first`);
  using database = openDatabase(path);
  return inCopy(path, database, action);
}

function inCopy<T>(
  path: string,
  database: DatabaseSync,
  action: (tables: StateTables, database: DatabaseSync) => T,
): T {
  const tables = new StateTables(database);
  try {
    if (!tables.exist()) throw new CommandError(`${path} is not a copy of a history`);
    return action(tables, database);
  } catch (error) {
    throw asCommandError(error);
  } finally {
    tables.close();
  }
}
