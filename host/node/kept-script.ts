/** Compiles scripts, and keeps the code that V8 compiled for other processes. */

import { join } from 'node:path';
import { Script } from 'node:vm';
import { readEntry, writeEntry } from './cache-entry.js';
import { privateFolder } from './cache-folder.js';

export interface KeptScript {
  /** The value of the script's last statement. */
  readonly value: unknown;
  /**
   * Keeps the code, with the functions that were called so far, for the next process. Does nothing if it cannot be kept.
   *
   * @param again whether to replace code that is already kept
   * @returns whether it was kept now
   */
  keep(again?: boolean): boolean;
}

/**
 * Compiles and runs a script, with the code that an earlier process kept, if any.
 *
 * @param name a part of a file name in the cache
 * @param filename the name of the script in the stacks of errors
 */
export function runScript(name: string, filename: string, source: Buffer): KeptScript {
  const file = fileFor(name, source);
  const code = file === undefined ? undefined : readEntry(file, source);
  const script = new Script(source.toString(), {
    filename,
    ...(Buffer.isBuffer(code) && { cachedData: code }),
  });
  // V8 rejects code that was compiled with other flags.
  let isKept = file === undefined || (Buffer.isBuffer(code) && !script.cachedDataRejected);
  return {
    value: script.runInThisContext(),
    keep(again = false) {
      if (file === undefined || (isKept && !again)) return false;
      isKept = true;
      try {
        writeEntry(file, script.createCachedData(), source);
        return true;
      } catch {
        return false; // the cache cannot be written
      }
    },
  };
}

/** The entry of the cache for the code; undefined if there is no cache. */
function fileFor(name: string, source: Buffer): string | undefined {
  if (process.env.NODE_DISABLE_COMPILE_CACHE) return undefined;
  try {
    return join(privateFolder(), 'compiled', `${process.version}-${process.arch}-${name}-${source.length}`);
  } catch {
    return undefined; // there is no folder, or it is not private
  }
}
