/** How a command ends: exit codes, and errors whose message the user sees. */

import { shown } from '../core/shown.js';

/** Exit codes of commands. */
export const exitCodes = {
  done: 0,
  /** A file, the database or a statement failed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Everything was rolled back because of a conflict, a check or a refusal. */
  notApplied: 3,
  /** The input is not a changeset. */
  malformed: 4,
  /** Nobody reads standard output now: the code that a shell reports for a program that SIGPIPE ended. */
  unread: 141,
} as const;

/** What the exit codes mean, as the help has it. */
export function exitHelp(): string {
  const meanings: readonly (readonly [code: number, meaning: string])[] = [
    [exitCodes.done, 'done'],
    [exitCodes.failed, 'failed'],
    [exitCodes.usage, 'wrong use'],
    [exitCodes.notApplied, 'not applied because of a conflict or check'],
    [exitCodes.malformed, 'not a changeset'],
  ];
  const text = meanings.map(([code, meaning]) => `${code} ${meaning}`).join(', ');
  return `Exit codes: ${text},\n130 interrupted by Ctrl-C.\n`.replace(', 3 ', ',\n3 ');
}

/** A failure whose sentence the user sees, with the exit code that it ends with. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A failure because of wrong use. */
export function usageError(message: string): CommandError {
  return new CommandError(message, exitCodes.usage);
}

/**
 * Prints on standard error why a command failed, in the same form for the whole program.
 *
 * @param command the words that called it, the program's name first
 * @returns the exit code
 */
export function complain(command: string, error: unknown): number {
  const code = error instanceof CommandError ? error.exitCode : exitCodes.failed;
  if (code === exitCodes.unread) return code;
  process.stderr.write(`${command}: ${shown(error instanceof Error ? error.message : String(error))}\n`);
  return code;
}

/** A reason without the code, the call and the path that Node puts around it. */
export function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /^[A-Z0-9]+: (.*?)(?:, \w+(?: '.*')?)?$/s.exec(message)?.[1] ?? message;
}
