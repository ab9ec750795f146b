/** How a replica works, and what it is asked to do. */

import type { RegisteredFunction } from './functions.js';
import type { MessageLimits } from './limits.js';
import type { Log } from './log.js';
import type { ReplicaPolicy } from './rebase.js';

/** How a replica works. */
export interface ReplicaOptions {
  /** The history, such as {@link natsLog} gives it. The replica owns it: {@link Replica.close} ends its connection. */
  log: Log;
  /** What happens to local transactions that meet the history: 'rerun' by default. */
  policy?: ReplicaPolicy;
  /** Makes the history if there is none, of what the file holds. */
  create?: boolean;
  /** How long to wait for another connection's lock on the file, in ms: 5000 by default. */
  timeout?: number;
  /** What a message of the history may cost this copy. */
  limits?: MessageLimits;
  /** Called with how many bytes of a snapshot of how many were loaded. */
  onProgress?: (done: number, total: number) => void;
  /** Functions to register before anything runs again: see {@link Replica.register}. */
  functions?: Readonly<Record<string, RegisteredFunction>>;
}

/** How a transaction is made. */
export interface TransactionOptions {
  /** Publishes it before it is committed: strictly serialisable, and possible only while the server is there. */
  wait?: boolean;
}

/** What happens to rows that are not as a transaction left them: nothing is changed, they stay, or are overwritten. */
export type UndoPolicy = 'abort' | 'ours' | 'theirs';

/** What the policies are called. */
export const undoPolicies: readonly UndoPolicy[] = ['abort', 'ours', 'theirs'];

/** How to undo a transaction. */
export interface UndoOptions {
  /** 'abort' by default. */
  policy?: UndoPolicy;
  /** Only the transaction with this UUID; else all of the message's. */
  transaction?: string;
}
