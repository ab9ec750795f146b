/** What a suite of `npm run test:reliability` is. */

export interface Failure {
  /** Names the case so that it can be listed, and run again. */
  readonly case: string;
  readonly what: string;
}

/** A part of a suite: a line of the table. */
export interface Part {
  readonly name: string;
  /** How many cases ran. */
  readonly ran: number;
  readonly failures: readonly Failure[];
  /** What was done meanwhile, for the reader. */
  readonly note?: string;
}

export interface SuiteOptions {
  /** The form for CI. */
  readonly short: boolean;
  /** How long a suite that goes by time runs, if the user says so. */
  readonly minutes: number | undefined;
  readonly seed: number;
}

/** Yields the parts of a suite as they are done. */
export type Suite = (options: SuiteOptions) => AsyncIterable<Part>;

/** Why a suite cannot run here: a program of the system is not there. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
