/**
 * The shell's thread, seen from the main one. A statement is interrupted as SQLite does it, between two steps of
 * its engine. A computation inside a component has no such steps: then the thread is terminated, with the connection.
 */

import { Worker } from 'node:worker_threads';
import { ownFile } from '../node/package.js';
import { clock, type FromShell, type ToShell, Word, type WorkerInput } from './messages.js';
import type { OwnOptions } from './options.js';
import { onResize, terminalColumns } from './process-terminal.js';

/** How long an interrupted statement may take to end, in ms. */
const grace = 1000;
/** How long it may take after it noticed the interrupt, in ms: its changes are undone in that time. */
const patience = 10_000;
/** How often a statement's time is checked, in ms. */
const pulse = 50;

export interface SupervisorOptions {
  readonly own: OwnOptions;
  /** Whether lines are edited in the main thread; else the shell reads standard input itself. */
  readonly edited: boolean;
  /** Called with the shell's messages. */
  heard(message: FromShell): void;
  /** Called when the thread was terminated; `why` is the reason, as a sentence. */
  lost(why: string): void;
  failed(error: unknown): void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  #shared = new Int32Array(new SharedArrayBuffer(4 * Word.count));
  #worker: Worker | undefined;
  /** When the statement began that was interrupted because of its time. */
  #overdue = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { timeout } = options.own;
    onResize((columns) => Atomics.store(this.#shared, Word.columns, columns));
    if (timeout !== undefined) setInterval(() => this.#look(timeout), pulse).unref();
  }

  /** Starts the shell, with the arguments that are its own. */
  start(args: readonly string[]): void {
    const { own, edited } = this.#options;
    const shared = new Int32Array(new SharedArrayBuffer(4 * Word.count));
    Atomics.store(shared, Word.columns, terminalColumns());
    const workerData: WorkerInput = { args, own, shared, edited };
    const worker = new Worker(ownFile('cli/shell-thread.js'), { workerData });
    this.#shared = shared;
    this.#worker = worker;
    // A terminated thread sends nothing more.
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

  /** Whether a command of the user's has the terminal, and with it Ctrl-C. */
  get commandRuns(): boolean {
    return Atomics.load(this.#shared, Word.command) !== 0;
  }

  /** The shell waits for input: no statement runs. */
  settled(): void {
    Atomics.store(this.#shared, Word.interrupt, 0);
    Atomics.store(this.#shared, Word.started, 0);
  }

  /**
   * Interrupts what runs; if it has not noticed within a second, terminates its thread.
   *
   * @param why begins the sentence about that
   * @returns false if it was interrupted already and has not noticed yet
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
      if (over > patience) this.#end(why); // it was interrupted, but continued
      return;
    }
    this.#overdue = started;
    process.stderr.write(`${why}: it is interrupted (--timeout)\n`);
    this.interrupt(why);
  }
}
