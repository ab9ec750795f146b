/** The types of the suites of `npm run test:reliability`. */

export interface Failure {
  /** The name of the case, with which it can be listed and run again. */
  readonly case: string;
  readonly what: string;
}

/** A part of a suite, which is a line of the table. */
export interface Part {
  readonly name: string;
  /** The number of cases that ran. */
  readonly ran: number;
  readonly failures: readonly Failure[];
  /** A note for the table. */
  readonly note?: string;
}

export interface SuiteOptions {
  /** Whether to run the short form for CI. */
  readonly short: boolean;
  /** The duration of a timed suite, if the user sets it. */
  readonly minutes: number | undefined;
  readonly seed: number;
}

/** Yields each part of a suite when it has finished. */
export type Suite = (options: SuiteOptions) => AsyncIterable<Part>;

/** Thrown if a suite cannot run because a system program is missing. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
