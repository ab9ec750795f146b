/**
 * Retries file operations. On Windows they can fail while another program, such as an indexer or a virus scanner, has
 * the file open for a moment. os_win.c retries them in the same way (winRetryIoerr).
 */

import { readSync } from 'node:fs';
import { pause } from '../core/pause.js';

/** Node's codes of the errors after which os_win.c retries. */
const passing = new Set(['EACCES', 'EBUSY', 'ECONNRESET', 'ENETUNREACH', 'EPERM', 'ETIMEDOUT']);
/** SQLITE_WIN32_IOERR_RETRY and SQLITE_WIN32_IOERR_RETRY_DELAY. */
const mostTries = 10;
const delay = 25;

/** Waits after a failed call of node:fs, longer each time. Returns whether to try the call again. */
export type Patience = (error: unknown) => boolean;

/** Makes a retry policy. @param first the first wait, in ms */
export function patience(first = delay): Patience {
  let tries = 0;
  return (error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !passing.has(code) || tries >= mostTries) return false;
    tries += 1;
    pause(first * tries);
    return true;
  };
}

/** Calls `action` until it succeeds. If it fails and `again` returns false, throws its error. */
export function repeat<T>(action: () => T, again: Patience): T {
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (!again(error)) throw error;
    }
  }
}

/** Reads some bytes from the current position of a file. Returns 0 at the end of the file. */
export function readPatiently(file: number, bytes: Uint8Array, at = 0, room = bytes.length - at): number {
  for (;;) {
    try {
      return readSync(file, bytes, at, room, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0; // the end of a pipe on Windows
      if (code !== 'EAGAIN') throw error;
      pause(5); // another process made the terminal or pipe non-blocking
    }
  }
}
