import { readSync } from 'node:fs';
import { pause } from '../core/pause.js';

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
