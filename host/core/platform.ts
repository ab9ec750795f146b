/**
 * What the rooms below the loader need of the system they run on. Nothing there imports a module of Node: another
 * system needs another implementation of this interface, and no changes.
 */

import type { OpenFile } from './host-services.js';

export interface Platform {
  /** The number of this thread, 0 for the main one. */
  readonly thread: number;
  /** sqlite3.wasm, compiled: the same module at each call. */
  core(): WebAssembly.Module;
  /** Fills `count` bytes from `at` on with random ones, which nobody can predict. */
  fillRandom(bytes: Uint8Array, at: number, count: number): void;
  isUtf8(bytes: Uint8Array): boolean;
  /** The processor time of this process, in microseconds. */
  cpuTime(): { user: number; system: number };
  /** A new file, which is removed when it is closed. @throws FileError if it cannot be made */
  temporaryFile(): OpenFile;
  /** The absolute path of an existing folder; undefined if it is not one. */
  folder(path: string): string | undefined;
  /** The value of an environment variable. */
  variable(name: string): string | undefined;
  /** Writes to standard error. */
  writeError(text: string): void;
}

let used: Platform | undefined;

/** Sets the platform of this thread. Every program does so before it calls anything else. */
export function usePlatform(platform: Platform): void {
  used = platform;
}

export function platform(): Platform {
  if (!used) throw new Error('no platform: usePlatform was not called');
  return used;
}
