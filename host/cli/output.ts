/** What commands print: rows on standard output, complete and in order; messages on standard error. */

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { shownJson, shownLines } from '../core/shown.js';
import { CommandError, exitCodes, reason } from './exit.js';
import { statusLine } from './progress.js';

/** How much is collected before it is written, in characters. */
const blockSize = 65_536;

const onTerminal = isatty(1);
const sleeper = new Int32Array(new SharedArrayBuffer(4));

let pending: string[] = [];
let size = 0;

/**
 * Prints a text on standard output, soon: {@link flush} says when.
 *
 * @throws CommandError if it cannot be written; with {@link exitCodes.unread}, and no message, if nobody reads it
 */
export function print(text: string): void {
  pending.push(text);
  size += text.length;
  if (size >= blockSize || onTerminal) flush();
}

/** Writes what was printed. @throws as {@link print} does */
export function flush(): void {
  const text = pending.join('');
  pending = [];
  size = 0;
  if (text === '') return;
  if (onTerminal) statusLine.clear();
  writeBytes(Buffer.from(text));
}

/** Writes bytes to standard output. @throws as {@link print} does */
export function writeBytes(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') throw new CommandError('', exitCodes.unread);
      // A pipe that another process made non-blocking is still waited for.
      if (code !== 'EAGAIN') throw new CommandError(`cannot write standard output: ${reason(error)}`);
      Atomics.wait(sleeper, 0, 0, 5);
    }
  }
}

/** Prints a JSON document, or a part of one. */
export function printJson(text: string): void {
  print(onTerminal ? shownJson(text) : text);
}

/** Prints SQL: unchanged to a pipe or file, without control characters to a terminal. */
export function printSql(text: string): void {
  print(onTerminal ? shownLines(text) : text);
}

/** Prints a sentence on standard error, which may be closed. */
export function say(text: string): void {
  statusLine.clear();
  try {
    writeSync(2, `${shownLines(text)}\n`);
  } catch {
    // the work goes on
  }
}
