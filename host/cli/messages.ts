/** The messages between the shell's thread and the terminal's. */

import type { OwnOptions } from './options.js';

/** The words of the shared Int32Array. */
export const Word = {
  wake: 0,
  interrupt: 1,
  command: 2,
  started: 3,
  columns: 4,
  loading: 5,
  count: 6,
} as const;

/** Milliseconds on a clock that all threads share, from 1 to 2^31 - 1 and round again. */
export function clock(): number {
  return Number(process.hrtime.bigint() / 1_000_000n) & 0x7fff_ffff || 1;
}

export interface WorkerInput {
  readonly args: readonly string[];
  readonly own: OwnOptions;
  /**
   * See {@link Word}: an answer came; what runs is to be interrupted; a command of the user's has the terminal;
   * when the statement that runs began, or 0; the columns of the terminal, as in {@link terminalColumns};
   * whether what began is the loading of a component, which cannot be interrupted.
   */
  readonly shared: Int32Array;
  /** Whether lines are edited in the main thread. */
  readonly edited: boolean;
}

export type FromShell =
  /**
   * The shell waits for input. `continuations` are the prompts it has shown for lines it had at once; `directory` is
   * where it is.
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
  /** @param end whether the input ends after them */
  | { readonly kind: 'lines'; readonly lines: readonly string[]; readonly end: boolean }
  | { readonly kind: 'complete'; readonly line: string };
