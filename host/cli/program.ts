/** The program: runs a subcommand, or handles its own options and passes all others to the sqlite3 shell. */

import { isUtf8 } from 'node:buffer';
import { existsSync, readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { nearest } from '../kernel/nearest.js';
import { complain, usageError } from './exit.js';
import { columnsOf, fitted } from './fitted.js';
import { type OwnOptions, ownHelp, takeOwnOptions } from './options.js';
import { processTerminal } from './process-terminal.js';
import { programName, runShell } from './shell.js';
import { subcommandHelp, subcommands } from './subcommands.js';
import { isGroup, runSubcommand } from './tree.js';

/** Runs the program and returns its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let args: string[];
  let own: OwnOptions;
  try {
    refuseInvalidBytes(argv);
    const subcommand = subcommands.find(({ name }) => name === argv[0]);
    if (subcommand) return runSubcommand(`${programName} ${subcommand.name}`, subcommand, argv.slice(1));
    ({ args, own } = takeOwnOptions(argv));
    refuseMistyped(argv[0]);
  } catch (error) {
    return complain(programName, error);
  }
  const asksHelp = args.some((arg) => arg === '-help' || arg === '--help');
  // On a terminal, run the shell in a worker thread, so that this thread can edit lines and handle Ctrl-C.
  if (isatty(0) && isatty(1) && !asksHelp) {
    const { runOnTerminal } = await import('./terminal.js');
    return runOnTerminal({ args, own });
  }
  if (own.timeout !== undefined && !asksHelp) {
    const { runSupervised } = await import('./supervised.js');
    return runSupervised({ args, own });
  }
  const code = runShell({ args, own, terminal: processTerminal() });
  if (code === 0 && asksHelp) process.stderr.write(fitted(ownHelp() + subcommandHelp(), columnsOf(2)));
  return code;
}

/**
 * Refuses arguments that are not UTF-8. Node replaces their invalid bytes, so they could name other files.
 *
 * @throws CommandError
 */
function refuseInvalidBytes(argv: readonly string[]): void {
  if (!argv.some((arg) => arg.includes('\ufffd'))) return;
  let raw: Buffer;
  try {
    raw = readFileSync('/proc/self/cmdline');
  } catch {
    return; // this system does not have the file
  }
  if (isUtf8(raw)) return;
  const [wrong = ''] = argv.filter((arg) => arg.includes('\ufffd'));
  throw usageError(`the argument ${wrong} is not UTF-8; use a link with another name to name the file`);
}

/**
 * Refuses a word that is not a file but resembles a command, because the shell would create a database of that name.
 *
 * @throws CommandError
 */
function refuseMistyped(word: string | undefined): void {
  if (word === undefined || !/^[a-z][a-z-]*$/i.test(word) || existsSync(word)) return;
  const inner = subcommands
    .filter(isGroup)
    .find(({ commands }) => commands.some(({ name }) => name === word.toLowerCase()));
  const names = [...subcommands.map(({ name }) => name), 'help', 'version'];
  const near = inner ? word.toLowerCase() : nearest(word.toLowerCase(), names);
  if (near === undefined) return;
  const isOurs = subcommands.some(({ name }) => name === near);
  const meant = inner === undefined ? (isOurs ? near : `-${near}`) : `${inner.name} ${near}`;
  throw usageError(
    `unknown command "${word}"; did you mean ${meant}? To open a database of that name, write ./${word}`,
  );
}
