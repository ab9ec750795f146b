/** What a replica says: of transactions, of itself, and when something happens. */

import type { RejectedTransaction } from './state.js';

/** A transaction that was committed here. */
export interface Committed<T> {
  /** What its function returned. */
  readonly value: T;
  /** Its UUID; undefined if it changed nothing. */
  readonly id: string | undefined;
  /**
   * Resolves to its place in the history once it has one, and rejects with a {@link ReplicaError} if it is rejected,
   * or the replica ends before. A rejection that nobody handles does not count as unhandled: `rejected` reports it too.
   */
  readonly placed: Promise<number>;
}

/** A transaction that waited for its place. */
export interface Placed<T> {
  readonly value: T;
  /** Its place in the history. */
  readonly sequence: number;
}

/** How a replica does. */
export interface ReplicaStatus {
  readonly state: 'offline' | 'online' | 'stopped' | 'closed';
  /** The identity of the history. */
  readonly history: string;
  /** The UUID of this copy. */
  readonly copy: string;
  /** The last message that is here. */
  readonly sequence: number;
  /** The last message that the history is known to have. */
  readonly last: number;
  /** Transactions without a place. */
  readonly pending: number;
  /** Why it is offline, has stopped, or cannot publish. */
  readonly problem: Error | undefined;
}

/** A message of another copy that was applied. */
export interface AppliedMessage {
  readonly sequence: number;
  /** The copy that made it. */
  readonly copy: string;
  /** When it was published, in ms since 1970. */
  readonly time: number;
  readonly transactions: readonly { readonly id: string; readonly time: number; readonly name?: string }[];
}

/** What a replica emits, with the arguments of the listeners. */
export interface ReplicaEvents {
  /** The server answers, and the history is the right one. */
  online: [];
  offline: [error: Error];
  /** Publishing or writing does not work now, and is tried again. */
  stalled: [error: Error];
  /** It no longer follows: someone must decide. */
  stopped: [error: Error];
  /** It stopped because changes of the history do not fit this copy. */
  diverged: [error: Error];
  applied: [message: AppliedMessage];
  /** Own transactions have a place. */
  placed: [ids: readonly string[], sequence: number];
  /** An own transaction was done again on top of the history: `conflicts` rows did not get what they got before. */
  redone: [transaction: { readonly id: string; readonly reran: boolean; readonly conflicts: number }];
  rejected: [transaction: RejectedTransaction];
  /** A message counts for no copy. */
  voided: [sequence: number];
  /** How old the last message was when it was applied, and how many are known to follow. */
  lag: [lag: { readonly milliseconds: number; readonly messages: number }];
  /** Another file had the same UUID: this one has a new one. */
  renewed: [copy: string];
}
