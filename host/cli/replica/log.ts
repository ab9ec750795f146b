/** Implements `replica log`, which lists the messages of a history or shows the changes of one message. */

import { toJson } from '../../changeset/index.js';
import { shown } from '../../core/shown.js';
import { messagesBetween } from '../../replica/history.js';
import type { Incoming } from '../../replica/incoming.js';
import type { CaptureEntry, Log } from '../../replica/index.js';
import { statementsOf } from '../changeset/entries.js';
import { colorOption, countsOf, painter, printDocument, showEntries, withNames } from '../changeset/show.js';
import type { Action, Given } from '../command.js';
import { CommandError, usageError } from '../exit.js';
import { print, printJson } from '../output.js';
import { Progress } from '../progress.js';
import { withLog } from './opened.js';
import { neededServerOptions } from './options.js';

export const log: Action = {
  operands: '[SEQ]',
  options: {
    ...neededServerOptions,
    db: { value: 'FILE', help: 'a copy whose schema names the columns; --server local needs it' },
    limit: { value: 'N', help: 'show the last N messages (default 20), or all' },
    json: { help: 'print a JSON document for each message' },
    color: colorOption,
  },
  notes: 'With SEQ, it shows the changes of that message, row by row.\n',
  async run(given) {
    const sequence = given.rest[0] === undefined ? undefined : sequenceOf(given.rest[0]);
    const limit = limitOf(given);
    if (given.texts('server').includes('local') && given.text('db') === undefined) {
      throw usageError(
        '--server local needs --db FILE, because the storage of the server is next to the database',
      );
    }
    await withLog(given, (history) =>
      sequence === undefined ? list(given, history, limit) : show(given, history, sequence),
    );
  },
};

/** Parses the number of a message. @throws CommandError if the text is not a number above 0 */
export function sequenceOf(text: string): number {
  const sequence = Number(text);
  if (Number.isSafeInteger(sequence) && sequence > 0) return sequence;
  throw usageError(`"${text}" is not the number of a message, as "replica log" prints it`);
}

function limitOf(given: Given): number {
  const text = given.text('limit') ?? '20';
  if (text === 'all') return Number.POSITIVE_INFINITY;
  const limit = Number(text);
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw usageError(`--limit takes a number above 0 or all, not "${text}"`);
}

async function list(given: Given, history: Log, limit: number): Promise<void> {
  const { identity, first, last } = await history.state();
  const from = Math.max(first, last - limit + 1);
  using progress = new Progress('reading', last - from + 1, 'messages');
  for await (const one of messagesBetween(history, from, last, from === 1 ? identity : undefined)) {
    if (given.on('json')) printJson(`${JSON.stringify(documentOf(one))}\n`);
    else print(`${lineOf(one)}\n`);
    progress.at(one.sequence - from + 1);
  }
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

/** Formats a message as a line with its time, copy and changes. */
function lineOf({ sequence, message, transactions }: Incoming): string {
  if (!message) return `${sequence}  void: no copy applies it`;
  const entries = transactions.flatMap((one) => one.entries);
  const names = [...new Set(transactions.flatMap(({ name }) => name ?? []))];
  const count = transactions.length === 1 ? '' : `  ${transactions.length} transactions`;
  const called = names.length === 0 ? '' : `  (${names.join(', ')})`;
  const text = `${sequence}  ${timeOf(message.time)}  ${message.copy.slice(0, 8)}${count}  ${summary(entries)}${called}`;
  return shown(text, Number.POSITIVE_INFINITY);
}

/** Summarizes changes as `table +inserted ~updated -deleted`, with the number of statements. */
function summary(entries: readonly CaptureEntry[]): string {
  const parts = countsOf(entries).map(({ table, inserts, updates, deletes }) =>
    [table, inserts && `+${inserts}`, updates && `~${updates}`, deletes && `-${deletes}`]
      .filter(Boolean)
      .join(' '),
  );
  return [...statementsOf(entries).map((sql) => `! ${sql.replaceAll(/\s+/g, ' ')}`), ...parts].join(', ');
}

function documentOf({ sequence, message, transactions }: Incoming): object {
  if (!message) return { sequence, void: true };
  return {
    sequence,
    time: timeOf(message.time),
    copy: message.copy,
    transactions: transactions.map(({ id, time, name, entries }) => ({
      id,
      time: timeOf(time),
      ...(name !== undefined && { name }),
      statements: statementsOf(entries),
      tables: countsOf(entries),
    })),
  };
}

async function show(given: Given, history: Log, sequence: number): Promise<void> {
  const { identity, first, last } = await history.state();
  if (sequence < first || sequence > last) {
    throw new CommandError(`${history.name} has messages ${first} to ${last}, not ${sequence}`);
  }
  const from = Math.max(first, sequence - 1);
  for await (const one of messagesBetween(history, from, sequence, from === 1 ? identity : undefined)) {
    if (one.sequence === sequence) showMessage(given, one);
  }
}

function showMessage(given: Given, one: Incoming): void {
  const { message, transactions } = one;
  withNames(given, (columnNames) => {
    if (given.on('json')) {
      const list = transactions.map(({ id, entries }) => ({
        id,
        entries: entries.map((entry) =>
          entry.kind === 'ddl' ? { sql: entry.sql } : toJson(entry.bytes, columnNames),
        ),
      }));
      const head = message ? { time: timeOf(message.time), copy: message.copy } : { void: true };
      printJson(`${JSON.stringify({ sequence: one.sequence, ...head, transactions: list }, null, 2)}\n`);
      return;
    }
    print(`${lineOf(one)}\n`);
    const paint = painter(given.text('color'));
    for (const { id, time, entries } of transactions) {
      print(`\n${paint('bold', `transaction ${id}`)}  ${timeOf(time)}\n`);
      showEntries(entries, columnNames, paint);
    }
  });
}

/** Prints the changes of a transaction, as `changeset show` does. */
export function showTransaction(given: Given, entries: readonly CaptureEntry[]): void {
  withNames(given, (columnNames) => {
    if (given.on('json')) printDocument(entries, columnNames);
    else showEntries(entries, columnNames, painter(given.text('color')));
  });
}
