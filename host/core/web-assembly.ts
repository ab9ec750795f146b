/**
 * The types of WebAssembly that the types of the API refer to. TypeScript declares its own only in the library `dom`,
 * which programs for Node need not have.
 */

/** `WebAssembly.Memory`, or the members that the host uses if TypeScript does not know it. */
export type WasmMemory = typeof globalThis extends { WebAssembly: { Memory: { prototype: infer Memory } } }
  ? Memory
  : { readonly buffer: ArrayBuffer; grow(pages: number): number };

/** The functions of one module that the core imports. */
export type WasmFunctions = Readonly<Record<string, (...args: number[]) => number>>;
