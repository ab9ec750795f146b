/** `sqlite-wasm-run changeset daemon`: the long-lived capture for tools that know nothing of components. */

import { statistics } from '../../changeset/index.js';
import type { Capture, DatabaseSync } from '../../index.js';
import {
  apartMessage,
  captureOptions,
  refuseUnrecorded,
  sentences,
  startCapture,
} from '../changeset/capture.js';
import { changesetsOf, counted } from '../changeset/entries.js';
import { Output, openDatabase } from '../changeset/files.js';
import { type Command, CommandError, exitCodes, type Given } from '../command.js';
import { Guard } from '../journal/guard.js';
import type { Journal } from '../journal/journal.js';
import { Marker, markers } from '../journal/marker.js';
import { Recorder } from '../journal/recorder.js';
import { say } from '../output.js';
import { statusLine } from '../progress.js';
import { DaemonOutput } from './output.js';
import { clientRules } from './rules.js';
import { DaemonServer } from './server.js';

export const daemon: Command = {
  name: 'daemon',
  summary:
    'Serves SQL on a socket and captures what it changes; on quit, SIGTERM or SIGINT the changeset is written.\n' +
    'A crash loses nothing that was committed: start it again with the same files.',
  operands: '',
  count: [0, 0],
  options: {
    db: { value: 'FILE', required: true, help: 'the database; made where it is not there' },
    socket: { value: 'PATH', required: true, help: 'the socket to listen at; a named pipe on Windows' },
    output: {
      value: 'OUT',
      short: 'o',
      required: true,
      help: 'the changeset; what it holds already stays in it',
    },
    ...captureOptions,
    'accept-loss': {
      help: 'goes on although the journal is damaged or missing, or the database is another: what can be read is kept',
    },
    patience: { value: 'SECONDS', help: 'how long an open transaction may wait for its next statement (30)' },
  },
  async run(given) {
    const patience = Number(given.text('patience') ?? 30) * 1000;
    // A timer takes 31 bits.
    if (!(patience > 0 && patience < 2 ** 31)) {
      throw new CommandError('--patience takes a number of seconds above 0', exitCodes.usage);
    }
    const [path, socket, out] = [
      given.text('db') ?? '',
      given.text('socket') ?? '',
      given.text('output') ?? '',
    ];
    if (out === '-')
      throw new CommandError(
        '--output names a file: what was captured must outlive a crash',
        exitCodes.usage,
      );
    new Output(out, path); // checked at once
    const ended = ending();
    const server = new DaemonServer({ path: socket, database: path, patience, quit: ended.now });
    await server.listen();
    let files: Files;
    try {
      files = openFiles(given);
    } catch (error) {
      server.close();
      throw error;
    }
    const { recorder } = files;
    const { journal, ddl } = files.output;
    const status = statusOf(journal);
    server.serve({
      recorder,
      ddl,
      status,
      changed: () => showStatus(() => status().text),
    });
    say(`listening at ${socket}; ${status().text}`);
    await ended.wait;
    server.close();
    clearTimeout(waiting);
    statusLine.clear();
    const { apart } = files.close();
    if (apart) throw new CommandError(apartMessage);
    return exitCodes.done;
  },
};

/** What the daemon works with. */
interface Files {
  readonly output: DaemonOutput;
  readonly recorder: Recorder;
  close(): { apart: boolean };
}

/** Opens the database and the journal, and says what is not going to be recorded. */
function openFiles(given: Given): Files {
  const path = given.text('db') ?? '';
  const output = new DaemonOutput(given);
  let database: DatabaseSync | undefined;
  try {
    output.refuseStrange(path);
    const opened = openDatabase(path, { make: true });
    database = opened;
    const begin = (): Capture => startCapture(opened, given, [`!${markers}`]);
    {
      using first = begin();
      refuseUnrecorded(first, given);
      for (const sentence of sentences(first.warnings())) say(`warning: ${sentence}`);
    }
    const marker = new Marker(opened, path);
    output.agree(marker);
    const guard = new Guard(opened, clientRules(path));
    const keeper = output.journal;
    const remembersTables = output.ddl;
    const recorder = new Recorder(opened, { keeper, witness: marker, guard, begin, remembersTables });
    return {
      output,
      recorder,
      close() {
        recorder.close();
        const apart = output.hand(opened);
        marker.leave();
        output.journal.remove();
        opened.close();
        return { apart };
      },
    };
  } catch (error) {
    output.journal.abandon();
    database?.close();
    throw error;
  }
}

/** The end: a client's wish, SIGTERM or SIGINT. */
function ending(): { wait: Promise<void>; now(): void } {
  let now = (): void => {};
  const wait = new Promise<void>((resolve) => {
    now = resolve;
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => now());
  return { wait, now: () => now() };
}

/** What is captured so far, as a line and as data. */
export type Status = () => { text: string; data: unknown };

/** Counts what was committed: incrementally, for the journal only grows. */
function statusOf(journal: Journal): Status {
  const counts = new Map<string, { inserts: number; updates: number; deletes: number }>();
  let statements = 0;
  let seen = 0;
  const place = { at: 0 };
  return () => {
    for (const entries of journal.transactions(place)) {
      seen += 1;
      const changesets = changesetsOf(entries);
      statements += entries.length - changesets.length;
      for (const { table, inserts, updates, deletes } of changesets.flatMap(statistics)) {
        const sum = counts.get(table) ?? { inserts: 0, updates: 0, deletes: 0 };
        sum.inserts += inserts;
        sum.updates += updates;
        sum.deletes += deletes;
        counts.set(table, sum);
      }
    }
    const tables = [...counts].map(([table, sum]) => ({ table, ...sum }));
    const parts = tables.map(
      ({ table, inserts, updates, deletes }) => `${table} +${inserts} ~${updates} -${deletes}`,
    );
    if (statements > 0) parts.push(`schema !${statements}`);
    const text = `${counted(seen, 'transaction')} captured${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
    return { text, data: { transactions: seen, tables, statements } };
  };
}

let waiting: NodeJS.Timeout | undefined;

/** Shows a line that is written over, on a terminal, and a few times a second at most; what is last is shown. */
function showStatus(text: () => string): void {
  if (waiting !== undefined) return;
  const show = (): void => {
    waiting = undefined;
    statusLine.show(text());
  };
  if (statusLine.due) show();
  else if (statusLine.possible) waiting = setTimeout(show, 100).unref();
}
