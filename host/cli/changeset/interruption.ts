/**
 * Ctrl-C in work whose result cannot be produced again: a capture must write what was committed by then. A busy thread
 * receives no signals, so such work runs in a thread of its own, which polls whether one came.
 */

import { parentPort, Worker } from 'node:worker_threads';
import { connectionOf } from '../../api/connections.js';
import type { DatabaseSync } from '../../index.js';
import { ownFile } from '../../node/package.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface ThreadInput {
  readonly args: readonly string[];
  /** The number of the signal that came, or 0. */
  readonly shared: Int32Array;
}

/** Runs `changeset` with these arguments in a thread of its own. Returns the exit code. */
export function runInThread(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const shared = new Int32Array(new SharedArrayBuffer(4));
    const workerData: ThreadInput = { args, shared };
    const env = { ...process.env, COLUMNS: String(process.stderr.columns ?? 80) };
    const worker = new Worker(ownFile('cli/changeset/command-thread.js'), { workerData, env });
    const heard = (_signal: NodeJS.Signals, number: number): void => {
      Atomics.store(shared, 0, number);
      for (const signal of signals) process.off(signal, heard); // a second one ends it at once
    };
    let code = 1;
    worker.on('message', (message: 'begun' | number) => {
      if (message !== 'begun') code = message;
      // Before it begins, nothing can be lost: a signal ends it at once.
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

/** Gives this thread the memory in which signals are noted. */
export function hear(shared: Int32Array): void {
  word = shared;
}

/** The exit code for the signal that came; 0 if none did. */
export function signalled(): number {
  const number = word ? Atomics.load(word, 0) : 0;
  return number === 0 ? 0 : 128 + number;
}

/** Interrupts the running statement if a signal came. Called periodically while one runs. */
export function poll(): void {
  if (!interrupted?.isRunning() || signalled() === 0) return;
  const { db, engine } = connectionOf(interrupted.database);
  engine.core.c.sqlite3_interrupt(db);
}

/**
 * From here on, until it is disposed of, signals end statements of the database and not the program.
 *
 * @param isRunning whether the statement that runs is one that a signal may end
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
