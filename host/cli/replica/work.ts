/** Implements the commands undo, snapshot, verify, detach and adopt. */

import { rmSync } from 'node:fs';
import { adoptChanges, type UndoPolicy } from '../../replica/index.js';
import { counted } from '../changeset/entries.js';
import { type Action, lockingOption } from '../command.js';
import { CommandError, exitCodes } from '../exit.js';
import { print, printJson, say } from '../output.js';
import { Progress } from '../progress.js';
import { changeCopy } from './copy-file.js';
import { sequenceOf } from './log.js';
import { request, withLog } from './opened.js';
import { databaseOption, neededServerOptions } from './options.js';
import { undoPolicyOption } from './rejected.js';
import { runningOn } from './running.js';

export const undo: Action = {
  operands: 'SEQ',
  options: {
    db: databaseOption,
    ...neededServerOptions,
    policy: undoPolicyOption,
    transaction: { value: 'ID', help: 'undo only this transaction of the message' },
    locking: lockingOption,
  },
  async run(given) {
    const sequence = sequenceOf(given.rest[0] ?? '');
    const policy = (given.text('policy') ?? 'abort') as UndoPolicy;
    const placed = await request(given, 'undo', [sequence, policy, given.text('transaction') ?? null]);
    say(`message ${placed.sequence} undoes message ${sequence}`);
  },
};

export const snapshot: Action = {
  options: {
    db: databaseOption,
    ...neededServerOptions,
    trim: { help: 'then remove the messages that the snapshot replaces' },
    locking: lockingOption,
  },
  notes: 'A copy that has not read the messages that --trim removes must be made again.\n',
  async run(given) {
    const { name, sequence, size, messages, objects } = await request(given, 'snapshot', [given.on('trim')]);
    say(`stored ${name}: ${size} bytes, after message ${sequence}`);
    if (given.on('trim')) say(`removed ${counted(messages, 'message')} and ${counted(objects, 'object')}`);
  },
};

export const verify: Action = {
  options: {
    db: databaseOption,
    ...neededServerOptions,
    json: { help: 'print a JSON document with the digests' },
    locking: lockingOption,
  },
  notes:
    'A copy stores the digests of its tables, and compares them with the digests that\n' +
    'other copies stored at the same message. Run the command for one copy after another\n' +
    'while nothing is written. The exit code is 1 if copies differ.\n',
  async run(given) {
    const found = await request(given, 'verify', []);
    const differing = found.others.filter(({ differs }) => differs.length > 0);
    if (given.on('json')) printJson(`${JSON.stringify(found, null, 2)}\n`);
    else {
      const count = Object.keys(found.tables).length;
      print(`${found.copy}: ${counted(count, 'table')} at message ${found.sequence}\n`);
      for (const { copy, differs } of found.others) {
        print(`${copy}: ${differs.length === 0 ? 'equal' : `differs in ${differs.join(', ')}`}\n`);
      }
      for (const { copy, sequence } of found.elsewhere) {
        print(`${copy}: not compared, it was verified at message ${sequence}\n`);
      }
    }
    return differing.length === 0 ? exitCodes.done : exitCodes.failed;
  },
};

export const detach: Action = {
  options: {
    db: databaseOption,
    force: { help: 'detach even if transactions are pending, which other copies will not get' },
    locking: lockingOption,
  },
  run(given) {
    const path = given.text('db') ?? '';
    changeCopy(path, (tables) => {
      const pending = tables.pending().length;
      if (pending > 0 && !given.on('force')) {
        throw new CommandError(
          `${counted(pending, 'transaction')} pending, which other copies do not have: synchronize first, or pass --force`,
        );
      }
      tables.unmake();
    });
    rmSync(`${path}-replica`, { force: true });
    say(`${path} is an ordinary database now`);
  },
};

export const adopt: Action = {
  options: { db: databaseOption, ...neededServerOptions, locking: lockingOption },
  notes: 'The command rebuilds the state of the history next to the file, and needs disk space for it.\n',
  async run(given) {
    const path = given.text('db') ?? '';
    const running = runningOn(path);
    if (running)
      throw new CommandError(`process ${running.pid} is running a replica on ${path}: end it first`);
    await withLog(given, async (log) => {
      using progress = new Progress(`rebuilding the state of ${log.name}`);
      const { id, changes } = await adoptChanges(path, log, (done, total) => progress.of(done, total));
      say(
        id === undefined ? 'nothing differs' : `${counted(changes, 'change')} pending as transaction ${id}`,
      );
    });
  },
};
