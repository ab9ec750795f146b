/**
 * The main thread's side of the shell's thread. A statement is interrupted between two steps of SQLite's virtual
 * machine. A computation in a component has no such steps. Then the thread is terminated, and its connection is lost.
 */

import { Worker } from 'node:worker_threads';
import { ownFile } from '../node/package.js';
import { clock, type FromShell, type ToShell, Word, type WorkerInput } from './messages.js';
import type { OwnOptions } from './options.js';
import { onResize, terminalColumns } from './process-terminal.js';

/** The maximum time in ms for a statement to notice an interrupt. */
const grace = 1000;
/** The maximum time in ms for a statement to end after it has noticed the interrupt, while its changes are undone. */
const patience = 10_000;
/** The interval in ms at which the time of a statement is checked. */
const pulse = 50;

export interface SupervisorOptions {
  readonly own: OwnOptions;
  /** Whether the main thread edits lines. Otherwise the shell reads standard input itself. */
  readonly edited: boolean;
  /** Called with the shell's messages. */
  heard(message: FromShell): void;
  /** Called when the thread has been terminated. `why` is a sentence. */
  lost(why: string): void;
  failed(error: unknown): void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  #shared = new Int32Array(new SharedArrayBuffer(4 * Word.count));
  #worker: Worker | undefined;
  /** The start time of the statement that was interrupted because of `--timeout`. */
  #overdue = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { timeout } = options.own;
    onResize((columns) => Atomics.store(this.#shared, Word.columns, columns));
    if (timeout !== undefined) setInterval(() => this.#look(timeout), pulse).unref();
  }

  /** Starts the shell with its arguments. */
  start(args: readonly string[]): void {
    const { own, edited } = this.#options;
    const shared = new Int32Array(new SharedArrayBuffer(4 * Word.count));
    Atomics.store(shared, Word.columns, terminalColumns());
    const workerData: WorkerInput = { args, own, shared, edited };
    const worker = new Worker(ownFile('cli/shell-thread.js'), { workerData });
    this.#shared = shared;
    this.#worker = worker;
    // Ignore messages of a terminated thread.
    worker.on('message', (message: FromShell) => {
      if (this.#worker === worker) this.#options.heard(message);
    });
    worker.on('error', (error) => {
      if (this.#worker === worker) this.#options.failed(error);
    });
  }

  send(message: ToShell): void {
    this.#worker?.postMessage(message);
    Atomics.add(this.#shared, Word.wake, 1);
    Atomics.notify(this.#shared, Word.wake);
  }

  /** Whether a command of the user has the terminal, which then handles Ctrl-C. */
  get commandRuns(): boolean {
    return Atomics.load(this.#shared, Word.command) !== 0;
  }

  /** Call this when the shell waits for input, so that no statement runs. */
  settled(): void {
    Atomics.store(this.#shared, Word.interrupt, 0);
    Atomics.store(this.#shared, Word.started, 0);
  }

  /**
   * Interrupts the running statement. If it has not noticed the interrupt within a second, terminates the thread.
   *
   * @param why the beginning of the sentence about the termination
   * @returns false if an earlier interrupt has not been noticed yet
   */
  interrupt(why: string): boolean {
    const shared = this.#shared;
    if (Atomics.exchange(shared, Word.interrupt, 1) !== 0) return false;
    setTimeout(() => {
      if (this.#shared === shared && Atomics.load(shared, Word.interrupt) !== 0) this.#end(why);
    }, grace).unref(); // the thread itself keeps the process alive
    return true;
  }

  #end(why: string): void {
    const worker = this.#worker;
    this.#worker = undefined;
    const said =
      `${why} and could not be interrupted, so its connection was closed: uncommitted transactions ` +
      'are rolled back, temporary tables and in-memory databases are lost';
    void worker?.terminate().then(() => this.#options.lost(said));
  }

  #look(timeout: number): void {
    const started = Atomics.load(this.#shared, Word.started);
    if (started === 0 || !this.#worker) return;
    const over = ((clock() - started) & 0x7fff_ffff) - timeout;
    if (over < 0) return;
    if (Atomics.load(this.#shared, Word.loading) !== 0) {
      this.#end(`a component took more than ${timeout / 1000} seconds to load`);
      return;
    }
    const why = `a statement ran for more than ${timeout / 1000} seconds`;
    if (started === this.#overdue) {
      if (over > patience) this.#end(why); // it continued after the interrupt
      return;
    }
    this.#overdue = started;
    process.stderr.write(`${why}: interrupting it (--timeout)\n`);
    this.interrupt(why);
  }
}
