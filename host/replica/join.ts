/** Opens a file as a copy of a history: an existing copy, the first copy, or one made from a snapshot. */

import { DatabaseSync } from '../api/database.js';
import type { Chance } from './chance.js';
import { isReason, replicaError } from './errors.js';
import { isCopy, isEmpty, makeCopy } from './found.js';
import type { Log, LogState } from './log.js';
import { loadSnapshot } from './snapshot.js';
import { StateTables } from './state.js';

/** The options of {@link openCopyOf}. */
export interface Joining {
  readonly path: string;
  readonly log: Log;
  /** Whether to create the history if it does not exist. */
  readonly create: boolean;
  /** The maximum time to wait for a lock of another connection, in ms. */
  readonly timeout: number;
  readonly chance: Chance;
  progress(done: number, total: number): void;
}

/** A database that is a copy. */
export interface Joined {
  readonly database: DatabaseSync;
  /** Whether the database became the first copy of a history that does not exist yet. */
  readonly isFirst: boolean;
}

/**
 * Opens the database of a copy. Does not compare its position with the history.
 *
 * @throws ReplicaError `not-a-copy` if the file has data and is not a copy; `missing` if the history does not exist and
 *   `create` is false, or if there is no snapshot; the errors of the log
 */
export async function openCopyOf(joining: Joining): Promise<Joined> {
  const { path, log, create, timeout } = joining;
  const database = new DatabaseSync(path, { timeout });
  try {
    if (isCopy(database)) return { database, isFirst: false };
    const state = await stateOf(log);
    if (!state && !create) {
      throw replicaError(
        'missing',
        `${log.name} does not exist: to create it, pass create: true (--create on the command line)`,
      );
    }
    if (!state) {
      const identity = joining.chance.uuid();
      makeCopy(database, identity, joining.chance.uuid());
      return { database, isFirst: true };
    }
    if (!isEmpty(database)) {
      throw replicaError(
        'not-a-copy',
        `${path} has data and is not a copy of ${log.name}: pass the path of a new file`,
      );
    }
    if (state.origin === 'empty' && state.first <= 1) {
      makeCopy(database, state.identity, joining.chance.uuid());
      return { database, isFirst: false };
    }
    if (database.location() === null) {
      throw replicaError(
        'not-a-copy',
        'a copy in memory cannot be made from a snapshot: pass the path of a file',
      );
    }
    database.close();
    await loadSnapshot(log, state, path, (done, total) => joining.progress(done, total));
    return { database: new DatabaseSync(path, { timeout }), isFirst: false };
  } catch (error) {
    if (database.isOpen) database.close();
    throw error;
  }
}

/** Creates the history of the first copy, unless the history exists. */
export async function makeHistory(log: Log, identity: string, isPlain: boolean): Promise<void> {
  if (await stateOf(log)) return;
  await log.create(identity, isPlain ? 'empty' : 'snapshot');
}

/**
 * Undoes {@link makeCopy} if creating the history failed. Does nothing if the history may have been created.
 *
 * @param identity the identity of the history
 */
export async function giveUpFirst(database: DatabaseSync, log: Log, identity: string): Promise<void> {
  try {
    if ((await log.state()).identity === identity) return;
  } catch (error) {
    if (!isReason(error, 'missing', 'denied', 'other-history')) return; // the history may have been created
  }
  new StateTables(database).unmake();
}

async function stateOf(log: Log): Promise<LogState | undefined> {
  try {
    return await log.state();
  } catch (error) {
    if (isReason(error, 'missing')) return undefined;
    throw error;
  }
}
