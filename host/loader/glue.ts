/** Compiles the script of a component, and keeps the code that V8 compiled for other processes. */

import { join } from 'node:path';
import { Script } from 'node:vm';
import { readEntry, writeEntry } from './cache-entry.js';
import { privateFolder } from './cache-folder.js';
import type { Prepared } from './prepared.js';

export type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, object>,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
) => Record<string, unknown>;

interface Compiled {
  readonly instantiate: Instantiate;
  /** Keeps the code; undefined if it is kept. */
  keep?: (() => void) | undefined;
}

const compiled = new WeakMap<Prepared, Compiled>();

/**
 * The globals that jco's glue code gets. The glue makes an asynchronous form of every function, which the host does not
 * use. The trivial `promising` here makes that cheap. Without it, the glue would throw and catch an error for each
 * function, which takes a millisecond. `process` is absent, because the glue would read its environment many times per
 * call to decide whether to log.
 */
const seen = {
  WebAssembly: Object.create(WebAssembly, { promising: { value: <T>(found: T): T => found } }) as object,
};

/** The `instantiate` function of the glue, compiled once per process. */
export function instantiator(prepared: Prepared): Instantiate {
  let known = compiled.get(prepared);
  if (!known) {
    known = compile(prepared);
    compiled.set(prepared, known);
  }
  return known.instantiate;
}

/**
 * Keeps the code that V8 compiled for the glue, with the functions that were called so far. Does nothing if it is already
 * kept or cannot be kept.
 */
export function keepCode(prepared: Prepared): void {
  const known = compiled.get(prepared);
  try {
    known?.keep?.();
  } catch {
    // The next process compiles the glue again.
  }
  if (known) known.keep = undefined;
}

function compile(prepared: Prepared): Compiled {
  const { name, glue } = prepared;
  const file = fileOf(prepared);
  const code = file === undefined ? undefined : readEntry(file, glue);
  const script = new Script(glue.toString(), {
    filename: `component-${name}.js`,
    ...(Buffer.isBuffer(code) && { cachedData: code }),
  });
  const wrapper = script.runInThisContext() as (...globals: object[]) => Instantiate;
  const instantiate = wrapper(seen, seen.WebAssembly);
  const isKept = Buffer.isBuffer(code) && !script.cachedDataRejected; // V8 rejects code that was compiled with other flags
  if (file === undefined || isKept) return { instantiate };
  return { instantiate, keep: () => writeEntry(file, script.createCachedData(), glue) };
}

/** The entry of the cache for the code; undefined if there is no cache. */
function fileOf({ name, glue }: Prepared): string | undefined {
  if (process.env.NODE_DISABLE_COMPILE_CACHE) return undefined;
  try {
    return join(privateFolder(), 'compiled', `${process.version}-${process.arch}-${name}-${glue.length}`);
  } catch {
    return undefined; // there is no folder, or it is not private
  }
}
