/** Compiles the core modules into which jco transpiled a component. */

import type { Interfaces } from './binary.js';
import { capMemory, entriesFor, ownParts } from './memory-cap.js';
import type { Transpiled } from './packed.js';

/** A component that can be instantiated. */
export interface Prepared extends Interfaces {
  /** The name of the component in file names: in the stacks of errors, and in the cache of compiled code. */
  readonly name: string;
  /** The text of a function that returns jco's `instantiate`, given `globalThis` and `WebAssembly`. */
  readonly glue: Buffer;
  /** Compiles a core module, given its file name. The memories of all modules together cannot exceed `memory` bytes. */
  module(name: string, memory: number): WebAssembly.Module;
  /** Whether a module defines memories or tables, so that each instance has its own. */
  hasMemory(module: WebAssembly.Module): boolean;
}

export function preparedFrom(name: string, { imports, exports, composed, files }: Transpiled): Prepared {
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
    name,
    imports,
    exports,
    composed,
    glue: bufferOf(files.get('glue.js')),
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

function bufferOf(bytes: Uint8Array = new Uint8Array()): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
