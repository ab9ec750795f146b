/** What `sqlite-wasm-run changeset daemon` takes. */

import { captureOptions } from '../changeset/capture.js';
import { type Action, CommandError, exitCodes, type Given, lockingOption } from '../command.js';

export const daemonCommand: Omit<Action, 'run'> = {
  operands: '',
  count: [0, 0],
  options: {
    db: { value: 'FILE', required: true, help: 'the database; made if it is not there' },
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
    timeout: { value: 'SECONDS', help: 'how long a statement may run; without it, as long as it takes' },
    locking: lockingOption,
  },
};

/** A number of seconds in ms; undefined if it is not given. @throws CommandError if it is none */
export function milliseconds(given: Given, name: string): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const time = Number(text) * 1000;
  // A timer takes 31 bits.
  if (time > 0 && time < 2 ** 31) return time;
  throw new CommandError(`--${name} takes a number of seconds above 0`, exitCodes.usage);
}
