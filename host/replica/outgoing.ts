/** Encodes pending transactions as messages. */

import type { Chance } from './chance.js';
import { digestOf, emptySize, encodeMessage, sizeIn } from './message.js';
import type { LocalTransaction, Position } from './state.js';

/** A message to publish. */
export interface Outgoing {
  readonly id: string;
  /** The expected last sequence number of the log. */
  readonly expected: number;
  readonly transactions: readonly LocalTransaction[];
  /** The encoded message. If the captures do not fit in the message, they are in `object`. */
  readonly bytes: Uint8Array;
  /** The object that must be stored before the message; undefined if there is none. */
  readonly object: { readonly digest: string; readonly bytes: Uint8Array } | undefined;
}

export interface Publisher {
  readonly copy: string;
  /** The digest of the copy's schema. */
  readonly schema: string;
  readonly chance: Chance;
}

/** The maximum number of transactions that are combined in one message. */
const mostTransactions = 50_000;

/** Makes a message with as many of the transactions as fit, but at least one. Returns undefined if there are none. */
export function nextMessage(
  publisher: Publisher,
  transactions: readonly LocalTransaction[],
  maxMessage: number,
  position: Position,
): Outgoing | undefined {
  const count = countFitting(transactions, maxMessage);
  return count === 0 ? undefined : messageOf(publisher, transactions.slice(0, count), maxMessage, position);
}

/** Returns how many of the transactions fit in a message, but at least one if there are any. */
export function countFitting(transactions: readonly LocalTransaction[], maxMessage: number): number {
  let size = emptySize;
  let count = 0;
  for (const { id, time, changes, call } of transactions) {
    const name = call ? { name: call.name } : {};
    size += sizeIn({ id, time, size: changes.length, ...name });
    if (count > 0 && (size > maxMessage || count === mostTransactions)) break;
    count += 1;
  }
  return count;
}

/**
 * Makes a message with all of the transactions, which follows the given position. If the captures do not fit in the
 * message, they are stored as an object.
 */
export function messageOf(
  publisher: Publisher,
  transactions: readonly LocalTransaction[],
  maxMessage: number,
  { head: prev, sequence }: Position,
): Outgoing {
  const { copy, schema, chance } = publisher;
  const id = chance.uuid();
  const head = {
    id,
    prev,
    copy,
    time: chance.now(),
    schema,
    transactions: transactions.map(({ id: own, time, changes, call }) => ({
      id: own,
      time,
      size: changes.length,
      ...(call && { name: call.name }),
    })),
  };
  const body = transactions.map(({ changes }) => changes);
  const whole = { id, expected: sequence, transactions };
  const bytes = encodeMessage(head, body);
  if (bytes.length <= maxMessage) return { ...whole, bytes, object: undefined };
  const all = new Uint8Array(Buffer.concat(body));
  const digest = digestOf(all);
  const reference = encodeMessage({ ...head, object: { digest, size: all.length } }, []);
  return { ...whole, bytes: reference, object: { digest, bytes: all } };
}
