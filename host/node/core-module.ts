/** Compiles the core, so that V8 reads its branch hints. */

import { readFileSync } from 'node:fs';
import { v8 } from './builtins.js';
import { ownFile } from './package.js';
import { isBun } from './systems.js';

/** The V8 of Node 20 to 24 reads the section that says which branches are likely only with this flag. */
const branchHints = 'experimental-wasm-branch-hinting';

const v8Major = Number.parseInt(process.versions.v8, 10);

/**
 * Flags belong to the process, so the flag is reset at once, unless it was set before. If another thread resets it while
 * this one compiles, or ends before it resets it, the code is slower or faster, but the same.
 */
export function compileCore(): WebAssembly.Module {
  const bytes = readFileSync(ownFile('core/sqlite3.wasm'));
  if (!needsFlag()) return new WebAssembly.Module(bytes);
  const { cachedDataVersionTag, setFlagsFromString } = v8();
  // The tag is a hash of all flags. V8 accepts compiled code that was kept only with the same tag.
  const before = cachedDataVersionTag();
  setFlagsFromString(`--${branchHints}`);
  const wasSet = cachedDataVersionTag() === before;
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    if (!wasSet) setFlagsFromString(`--no-${branchHints}`);
    // With an experimental flag, V8 12 (Node 22) also sets this one.
    if (v8Major === 12 && cachedDataVersionTag() !== before) setFlagsFromString('--no-experimental');
  }
}

/** Other programs may freeze the flags, and V8 ends the process if a frozen flag is set. */
function needsFlag(): boolean {
  const isFrozen = process.execArgv.some((option) => /^--freeze[-_]flags/.test(option));
  return v8Major >= 11 && v8Major < 14 && !isBun && !process.versions['electron'] && !isFrozen;
}
