/** Runs a command from the command line, and turns its result or error into an exit code. */

import type { Action } from './command.js';
import { CommandError, complain, exitCodes } from './exit.js';
import { columnsOf, fitted } from './fitted.js';
import { flush, print } from './output.js';
import { statusLine } from './progress.js';

/**
 * Runs a command, or prints its help if the arguments ask for help.
 *
 * @param words the words that called the command, beginning with the program's name
 * @param args the arguments after these words
 * @returns the exit code
 */
export async function called(
  words: string,
  args: readonly string[],
  help: () => string | Promise<string>,
  action: () => ReturnType<Action['run']>,
): Promise<number> {
  try {
    const asked = args.includes('--help') || args.includes('-h');
    if (asked) print(fitted(await help(), columnsOf(1)));
    const code = asked ? exitCodes.done : await action();
    flush();
    return code ?? exitCodes.done;
  } catch (error) {
    statusLine.clear();
    if (error instanceof CommandError && error.exitCode === exitCodes.unread) return error.exitCode;
    flush(); // write the output that precedes the error
    return complain(words, error);
  }
}
