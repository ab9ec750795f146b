/** Reads or changes the file of a copy directly, without a replica. */

import type { DatabaseSync } from '../../index.js';
import { StateTables } from '../../replica/state.js';
import { openDatabase } from '../changeset/files.js';
import { CommandError } from '../exit.js';
import { asCommandError } from './control.js';
import { runningOn } from './running.js';

/** Reads the state of a copy, even if another process uses the file. @throws CommandError if the file is not a copy */
export function readCopy<T>(path: string, action: (tables: StateTables, database: DatabaseSync) => T): T {
  using database = openDatabase(path, { readOnly: true });
  return inCopy(path, database, action);
}

/** Changes the file of a copy. @throws CommandError if the file is not a copy, or if a `replica run` process uses it */
export function changeCopy<T>(path: string, action: (tables: StateTables, database: DatabaseSync) => T): T {
  const running = runningOn(path);
  if (running) throw new CommandError(`process ${running.pid} is running a replica on ${path}: end it first`);
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
