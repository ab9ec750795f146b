/**
 * Handles signals in commands whose result cannot be produced again, such as a capture, which must write the changes
 * committed before Ctrl-C. A busy thread receives no signals, so such a command runs in a worker thread, which polls
 * for signals.
 */

import { parentPort, Worker } from 'node:worker_threads';
import { connectionOf } from '../../api/connections.js';
import type { DatabaseSync } from '../../index.js';
import { ownFile } from '../../node/package.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface ThreadInput {
  readonly args: readonly string[];
  /** The number of the received signal, or 0. */
  readonly shared: Int32Array;
}

/** Runs `changeset` with these arguments in a worker thread. Returns the exit code. */
export function runInThread(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const shared = new Int32Array(new SharedArrayBuffer(4));
    const workerData: ThreadInput = { args, shared };
    const env = { ...process.env, COLUMNS: String(process.stderr.columns ?? 80) };
    const worker = new Worker(ownFile('cli/changeset/command-thread.js'), { workerData, env });
    const heard = (_signal: NodeJS.Signals, number: number): void => {
      Atomics.store(shared, 0, number);
      for (const signal of signals) process.off(signal, heard); // a second signal ends the process immediately
    };
    let code = 1;
    worker.on('message', (message: 'begun' | number) => {
      if (message !== 'begun') code = message;
      // Until the work begins, a signal ends the process immediately, because nothing can be lost.
      else for (const signal of signals) process.on(signal, heard);
    });
    worker.on('error', reject);
    worker.on('exit', () => {
      for (const signal of signals) process.off(signal, heard);
      resolve(code);
    });
  });
}

let word: Int32Array | undefined;
let interrupted: { database: DatabaseSync; isRunning: () => boolean } | undefined;

/** Sets the shared memory in which the main thread stores signals. */
export function hear(shared: Int32Array): void {
  word = shared;
}

/** The exit code for the received signal; 0 if there was none. */
export function signalled(): number {
  const number = word ? Atomics.load(word, 0) : 0;
  return number === 0 ? 0 : 128 + number;
}

/** Interrupts the running statement if a signal was received. Called periodically while a statement runs. */
export function poll(): void {
  if (!interrupted?.isRunning() || signalled() === 0) return;
  const { db, engine } = connectionOf(interrupted.database);
  engine.core.c.sqlite3_interrupt(db);
}

/**
 * Makes signals interrupt statements of the database instead of the program, until the result is disposed of.
 *
 * @param isRunning returns whether a signal may interrupt the running statement
 */
export function interruptible(database: DatabaseSync, isRunning: () => boolean): Disposable {
  parentPort?.postMessage('begun');
  interrupted = { database, isRunning };
  return {
    [Symbol.dispose]() {
      interrupted = undefined;
    },
  };
}
