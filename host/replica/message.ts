/**
 * The format of a message, which contains transactions that one copy publishes together.
 *
 *     offset  bytes
 *     0       4      "SWRM"
 *     4       1      the version of this format: 1
 *     5       4      the size of the head in bytes, big-endian
 *     9       ...    the head, JSON in UTF-8: {@link MessageHead}
 *             ...    the captures of the transactions, one after another; empty if the head names an object
 *
 * The reader checks every part of a message, so that a malformed message cannot harm the program.
 */

import { createHash } from 'node:crypto';
import { SqliteError } from '../core/errors.js';
import { type CaptureEntry, decodeCapture } from '../recording/capture-format.js';
import { refusedEntry } from './allowed.js';
import { type ReplicaError, replicaError } from './errors.js';

/** A transaction in the head of a message. */
export interface TransactionHead {
  /** A UUID, the same for all attempts to publish the transaction. */
  readonly id: string;
  /** When its copy committed the transaction, in ms since 1970. */
  readonly time: number;
  /** The size of the capture in bytes. */
  readonly size: number;
  /** The name of the registered function that the transaction called. */
  readonly name?: string;
}

/** The object that stores the captures of a message if they are too large for the message. */
export interface ObjectReference {
  /** The SHA-256 digest in hex. The object's name ends with the digest. */
  readonly digest: string;
  readonly size: number;
}

/** The head of a message. */
export interface MessageHead {
  /** A UUID. */
  readonly id: string;
  /** The id of the preceding message; the identity of the log in the first message. */
  readonly prev: string;
  /** The UUID of the copy that published the message. */
  readonly copy: string;
  /** When the message was published, in ms since 1970. */
  readonly time: number;
  /** The digest of the copy's schema when it published the message. */
  readonly schema: string;
  readonly transactions: readonly TransactionHead[];
  readonly object?: ObjectReference;
}

/** A decoded message. */
export interface Message extends MessageHead {
  /** The captures; empty if an object stores them. */
  readonly body: Uint8Array;
}

/** A transaction of the history. */
export interface Transaction extends TransactionHead {
  readonly entries: readonly CaptureEntry[];
}

const magic = new TextEncoder().encode('SWRM');
const version = 1;
const headStart = 9;
/** The maximum size of the head in bytes, and the maximum number of transactions. */
const maxHead = 2 ** 24;
const maxTransactions = 65_536;
const maxName = 200;
/** The maximum size of the captures of a message in bytes. */
export const maxBody = 2 ** 30;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const sha256 = /^[0-9a-f]{64}$/;

/** The SHA-256 digest in hex. */
export function digestOf(...pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** Whether a value is a UUID in lower case. */
export const isUuid = (text: unknown): text is string => typeof text === 'string' && uuid.test(text);

/** Encodes a message. @param body the captures; empty if the head names an object */
export function encodeMessage(head: MessageHead, body: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const { id, prev, copy, time, schema, transactions, object } = head;
  const json = encoder.encode(
    JSON.stringify({ id, prev, copy, time, schema, transactions, ...(object && { object }) }),
  );
  const size = body.reduce((sum, { length }) => sum + length, headStart + json.length);
  const bytes = new Uint8Array(size);
  bytes.set(magic);
  bytes[magic.length] = version;
  new DataView(bytes.buffer).setUint32(5, json.length);
  bytes.set(json, headStart);
  let at = headStart + json.length;
  for (const piece of body) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** An upper bound of the bytes that a transaction adds to a message. */
export function sizeIn(transaction: TransactionHead): number {
  return transaction.size + 120 + 6 * (transaction.name?.length ?? 0);
}

/** An upper bound of the size of a message without transactions, in bytes. */
export const emptySize = 512;

/**
 * Decodes a message, except its captures. See {@link transactionsOf}.
 *
 * @throws ReplicaError `malformed` if the bytes are not a message, `format` if the message has a newer format
 */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length < headStart || !magic.every((byte, i) => bytes[i] === byte)) {
    throw malformed('it does not begin with SWRM');
  }
  const given = bytes[magic.length] ?? 0;
  if (given > version) {
    throw replicaError(
      'format',
      `the history contains a message of format ${given}, and this version of sqlite-wasm-run reads format ${version}: install a newer version`,
    );
  }
  if (given !== version) throw malformed(`unknown format ${given}`);
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(5);
  if (size > maxHead || headStart + size > bytes.length) throw malformed('its head is truncated');
  const head = headOf(bytes.subarray(headStart, headStart + size));
  const body = bytes.subarray(headStart + size);
  const total = head.transactions.reduce((sum, one) => sum + one.size, 0);
  if (head.object) {
    if (body.length > 0) throw malformed('it names an object but also contains captures');
    if (head.object.size !== total)
      throw malformed('the sizes of its captures do not add up to the size of its object');
  } else if (total !== body.length)
    throw malformed('the sizes of its captures do not add up to the size of its body');
  return { ...head, body };
}

