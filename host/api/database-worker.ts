/** Runs a database in its own thread, so that every call can have a time limit. */

import type { Worker } from 'node:worker_threads';
import { SQLITE_INTERRUPT } from '../core/constants.js';
import { errorFrom, type PlainError } from '../core/errors.js';
import { checkArgument, checkOptions, coded, invalidState, invalidValue } from '../kernel/arguments.js';
import type { Grants } from '../kernel/grants.js';
import { workerThreads } from '../node/builtins.js';
import { ownFile } from '../node/package.js';
import type { DatabaseOptions } from './database.js';
import type { Row } from './rows.js';
import type { RunResult } from './statement.js';

/** Options of {@link DatabaseWorker}. */
export interface DatabaseWorkerOptions {
  /** Options for opening the database. */
  database?: DatabaseOptions;
  /** Components to load whenever the database is opened, by path or name, optionally with their own grants. */
  extensions?: readonly (string | { path: string; grants: Grants })[];
  /** The default time limit of a call, in ms; unlimited by default. */
  timeout?: number;
}

/** Options of one call of a {@link DatabaseWorker}. */
export interface CallOptions {
  /** The time limit of this call, in ms. */
  timeout?: number;
}

export type Request =
  | { readonly kind: 'exec'; readonly sql: string }
  | { readonly kind: 'all' | 'run'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'close' };

/** The thread's reply: the result or the error, as plain objects. */
export type Reply =
  | { readonly value: unknown }
  | { readonly failed: PlainError }
  | { readonly thrown: { readonly message: string; readonly code?: string } };

/** The data that a new thread receives. */
export interface ThreadInput {
  readonly path: string;
  readonly database: DatabaseOptions;
  readonly extensions: readonly (string | { path: string; grants: Grants })[];
  /** One element; 1 interrupts the running statement. */
  readonly shared: Int32Array;
}

/** How long to wait for an interrupted call to end, in ms. */
const grace = 1000;

/** Thrown if a call exceeds its time limit. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ERR_SQLITE_TIMEOUT';
  /**
   * Whether the connection was lost because the call could not be interrupted. Uncommitted transactions are rolled
   * back, and temporary tables and in-memory databases are lost. The next call opens the database again.
   */
  readonly connectionLost: boolean;

  constructor(message: string, connectionLost: boolean) {
    super(message);
    this.connectionLost = connectionLost;
  }
}

interface Call {
  readonly request: Request;
  readonly timeout: number | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * A connection to a database in its own thread. Calls run one after another, in order. A call that exceeds its time
 * limit is interrupted. If it does not end within a second, for example because a component is in an infinite loop, the
 * thread is terminated and the database is opened again.
 */
export class DatabaseWorker {
  readonly #path: string;
  readonly #options: DatabaseWorkerOptions;
  readonly #waiting: Call[] = [];
  #running: Call | undefined;
  #worker: Worker | undefined;
  #shared = new Int32Array(new SharedArrayBuffer(4));
  #closed = false;

  /**
   * Creates the worker. The database is opened at the first call, as DatabaseSync does.
   *
   * @throws TypeError if an argument has the wrong type or an option is unknown
   */
  constructor(path: string, options: DatabaseWorkerOptions = {}) {
    checkArgument('path', path, 'string');
    checkOptions(options, { database: 'any', extensions: 'any', timeout: 'any' });
    checkTimeout(options.timeout);
    this.#path = path;
    this.#options = { ...options };
  }

  /** Runs all statements of `sql` and discards their rows. @throws the errors of {@link all} */
  async exec(sql: string, options: CallOptions = {}): Promise<void> {
    await this.#call({ kind: 'exec', sql }, options);
  }

