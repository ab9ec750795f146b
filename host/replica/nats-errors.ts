/** Converts errors of the NATS clients and the server to errors of replicas. The messages never contain credentials. */

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

/** The members of a client error that are read. The modules for `instanceof` may not be installed. */
interface Fault {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

const faultOf = (error: unknown): Fault => (typeof error === 'object' && error !== null ? error : {});

/** The code of an error of the JetStream API; undefined for other errors. */
function apiCode(error: unknown): number | undefined {
  const { code } = faultOf(error);
  return typeof code === 'number' ? code : undefined;
}

/** Whether an error or one of its causes has one of the names. */
function isNamed(error: unknown, ...names: readonly string[]): boolean {
  const { name, cause } = faultOf(error);
  return (
    (typeof name === 'string' && names.includes(name)) || (cause !== undefined && isNamed(cause, ...names))
  );
}

/** Whether an error says that the requested message does not exist. */
export const isNoMessage = (error: unknown): boolean => apiCode(error) === messageNotFound;

/** Whether an error says that a stream of that name exists already. */
export const isInUse = (error: unknown): boolean => apiCode(error) === streamNameInUse;

/**
 * Converts an error of the clients to an error of a replica.
 *
 * @param what the operation that failed, as a phrase that follows "cannot"
 * @param publishes whether the server may have stored a message without answering
 */
export function natsError(error: unknown, what: string, publishes = false): ReplicaError {
  const code = apiCode(error);
  const said = (reason: Parameters<typeof replicaError>[0], why: string): ReplicaError =>
    replicaError(reason, `cannot ${what}: ${why}`, error);
  if (code === wrongLastSequence) return said('conflict', 'another copy published first');
  if (code === streamNotFound) return said('missing', 'the stream does not exist');
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
  // The client reports this text if the connection ends while it is being made.
  const why = textOf(error).replace('node provided an undefined error', 'the connection was closed');
  return said('unavailable', why);
}
