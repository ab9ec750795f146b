import type { RejectedTransaction } from './state.js';

/** The result of a transaction that was committed locally. */
export interface Committed<T> {
  /** The return value of the transaction's function. */
  readonly value: T;
  /** The UUID of the transaction; undefined if it changed nothing. */
  readonly id: string | undefined;
  /**
   * Resolves to the transaction's sequence number once the history contains the transaction. Rejects with a {@link
   * ReplicaError} if the transaction is rejected, or if the replica is closed or stops first. Node does not report an
   * unhandled rejection of this promise, because the event `rejected` reports it too.
   */
  readonly placed: Promise<number>;
}

/** The result of a transaction with `wait: true`. */
export interface Placed<T> {
  readonly value: T;
  /** The sequence number of the message that contains the transaction. */
  readonly sequence: number;
}

/** The status of a replica. */
export interface ReplicaStatus {
  readonly state: 'offline' | 'online' | 'stopped' | 'closed';
  /** The identity of the history. */
  readonly history: string;
  /** The UUID of this copy. */
  readonly copy: string;
  /** The sequence number of the last message that this copy has applied. */
  readonly sequence: number;
  /** The sequence number of the last message that the history is known to have. */
  readonly last: number;
  /** How many local transactions are not in the history yet. */
  readonly pending: number;
  /** Why the replica is offline, has stopped, or cannot publish. */
  readonly problem: Error | undefined;
}

/** A message of another copy that was applied. */
export interface AppliedMessage {
  readonly sequence: number;
  /** The UUID of the copy that published the message. */
  readonly copy: string;
  /** When the message was published, in ms since 1970. */
  readonly time: number;
  readonly transactions: readonly { readonly id: string; readonly time: number; readonly name?: string }[];
}

/** The events of a replica, with the arguments of their listeners. */
export interface ReplicaEvents {
  /** The replica is connected and has checked the history. */
  online: [];
  offline: [error: Error];
  /** Publishing or writing failed. The replica tries again. */
  stalled: [error: Error];
  /** The replica no longer follows the history. A person must decide what to do. */
  stopped: [error: Error];
  /** The replica stopped because changes of the history do not fit this copy. */
  diverged: [error: Error];
  applied: [message: AppliedMessage];
  /** The history contains these transactions of this copy. */
  placed: [ids: readonly string[], sequence: number];
  /**
   * A transaction of this copy was rebased on the history. `reran` says whether its function ran again. `conflicts`
   * counts the rows that conflicted with the history.
   */
  redone: [transaction: { readonly id: string; readonly reran: boolean; readonly conflicts: number }];
  rejected: [transaction: RejectedTransaction];
  /** A message is void: no copy applies it. */
  voided: [sequence: number];
  /** The age of the last message when it was applied, and the number of messages that are known to follow it. */
  lag: [lag: { readonly milliseconds: number; readonly messages: number }];
  /** This copy has a new UUID, because another file had the same UUID. */
  renewed: [copy: string];
}
