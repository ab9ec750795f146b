/**
 * On Windows a file that another program has open may refuse to be opened, deleted, read or written: programs that
 * index files or look for viruses have it for a moment. os_win.c waits for them (winRetryIoerr), and so is done here.
 */

const sleeper = new Int32Array(new SharedArrayBuffer(4));

export function pause(milliseconds: number): void {
  Atomics.wait(sleeper, 0, 0, milliseconds);
}

/** What Node calls the errors for which os_win.c waits. */
const passing = new Set(['EACCES', 'EBUSY', 'ECONNRESET', 'ENETUNREACH', 'EPERM', 'ETIMEDOUT']);
/** SQLITE_WIN32_IOERR_RETRY and SQLITE_WIN32_IOERR_RETRY_DELAY. */
const mostTries = 10;
const delay = 25;

/** Waits after a failed call of node:fs, longer each time, and returns whether to try it again. */
export type Patience = (error: unknown) => boolean;

/** @param first the shortest wait, in ms */
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

/** Calls `action` until it succeeds or `again` returns false: then its error is thrown. */
export function repeat<T>(action: () => T, again: Patience): T {
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (!again(error)) throw error;
    }
  }
}
