/**
 * What the code below the loader needs from the system it runs on. That code imports no module of Node, so another
 * system needs only another implementation of this interface.
 */

import type { OpenFile } from './host-services.js';

export interface Platform {
  /** The number of this thread, 0 for the main one. */
  readonly thread: number;
  /** The compiled sqlite3.wasm. Every call returns the same module. */
  core(): WebAssembly.Module;
  /** Fills `count` bytes, starting at `at`, with cryptographically secure random values. */
  fillRandom(bytes: Uint8Array, at: number, count: number): void;
  isUtf8(bytes: Uint8Array): boolean;
  /** The processor time of this process, in microseconds. */
  cpuTime(): { user: number; system: number };
  /** Creates a file that is deleted when it is closed. @throws FileError if the file cannot be created */
  temporaryFile(): OpenFile;
  /** The absolute path of a folder; undefined if `path` is not an existing folder. */
  folder(path: string): string | undefined;
  /** The value of an environment variable. */
  variable(name: string): string | undefined;
  /** Writes to standard error. */
  writeError(text: string): void;
}

let used: Platform | undefined;

/** Sets the platform of this thread. A program must call this function first. */
export function usePlatform(platform: Platform): void {
  used = platform;
}

export function platform(): Platform {
  if (!used) throw new Error('no platform: usePlatform was not called');
  return used;
}
