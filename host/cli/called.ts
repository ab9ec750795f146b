/** How a command answers who called it: with its help, its output or its complaint, and its exit code. */

import { CommandError, complain, exitCodes } from './exit.js';
import { columnsOf, fitted } from './fitted.js';
import { flush, print } from './output.js';
import { statusLine } from './progress.js';

/**
 * Runs a command, or prints its help if that is asked for.
 *
 * @param words that called it, the program's name first
 * @param args what follows them
 * @returns the exit code
 */
export async function called(
  words: string,
  args: readonly string[],
  help: () => string | Promise<string>,
  action: () => number | Promise<number>,
): Promise<number> {
  try {
    const asked = args.includes('--help') || args.includes('-h');
    if (asked) print(fitted(await help(), columnsOf(1)));
    const code = asked ? exitCodes.done : await action();
    flush();
    return code;
  } catch (error) {
    statusLine.clear();
    if (error instanceof CommandError && error.exitCode === exitCodes.unread) return error.exitCode;
    flush(); // what was printed before it
    return complain(words, error);
  }
}
