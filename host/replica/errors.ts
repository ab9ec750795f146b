/** The error class of replicas, its factory, and the errors after which an operation can succeed later. */

import {
  SQLITE_BUSY,
  SQLITE_CORRUPT,
  SQLITE_FULL,
  SQLITE_INTERRUPT,
  SQLITE_IOERR,
  SQLITE_NOMEM,
} from '../core/constants.js';
import { SqliteError } from '../core/errors.js';

/**
 * The reason of a {@link ReplicaError}.
 *
 * The history:
 * - `recreated`: the history was deleted and created again; `restored`: the history is older than this copy; `trimmed`:
 *   messages that this copy needs were removed; `forked`: the history has another message at this copy's position
 * - `format`: a message has a newer format; `schema`: a message was made with another schema; `diverged`: the changes
 *   of a message do not fit this copy; `limit`: a message exceeds the limits of this copy
 * - `full`: the server has no space; `denied`: the server refuses permission; `unavailable`: the server does not
 *   answer; `conflict`: another copy published first; `unknown`: the server may have stored a message, but its answer
 *   was lost; `missing`: the history does not exist
 *
 * The file:
 * - `not-a-copy`: the file has data but is not a copy of a history; `other-history`: the file is a copy of another
 *   history
 * - `foreign-write`: another program wrote to the file; `two-processes`: another replica opened the file
 *
 * A transaction:
 * - `unrecordable`: a change cannot be recorded; `schema-change`: the transaction changes the schema without `wait:
 *   true`
 * - `rejected`: the transaction cannot be rebased on the history; `refused`: the transaction ran a forbidden statement
 *
 * Others: `busy`: a statement or transaction is open; `closed`: the replica is closed; `stopped`: the replica has
 * stopped after an error; `no-client`: the NATS clients are not installed; `malformed`: the bytes are not a message.
 */
export type ReplicaReason =
  | 'recreated'
  | 'restored'
  | 'trimmed'
  | 'forked'
  | 'format'
  | 'schema'
  | 'diverged'
  | 'limit'
  | 'full'
  | 'denied'
  | 'unavailable'
  | 'conflict'
  | 'unknown'
  | 'missing'
  | 'not-a-copy'
  | 'other-history'
  | 'foreign-write'
  | 'two-processes'
  | 'unrecordable'
  | 'schema-change'
  | 'rejected'
  | 'refused'
  | 'busy'
  | 'closed'
  | 'stopped'
  | 'no-client'
  | 'malformed';

/** An error of a replica. Programs test `reason`. `message` says what happened and what to do. */
export class ReplicaError extends Error {
  override readonly name = 'ReplicaError';
  readonly code = 'ERR_REPLICA';
  readonly reason: ReplicaReason;

  /** @internal Use {@link replicaError}. */
  constructor(reason: ReplicaReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/** Makes a {@link ReplicaError}. @param cause the error that caused this one */
export function replicaError(reason: ReplicaReason, message: string, cause?: unknown): ReplicaError {
  return new ReplicaError(reason, message, cause);
}

/** Whether an error is a {@link ReplicaError} with one of the reasons. */
export function isReason(error: unknown, ...reasons: readonly ReplicaReason[]): error is ReplicaError {
  return error instanceof ReplicaError && reasons.includes(error.reason);
}

/** The message of a thrown value. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Errors of the environment: locks, memory, files, interrupts. */
const ofTheMachine = new Set([
  SQLITE_BUSY,
  SQLITE_NOMEM,
  SQLITE_IOERR,
  SQLITE_FULL,
  SQLITE_INTERRUPT,
  SQLITE_CORRUPT,
]);

/** Whether an error comes from the environment, so that the same operation may succeed later. */
export const isOfTheMachine = (error: unknown): boolean =>
  error instanceof SqliteError && ofTheMachine.has(error.errcode & 0xff);

/** The reasons that stop a replica, because a person must decide what to do. */
const fatal = [
  'recreated',
  'restored',
  'trimmed',
  'forked',
  'format',
  'schema',
  'diverged',
  'limit',
  'foreign-write',
  'two-processes',
  'not-a-copy',
] as const;

/** Whether the replica can follow the history again later. */
export function isTemporary(error: unknown): boolean {
  if (isReason(error, ...fatal)) return false;
  return (
    isReason(error, 'unavailable', 'unknown', 'denied', 'full', 'missing', 'busy') || isOfTheMachine(error)
  );
}
