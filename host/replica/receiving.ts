import type { Connection } from '../kernel/connection.js';
import { replicaError } from './errors.js';
import type { Incoming } from './incoming.js';
import { withinTime } from './limits.js';
import { digestOf, type Message, type Transaction } from './message.js';
import { applyExactly, type Redone, type Refused, undo, verbatim } from './rebase.js';
import type { SchemaFacts } from './schema.js';
import type { LocalTransaction, Position } from './state.js';

/** The result of applying messages. */
export interface Received {
  /** The messages that were not void, with their sequence numbers. */
  readonly applied: readonly {
    readonly sequence: number;
    readonly message: Message;
    readonly transactions: readonly Transaction[];
  }[];
  /** The sequence numbers of void messages. */
  readonly voided: readonly number[];
  /** The local transactions that the messages contained. */
  readonly placed: readonly { readonly transaction: LocalTransaction; readonly sequence: number }[];
  readonly redone: readonly Redone[];
  readonly refused: readonly Refused[];
}

/** The copy that applies messages. */
export interface Receiver {
  readonly connection: Connection;
  readonly schema: SchemaFacts;
  readonly state: Position;
  readonly pending: readonly LocalTransaction[];
  /** The maximum time to apply a message, in ms. */
  readonly patience: number;
}

/** The messages that were applied, and the new position. */
export interface Under extends Pick<Received, 'applied' | 'voided'> {
  /** The sequence numbers of the applied transactions, by transaction id. */
  readonly places: ReadonlyMap<string, number>;
  readonly position: Position;
}

/**
 * Undoes the pending transactions and applies messages.
 *
 * @throws ReplicaError `trimmed` if a message is missing; `schema`, `diverged`, `limit`
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
          `message ${position.sequence + 1} of the history is missing: the next message is ${sequence}; make a new copy from a snapshot`,
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
      `message ${sequence} of the history was made with another schema, because another program changed that schema or the schema of this copy: make a new copy from a snapshot`,
    );
  }
  for (const { id, entries } of transactions) {
    check();
    applyExactly(connection, entries, `transaction ${id} of message ${sequence}`, check);
  }
}
