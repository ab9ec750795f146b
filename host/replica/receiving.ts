/** Puts messages of the history under what is pending: takes that back, and applies them exactly. */

import type { Connection } from '../kernel/connection.js';
import { replicaError } from './errors.js';
import type { Incoming } from './incoming.js';
import { withinTime } from './limits.js';
import { digestOf, type Message, type Transaction } from './message.js';
import { applyExactly, type Redone, type Refused, undo, verbatim } from './rebase.js';
import type { SchemaFacts } from './schema.js';
import type { LocalTransaction, Position } from './state.js';

/** What happened when messages were taken. */
export interface Received {
  /** The messages that counted, with their places. */
  readonly applied: readonly {
    readonly sequence: number;
    readonly message: Message;
    readonly transactions: readonly Transaction[];
  }[];
  /** The messages that were void. */
  readonly voided: readonly number[];
  /** The local transactions that were in them. */
  readonly placed: readonly { readonly transaction: LocalTransaction; readonly sequence: number }[];
  readonly redone: readonly Redone[];
  readonly refused: readonly Refused[];
}

/** The copy that takes messages. */
export interface Receiver {
  readonly connection: Connection;
  readonly schema: SchemaFacts;
  /** Where it is. */
  readonly state: Position;
  readonly pending: readonly LocalTransaction[];
  /** How long applying a message may take, in ms. */
  readonly patience: number;
}

/** What was put under the pending transactions. */
export interface Under extends Pick<Received, 'applied' | 'voided'> {
  /** The places of transactions by their ids. */
  readonly places: ReadonlyMap<string, number>;
  readonly position: Position;
}

/**
 * Takes back what is pending, and applies messages.
 *
 * @throws ReplicaError `trimmed` if one is missing; `schema`, `diverged`, `limit`
 */
export function putUnder(copy: Receiver, batch: readonly Incoming[]): Under {
  const { connection, state, pending, patience } = copy;
  const applied: Received['applied'][number][] = [];
  const voided: number[] = [];
  const places = new Map<string, number>();
  let position: Position = state;
  verbatim(connection, () => {
    if (pending.length > 0) undo(connection, pending);
    for (const one of batch) {
      const { sequence, message, transactions } = one;
      if (sequence !== position.sequence + 1) {
        throw replicaError(
          'trimmed',
          `message ${position.sequence + 1} of the history is missing: the next one is ${sequence}; make a new copy from a snapshot`,
        );
      }
      const counts = message !== undefined && message.prev === position.head;
      if (counts) {
        withinTime(connection, sequence, patience, (check) => apply(copy, one, message, check));
        applied.push({ sequence, message, transactions });
        for (const { id } of transactions) places.set(id, sequence);
      } else voided.push(sequence);
      position = { sequence, head: counts ? message.id : position.head, mark: '' };
    }
  });
  const last = batch.at(-1);
  if (last) position = { ...position, mark: digestOf(last.bytes) };
  return { applied, voided, places, position };
}

function apply(
  { connection, schema }: Receiver,
  { sequence, transactions }: Incoming,
  message: Message,
  check: () => void,
): void {
  if (message.schema !== schema.digest) {
    throw replicaError(
      'schema',
      `message ${sequence} of the history was made on another schema than that of this copy, so one of the two was changed past its replica: make a new copy from a snapshot`,
    );
  }
  for (const { id, entries } of transactions) {
    check();
    applyExactly(connection, entries, `transaction ${id} of message ${sequence}`, check);
  }
}