  /**
   * Runs one statement and returns all its rows.
   *
   * @param parameters the values in order; the first may be an object of named parameters
   * @throws SqliteError if the statement fails
   * @throws TimeoutError if the call exceeds its time limit, or waited for a call that lost the connection
   */
  async all(sql: string, parameters: readonly unknown[] = [], options: CallOptions = {}): Promise<Row[]> {
    return (await this.#call({ kind: 'all', sql, parameters }, options)) as Row[];
  }

  /** Runs one statement and returns the number of changes. Parameters and errors are those of {@link all}. */
  async run(sql: string, parameters: readonly unknown[] = [], options: CallOptions = {}): Promise<RunResult> {
    return (await this.#call({ kind: 'run', sql, parameters }, options)) as RunResult;
  }

  /** Closes the database after all earlier calls have finished. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const closing = this.#worker || this.#running ? this.#call({ kind: 'close' }, {}) : undefined;
    this.#closed = true;
    await closing;
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #call(request: Request, options: CallOptions): Promise<unknown> {
    checkOptions(options, { timeout: 'any' });
    checkTimeout(options.timeout);
    if (this.#closed) return Promise.reject(invalidState('database is not open'));
    const timeout = options.timeout ?? this.#options.timeout;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, timeout, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running) return;
    const call = this.#waiting.shift();
    if (!call) return;
    this.#running = call;
    const worker = this.#worker ?? this.#start();
    const timer =
      call.timeout === undefined ? undefined : setTimeout(() => this.#overdue(call), call.timeout);
    const settle = (answer: () => void): void => {
      clearTimeout(timer);
      worker.removeAllListeners('message').removeAllListeners('error');
      this.#running = undefined;
      answer();
      this.#next();
    };
    worker.once('message', (reply: Reply) => {
      Atomics.store(this.#shared, 0, 0);
      if ('value' in reply) settle(() => call.resolve(reply.value));
      else settle(() => call.reject(errorOf(reply, call)));
    });
    worker.once('error', (error) => {
      this.#worker = undefined;
      settle(() => call.reject(error));
    });
    worker.postMessage(call.request);
  }

  #start(): Worker {
    this.#shared = new Int32Array(new SharedArrayBuffer(4));
    const workerData: ThreadInput = {
      path: this.#path,
      database: this.#options.database ?? {},
      extensions: this.#options.extensions ?? [],
      shared: this.#shared,
    };
    this.#worker = new (workerThreads().Worker)(ownFile('database-thread.js'), { workerData });
    return this.#worker;
  }

  #overdue(call: Call): void {
    interrupted.add(call);
    Atomics.store(this.#shared, 0, 1);
    setTimeout(() => {
      if (this.#running === call) void this.#end(call);
    }, grace);
  }

  /** Terminates the thread. Waiting calls fail too, because they may belong to the lost transaction. */
  async #end(call: Call): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.removeAllListeners();
    await worker?.terminate();
    this.#running = undefined;
    const lost =
      'the connection was lost: uncommitted transactions are rolled back, temporary tables and in-memory ' +
      'databases are lost; the next call opens the database again';
    call.reject(
      new TimeoutError(
        `the call took more than ${call.timeout} ms and could not be interrupted, so ${lost}`,
        true,
      ),
    );
    for (const waiting of this.#waiting.splice(0)) {
      waiting.reject(new TimeoutError(`a call before this one took too long, and ${lost}`, true));
    }
  }
}

/** The calls that were interrupted because they exceeded their time limit. */
const interrupted = new WeakSet<Call>();

function errorOf(reply: Exclude<Reply, { value: unknown }>, call: Call): Error {
  if ('failed' in reply) {
    if ((reply.failed.errcode & 0xff) === SQLITE_INTERRUPT && interrupted.has(call)) {
      const message = `the call took more than ${call.timeout} ms and was interrupted`;
      return new TimeoutError(message, false);
    }
    return errorFrom(reply.failed);
  }
  const { thrown } = reply;
  const error = new Error(thrown.message);
  return thrown.code === undefined ? error : coded(error, thrown.code as 'ERR_INVALID_STATE');
}

function checkTimeout(timeout: unknown): void {
  if (timeout === undefined) return;
  if (!(typeof timeout === 'number' && Number.isInteger(timeout) && timeout > 0 && timeout < 2 ** 31)) {
    throw invalidValue(
      'The "options.timeout" argument must be a number of milliseconds from 1 to 2147483647.',
    );
  }
}
