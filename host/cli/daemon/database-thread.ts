/** The daemon's thread that has the database: it does one thing at a time, as the main thread asks. */

import '../../node/platform.js';
import { parentPort, workerData } from 'node:worker_threads';
import { SQLITE_INTERRUPT, SQLITE_MISUSE } from '../../core/constants.js';
import { plainError, SqliteError, sqliteError } from '../../core/errors.js';
import { Engine } from '../../kernel/engine.js';
import { useEngine } from '../../kernel/engine-of-thread.js';
import type { SqlValue } from '../../kernel/values.js';
import { extensionLoader } from '../../loader/loader.js';
import { nodeFileSystem } from '../../node/files.js';
import { parse } from '../command.js';
import { CommandError, exitCodes } from '../exit.js';
import { daemonCommand } from './command.js';
import { CapturedDatabase } from './database.js';
import { type DatabaseInput, type FromDatabase, type ToDatabase, Word } from './messages.js';
import { jsonOf, lineValue } from './protocol.js';

/** How much of an answer is sent at once, in characters. */
const pieceSize = 65_536;
/** How many pieces may be waiting for the main thread. */
const mostPieces = 16;

const { args, shared } = workerData as DatabaseInput;
const port = parentPort;
let database: CapturedDatabase | undefined;
let pieces = 0;
const unlocked = nodeFileSystem({ locking: 'none' });
const given = parse('sqlite-wasm-run changeset daemon', daemonCommand, args);

useEngine(
  () =>
    new Engine({
      fileSystems: [
        given.text('locking') === 'none' ? unlocked : nodeFileSystem({ locking: 'auto' }),
        unlocked,
      ],
      extensions: (engine) => extensionLoader(engine),
      interrupted() {
        if (database?.isRunning && isInterrupted()) database.interrupt();
        return false; // true is for the shell, which handles a signal
      },
    }),
);

const isInterrupted = (): boolean => Atomics.load(shared, Word.interrupt) !== 0;
const say = (message: FromDatabase): void => port?.postMessage(message);

/** Rows on their way to the client; the thread waits while the main one is behind. */
class Rows {
  columns: readonly string[] = [];
  count = 0;
  readonly #text: (row: readonly SqlValue[]) => string;
  #parts: string[] = [];
  #size = 0;

  constructor(frames: boolean) {
    this.#text = frames
      ? (row) => `${this.count > 1 ? ',' : ''}${JSON.stringify(row.map(jsonOf))}`
      : (row) => `${row.map(lineValue).join('\t')}\n`;
  }

  add(row: readonly SqlValue[]): void {
    this.count += 1;
    const text = this.#text(row);
    this.#parts.push(text);
    this.#size += text.length;
    if (this.#size >= pieceSize) this.send();
  }

  send(): void {
    if (this.#size === 0) return;
    for (;;) {
      const taken = Atomics.load(shared, Word.taken);
      if (((pieces - taken) | 0) < mostPieces) break;
      if (isInterrupted()) throw sqliteError(SQLITE_INTERRUPT);
      Atomics.wait(shared, Word.taken, taken, 1000);
    }
    const bytes = new TextEncoder().encode(this.#parts.join(''));
    this.#parts = [];
    this.#size = 0;
    pieces = (pieces + 1) | 0;
    port?.postMessage({ is: 'rows', bytes } satisfies FromDatabase, [bytes.buffer]);
  }
}

function run(open: CapturedDatabase, task: Extract<ToDatabase, { do: 'run' }>): void {
  const rows = new Rows(task.frames);
  try {
    const { changes, lastInsertRowid, note } = open.run(task.client, task.sql, task.params, {
      columns: (names) => {
        rows.columns = names;
      },
      row: (values) => rows.add(values),
    });
    rows.send();
    say({
      is: 'ran',
      columns: rows.columns,
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

/** Ends the thread; later requests are not answered. */
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
    else open.leave(task.client);
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
