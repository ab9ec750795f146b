/** Compiles the core, with settings of V8 for the time of compiling. */

import { readFileSync } from 'node:fs';
import { v8 } from './builtins.js';
import { ownFile } from './package.js';
import { isBun } from './systems.js';

/** V8 validates a function when it is first called: validating all takes 5 ms. */
const lazyValidation = 'wasm-lazy-validation';
/** V8 reads the section of the core that says which branches are likely. Since 14 it always does. */
const branchHints = 'experimental-wasm-branch-hinting';

/**
 * Flags belong to the process, so they are reset at once. If another thread resets them while this one compiles, the
 * core is slower but the same.
 */
export function compileCore(): WebAssembly.Module {
  const bytes = readFileSync(ownFile('core/sqlite3.wasm'));
  const flags = flagsFor(process.versions.v8);
  if (flags.length === 0) return new WebAssembly.Module(bytes);
  const { setFlagsFromString } = v8();
  for (const flag of flags) setFlagsFromString(`--${flag}`);
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    for (const flag of flags) setFlagsFromString(`--no-${flag}`);
  }
}

/** The flags for the versions of V8 of Node 20 to 26. V8 prints an error for a flag that it does not know. */
function flagsFor(version: string): readonly string[] {
  const major = Number.parseInt(version, 10);
  if (isBun || !(major >= 11 && major <= 14)) return [];
  return major < 14 ? [lazyValidation, branchHints] : [lazyValidation];
}
