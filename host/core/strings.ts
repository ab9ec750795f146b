/** Copies short texts between strings and the core's memory faster than JavaScript can. See strings.wat. */

import { compiled } from './compiled.js';
import { stringsModule } from './strings-module.js';

/** The minimum length of strings that V8 makes of several parts. In shorter strings, charCodeAt is fast. */
export const shortestWrite = 13;
/** For up to this many characters, {@link StringCopies} is faster than Node's Buffer. */
export const longestWrite = 256;
/** For up to this many bytes, {@link StringCopies} is faster than Node's Buffer. */
export const longestRead = 32;

export interface StringCopies {
  /** Writes a string of up to 256 characters. Returns 0 if it is not ASCII: then the bytes are wrong. */
  write(text: string, to: number): number;
  /** Reads up to 256 bytes. Returns null if they are not ASCII. */
  read(at: number, length: number): string | null;
}

/** Returns undefined if the runtime has no WebAssembly GC or no JavaScript string builtins, such as Node 20. */
export function stringCopies(memory: WebAssembly.Memory): StringCopies | undefined {
  const module = compiled(stringsModule);
  if (!module) return undefined;
  try {
    const { exports } = new WebAssembly.Instance(module, { core: { memory } });
    const { write, read } = exports as unknown as StringCopies;
    return { write, read };
  } catch {
    return undefined; // a runtime with GC but without the builtins, which are then missing imports
  }
}
