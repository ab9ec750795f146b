/** Random bytes from the system. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crypto } from './builtins.js';

const device = '/dev/urandom';

/** Fills `count` bytes from `at` on. Loading Node's crypto takes 3 ms, so the system's device is read if there is one. */
export function fillRandom(bytes: Uint8Array, at: number, count: number): void {
  if (process.platform === 'win32' || !readDevice(bytes, at, count))
    crypto().randomFillSync(bytes, at, count);
}

function readDevice(bytes: Uint8Array, at: number, count: number): boolean {
  let file: number | undefined;
  try {
    file = openSync(device, 'r');
    return fstatSync(file).isCharacterDevice() && readSync(file, bytes, at, count, null) === count;
  } catch {
    return false; // Node's permissions or the system do not allow it
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
