/** The error class of replicas, the only place that makes it, and which errors may pass. */

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
 * What callers tell apart.
 *
 * Of the history:
 * - `recreated`: it was made again under the same name; `restored`: it is older than this copy; `trimmed`: messages
 *   that this copy needs are gone; `forked`: it holds another message at this copy's position
 * - `format`: a message has a newer format; `schema`: it was made on another schema; `diverged`: its changes do not
 *   fit this copy; `limit`: it costs more than this copy accepts
 * - `full`, `denied`, `unavailable`: the server has no space, refuses, or does not answer; `conflict`: another copy
 *   published first; `unknown`: whether a message was stored is not known; `missing`: there is no such history
 *
 * Of the file:
 * - `not-a-copy`: it has data, and is not a copy of a history; `other-history`: it is a copy of another one
 * - `foreign-write`: something other than the replica wrote to it; `two-processes`: another replica opened it
 *
 * Of a transaction:
 * - `unrecordable`: it holds something that cannot be recorded; `schema-change`: it changes the schema and did not wait
 * - `rejected`: it could not be put on top of the history; `refused`: it does what a transaction may not do
 *
 * And `busy`, `closed`, `stopped`, `no-client` (the NATS clients are not installed), `malformed` (bytes that are no
 * message).
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

/** A failure of a replica. `reason` says which, `message` what happened and what to do. */
export class ReplicaError extends Error {
  override readonly name = 'ReplicaError';
  readonly code = 'ERR_REPLICA';
  readonly reason: ReplicaReason;

  /** @internal {@link replicaError} makes them */
  constructor(reason: ReplicaReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/** @param cause the error that led to it */
export function replicaError(reason: ReplicaReason, message: string, cause?: unknown): ReplicaError {
  return new ReplicaError(reason, message, cause);
}

/** Whether an error is a replica's, with one of the reasons. */
export function isReason(error: unknown, ...reasons: readonly ReplicaReason[]): error is ReplicaError {
  return error instanceof ReplicaError && reasons.includes(error.reason);
}

/** The text of anything that was thrown. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Failures of the machine, not of a transaction. */
const ofTheMachine = new Set([
  SQLITE_BUSY,
  SQLITE_NOMEM,
  SQLITE_IOERR,
  SQLITE_FULL,
  SQLITE_INTERRUPT,
  SQLITE_CORRUPT,
]);

/** Whether an error comes from the machine, so that the same may succeed later. */
export const isOfTheMachine = (error: unknown): boolean =>
  error instanceof SqliteError && ofTheMachine.has(error.errcode & 0xff);

/** Reasons that end following: only people can decide what to do. */
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

/** Whether following can succeed later. */
export function isTemporary(error: unknown): boolean {
  if (isReason(error, ...fatal)) return false;
  return (
    isReason(error, 'unavailable', 'unknown', 'denied', 'full', 'missing', 'busy') || isOfTheMachine(error)
  );
}
