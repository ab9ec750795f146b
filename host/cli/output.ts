/** Prints the output of commands on standard output, and messages on standard error. */

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { pause } from '../core/pause.js';
import { shownJson, shownLines } from '../core/shown.js';
import { CommandError, exitCodes, reason } from './exit.js';
import { statusLine } from './progress.js';

/** The number of characters that are collected before they are written. */
const blockSize = 65_536;

const onTerminal = isatty(1);

let pending: string[] = [];
let size = 0;

/**
 * Prints a text on standard output. The text may be buffered until {@link flush}.
 *
 * @throws CommandError if the text cannot be written; if standard output was closed, with {@link exitCodes.unread} and
 *   without a message
 */
export function print(text: string): void {
  pending.push(text);
  size += text.length;
  if (size >= blockSize || onTerminal) flush();
}

/** Writes the buffered text. @throws the errors of {@link print} */
export function flush(): void {
  const text = pending.join('');
  pending = [];
  size = 0;
  if (text === '') return;
  if (onTerminal) statusLine.clear();
  writeBytes(Buffer.from(text));
}

/** Writes bytes to standard output. @throws the errors of {@link print} */
export function writeBytes(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') throw new CommandError('', exitCodes.unread);
      // Wait even if another process made the pipe non-blocking.
      if (code !== 'EAGAIN') throw new CommandError(`cannot write standard output: ${reason(error)}`);
      pause(5);
    }
  }
}

/** Prints a JSON document, or a part of it. Escapes control characters on a terminal. */
export function printJson(text: string): void {
  print(onTerminal ? shownJson(text) : text);
}

/** Prints SQL. Escapes control characters on a terminal. */
export function printSql(text: string): void {
  print(onTerminal ? shownLines(text) : text);
}

/** Prints a message on standard error. Ignores errors, because standard error may be closed. */
export function say(text: string): void {
  statusLine.clear();
  try {
    writeSync(2, `${shownLines(text)}\n`);
  } catch {
    // continue without the message
  }
}
