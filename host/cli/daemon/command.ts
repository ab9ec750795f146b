/** The options of `sqlite-wasm-run changeset daemon`. */

import { captureOptions } from '../changeset/capture.js';
import { type Action, type Given, lockingOption } from '../command.js';
import { CommandError, exitCodes } from '../exit.js';

/** The options for the time that clients of a socket may take. */
export const timeOptions = {
  patience: {
    value: 'SECONDS',
    help: 'roll back a transaction that is idle for this long (default 30)',
  },
  timeout: { value: 'SECONDS', help: 'end a statement that runs longer (default: no limit)' },
} as const;

export const daemonCommand: Omit<Action, 'run'> = {
  options: {
    db: { value: 'FILE', required: true, help: 'the database; created if it does not exist' },
    socket: { value: 'PATH', required: true, help: 'the socket to listen on; a named pipe on Windows' },
    output: {
      value: 'OUT',
      short: 'o',
      required: true,
      help: 'the changeset to write; if it exists, changes are added to it',
    },
    ...captureOptions,
    'accept-loss': {
      help: 'continue even if the journal is damaged, missing or belongs to another database; keep the readable changes',
    },
    ...timeOptions,
    locking: lockingOption,
  },
};

/** The values of {@link timeOptions}, in ms. @throws CommandError if one is not a number above 0 */
export function timesGiven(given: Given): { patience: number; timeout: number | undefined } {
  return {
    patience: milliseconds(given, 'patience') ?? 30_000,
    timeout: milliseconds(given, 'timeout'),
  };
}

/**
 * Converts the value of an option from seconds to ms; undefined if the option is absent.
 *
 * @throws CommandError if the value is not a number above 0
 */
export function milliseconds(given: Given, name: string): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const time = Number(text) * 1000;
  // A timer supports at most 31 bits.
  if (time > 0 && time < 2 ** 31) return time;
  throw new CommandError(`--${name} takes a number of seconds above 0`, exitCodes.usage);
}