/**
 * Decodes and checks the transactions of a message.
 *
 * @param body the captures, from the message or its object
 * @throws ReplicaError `malformed` if a capture is malformed; `refused` if a capture contains a change that cannot be
 *   replicated; `forked` if the object's digest is wrong
 */
export function transactionsOf(message: MessageHead, body: Uint8Array): Transaction[] {
  const { object } = message;
  if (object && (body.length !== object.size || digestOf(body) !== object.digest)) {
    throw replicaError(
      'forked',
      `the changes of message ${message.id} differ from the published changes: its object has another digest`,
    );
  }
  let at = 0;
  return message.transactions.map((head) => {
    const bytes = body.subarray(at, at + head.size);
    at += head.size;
    return { ...head, entries: entriesOf(bytes) };
  });
}

/** Decodes and checks the entries of a capture. @throws ReplicaError the errors of {@link transactionsOf} */
export function entriesOf(capture: Uint8Array): CaptureEntry[] {
  let entries: CaptureEntry[];
  try {
    entries = decodeCapture(capture);
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    throw malformed(error.detail ?? error.message);
  }
  for (const entry of entries) {
    const why = refusedEntry(entry);
    if (why !== undefined) throw replicaError('refused', `a transaction is refused because ${why}`);
  }
  return entries;
}

function headOf(bytes: Uint8Array): MessageHead {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    throw malformed('its head is not JSON');
  }
  const head = members('its head', value, {
    id: isUuid,
    prev: isUuid,
    copy: isUuid,
    time: isTime,
    schema: isDigest,
    transactions: isList,
    object: optional(isObject),
  });
  const transactions = head['transactions'] as readonly unknown[];
  const ids = new Set<unknown>();
  for (const [i, one] of transactions.entries()) {
    const { id } = members(`transaction ${i + 1}`, one, {
      id: isUuid,
      time: isTime,
      size: isSize,
      name: optional(isName),
    });
    if (ids.has(id)) throw malformed(`transaction ${i + 1} appears twice`);
    ids.add(id);
  }
  if (head['object'] !== undefined) {
    members('its object', head['object'], { digest: isDigest, size: isSize });
  }
  return value as MessageHead;
}

type Check = (value: unknown) => boolean;

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList: Check = (value) => Array.isArray(value) && value.length > 0 && value.length <= maxTransactions;
const isTime: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isSize: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= maxBody;
const isDigest: Check = (value) => typeof value === 'string' && sha256.test(value);
const isName: Check = (value) => typeof value === 'string' && value.length > 0 && value.length <= maxName;

/** Checks the members of a JSON object: each must pass its check, and other members are refused. */
function members(
  what: string,
  value: unknown,
  checks: Readonly<Record<string, Check>>,
): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw malformed(`${what} is not an object`);
  const object = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(object)) {
    if (!Object.hasOwn(checks, name))
      throw malformed(`${what} has an unknown member ${JSON.stringify(name)}`);
  }
  for (const [name, check] of Object.entries(checks)) {
    const own = Object.hasOwn(object, name) ? object[name] : undefined;
    if (!check(own)) throw malformed(`the member ${name} of ${what} is invalid`);
  }
  return object;
}

function malformed(what: string): ReplicaError {
  return replicaError('malformed', `not a message of a replica: ${what}`);
}
