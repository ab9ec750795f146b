/**
 * Limits the size of a message and the time to apply it. Publishers are trusted with the data, but must not block other
 * programs.
 */

import { ChangesetReader } from '../changeset/reader.js';
import { checkOptions, outOfRange } from '../kernel/arguments.js';
import type { Connection } from '../kernel/connection.js';
import { isReason, type ReplicaError, replicaError } from './errors.js';
import { maxBody, type Transaction } from './message.js';

/**
 * The limits of a message. A copy that reads a message above a limit stops with the reason `limit`, and keeps none of
 * its changes.
 */
export interface MessageLimits {
  /** The maximum number of bytes of changes: 1 GiB by default. */
  bytes?: number;
  /** The maximum number of row changes and schema statements: 10,000,000 by default. */
  rows?: number;
  /** The maximum time to apply the message, in ms: 300,000 by default. */
  milliseconds?: number;
}

export type Limits = Readonly<Required<MessageLimits>>;

const defaults: Limits = { bytes: maxBody, rows: 10_000_000, milliseconds: 300_000 };

/** Only the limits of the message format. */
export const unlimited: Limits = { bytes: maxBody, rows: Infinity, milliseconds: Infinity };

/** Checks the option `limits` and adds the defaults. @throws TypeError, RangeError if a limit is invalid */
export function limitsOf(limits: MessageLimits | undefined): Limits {
  checkOptions(limits, { bytes: 'integer', rows: 'integer', milliseconds: 'integer' });
  const { bytes = defaults.bytes, rows = defaults.rows, milliseconds = defaults.milliseconds } = limits ?? {};
  for (const [name, value] of Object.entries({ bytes, rows, milliseconds })) {
    if (value < 1) throw outOfRange(`The "options.limits.${name}" argument must be at least 1.`);
  }
  return { bytes, rows, milliseconds };
}

/** An error that says which limit a message exceeds. */
export function beyond(
  sequence: number,
  costs: string,
  limit: number,
  name: keyof MessageLimits,
  cause?: unknown,
): ReplicaError {
  return replicaError(
    'limit',
    `message ${sequence} of the history ${costs}, and this copy accepts ${limit}: if the message is correct, raise limits.${name}`,
    cause,
  );
}

/** The size of the smallest change in bytes: operation, indirect flag and one value. */
const smallestChange = 3;

/** @throws ReplicaError (`limit`) if a message changes more rows than allowed */
export function refuseRows(
  sequence: number,
  transactions: readonly Transaction[],
  size: number,
  most: number,
): void {
  if (size / smallestChange <= most) return;
  let count = 0;
  for (const { entries } of transactions) {
    for (const entry of entries) {
      if (entry.kind === 'ddl') {
        count += 1;
        continue;
      }
      const reader = new ChangesetReader(entry.bytes);
      while (reader.next()) count += 1;
    }
  }
  if (count > most) throw beyond(sequence, `changes ${count} rows`, most, 'rows');
}

/**
 * Applies a message, and stops if that takes too long. A long statement is interrupted. `action` must call `check`
 * between rows, because the statement for one row is usually too short to be interrupted.
 *
 * @throws ReplicaError (`limit`) if it took too long; otherwise the error of `action`
 */
export function withinTime(
  connection: Connection,
  sequence: number,
  most: number,
  action: (check: () => void) => void,
): void {
  const { db, engine } = connection;
  const end = performance.now() + most;
  const late = (cause?: unknown): ReplicaError =>
    beyond(sequence, `takes more than ${most} ms to apply`, most, 'milliseconds', cause);
  const check = (): void => {
    if (performance.now() > end) throw late();
  };
  let isInterrupted = false;
  const poll = (): void => {
    if (isInterrupted || performance.now() <= end) return;
    isInterrupted = true;
    engine.core.c.sqlite3_interrupt(db);
  };
  try {
    engine.polling(poll, () => action(check));
  } catch (error) {
    throw isInterrupted && !isReason(error, 'limit') ? late(error) : error;
  }
  check();
}
