/** Chooses and tests the lock functions of this system. */

import { closeSync, openSync } from 'node:fs';
import {
  type ByteLocks,
  type LockSystem,
  pendingByte,
  reservedByte,
  sharedFirst,
  sharedSize,
} from './byte-locks.js';
import { fcntlLocks, layouts } from './fcntl-locks.js';
import { loadKoffi, temporaryFile } from './system.js';
import { isMac, thisSystem } from './systems.js';
import { windowsLocks } from './windows-locks.js';

let system: LockSystem | string | undefined;

/** Returns the lock functions of this system, or the reason why they are unavailable. The first call loads koffi. */
export function systemLocks(): LockSystem | string {
  system ??= load();
  return system;
}

function load(): LockSystem | string {
  const koffi = loadKoffi();
  if (typeof koffi === 'string') return koffi;
  try {
    const found =
      thisSystem?.locks === 'LockFileEx'
        ? windowsLocks(koffi)
        : fcntlLocks(koffi, isMac ? layouts.darwin : layouts.linux);
    if (thisSystem?.tried) return found;
    const wrong = flawOfLocks(found);
    return wrong === undefined ? found : `${found.call} does not work correctly: ${wrong}`;
  } catch (error) {
    return `koffi does not work: ${(error as Error).message.split('\n')[0]}`;
  }
}

/**
 * Tests the lock functions: opens a temporary file twice, takes the locks of a transaction with one descriptor, and
 * tries them with the other.
 *
 * @returns a description of the fault; undefined if there is none
 * @throws Error if a temporary file cannot be created
 */
export function flawOfLocks(locks: LockSystem, folder?: string): string | undefined {
  const { fd, path, remove } = temporaryFile(folder);
  let other: number | undefined;
  try {
    other = openSync(path, 'r+');
    const flaw = flawBetween(locks, locks.of(fd), locks.of(other));
    if (flaw !== undefined || !locks.nativeOf) return flaw;
    return flawWithNative(locks, locks.of(fd), locks.nativeOf(other));
  } finally {
    closeSync(fd);
    if (other !== undefined) closeSync(other);
    remove();
  }
}

function flawBetween(locks: LockSystem, one: ByteLocks, other: ByteLocks): string | undefined {
  const busy = (error: number): boolean => error !== 0 && locks.meaning(error) === 'busy';
  const first = one.set.bind(one);
  const second = other.set.bind(other);
  for (const take of [first, second]) {
    const error = take('read', sharedFirst, sharedSize);
    if (error) return `${locks.call} failed with error ${error}`;
  }
  if (first('write', reservedByte, 1)) return 'a lock for writing is refused';
  if (!busy(second('write', reservedByte, 1))) return 'two descriptors have the same lock for writing';
  if (other.test(reservedByte, 1) !== 1) return 'a lock is not visible to another descriptor';
  if (!busy(first('write', sharedFirst, sharedSize)))
    return 'a lock for writing is granted while another descriptor reads';
  if (!busy(second('write', sharedFirst, sharedSize))) return 'a refused lock loses the lock held before';
  second('none', 0, 0);
  if (first('write', sharedFirst, sharedSize)) return 'a lock for reading cannot become one for writing';
  if (!busy(second('read', sharedFirst, sharedSize)))
    return 'a lock for reading is granted while another descriptor writes';
  if (first('read', sharedFirst, sharedSize)) return 'a lock for writing cannot become one for reading';
  if (second('read', sharedFirst, sharedSize)) return 'a lock for reading excludes other readers';
  if (first('none', pendingByte, 2) || second('write', reservedByte, 1)) return 'a lock cannot be released';
  return first('none', 0, 0) || second('none', 0, 0) ? 'locks cannot be released' : undefined;
}

/** Tests that these locks and the locks of native SQLite exclude each other. */
function flawWithNative(locks: LockSystem, ours: ByteLocks, native: ByteLocks): string | undefined {
  const busy = (error: number): boolean => error !== 0 && locks.meaning(error) === 'busy';
  if (ours.set('write', reservedByte, 1)) return 'locks cannot be taken again';
  if (!busy(native.set('write', reservedByte, 1))) return "native SQLite's locks do not respect ours";
  ours.set('none', 0, 0);
  if (native.set('write', reservedByte, 1)) return 'a native lock is refused';
  if (!busy(ours.set('write', reservedByte, 1)))
    return "the locks of this package do not respect native SQLite's";
  return ours.test(reservedByte, 1) === 1 ? undefined : 'a native lock is not visible';
}
