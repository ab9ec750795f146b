/** `sqlite-wasm-run changeset daemon`: the long-lived capture for tools that know nothing of components. */

import { statistics } from '../../changeset/index.js';
import { type Command, CommandError, exitCodes } from '../changeset/command.js';
import { Journal } from './journal.js';
import { Recorder } from './recorder.js';
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
    table: { value: 'NAME', multiple: true, help: 'records this table only; may be given several times' },
    patience: { value: 'SECONDS', help: 'how long an open transaction may wait for its next statement (30)' },
  },
  async run(given) {
    const patience = Number(given.text('patience') ?? 30) * 1000;
    if (!(patience > 0))
      throw new CommandError('--patience takes a number of seconds above 0', exitCodes.usage);
    process.stderr.on('error', () => {}); // whoever read it may leave; the capture goes on
    const journal = new Journal(given.text('output') ?? '');
    const recorder = new Recorder(given.text('db') ?? '', journal, given.texts('table'));
    for (const warning of recorder.warnings) process.stderr.write(`warning: ${warning}\n`);
    const status = statusOf(journal);
    const ended = ending();
    const server = new DaemonServer({
      path: given.text('socket') ?? '',
      database: given.text('db') ?? '',
      recorder,
      patience,
      status,
      quit: ended.now,
      changed: () => showStatus(status().text),
    });
    await server.listen();
    process.stderr.write(`listening at ${given.text('socket')}; ${status().text}\n`);
    await ended.wait;
    server.close();
    let bytes = 0;
    recorder.close(() => {
      bytes = journal.close().length;
    });
    process.stderr.write(`${given.text('output')}: a changeset of ${bytes} bytes\n`);
    return exitCodes.done;
  },
};

/** The end: a client's wish, SIGTERM or SIGINT. */
function ending(): { wait: Promise<void>; now(): void } {
  let now = (): void => {};
  const wait = new Promise<void>((resolve) => {
    now = resolve;
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => now());
  return { wait, now: () => now() };
}

/** Counts what was committed: incrementally, for the journal only grows. */
function statusOf(journal: Journal): () => { text: string; data: unknown } {
  const counts = new Map<string, { inserts: number; updates: number; deletes: number }>();
  let counted = 0;
  return () => {
    const all = journal.changesets;
    for (; counted < all.length; counted++) {
      for (const { table, inserts, updates, deletes } of statistics(all[counted] as Uint8Array)) {
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
    const text = `${all.length} transactions captured${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
    return { text, data: { transactions: all.length, tables } };
  };
}

let shown = 0;

/** A line that is written over, on a terminal, a few times a second at most. */
function showStatus(text: string): void {
  if (!process.stderr.isTTY || Date.now() - shown < 100) return;
  shown = Date.now();
  process.stderr.write(`\r\u001b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}
