/** Compiles the core, so that V8 reads its branch hints. */

import { readFileSync } from 'node:fs';
import { v8 } from './builtins.js';
import { ownFile } from './package.js';
import { isBun } from './systems.js';

const v8Major = Number.parseInt(process.versions.v8, 10);

/** The V8 of Node 20 to 24 reads the section that says which branches are likely only with this flag. */
const branchHints = 'experimental-wasm-branch-hinting';
/** V8 accepts compiled code that was kept only with the same flags. V8 12 (Node 22) sets a second one with the first. */
const flags = v8Major === 12 ? [branchHints, 'experimental'] : [branchHints];

/**
 * Flags belong to the process. Every thread resets them, whatever it found, because it cannot know whether another thread
 * had set them. If one resets them while another compiles, the code is slower, but the same.
 */
export function compileCore(): WebAssembly.Module {
  const bytes = readFileSync(ownFile('core/sqlite3.wasm'));
  if (!needsFlag()) return new WebAssembly.Module(bytes);
  const { setFlagsFromString } = v8();
  setFlagsFromString(`--${branchHints}`);
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    for (const flag of flags) setFlagsFromString(`--no-${flag}`);
  }
}

/**
 * Not if the user gave an experimental flag of WebAssembly, which would not be as before. Other programs may freeze the
 * flags, and V8 ends the process if a frozen flag is set.
 */
function needsFlag(): boolean {
  const isGiven = process.execArgv.some((option) => /^--(experimental[-_]wasm|freeze[-_]flags)/.test(option));
  return v8Major >= 11 && v8Major < 14 && !isBun && !process.versions['electron'] && !isGiven;
}
