/** The messages between the daemon's two threads: the main one has the sockets, the other one the database. */

import type { PlainError } from '../../core/errors.js';
import type { SqlValue } from '../../kernel/values.js';

/** The meaning of the numbers that the threads share. */
export const Word = {
  /** Not 0: the running statement must end. Set by the main thread, which clears it before the next request. */
  interrupt: 0,
  /** How many pieces of answers the main thread has taken; counts on from answer to answer. */
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
  /** The client disconnected. */
  | { readonly do: 'leave'; readonly client: number }
  | { readonly do: 'status' }
  /** Something that only this kind of database can do. */
  | { readonly do: 'command'; readonly name: string; readonly args: readonly unknown[] }
  | { readonly do: 'end' };

/** The result of a statement; its rows were sent before. */
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
  /** Some rows, as the client is sent them. */
  | { readonly is: 'rows'; readonly bytes: Uint8Array }
  | RanMessage
  | ErrorMessage
  | { readonly is: 'status'; readonly status: Status }
  | { readonly is: 'result'; readonly result: unknown }
  /** What was asked is done. */
  | { readonly is: 'done' }
  /** The thread ends: the database could not be opened, or the output was written or could not be. */
  | { readonly is: 'ended'; readonly exitCode: number; readonly message?: string };
