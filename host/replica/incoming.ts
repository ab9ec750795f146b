/** Makes messages of a log ready for a copy: reads them, and fetches what they keep in objects. */

import { isReason, replicaError } from './errors.js';
import { beyond, type Limits, refuseRows } from './limits.js';
import type { Log, LogMessage } from './log.js';
import { decodeMessage, type Message, type Transaction, transactionsOf } from './message.js';
import type { Outgoing } from './outgoing.js';

/** A message of the history as a copy takes it. */
export interface Incoming {
  readonly sequence: number;
  /** Its bytes. */
  readonly bytes: Uint8Array;
  /** Undefined if it is void for every copy, for example because it is not a message. */
  readonly message: Message | undefined;
  readonly transactions: readonly Transaction[];
}

/** What the names of objects begin with that hold the changes of a message. */
export const objectPrefix = 'changes-';

/** The name of the object with a digest. */
export const objectName = (digest: string): string => objectPrefix + digest;

/** A message that was published, as it is read. */
export function readBack({ bytes, object }: Outgoing, sequence: number): Incoming {
  const message = decodeMessage(bytes);
  return { sequence, bytes, message, transactions: transactionsOf(message, object?.bytes ?? message.body) };
}

/** Reads messages in order. */
export class IncomingReader {
  readonly #log: Log;
  /** The id of the last message that counted. */
  #head: string;
  readonly #limits: Limits;

  /** @param head the id of the last message that counted before those that are read */
  constructor(log: Log, head: string, limits: Limits) {
    this.#log = log;
    this.#head = head;
    this.#limits = limits;
  }

  /**
   * Reads a message. One that is not a message, or names another one before it, is void.
   *
   * @throws ReplicaError `format` for one of a newer form, `limit` for one with too many bytes or rows, `trimmed` if its
   *   object is gone; as {@link Log.get} does
   */
  async read({ sequence, bytes }: LogMessage): Promise<Incoming> {
    const none = { sequence, bytes, message: undefined, transactions: [] };
    try {
      const message = decodeMessage(bytes);
      if (message.prev !== this.#head) return none;
      const body = await this.#bodyOf(sequence, message);
      const transactions = transactionsOf(message, body);
      refuseRows(sequence, transactions, body.length, this.#limits.rows);
      this.#head = message.id;
      return { sequence, bytes, message, transactions };
    } catch (error) {
      if (isReason(error, 'malformed', 'refused')) return none;
      throw error;
    }
  }

  async #bodyOf(sequence: number, { body, object }: Message): Promise<Uint8Array> {
    const size = object?.size ?? body.length;
    const { bytes } = this.#limits;
    if (size > bytes) throw beyond(sequence, `has ${size} bytes of changes`, bytes, 'bytes');
    if (!object) return body;
    const pieces = await this.#log.get(objectName(object.digest));
    if (!pieces) {
      throw replicaError(
        'trimmed',
        `the changes of message ${sequence} are gone: object ${objectName(object.digest)} is missing; make a new copy from a snapshot`,
      );
    }
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const piece of pieces) {
      length += piece.length;
      if (length > size) break; // its digest will tell
      parts.push(piece.slice());
    }
    return new Uint8Array(Buffer.concat(parts));
  }
}
