/**
 * The form of a message: transactions that one copy publishes together.
 *
 *     offset  bytes
 *     0       4      "SWRM"
 *     4       1      the version of this form: 1
 *     5       4      how many bytes the head has, big-endian
 *     9       ...    the head, JSON in UTF-8: {@link MessageHead}
 *             ...    the captures of the transactions, one after another; nothing if the head names an object
 *
 * Whoever may publish is trusted with the data, but not with the program: everything is checked when it is read.
 */

import { createHash } from 'node:crypto';
import { SqliteError } from '../core/errors.js';
import { type CaptureEntry, decodeCapture } from '../recording/capture-format.js';
import { refusedEntry } from './allowed.js';
import { type ReplicaError, replicaError } from './errors.js';

/** A transaction in the head of a message. */
export interface TransactionHead {
  /** A UUID, the same for all attempts to publish it. */
  readonly id: string;
  /** When it was committed at its copy, in ms since 1970. */
  readonly time: number;
  /** The bytes of its capture. */
  readonly size: number;
  /** The registered function that it is a call of. */
  readonly name?: string;
}

/** Where the captures of a message are if they do not fit in it. */
export interface ObjectReference {
  /** SHA-256 in hex; the object's name ends with it. */
  readonly digest: string;
  readonly size: number;
}

/** What a message says of itself. */
export interface MessageHead {
  /** A UUID. */
  readonly id: string;
  /** The id of the message before it; the identity of the log for the first. */
  readonly prev: string;
  /** The UUID of the copy that publishes it. */
  readonly copy: string;
  /** When it was published, in ms since 1970. */
  readonly time: number;
  /** The digest of the schema on which it was made. */
  readonly schema: string;
  readonly transactions: readonly TransactionHead[];
  readonly object?: ObjectReference;
}

/** A message as it was read. */
export interface Message extends MessageHead {
  /** The captures; empty if they are in an object. */
  readonly body: Uint8Array;
}

/** A transaction of the history. */
export interface Transaction extends TransactionHead {
  readonly entries: readonly CaptureEntry[];
}

const magic = new TextEncoder().encode('SWRM');
const version = 1;
const headStart = 9;
/** At most so many bytes of head, and transactions, in a message. */
const maxHead = 2 ** 24;
const maxTransactions = 65_536;
const maxName = 200;
/** At most so many bytes of captures in an object. */
export const maxBody = 2 ** 30;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const sha256 = /^[0-9a-f]{64}$/;

/** SHA-256 in hex. */
export function digestOf(...pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** Whether a text is a UUID in small letters. */
export const isUuid = (text: unknown): text is string => typeof text === 'string' && uuid.test(text);

/** A message as bytes. @param body the captures; nothing if the head names an object */
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

/** An upper bound for the bytes that a transaction adds to a message. */
export function sizeIn(transaction: TransactionHead): number {
  return transaction.size + 120 + 6 * (transaction.name?.length ?? 0);
}

/** An upper bound for the bytes of a message without transactions. */
export const emptySize = 512;

/**
 * Reads a message. Its captures are not read: see {@link transactionsOf}.
 *
 * @throws ReplicaError `malformed` for bytes that are not a message, `format` for one of a newer form
 */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length < headStart || !magic.every((byte, i) => bytes[i] === byte)) {
    throw malformed('it does not begin with SWRM');
  }
  const given = bytes[magic.length] ?? 0;
  if (given > version) {
    throw replicaError(
      'format',
      `the history holds a message of form ${given}, and this version of sqlite-wasm-run reads form ${version}: install a newer one`,
    );
  }
  if (given !== version) throw malformed(`unknown form ${given}`);
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(5);
  if (size > maxHead || headStart + size > bytes.length) throw malformed('its head is cut');
  const head = headOf(bytes.subarray(headStart, headStart + size));
  const body = bytes.subarray(headStart + size);
  const total = head.transactions.reduce((sum, one) => sum + one.size, 0);
  if (head.object) {
    if (body.length > 0) throw malformed('it names an object, and holds captures too');
    if (head.object.size !== total) throw malformed('the sizes of its captures are not that of its object');
  } else if (total !== body.length) throw malformed('the sizes of its captures are not that of its body');
  return { ...head, body };
}

/**
 * The transactions of a message, checked.
 *
 * @param body its captures, of the message or its object
 * @throws ReplicaError `malformed` if one is not a capture; `refused` if one holds what may not travel; `forked` if the object
 *   is not the one that was published
 */
export function transactionsOf(message: MessageHead, body: Uint8Array): Transaction[] {
  const { object } = message;
  if (object && (body.length !== object.size || digestOf(body) !== object.digest)) {
    throw replicaError(
      'forked',
      `the changes of message ${message.id} are not those that were published: its object has other bytes`,
    );
  }
  let at = 0;
  return message.transactions.map((head) => {
    const bytes = body.subarray(at, at + head.size);
    at += head.size;
    return { ...head, entries: entriesOf(bytes) };
  });
}

/** The entries of a capture, checked. @throws ReplicaError as {@link transactionsOf} does */
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
    if (ids.has(id)) throw malformed(`transaction ${i + 1} is in it twice`);
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

/** The members of an object: each as its check wants it, and no others. */
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
    if (!check(own)) throw malformed(`the ${name} of ${what} is not one`);
  }
  return object;
}

function malformed(what: string): ReplicaError {
  return replicaError('malformed', `not a message of a replica: ${what}`);
}
