/** Compiles the core, with settings of V8 for the time of compiling. */

import { readFileSync } from 'node:fs';
import { v8, workerThreads } from './builtins.js';
import { ownFile } from './package.js';
import { isBun } from './systems.js';

/**
 * V8 validates a function when it is first called: validating all takes 5 ms. Only the main thread sets it. If another
 * thread compiled an invalid module at that time, the process would end when one of its invalid functions is called.
 */
const lazyValidation = 'wasm-lazy-validation';
/** V8 reads the section of the core that says which branches are likely. Since 14 it always does. */
const branchHints = 'experimental-wasm-branch-hinting';

/**
 * Flags belong to the process, so they are reset at once. If another thread resets them while this one compiles, the
 * core is slower but the same.
 */
export function compileCore(): WebAssembly.Module {
  const bytes = readFileSync(ownFile('core/sqlite3.wasm'));
  const { set, reset } = flagsFor(process.versions.v8, workerThreads().isMainThread);
  if (set.length === 0) return new WebAssembly.Module(bytes);
  const { setFlagsFromString } = v8();
  for (const flag of set) setFlagsFromString(`--${flag}`);
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    for (const flag of reset) setFlagsFromString(`--no-${flag}`);
  }
}

/**
 * The flags for the versions of V8 of Node 20 to 26. V8 prints an error for a flag that it does not know, and does not
 * accept compiled code that was kept with other flags.
 */
function flagsFor(version: string, isMainThread: boolean): { set: string[]; reset: string[] } {
  const major = Number.parseInt(version, 10);
  if (isBun || !(major >= 11 && major <= 14)) return { set: [], reset: [] };
  const set = [...(isMainThread ? [lazyValidation] : []), ...(major < 14 ? [branchHints] : [])];
  // In Node 22, the flag for hints sets another one.
  return { set, reset: major === 12 ? [...set, 'experimental'] : set };
}
