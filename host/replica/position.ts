/** Checks that a copy and its log belong together before the copy follows the log. */

import { isReason, type ReplicaError, type ReplicaReason, replicaError } from './errors.js';
import type { Log, LogState } from './log.js';
import { digestOf } from './message.js';

/** The position of a reader in a log. */
interface Reader {
  /** The identity of the log. */
  readonly history: string;
  readonly sequence: number;
  /** The digest of the message at `sequence`. */
  readonly mark: string;
}

/** Reads the state of the log of a copy. @throws ReplicaError `missing`, which names the copy's history and position */
export async function stateFor(log: Log, copy: Pick<Reader, 'history' | 'sequence'>): Promise<LogState> {
  try {
    return await log.state();
  } catch (error) {
    if (!isReason(error, 'missing')) throw error;
    throw replicaError(
      'missing',
      `${log.name} does not exist: this copy follows the history with the identity ${copy.history}, and has read it up to message ${copy.sequence}; pass the name of that history, or, if it was deleted, detach the copy and create a new history from it`,
      error,
    );
  }
}

/**
 * Reads the state of a log, and compares it with the position of a copy.
 *
 * @throws ReplicaError `missing`, `recreated`, `restored`, `trimmed`, `forked`; the errors of {@link Log.state}
 */
export async function comparePosition(log: Log, copy: Reader): Promise<LogState> {
  const state = await stateFor(log, copy);
  const { sequence } = copy;
  const fault = (reason: ReplicaReason, what: string): ReplicaError =>
    replicaError(
      reason,
      `${what}; nothing was changed here: make a new copy from a snapshot, or restore the history`,
    );
  if (state.identity !== copy.history) {
    throw fault(
      'recreated',
      `${log.name} is the history ${state.identity}, but this copy follows ${copy.history}`,
    );
  }
  if (state.last < sequence) {
    throw fault(
      'restored',
      `${log.name} ends at message ${state.last}, but this copy has read ${sequence}: the history was restored to an older state`,
    );
  }
  if (state.first > sequence + 1) {
    throw fault(
      'trimmed',
      `${log.name} begins at message ${state.first}, but this copy has read only ${sequence}: the messages between them were removed`,
    );
  }
  if (sequence === 0) return state;
  const bytes = await log.message(sequence);
  if (!bytes) {
    throw fault(
      'trimmed',
      `message ${sequence}, the last one that this copy has read, was removed from ${log.name}`,
    );
  }
  if (digestOf(bytes) !== copy.mark) {
    throw fault(
      'forked',
      `${log.name} contains another message ${sequence} than the message that this copy has read`,
    );
  }
  return state;
}
