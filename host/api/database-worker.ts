/** A database in a thread of its own, so that a statement's time can be limited, whatever it calls. */

import { Worker } from 'node:worker_threads';
import { SQLITE_INTERRUPT } from '../core/constants.js';
import { errorFrom, type PlainError } from '../core/errors.js';
import { checkArgument, checkOptions, coded, invalidState, invalidValue } from '../kernel/arguments.js';
import type { Grants } from '../kernel/grants.js';
import { ownFile } from '../node/package.js';
import type { DatabaseOptions } from './database.js';
import type { Row } from './rows.js';
import type { RunResult } from './statement.js';

/** How a {@link DatabaseWorker} opens its database, and how long its calls may take. */
export interface DatabaseWorkerOptions {
  /** How the database is opened. */
  database?: DatabaseOptions;
  /** Components to load whenever it is opened: by path or name, or with grants of their own. */
  extensions?: readonly (string | { path: string; grants: Grants })[];
  /** How long a call may take, in ms, if the call does not say; unlimited by default. */
  timeout?: number;
}

/** Options of one call of a {@link DatabaseWorker}. */
export interface CallOptions {
  /** How long this call may take, in ms. */
  timeout?: number;
}

/** A request to the thread. */
export type Request =
  | { readonly kind: 'exec'; readonly sql: string }
  | { readonly kind: 'all' | 'run'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'close' };

/** Its answer: the result, or what was thrown, as plain objects. */
export type Reply =
  | { readonly value: unknown }
  | { readonly failed: PlainError }
  | { readonly thrown: { readonly message: string; readonly code?: string } };

/** What a thread is made with. */
export interface ThreadInput {
  readonly path: string;
  readonly database: DatabaseOptions;
  readonly extensions: readonly (string | { path: string; grants: Grants })[];
  /** One word: 1 interrupts the statement. */
  readonly shared: Int32Array;
}

/** How long an interrupted call may take to end, in ms. */
const grace = 1000;

/** A call took too long. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ERR_SQLITE_TIMEOUT';
  /**
   * Whether the connection was lost: the call could not be interrupted. The database is opened again for the next
   * one; uncommitted transactions are rolled back, temporary tables and in-memory databases are lost.
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
 * One connection to a database, in a thread of its own. Calls are done one after another, in their order. A call
 * that takes too long is interrupted; if that has no effect within a second, because a component loops without
 * end, the thread is terminated, and the database opened again.
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
   * Opens a database as DatabaseSync does, at the first call.
   *
   * @throws TypeError for an argument of another kind or an unknown option
   */
  constructor(path: string, options: DatabaseWorkerOptions = {}) {
    checkArgument('path', path, 'string');
    checkOptions(options, { database: 'any', extensions: 'any', timeout: 'any' });
    checkTimeout(options.timeout);
    this.#path = path;
    this.#options = { ...options };
  }

  /** Runs all statements of `sql`; rows are dropped. @throws as {@link all} does */
  async exec(sql: string, options: CallOptions = {}): Promise<void> {
    await this.#call({ kind: 'exec', sql }, options);
  }

  /**
   * All rows of one statement.
   *
   * @param parameters its values, or an object with the named ones first
   * @throws SqliteError if it fails
   * @throws TimeoutError if it takes too long, or waited for a call that lost the connection
   */
  async all(sql: string, parameters: readonly unknown[] = [], options: CallOptions = {}): Promise<Row[]> {
    return (await this.#call({ kind: 'all', sql, parameters }, options)) as Row[];
  }

  /** Runs one statement to its end and returns what it changed; parameters and errors are those of {@link all}. */
  async run(sql: string, parameters: readonly unknown[] = [], options: CallOptions = {}): Promise<RunResult> {
    return (await this.#call({ kind: 'run', sql, parameters }, options)) as RunResult;
  }

  /** Closes the database once the earlier calls are done. */
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
    this.#worker = new Worker(ownFile('database-thread.js'), { workerData });
    return this.#worker;
  }

  #overdue(call: Call): void {
    interrupted.add(call);
    Atomics.store(this.#shared, 0, 1);
    setTimeout(() => {
      if (this.#running === call) void this.#end(call);
    }, grace);
  }

  /** Terminates the thread. Waiting calls fail too: they may belong to the lost transaction. */
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

/** The calls that were interrupted because they took too long. */
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
