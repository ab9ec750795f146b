import type { RegisteredFunction } from './functions.js';
import type { MessageLimits } from './limits.js';
import type { Log } from './log.js';
import type { ReplicaPolicy } from './rebase.js';

/** The options of {@link Replica.open}. */
export interface ReplicaOptions {
  /** The history, for example from {@link natsLog}. The replica owns the log, and {@link Replica.close} closes it. */
  log: Log;
  /** How to rebase local transactions on the history: 'rerun' by default. */
  policy?: ReplicaPolicy;
  /** Whether to create the history from the data of the file if the history does not exist: false by default. */
  create?: boolean;
  /** The maximum time to wait for another connection's lock on the file, in ms: 5000 by default. */
  timeout?: number;
  /** The limits of a message of the history. */
  limits?: MessageLimits;
  /** Called while a snapshot is loaded, with the loaded bytes and all bytes. */
  onProgress?: (done: number, total: number) => void;
  /** Functions to register before the first transaction is rebased. See {@link Replica.register}. */
  functions?: Readonly<Record<string, RegisteredFunction>>;
}

/** The options of a transaction. */
export interface TransactionOptions {
  /** Publishes the transaction before the commit. It is then strictly serializable, but needs the server. */
  wait?: boolean;
}

/**
 * What to do with rows that other transactions have changed since: 'abort' changes nothing, 'ours' skips these rows,
 * and 'theirs' overwrites them.
 */
export type UndoPolicy = 'abort' | 'ours' | 'theirs';

/** All undo policies. */
export const undoPolicies: readonly UndoPolicy[] = ['abort', 'ours', 'theirs'];

/** The options of {@link Replica.undo}. */
export interface UndoOptions {
  /** The conflict policy: 'abort' by default. */
  policy?: UndoPolicy;
  /** The UUID of the transaction to undo. By default all transactions of the message are undone. */
  transaction?: string;
}
