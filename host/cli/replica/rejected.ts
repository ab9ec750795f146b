/** Implements `sqlite-wasm-run replica rejected`, which lists, shows, retries and drops rejected transactions. */

import { shown } from '../../core/shown.js';
import { decodeCapture } from '../../index.js';
import { nearest } from '../../kernel/nearest.js';
import { Copy } from '../../replica/copy.js';
import type { RejectedTransaction, UndoPolicy } from '../../replica/index.js';
import { colorOption } from '../changeset/show.js';
import { type Action, type Given, lockingOption, type Option } from '../command.js';
import { CommandError, exitCodes, usageError } from '../exit.js';
import { print, printJson, say } from '../output.js';
import { changeCopy, readCopy } from './copy-file.js';
import { showTransaction } from './log.js';
import { request } from './opened.js';
import { databaseOption, serverOptions } from './options.js';
import { askRunning, runningOn } from './running.js';

export const undoPolicyOption: Option = {
  value: 'POLICY',
  choices: ['abort', 'ours', 'theirs'],
  help: 'if other transactions changed the same rows: change nothing (abort, the default), skip these rows (ours) or overwrite them (theirs)',
};

const actions = ['list', 'show', 'retry', 'drop'] as const;

export const rejected: Action = {
  operands: 'list|show|retry|drop',
  count: [0, 2],
  options: {
    db: databaseOption,
    ...serverOptions,
    policy: undoPolicyOption,
    json: { help: 'print JSON' },
    color: colorOption,
    locking: lockingOption,
  },
  notes:
    '`show ID` prints its changes, `retry ID` runs it again as a new transaction\n' +
    '(with --server and --name), `drop ID` deletes it. The beginning of an ID is enough.\n' +
    '`drop all` deletes all.\n',
  async run(given) {
    const [action = 'list', id, ...more] = given.rest;
    if (!(actions as readonly string[]).includes(action)) {
      const near = nearest(action, actions);
      throw usageError(
        `unknown action "${action}"; ${near ? `did you mean ${near}?` : `actions are ${actions.join(', ')}`}`,
      );
    }
    if (more.length > 0 || (action === 'list' && id !== undefined))
      throw usageError(`unexpected argument "${id}"`);
    const path = given.text('db') ?? '';
    const all = readCopy(path, (tables) => tables.rejected());
    if (action === 'list') return list(given, all);
    if (id === undefined)
      throw usageError(`${action} needs an ID: see sqlite-wasm-run replica rejected --db ${path}`);
    if (action === 'drop') return drop(path, id === 'all' ? all : [chosen(all, id)]);
    const one = chosen(all, id);
    if (action === 'show') {
      showTransaction(given, decodeCapture(one.changes));
      return exitCodes.done;
    }
    const policy = (given.text('policy') ?? 'abort') as UndoPolicy;
    const { sequence } = await request(given, 'retry', [one.id, policy]);
    say(sequence === null ? `${one.id} is pending again` : `${one.id} is message ${sequence} now`);
    return exitCodes.done;
  },
};

function chosen(all: readonly RejectedTransaction[], id: string): RejectedTransaction {
  const found = all.filter((one) => one.id.startsWith(id.toLowerCase()));
  const [one] = found;
  if (one && found.length === 1) return one;
  throw new CommandError(
    one ? `${found.length} rejected transactions begin with ${id}` : `no rejected transaction is ${id}`,
  );
}

function list(given: Given, all: readonly RejectedTransaction[]): number {
  if (given.on('json')) {
    const documents = all.map(({ id, time, call, kind, message, sequence }) => ({
      id,
      time: new Date(time).toISOString(),
      ...(call && { call }),
      kind,
      message,
      sequence,
    }));
    printJson(`${JSON.stringify(documents, null, 2)}\n`);
    return exitCodes.done;
  }
  for (const { id, time, kind, message, sequence } of all) {
    const text = `${id}  ${new Date(time).toISOString()}  ${kind} at message ${sequence}: ${message}`;
    print(`${shown(text, Number.POSITIVE_INFINITY)}\n`);
  }
  return exitCodes.done;
}

async function drop(path: string, chosenOnes: readonly RejectedTransaction[]): Promise<number> {
  const running = runningOn(path);
  if (running) {
    for (const { id } of chosenOnes) await askRunning(path, running, 'drop', [id]);
    return exitCodes.done;
  }
  changeCopy(path, (_, database) => {
    const chance = { now: () => Date.now(), uuid: () => crypto.randomUUID() };
    using copy = new Copy(database, 'reject', chance);
    for (const { id } of chosenOnes) copy.drop(id);
  });
  return exitCodes.done;
}
