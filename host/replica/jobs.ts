/** The transactions that wait for their place before they are committed anywhere: the first one is next. */

import type { TransactionFunction } from './functions.js';
import type { Call } from './state.js';

/** A transaction that waits. */
export interface Job {
  readonly action: TransactionFunction;
  readonly call: Call | undefined;
  /** The values of the attempts whose fate is not known, by the ids of their transactions. */
  readonly attempts: Map<string, unknown>;
  /** How many messages of pending transactions went before it. */
  passed: number;
}

/** What became of it. */
export interface JobResult {
  readonly value: unknown;
  readonly sequence: number;
}

interface Waiting extends Job {
  resolve(result: JobResult): void;
  reject(error: Error): void;
}

export class Jobs {
  #all: Waiting[] = [];

  get first(): Job | undefined {
    return this.#all[0];
  }

  /** Adds a transaction. The promise is of its value and place. */
  add(action: TransactionFunction, call: Call | undefined): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      this.#all.push({ action, call, attempts: new Map(), passed: 0, resolve, reject });
    });
  }

  /** A transaction has a place. Returns whether it is an attempt of one that waits, which then is done. */
  placed(id: string, sequence: number): boolean {
    const job = this.#all.find(({ attempts }) => attempts.has(id));
    if (job) this.resolve(job, { value: job.attempts.get(id), sequence });
    return job !== undefined;
  }

  resolve(job: Job, result: JobResult): void {
    for (const one of this.#take((other) => other === job)) one.resolve(result);
  }

  reject(job: Job, error: Error): void {
    for (const one of this.#take((other) => other === job)) one.reject(error);
  }

  /** Rejects those of which no attempt can be in the history. */
  rejectUntried(error: Error): void {
    for (const one of this.#take(({ attempts }) => attempts.size === 0)) one.reject(error);
  }

  rejectAll(error: Error): void {
    for (const one of this.#take(() => true)) one.reject(error);
  }

  #take(which: (job: Job) => boolean): Waiting[] {
    const taken = this.#all.filter(which);
    this.#all = this.#all.filter((job) => !taken.includes(job));
    return taken;
  }
}
