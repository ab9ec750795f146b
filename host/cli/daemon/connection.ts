/** The main thread's side of the thread that has the database. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { SQLITE_INTERRUPT } from '../../core/constants.js';
import type { SqlValue } from '../../kernel/values.js';
import { ownFile } from '../../node/package.js';
import { CommandError, exitCodes } from '../exit.js';
import {
  type DatabaseInput,
  type ErrorMessage,
  type FromDatabase,
  type RanMessage,
  type Status,
  type ToDatabase,
  Word,
} from './messages.js';

/** The maximum time in ms for an interrupted statement to end. */
const grace = 10_000;

export interface Statement {
  readonly client: number;
  readonly frames: boolean;
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** Receives rows in the form in which they are sent to the client. */
  rows(bytes: Uint8Array): void;
}

export class DatabaseConnection {
  readonly #shared = new Int32Array(new SharedArrayBuffer(4 * Word.count));
  readonly #worker: Worker;
  #rows: ((bytes: Uint8Array) => void) | undefined;
  #answer: ((message: FromDatabase) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;
  /** The error if the thread has ended unexpectedly. */
  #ended: CommandError | undefined;
  #isEnding = false;
  #why: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Called if the thread ends unexpectedly. */
  lost = (_error: CommandError): void => {};

  /**
   * @param args the options of the command
   * @param thread the path of the thread's script
   */
  constructor(args: readonly string[], thread = 'cli/daemon/database-thread.js') {
    const workerData: DatabaseInput = { args, shared: this.#shared };
    const env = { ...process.env, COLUMNS: String(process.stderr.columns ?? 80) };
    this.#worker = new Worker(ownFile(thread), { workerData, env });
    this.#worker.on('message', (message: FromDatabase) => this.#heard(message));
    this.#worker.on('error', (error) => this.#over(new CommandError(error.message)));
    this.#worker.on('exit', () => this.#over(new CommandError('the thread of the database ended')));
  }

  /** Waits until the database is open. @throws CommandError if the database cannot be opened */
  async open(): Promise<Status> {
    const answer = await this.#next();
    if (answer.is === 'open') return answer.status;
    throw unexpected(answer);
  }

  async run({ rows, ...statement }: Statement): Promise<RanMessage | ErrorMessage> {
    Atomics.store(this.#shared, Word.interrupt, 0);
    this.#why = undefined;
    this.#rows = rows;
    const answer = await this.#ask({ do: 'run', ...statement });
    this.#rows = undefined;
    clearTimeout(this.#timer);
    if (answer.is === 'ran') return answer;
    if (answer.is !== 'error') throw unexpected(answer);
    const why: string | undefined = this.#why;
    const { error } = answer;
    const isInterrupted = (error.errcode & 0xff) === SQLITE_INTERRUPT && why !== undefined;
    return isInterrupted ? { ...answer, error: { ...error, message: `interrupted: ${why}` } } : answer;
  }

  /** Interrupts the running statement. @param why the reason for its client */
  interrupt(why: string): void {
    if (!this.#rows || this.#why !== undefined) return;
    this.#why = why;
    Atomics.store(this.#shared, Word.interrupt, 1);
    Atomics.notify(this.#shared, Word.taken);
    this.#timer = setTimeout(() => {
      // A long computation in C cannot be interrupted. The journal contains the committed changes.
      const message = `a statement could not be interrupted (${why}); committed changes are in the journal: start the daemon again with the same files`;
      this.#over(new CommandError(message));
      void this.#worker.terminate();
    }, grace);
  }

  async status(): Promise<Status> {
    const answer = await this.#ask({ do: 'status' });
    if (answer.is === 'status') return answer.status;
    throw unexpected(answer);
  }

  /** Runs a command that only some databases support. @throws CommandError if the command fails */
  async command(name: string, args: readonly unknown[]): Promise<unknown> {
    const answer = await this.#ask({ do: 'command', name, args });
    if (answer.is !== 'result') throw unexpected(answer);
    return answer.result;
  }

  /** Terminates the thread while it is opening the database. */
  async abandon(): Promise<void> {
    this.lost = () => {};
    await this.#worker.terminate();
  }

  async rollback(): Promise<void> {
    await this.#ask({ do: 'rollback' });
  }

  /** Discards the settings of a client that has disconnected. */
  async leave(client: number): Promise<void> {
    await this.#ask({ do: 'leave', client });
  }

  /** Writes the captured changes and ends the thread. @throws CommandError if that fails */
  async end(): Promise<void> {
    this.lost = () => {};
    this.#isEnding = true;
    const answer = await this.#ask({ do: 'end' });
    if (answer.is === 'ended' && answer.exitCode === exitCodes.done) return;
    throw unexpected(answer);
  }

  #ask(message: ToDatabase): Promise<FromDatabase> {
    const answer = this.#next();
    this.#worker.postMessage(message);
    return answer;
  }

  #next(): Promise<FromDatabase> {
    return new Promise((resolve, reject) => {
      if (this.#ended) reject(this.#ended);
      this.#answer = resolve;
      this.#fail = reject;
    });
  }

  #heard(message: FromDatabase): void {
    if (message.is === 'ended' && !this.#isEnding) {
      this.#over(unexpected(message));
    } else if (message.is !== 'rows') {
      const answer = this.#answer;
      this.#answer = undefined;
      this.#fail = undefined;
      answer?.(message);
    } else {
      this.#rows?.(message.bytes);
      Atomics.add(this.#shared, Word.taken, 1);
      Atomics.notify(this.#shared, Word.taken);
    }
  }

  #over(error: CommandError): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    this.#ended = error;
    const fail = this.#fail;
    this.#fail = undefined;
    if (fail) fail(error);
    this.lost(error);
  }

  /** Waits until the thread has ended. */
  async closed(): Promise<void> {
    if (this.#worker.threadId !== -1) await once(this.#worker, 'exit');
  }
}

function unexpected(answer: FromDatabase): CommandError {
  if (answer.is === 'ended') return new CommandError(answer.message ?? 'the daemon ended', answer.exitCode);
  return new CommandError(`the thread of the database answered ${answer.is}`);
}
