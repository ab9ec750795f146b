/** Runs the glue that jco made for a component. */

import { type KeptScript, runScript } from '../node/kept-script.js';
import type { Prepared } from './prepared.js';

export type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, object>,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
) => Record<string, unknown>;

interface Compiled {
  readonly instantiate: Instantiate;
  readonly script: KeptScript;
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
    const script = runScript(prepared.name, `component-${prepared.name}.js`, prepared.glue);
    const wrapper = script.value as (...globals: object[]) => Instantiate;
    known = { script, instantiate: wrapper(seen, seen.WebAssembly) };
    compiled.set(prepared, known);
  }
  return known.instantiate;
}

/**
 * Keeps the code that V8 compiled for the glue, with the functions that were called so far.
 *
 * @returns whether it was kept now, and not by an earlier process
 */
export function keepCode(prepared: Prepared): boolean {
  return compiled.get(prepared)?.script.keep() ?? false;
}
