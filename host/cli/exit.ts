/** The exit codes of commands, and the errors that they report. */

import { shown } from '../core/shown.js';

export const exitCodes = {
  done: 0,
  /** An operation on a file, the database or a statement failed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Everything was rolled back because of a conflict, a failed check or a refused warning. */
  notApplied: 3,
  /** The input is not a changeset. */
  malformed: 4,
  /** Standard output was closed. A shell reports this code for a program that SIGPIPE killed. */
  unread: 141,
} as const;

/** The text of the help about the exit codes. */
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

/** An error that is printed as a message, with the exit code of the command. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Makes an error for a wrong command line. */
export function usageError(message: string): CommandError {
  return new CommandError(message, exitCodes.usage);
}

/**
 * Prints on standard error why a command failed.
 *
 * @param command the words that called the command, beginning with the program's name
 * @returns the exit code
 */
export function complain(command: string, error: unknown): number {
  const code = error instanceof CommandError ? error.exitCode : exitCodes.failed;
  if (code === exitCodes.unread) return code;
  process.stderr.write(`${command}: ${shown(error instanceof Error ? error.message : String(error))}\n`);
  return code;
}

/** Returns the message of an error without the code, the call and the path that Node adds. */
export function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /^[A-Z0-9]+: (.*?)(?:, \w+(?: '.*')?)?$/s.exec(message)?.[1] ?? message;
}
