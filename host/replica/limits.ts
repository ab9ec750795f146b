/** What a message may cost a copy: whoever publishes is trusted with the data, but not with the time of other programs. */

import { ChangesetReader } from '../changeset/reader.js';
import { checkOptions, outOfRange } from '../kernel/arguments.js';
import type { Connection } from '../kernel/connection.js';
import { isReason, type ReplicaError, replicaError } from './errors.js';
import { maxBody, type Transaction } from './message.js';

/** What a message may cost. A copy stops with the reason `limit` before one that costs more; nothing of it is kept. */
export interface MessageLimits {
  /** Bytes of changes: 1 GiB by default. */
  bytes?: number;
  /** Changes of rows, and statements that change the schema: 10,000,000 by default. */
  rows?: number;
  /** How long applying it may take, in ms: 300,000 by default. */
  milliseconds?: number;
}

/** All of the limits. */
export type Limits = Readonly<Required<MessageLimits>>;

const defaults: Limits = { bytes: maxBody, rows: 10_000_000, milliseconds: 300_000 };

/** No limits but those of the form of messages. */
export const unlimited: Limits = { bytes: maxBody, rows: Infinity, milliseconds: Infinity };

/** The option `limits` with the defaults. @throws TypeError, RangeError for what is no limit */
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
    `message ${sequence} of the history ${costs}, and this copy accepts ${limit}: if the message is right, raise limits.${name}`,
    cause,
  );
}

/** An operation, a flag and one value, of one byte each. */
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
 * Applies a message, and stops if that takes too long: SQLite is interrupted between its steps, and `action` calls `check`
 * between rows, because the steps of one row are few.
 *
 * @throws ReplicaError (`limit`) if it took longer; else what `action` throws
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
