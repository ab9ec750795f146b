/** Decodes messages of a log, and loads the changes that are stored in objects. */

import { isReason, replicaError } from './errors.js';
import { beyond, type Limits, refuseRows } from './limits.js';
import type { Log, LogMessage } from './log.js';
import { decodeMessage, type Message, type Transaction, transactionsOf } from './message.js';
import type { Outgoing } from './outgoing.js';

/** A decoded message of the history. */
export interface Incoming {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** Undefined if the message is void for all copies, for example because its bytes are malformed. */
  readonly message: Message | undefined;
  readonly transactions: readonly Transaction[];
}

/** The prefix of the names of objects that hold the changes of a message. */
export const objectPrefix = 'changes-';

export const objectName = (digest: string): string => objectPrefix + digest;

/** The decoded form of a message that this copy published. */
export function readBack({ bytes, object }: Outgoing, sequence: number): Incoming {
  const message = decodeMessage(bytes);
  return { sequence, bytes, message, transactions: transactionsOf(message, object?.bytes ?? message.body) };
}

/** Decodes messages in order. */
export class IncomingReader {
  readonly #log: Log;
  /** The id of the last message that was not void. */
  #head: string;
  readonly #limits: Limits;

  /** @param head the id of the last message before the first one to read that was not void */
  constructor(log: Log, head: string, limits: Limits) {
    this.#log = log;
    this.#head = head;
    this.#limits = limits;
  }

  /**
   * Decodes a message. A message is void if its bytes are malformed, or if `prev` is not the id of the preceding
   * message.
   *
   * @throws ReplicaError `format` if the message has a newer format, `limit` if it has too many bytes or rows,
   *   `trimmed` if its object is missing; the errors of {@link Log.get}
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
        `the changes of message ${sequence} are missing: object ${objectName(object.digest)} does not exist; make a new copy from a snapshot`,
      );
    }
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const piece of pieces) {
      length += piece.length;
      if (length > size) break; // the digest check will fail
      parts.push(piece.slice());
    }
    return new Uint8Array(Buffer.concat(parts));
  }
}
