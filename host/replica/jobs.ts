/** The queue of transactions with `wait: true`. Such a transaction is in the history before any copy commits it. */

import type { TransactionFunction } from './functions.js';
import type { Call } from './state.js';

export interface Job {
  readonly action: TransactionFunction;
  readonly call: Call | undefined;
  /** The return values of attempts that may be in the history, by transaction id. */
  readonly attempts: Map<string, unknown>;
  /** How many messages of pending transactions were published before this transaction. */
  passed: number;
}

/** The result of a waiting transaction. */
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

  /** Adds a transaction. The promise resolves when the history contains the transaction. */
  add(action: TransactionFunction, call: Call | undefined): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      this.#all.push({ action, call, attempts: new Map(), passed: 0, resolve, reject });
    });
  }

  /**
   * Records that the history contains a transaction. If it is an attempt of a waiting transaction, resolves that one
   * and returns true.
   */
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

  /** Rejects the transactions that have no attempt that may be in the history. */
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
