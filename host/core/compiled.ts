/** Compiles the modules of this package that are written in the text format. */

const modules = new Map<string, WebAssembly.Module | undefined>();

/**
 * Compiles a module in base64, once. It may import JavaScript string builtins. Returns undefined if the runtime does not
 * support what the module uses.
 */
export function compiled(base64: string): WebAssembly.Module | undefined {
  if (!modules.has(base64)) modules.set(base64, compile(base64));
  return modules.get(base64);
}

function compile(base64: string): WebAssembly.Module | undefined {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  // TypeScript does not know the second parameter.
  const Module = WebAssembly.Module as new (bytes: Uint8Array, options: object) => WebAssembly.Module;
  try {
    return new Module(bytes, { builtins: ['js-string'] });
  } catch {
    return undefined;
  }
}
