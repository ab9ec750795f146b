/** From the files that jco made of a component to modules that can be instantiated. */

import { capMemory, entriesFor, ownParts } from './memory-cap.js';

/** A component, ready to be instantiated. */
export interface Prepared {
  /** The sha256 of the component, as hex. */
  readonly digest: string;
  readonly imports: readonly string[];
  readonly exports: readonly string[];
  /** The body of a function that returns jco's `instantiate`. */
  readonly glue: string;
  /** A core module by its file name. The memories of all modules together cannot grow beyond `memory` bytes. */
  module(name: string, memory: number): WebAssembly.Module;
  /** Whether a module has memories or tables of its own, so that each instance has others. */
  hasMemory(module: WebAssembly.Module): boolean;
}

/**
 * @param files the transpiled files by name: `glue.js` and the core modules
 * @param described what the component imports and exports
 */
export function preparedFrom(
  digest: string,
  files: ReadonlyMap<string, Uint8Array>,
  described: Pick<Prepared, 'imports' | 'exports'>,
): Prepared {
  const modules = new Map<string, WebAssembly.Module>();
  const wasm = [...files].filter(([name]) => name.endsWith('.wasm'));
  const parts = new Map(wasm.map(([name, bytes]) => [name, ownParts(bytes)]));
  const sum = (of: 'memories' | 'tables'): number =>
    Math.max(
      [...parts.values()].reduce((total, part) => total + part[of], 0),
      1,
    );
  const withMemory = new WeakSet<WebAssembly.Module>();
  return {
    hasMemory: (module) => withMemory.has(module),
    digest,
    imports: described.imports,
    exports: described.exports,
    glue: new TextDecoder().decode(files.get('glue.js')),
    module(name, memory) {
      const key = `${name}/${memory}`;
      let module = modules.get(key);
      if (!module) {
        const share = Math.floor(memory / sum('memories'));
        const entries = Math.floor(entriesFor(memory) / sum('tables'));
        const capped = capMemory(files.get(name) ?? new Uint8Array(), share, entries);
        module = new WebAssembly.Module(capped as Uint8Array<ArrayBuffer>);
        if (parts.get(name)?.memories || parts.get(name)?.tables) withMemory.add(module);
        modules.set(key, module);
      }
      return module;
    },
  };
}
