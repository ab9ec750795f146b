/**
 * Retries file operations on Windows. They can fail while another program, such as an indexer or a virus scanner, has
 * the file open for a moment. os_win.c retries them in the same way (winRetryIoerr).
 */

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
