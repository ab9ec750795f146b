/** The options of `sqlite-wasm-run changeset daemon`. */

import { captureOptions } from '../changeset/capture.js';
import { type Action, type Given, lockingOption } from '../command.js';
import { CommandError, exitCodes } from '../exit.js';

export const daemonCommand: Omit<Action, 'run'> = {
  operands: '',
  count: [0, 0],
  options: {
    db: { value: 'FILE', required: true, help: 'the database; created if it does not exist' },
    socket: { value: 'PATH', required: true, help: 'the socket to listen on; a named pipe on Windows' },
    output: {
      value: 'OUT',
      short: 'o',
      required: true,
      help: 'the changeset to write; existing changes in it are kept',
    },
    ...captureOptions,
    'accept-loss': {
      help: 'continue although the journal is damaged, missing or of another database: keep what can be read',
    },
    patience: {
      value: 'SECONDS',
      help: 'roll back a transaction that is idle for this long (default 30)',
    },
    timeout: { value: 'SECONDS', help: 'end a statement that runs longer (default: no limit)' },
    locking: lockingOption,
  },
};

/** A number of seconds in ms; undefined if it is not given. @throws CommandError if it is not a number above 0 */
export function milliseconds(given: Given, name: string): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const time = Number(text) * 1000;
  // A timer takes 31 bits.
  if (time > 0 && time < 2 ** 31) return time;
  throw new CommandError(`--${name} takes a number of seconds above 0`, exitCodes.usage);
}
