/**
 * The thread of `replica run` that has the replica. It handles one request at a time, and follows the history between
 * requests.
 */

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { connectionOf } from '../../api/connections.js';
import { useDefaultEngine } from '../../components/default-engine.js';
import { SQLITE_INTERRUPT } from '../../core/constants.js';
import { plainError, sqliteError } from '../../core/errors.js';
import { type RegisteredFunction, Replica, type ReplicaPolicy } from '../../replica/index.js';
import { counted } from '../changeset/entries.js';
import { parse } from '../command.js';
import {
  type DatabaseInput,
  type FromDatabase,
  type Status,
  type ToDatabase,
  Word,
} from '../daemon/messages.js';
import { RowPieces } from '../daemon/row-pieces.js';
import { CommandError, exitCodes } from '../exit.js';
import { say } from '../output.js';
import { Progress } from '../progress.js';
import { answer, asCommandError, isRequest, type Requests } from './control.js';
import { limitsGiven, logOf } from './options.js';
import { runCommand } from './run.js';
import { asSqliteError, ReplicaStatements, runSql, sqlFunction } from './statements.js';

/** The time in ms to wait for the server's first answer. */
const firstMoment = 2000;

const { args, shared } = workerData as DatabaseInput;
const port = parentPort;
const given = parse('sqlite-wasm-run replica run', runCommand, args);
let statements: ReplicaStatements | undefined;
let replica: Replica | undefined;

const interrupted = (): boolean => {
  if (statements?.isRunning && replica && isInterrupted()) {
    const { db, engine } = connectionOf(replica.database);
    engine.core.c.sqlite3_interrupt(db);
  }
  return false; // only the shell returns true
};
useDefaultEngine({ interrupted }, given.text('locking'));

const isInterrupted = (): boolean => Atomics.load(shared, Word.interrupt) !== 0;
const tell = (message: FromDatabase): void => port?.postMessage(message);

/** Waits for a promise, and rejects if the request is interrupted. */
async function until<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const interrupted = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      if (isInterrupted()) reject(sqliteError(SQLITE_INTERRUPT));
    }, 50);
  });
  try {
    return await Promise.race([promise, interrupted]);
  } finally {
    clearInterval(timer);
  }
}

async function open(): Promise<Replica> {
  const path = given.text('db') ?? '';
  const progress = new Progress(`loading a snapshot of ${given.text('name')}`);
  using loading = { progress, size: 0, [Symbol.dispose]: () => progress[Symbol.dispose]() };
  const log = logOf(given, given.texts('server'));
  try {
    const opened = await Replica.open(path, {
      log,
      create: given.on('create'),
      policy: (given.text('policy') ?? 'rerun') as ReplicaPolicy,
      limits: limitsGiven(given),
      functions: { [sqlFunction]: runSql as RegisteredFunction },
      onProgress: (done, total) => {
        loading.size = total;
        loading.progress.of(done, total);
      },
    });
    if (loading.size > 0) say(`loaded a snapshot of ${loading.size} bytes`);
    return opened;
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** Waits until the server has answered, but not longer than {@link firstMoment}. */
async function connected(open: Replica): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  const heard = (['online', 'stopped'] as const).map((name) => once(open, name, { signal }));
  await Promise.race([...heard, sleep(firstMoment, undefined, { signal })]);
  for (const one of heard) one.catch(() => {});
  over.abort();
}

/** Prints events of the replica on standard error. */
function watch(open: Replica): void {
  open.on('offline', (error) => say(`offline: ${error.message}`));
  open.on('online', () => say('online'));
  open.on('stalled', (error) => say(`stalled: ${error.message}`));
  open.on('rejected', ({ id, kind, message }) => say(`rejected ${id} (${kind}): ${message}`));
  open.on('renewed', (copy) =>
    say(`another file has the UUID of this copy, so this copy has the new UUID ${copy}`),
  );
  open.on('stopped', (error) => end(exitCodes.failed, error.message));
  const { state, problem } = open.status();
  if (state === 'stopped') end(exitCodes.failed, problem?.message);
}

function statusOf(open: Replica): Status {
  const { state, sequence, last, pending, problem, ...ids } = open.status();
  const rejected = open.rejected().length;
  const parts = [`${state} at message ${sequence}${last > sequence ? ` of ${last}` : ''}`];
  if (pending > 0) parts.push(`${counted(pending, 'transaction')} pending`);
  if (rejected > 0) parts.push(`${rejected} rejected`);
  if (problem) parts.push(problem.message);
  const data = { ...ids, state, sequence, last, pending, rejected, problem: problem?.message ?? null };
  return { text: parts.join(', '), data };
}

async function run(own: ReplicaStatements, task: Extract<ToDatabase, { do: 'run' }>): Promise<void> {
  const rows = new RowPieces(task.frames, shared, (bytes) => {
    port?.postMessage({ is: 'rows', bytes } satisfies FromDatabase, [bytes.buffer]);
  });
  try {
    const { changes, lastInsertRowid } = await own.run(task.sql, task.params, rows);
    rows.send();
    tell({
      is: 'ran',
      columns: rows.names,
      rows: rows.count,
      changes,
      lastInsertRowid,
      inTransaction: own.inTransaction,
    });
  } catch (error) {
    tell({ is: 'error', error: plainError(asSqliteError(error)), inTransaction: own.inTransaction });
  }
}

async function command(open: Replica, [name, ...rest]: readonly unknown[]): Promise<unknown> {
  try {
    if (!isRequest(name)) throw new CommandError(`unknown command ${JSON.stringify(name)}`, exitCodes.usage);
    if (given.on('read-only') && (name === 'undo' || name === 'retry')) {
      throw new CommandError('this copy is read-only (--read-only): use another copy');
    }
    return { value: await answer(open, name, rest as unknown as Requests[typeof name]['args']) };
  } catch (error) {
    const { message, exitCode = exitCodes.failed } = error as Partial<CommandError>;
    return { error: { message, exitCode } };
  }
}

let isEnding = false;

/** Ends the thread. Later requests get no answer. */
function end(exitCode: number, message?: string): void {
  if (isEnding) return;
  isEnding = true;
  tell({ is: 'ended', exitCode, ...(message !== undefined && { message }) });
  port?.close();
  void replica?.close();
}

function failed(error: unknown): void {
  const own = asCommandError(error);
  const message = own instanceof Error ? own.message : String(own);
  end(own instanceof CommandError ? own.exitCode : exitCodes.failed, message);
}

async function take(open: Replica, own: ReplicaStatements, task: ToDatabase): Promise<void> {
  switch (task.do) {
    case 'run':
      return run(own, task);
    case 'status':
      return tell({ is: 'status', status: statusOf(open) });
    case 'command':
      return tell({ is: 'result', result: await command(open, task.args) });
    case 'end':
      own.rollback();
      await open.close();
      return end(exitCodes.done);
    case 'rollback':
      own.rollback();
      return tell({ is: 'done' });
    case 'leave':
      return tell({ is: 'done' });
  }
}

try {
  const opened = await open();
  replica = opened;
  const own = new ReplicaStatements(opened, {
    readOnly: given.on('read-only'),
    wait: given.on('wait'),
    until,
  });
  statements = own;
  port?.on('message', (task: ToDatabase) => {
    take(opened, own, task).catch(failed);
  });
  await connected(opened);
  watch(opened);
  tell({ is: 'open', status: statusOf(opened) });
} catch (error) {
  failed(error);
}
