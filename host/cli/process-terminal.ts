/** The shell's access to standard streams and processes if lines are not edited, for example in a script. */

import { closeSync, openSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { isatty, WriteStream } from 'node:tty';
import type { CommandStreams, Terminal } from '../core/host-services.js';
import { childProcess } from '../node/builtins.js';
import { readPatiently } from '../node/patience.js';
import { shellFiles } from './shell-files.js';

/** Makes a terminal that uses the standard streams directly. */
export function processTerminal(): Terminal {
  const input = new LineReader(0);
  return {
    files: shellFiles,
    readLine(prompt) {
      writeSync(1, prompt);
      return input.next();
    },
    addHistory() {},
    loadHistory() {},
    saveHistory() {},
    stifleHistory() {},
    addCompletion() {},
    columns() {
      // This thread is blocked in the shell and receives no signals. Emitting SIGWINCH makes Node read the size again.
      if (terminal()) process.emit('SIGWINCH');
      return terminalColumns();
    },
    system: runCommand,
  };
}

let reader: WriteStream | undefined;

/** The first standard stream that is a terminal; undefined if there is none. */
function terminal(): WriteStream | undefined {
  if (process.stdout.isTTY) return process.stdout;
  if (process.stderr.isTTY) return process.stderr;
  if (isatty(0)) reader ??= new WriteStream(0);
  return reader;
}

/**
 * The number of columns of the terminal; 0 if unknown, and -1 without a terminal. Call this function only in the main
 * thread, because in other threads the standard streams are not terminals.
 */
export function terminalColumns(): number {
  return terminal()?.columns ?? -1;
}

/** Calls `hear` with {@link terminalColumns} whenever the size of the terminal may have changed. */
export function onResize(hear: (columns: number) => void): void {
  terminal(); // creates the stream first, so that Node's own listener for this signal runs first
  process.on('SIGWINCH', () => hear(terminalColumns()));
}

/** Runs a command like C's `system`. Returns a wait status, which the shell prints. */
export function runCommand(command: string, { directory, input, output }: CommandStreams): number {
  const opened: number[] = [];
  const stream = (path: string | null, flags: string): number | 'inherit' => {
    if (path === null) return 'inherit';
    const fd = openSync(resolve(directory, path), flags, 0o600);
    opened.push(fd);
    return fd;
  };
  try {
    const { status, signal } = childProcess().spawnSync('/bin/sh', ['-c', command], {
      cwd: directory,
      stdio: [stream(input, 'r'), stream(output, 'w'), 'inherit'],
    });
    if (status !== null) return status * 256;
    return signal ? constants.signals[signal] : 127 * 256;
  } catch {
    return 127 * 256;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** Reads lines from a descriptor. */
class LineReader {
  readonly #fd: number;
  readonly #bytes = Buffer.alloc(65_536);
  #rest = Buffer.alloc(0);

  constructor(fd: number) {
    this.#fd = fd;
  }

  next(): string | null {
    let searched = 0;
    for (;;) {
      const end = this.#rest.indexOf(10, searched);
      if (end >= 0) return this.#take(end, end + 1);
      searched = this.#rest.length;
      const count = readPatiently(this.#fd, this.#bytes);
      if (count === 0) return this.#rest.length > 0 ? this.#take(searched, searched) : null;
      this.#rest = Buffer.concat([this.#rest, this.#bytes.subarray(0, count)]);
    }
  }

  #take(end: number, next: number): string {
    const line = this.#rest.toString('utf8', 0, end);
    this.#rest = this.#rest.subarray(next);
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  }
}
