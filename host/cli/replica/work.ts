/** Commands that publish, store or compare: undo, snapshot, verify; and those that change what a file is: detach, adopt. */

import { rmSync } from 'node:fs';
import { adoptChanges, type UndoPolicy } from '../../replica/index.js';
import { counted } from '../changeset/entries.js';
import { type Action, lockingOption } from '../command.js';
import { CommandError, exitCodes } from '../exit.js';
import { print, printJson, say } from '../output.js';
import { Progress } from '../progress.js';
import { asCommandError } from './control.js';
import { changeCopy } from './copy-file.js';
import { sequenceOf } from './log.js';
import { request, withServers } from './opened.js';
import { databaseOption, logOf, neededServerOptions } from './options.js';
import { undoPolicyOption } from './rejected.js';
import { runningOn } from './running.js';

export const undo: Action = {
  operands: 'SEQ',
  count: [1, 1],
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
    return exitCodes.done;
  },
};

export const snapshot: Action = {
  operands: '',
  count: [0, 0],
  options: {
    db: databaseOption,
    ...neededServerOptions,
    trim: { help: 'then remove the messages before it; its own stays' },
    locking: lockingOption,
  },
  notes: 'A copy that has not read what --trim removes must be made again.\n',
  async run(given) {
    const { name, sequence, size, messages, objects } = await request(given, 'snapshot', [given.on('trim')]);
    say(`stored ${name}: ${size} bytes, after message ${sequence}`);
    if (given.on('trim')) say(`removed ${counted(messages, 'message')} and ${counted(objects, 'object')}`);
    return exitCodes.done;
  },
};

export const verify: Action = {
  operands: '',
  count: [0, 0],
  options: {
    db: databaseOption,
    ...neededServerOptions,
    json: { help: 'print a JSON document with the digests' },
    locking: lockingOption,
  },
  notes:
    'Each copy stores digests of its tables at the message that it has read, and\n' +
    'compares them with those that others stored at the same message: run it for one\n' +
    'copy after another while nothing is written. Exit code 1 if copies differ.\n',
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
  operands: '',
  count: [0, 0],
  options: {
    db: databaseOption,
    force: { help: 'also if transactions are pending, which no other copy will get' },
    locking: lockingOption,
  },
  run(given) {
    const path = given.text('db') ?? '';
    changeCopy(path, (tables) => {
      const pending = tables.pending().length;
      if (pending > 0 && !given.on('force')) {
        throw new CommandError(
          `${counted(pending, 'transaction')} pending, which no other copy has: synchronise first, or pass --force`,
        );
      }
      tables.unmake();
    });
    rmSync(`${path}-replica`, { force: true });
    say(`${path} is a database of its own now`);
    return exitCodes.done;
  },
};

export const adopt: Action = {
  operands: '',
  count: [0, 0],
  options: { db: databaseOption, ...neededServerOptions, locking: lockingOption },
  notes: 'It makes the state that the history has again beside the file, and needs room for it.\n',
  async run(given) {
    const path = given.text('db') ?? '';
    const running = runningOn(path);
    if (running) throw new CommandError(`process ${running.pid} follows with ${path}: end it first`);
    await withServers(given, async (servers) => {
      const log = logOf(given, servers);
      using progress = new Progress(`making the state of ${log.name} again`);
      try {
        const { id, changes } = await adoptChanges(path, log, (done, total) => progress.of(done, total));
        say(
          id === undefined ? 'nothing differs' : `${counted(changes, 'change')} pending as transaction ${id}`,
        );
      } catch (error) {
        throw asCommandError(error);
      } finally {
        await log.close();
      }
    });
    return exitCodes.done;
  },
};
