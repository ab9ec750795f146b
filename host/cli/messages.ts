/** The messages between the shell's thread and the terminal's thread. */

import type { OwnOptions } from './options.js';

/** The indexes in the shared Int32Array. */
export const Word = {
  wake: 0,
  interrupt: 1,
  command: 2,
  started: 3,
  columns: 4,
  loading: 5,
  count: 6,
} as const;

/** The time in ms on a clock that all threads share. It wraps around after 2^31 - 1 and is never 0. */
export function clock(): number {
  return Number(process.hrtime.bigint() / 1_000_000n) & 0x7fff_ffff || 1;
}

export interface WorkerInput {
  readonly args: readonly string[];
  readonly own: OwnOptions;
  /**
   * The shared integers, by {@link Word}. `wake`: an answer has arrived. `interrupt`: the running statement must end.
   * `command`: a command of the user has the terminal. `started`: the time when the running statement began, or 0.
   * `columns`: the result of {@link terminalColumns}. `loading`: a component is being loaded, which cannot be
   * interrupted.
   */
  readonly shared: Int32Array;
  /** Whether the main thread edits lines. */
  readonly edited: boolean;
}

export type FromShell =
  /**
   * The shell waits for input. `continuations` are the prompts of lines that it received together. `directory` is its
   * working directory.
   */
  | {
      readonly kind: 'read';
      readonly prompt: string;
      readonly continuations: readonly string[];
      readonly directory: string;
    }
  | { readonly kind: 'candidates'; readonly lines: readonly string[] }
  | { readonly kind: 'history'; readonly file: string }
  | { readonly kind: 'exit'; readonly code: number };

export type ToShell =
  /** Lines of input. `end` says whether the input ends after these lines. */
  | { readonly kind: 'lines'; readonly lines: readonly string[]; readonly end: boolean }
  | { readonly kind: 'complete'; readonly line: string };
