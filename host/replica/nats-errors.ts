/** What the NATS clients and their server say, as reasons of replicas. Credentials are never part of it. */

import { type ReplicaError, replicaError, textOf } from './errors.js';

/** Error codes of the JetStream API (server/errors.json of nats-server). */
const wrongLastSequence = 10071;
const streamNotFound = 10059;
const messageNotFound = 10037;
const streamNameInUse = 10058;
const noSpace = new Set([
  10023, // insufficient resources
  10028, // storage or memory limits exceeded
  10047, // insufficient storage resources available
  10077, // the stream has reached its limits
  10117, // the account has reached its limits
  10122, // the stream is larger than the account allows
]);

/** What of an error of the clients matters; they come from modules that may not be there, so there is no `instanceof`. */
interface Fault {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

const faultOf = (error: unknown): Fault => (typeof error === 'object' && error !== null ? error : {});

/** The code of an error of the JetStream API; undefined for others. */
function apiCode(error: unknown): number | undefined {
  const { code } = faultOf(error);
  return typeof code === 'number' ? code : undefined;
}

/** Whether an error, or what caused it, has a name. */
function isNamed(error: unknown, ...names: readonly string[]): boolean {
  const { name, cause } = faultOf(error);
  return (
    (typeof name === 'string' && names.includes(name)) || (cause !== undefined && isNamed(cause, ...names))
  );
}

/** Whether a message that was asked for is not there. */
export const isNoMessage = (error: unknown): boolean => apiCode(error) === messageNotFound;

/** Whether a stream of that name exists already. */
export const isInUse = (error: unknown): boolean => apiCode(error) === streamNameInUse;

/**
 * An error of the clients as that of a replica.
 *
 * @param what was tried, to follow "cannot"
 * @param publishes whether a message may have been stored, although no answer came
 */
export function natsError(error: unknown, what: string, publishes = false): ReplicaError {
  const code = apiCode(error);
  const said = (reason: Parameters<typeof replicaError>[0], why: string): ReplicaError =>
    replicaError(reason, `cannot ${what}: ${why}`, error);
  if (code === wrongLastSequence) return said('conflict', 'another copy published first');
  if (code === streamNotFound) return said('missing', 'there is no such stream');
  if (code !== undefined && noSpace.has(code))
    return said('full', `${textOf(error)}: raise the limits of the server`);
  if (isNamed(error, 'AuthorizationError', 'UserAuthenticationExpiredError')) {
    return said('denied', 'the server refuses the credentials');
  }
  if (isNamed(error, 'PermissionViolationError')) {
    return said('denied', `the server does not permit it: ${textOf(error)}`);
  }
  if (isNamed(error, 'NoRespondersError'))
    return said('unavailable', 'JetStream does not answer: start the server with -js');
  if (code === undefined && publishes) return said('unknown', `the answer was lost (${textOf(error)})`);
  // What the client says if the connection ends while it is made.
  const why = textOf(error).replace('node provided an undefined error', 'the connection was closed');
  return said('unavailable', why);
}
