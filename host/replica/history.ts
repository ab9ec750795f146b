/** Reads parts of a history, and rebuilds the database as of a given message. */

import { existsSync } from 'node:fs';
import { DatabaseSync } from '../api/database.js';
import type { Chance } from './chance.js';
import { Copy } from './copy.js';
import { isReason, replicaError } from './errors.js';
import { makeCopy } from './found.js';
import { type Incoming, IncomingReader } from './incoming.js';
import { unlimited } from './limits.js';
import type { Log, LogMessage } from './log.js';
import { decodeMessage } from './message.js';
import { loadSnapshot } from './snapshot.js';

const batchCount = 256;

/**
 * The messages from one sequence number to another, both included. All of them must exist.
 *
 * @param head the id of the last message before `from` that was not void; if `head` is undefined, the first message is
 *   assumed not to be void
 * @throws ReplicaError the errors of {@link IncomingReader.read} and {@link Log.follow}
 */
export async function* messagesBetween(
  log: Log,
  from: number,
  to: number,
  head?: string,
): AsyncGenerator<Incoming, void, void> {
  if (from > to) return;
  const over = new AbortController();
  let reader = head === undefined ? undefined : new IncomingReader(log, head, unlimited);
  try {
    for await (const { sequence, bytes } of log.follow(from, over.signal)) {
      const stored: LogMessage = { sequence, bytes: bytes.slice() };
      const before = reader ? undefined : predecessorOf(stored.bytes);
      if (before !== undefined) reader = new IncomingReader(log, before, unlimited);
      yield reader ? await reader.read(stored) : { ...stored, message: undefined, transactions: [] };
      if (sequence >= to) return;
    }
  } finally {
    over.abort();
  }
}

/** The id of the preceding message that a message names; undefined if the bytes are not a message. */
function predecessorOf(bytes: Uint8Array): string | undefined {
  try {
    return decodeMessage(bytes).prev;
  } catch (error) {
    if (isReason(error, 'malformed')) return undefined;
    throw error;
  }
}

/**
 * Makes a database with the state of the history after message `sequence`. The caller must close the database and
 * remove the file.
 *
 * @param path a file that does not exist
 * @throws ReplicaError `missing` if the log has neither a usable snapshot nor all messages
 */
export async function rebuild(
  log: Log,
  path: string,
  sequence: number,
  chance: Chance,
  progress: (done: number, total: number) => void = () => {},
): Promise<DatabaseSync> {
  if (existsSync(path)) throw replicaError('refused', `${path} exists`);
  const state = await log.state();
  if (sequence > state.last) {
    throw replicaError('missing', `${log.name} ends at message ${state.last}, before ${sequence}`);
  }
  const isWhole = state.origin === 'empty' && state.first <= 1;
  try {
    await loadSnapshot(log, { ...state, last: sequence }, path, progress);
  } catch (error) {
    if (!isWhole || !isReason(error, 'missing')) throw error;
  }
  const database = new DatabaseSync(path, { locking: 'none' });
  try {
    database.exec('PRAGMA synchronous=OFF');
    if (!existsSync(path) || database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined) {
      makeCopy(database, state.identity, chance.uuid());
    }
    using copy = new Copy(database, 'reject', chance);
    let batch: Incoming[] = [];
    const from = copy.state.sequence;
    for await (const message of messagesBetween(log, from + 1, sequence, copy.state.head)) {
      batch.push(message);
      if (batch.length < batchCount && message.sequence < sequence) continue;
      copy.receive(batch);
      batch = [];
      progress(message.sequence - from, sequence - from);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
