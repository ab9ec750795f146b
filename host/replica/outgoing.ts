/** Makes messages out of pending transactions. */

import type { Chance } from './chance.js';
import { digestOf, emptySize, encodeMessage, sizeIn } from './message.js';
import type { LocalTransaction, Position } from './state.js';

/** A message that is about to be published. */
export interface Outgoing {
  readonly id: string;
  /** The expected last sequence. */
  readonly expected: number;
  readonly transactions: readonly LocalTransaction[];
  /** The message; its captures are in `body` if they do not fit. */
  readonly bytes: Uint8Array;
  /** The object that must be stored before; undefined if there is none. */
  readonly object: { readonly digest: string; readonly bytes: Uint8Array } | undefined;
}

/** Who publishes. */
export interface Publisher {
  /** The UUID of the copy. */
  readonly copy: string;
  /** The digest of its schema. */
  readonly schema: string;
  readonly chance: Chance;
}

/** At most so many transactions are in a message that has room for more. */
const mostTransactions = 50_000;

/** The message with as many of the transactions as fit, one at least. Undefined if there are none. */
export function nextMessage(
  publisher: Publisher,
  transactions: readonly LocalTransaction[],
  maxMessage: number,
  position: Position,
): Outgoing | undefined {
  const count = countFitting(transactions, maxMessage);
  return count === 0 ? undefined : messageOf(publisher, transactions.slice(0, count), maxMessage, position);
}

/** How many transactions fit in a message, one at least if there is any. */
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

/** The message with all of the transactions, which follows a position. Its changes become an object if they do not fit. */
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
