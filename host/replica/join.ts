/** Opens a file as a copy of a history: it is one, becomes the first one, or is made from a snapshot. */

import { DatabaseSync } from '../api/database.js';
import type { Chance } from './chance.js';
import { isReason, replicaError } from './errors.js';
import { isCopy, isEmpty, makeCopy } from './found.js';
import type { Log, LogState } from './log.js';
import { loadSnapshot } from './snapshot.js';
import { StateTables } from './state.js';

/** How to open it. */
export interface Joining {
  readonly path: string;
  readonly log: Log;
  /** Whether to make the history if there is none. */
  readonly create: boolean;
  /** How long to wait for another connection's lock, in ms. */
  readonly timeout: number;
  readonly chance: Chance;
  progress(done: number, total: number): void;
}

/** A database that is a copy. */
export interface Joined {
  readonly database: DatabaseSync;
  /** Whether it was made the first copy of a history that does not exist yet. */
  readonly isFirst: boolean;
}

/**
 * Opens the database of a copy; its state is not compared with the history yet.
 *
 * @throws ReplicaError `not-a-copy` for a database with data that is not a copy of the history; `missing` if
 *   there is no history and `create` is not given, or there is no snapshot; as the log does
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
        `there is no ${log.name}: to make it, pass create: true (--create on the command line)`,
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
        `${path} has data and is not a copy of ${log.name}: name a file that does not exist, and it becomes one`,
      );
    }
    if (state.origin === 'empty' && state.first <= 1) {
      makeCopy(database, state.identity, joining.chance.uuid());
      return { database, isFirst: false };
    }
    if (database.location() === null) {
      throw replicaError('not-a-copy', 'a copy in memory cannot be made from a snapshot: name a file');
    }
    database.close();
    await loadSnapshot(log, state, path, (done, total) => joining.progress(done, total));
    return { database: new DatabaseSync(path, { timeout }), isFirst: false };
  } catch (error) {
    if (database.isOpen) database.close();
    throw error;
  }
}

/** Makes the history of a copy that is at its beginning, unless there is one. */
export async function makeHistory(log: Log, identity: string, isPlain: boolean): Promise<void> {
  if (await stateOf(log)) return;
  await log.create(identity, isPlain ? 'empty' : 'snapshot');
}

/**
 * Makes a database what it was before it became the first copy of a history, unless the history was made.
 *
 * @param identity that of the history
 */
export async function giveUpFirst(database: DatabaseSync, log: Log, identity: string): Promise<void> {
  try {
    if ((await log.state()).identity === identity) return;
  } catch (error) {
    if (!isReason(error, 'missing', 'denied', 'other-history')) return; // it may have been made
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
