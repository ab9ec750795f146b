/** Implements `sqlite-wasm-run replica status`, which shows the position of a copy in its history. */

import { comparePosition } from '../../replica/position.js';
import { counted } from '../changeset/entries.js';
import { type Action, type Given, lockingOption } from '../command.js';
import { exitCodes } from '../exit.js';
import { print, printJson } from '../output.js';
import { readCopy } from './copy-file.js';
import { withLog } from './opened.js';
import { databaseOption, serverOptions } from './options.js';
import { runningOn } from './running.js';

interface History {
  readonly first: number | null;
  readonly last: number | null;
  /** Why the copy cannot follow the history; null if it can. */
  readonly problem: string | null;
}

export const status: Action = {
  options: {
    db: databaseOption,
    ...serverOptions,
    json: { help: 'print a JSON document' },
    locking: lockingOption,
  },
  notes: 'With --server and --name it compares the copy with the history.\n',
  async run(given) {
    const path = given.text('db') ?? '';
    const copy = readCopy(path, (tables) => ({
      state: tables.read(),
      pending: tables.pending().length,
      rejected: tables.rejected().length,
    }));
    const { history, copy: id, sequence } = copy.state;
    const found = given.texts('server').length > 0 ? await historyOf(given, copy.state) : undefined;
    const running = runningOn(path);
    const document = {
      history,
      copy: id,
      sequence,
      pending: copy.pending,
      rejected: copy.rejected,
      process: running?.pid ?? null,
      ...(found && { server: found }),
    };
    if (given.on('json')) printJson(`${JSON.stringify(document, null, 2)}\n`);
    else {
      const rows = [
        ['history', history],
        ['copy', id],
        ['message', `${sequence}${found?.last == null ? '' : ` of ${found.last}`}`],
        ['pending', counted(copy.pending, 'transaction')],
        ['rejected', counted(copy.rejected, 'transaction')],
        ['followed by', running ? `process ${running.pid}` : 'no process'],
        ...(found?.problem == null ? [] : [['problem', found.problem]]),
      ];
      for (const [name = '', value] of rows) print(`${name.padEnd(12)} ${value}\n`);
    }
    return found?.problem == null ? exitCodes.done : exitCodes.failed;
  },
};

async function historyOf(given: Given, state: Parameters<typeof comparePosition>[1]): Promise<History> {
  return withLog(given, async (log) => {
    try {
      const { first, last } = await comparePosition(log, state);
      return { first, last, problem: null };
    } catch (error) {
      return { first: null, last: null, problem: (error as Error).message };
    }
  });
}
