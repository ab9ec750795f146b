/** The daemon's database thread. It handles the requests of the main thread one at a time. */

import { parentPort, workerData } from 'node:worker_threads';
import { useDefaultEngine } from '../../components/default-engine.js';
import { SQLITE_MISUSE } from '../../core/constants.js';
import { plainError, SqliteError, sqliteError } from '../../core/errors.js';
import { parse } from '../command.js';
import { CommandError, exitCodes } from '../exit.js';
import { daemonCommand } from './command.js';
import { CapturedDatabase } from './database.js';
import { type DatabaseInput, type FromDatabase, type ToDatabase, Word } from './messages.js';
import { RowPieces } from './row-pieces.js';

const { args, shared } = workerData as DatabaseInput;
const port = parentPort;
let database: CapturedDatabase | undefined;
const given = parse('sqlite-wasm-run changeset daemon', daemonCommand, args);

const interrupted = (): boolean => {
  if (database?.isRunning && Atomics.load(shared, Word.interrupt) !== 0) database.interrupt();
  return false; // only the shell returns true
};
useDefaultEngine({ interrupted }, given.text('locking'));

const say = (message: FromDatabase): void => port?.postMessage(message);

function run(open: CapturedDatabase, task: Extract<ToDatabase, { do: 'run' }>): void {
  const rows = new RowPieces(task.frames, shared, (bytes) => {
    port?.postMessage({ is: 'rows', bytes } satisfies FromDatabase, [bytes.buffer]);
  });
  try {
    const { changes, lastInsertRowid, note } = open.run(task.client, task.sql, task.params, rows);
    rows.send();
    say({
      is: 'ran',
      columns: rows.names,
      rows: rows.count,
      changes,
      lastInsertRowid,
      ...(note !== undefined && { note }),
      inTransaction: open.inTransaction,
    });
  } catch (error) {
    say({
      is: 'error',
      error: plainError(error instanceof SqliteError ? error : sqliteError(SQLITE_MISUSE, messageOf(error))),
      inTransaction: open.inTransaction,
    });
  }
}

/** Ends the thread. Later requests get no answer. */
function end(exitCode: number, message?: string): void {
  say({ is: 'ended', exitCode, ...(message !== undefined && { message }) });
  port?.close();
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function failed(error: unknown): void {
  const code = error instanceof CommandError ? error.exitCode : exitCodes.failed;
  end(code, messageOf(error));
}

function take(open: CapturedDatabase, task: ToDatabase): void {
  if (task.do === 'run') run(open, task);
  else if (task.do === 'status') say({ is: 'status', status: open.status() });
  else if (task.do === 'end') {
    open.end();
    end(exitCodes.done);
  } else {
    if (task.do === 'rollback') open.rollback();
    else if (task.do === 'leave') open.leave(task.client);
    say({ is: 'done' });
  }
}

try {
  const open = new CapturedDatabase(given);
  database = open;
  port?.on('message', (task: ToDatabase) => {
    try {
      take(open, task);
    } catch (error) {
      failed(error);
    }
  });
  say({ is: 'open', status: open.status() });
} catch (error) {
  failed(error);
}
