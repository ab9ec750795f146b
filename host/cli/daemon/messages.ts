/** The messages between the daemon's main thread, which has the sockets, and its database thread. */

import type { PlainError } from '../../core/errors.js';
import type { SqlValue } from '../../kernel/values.js';

/** The indexes in the array of integers that the threads share. */
export const Word = {
  /** If it is not 0, the running statement must end. The main thread sets it, and clears it before the next request. */
  interrupt: 0,
  /** The number of pieces of all answers that the main thread has received. */
  taken: 1,
  count: 2,
} as const;

export interface DatabaseInput {
  /** The options of the command. */
  readonly args: readonly string[];
  readonly shared: Int32Array;
}

export interface Status {
  readonly text: string;
  readonly data: unknown;
}

export type ToDatabase =
  | {
      readonly do: 'run';
      readonly client: number;
      readonly frames: boolean;
      readonly sql: string;
      readonly params: readonly SqlValue[];
    }
  | { readonly do: 'rollback' }
  | { readonly do: 'leave'; readonly client: number }
  | { readonly do: 'status' }
  /** A command that only some databases support. */
  | { readonly do: 'command'; readonly name: string; readonly args: readonly unknown[] }
  | { readonly do: 'end' };

/** The result of a statement. Its rows were sent in earlier messages. */
export interface RanMessage {
  readonly is: 'ran';
  readonly columns: readonly string[];
  readonly rows: number;
  readonly changes: number;
  readonly lastInsertRowid: bigint;
  readonly note?: string;
  readonly inTransaction: boolean;
}

export interface ErrorMessage {
  readonly is: 'error';
  readonly error: PlainError;
  readonly inTransaction: boolean;
}

export type FromDatabase =
  | { readonly is: 'open'; readonly status: Status }
  /** Rows in the form in which they are sent to the client. */
  | { readonly is: 'rows'; readonly bytes: Uint8Array }
  | RanMessage
  | ErrorMessage
  | { readonly is: 'status'; readonly status: Status }
  | { readonly is: 'result'; readonly result: unknown }
  | { readonly is: 'done' }
  /** The thread has ended: the database could not be opened, the output was written, or writing it failed. */
  | { readonly is: 'ended'; readonly exitCode: number; readonly message?: string };
