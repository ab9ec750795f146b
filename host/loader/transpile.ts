/** Transpiles a component into files that the host can instantiate: a script and core modules. */

import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ownFile } from '../node/package.js';
import { interfacesOf } from './binary.js';
import type { Transpiled } from './packed.js';

interface Bindgen {
  readonly $init: Promise<void>;
  generate(
    component: Uint8Array,
    options: {
      name: string;
      noTypescript: boolean;
      instantiation: { tag: 'sync' };
      importBindings: { tag: 'hybrid' };
      map: [string, string][];
      noNodejsCompat: boolean;
      noComponentErrorWrapping: boolean;
      base64Cutoff: number;
      strict: boolean;
    },
  ): { files: [string, Uint8Array][] };
}

/** Loads the transpiler: the copy in this package or, in a checkout without a build, the npm package. */
async function bindgen(): Promise<Bindgen> {
  const shipped = ownFile('transpiler/js-component-bindgen-component.js');
  const glue: string = existsSync(shipped)
    ? pathToFileURL(shipped).href
    : '@bytecodealliance/jco-transpile/component';
  const loaded = (await import(glue)) as Bindgen;
  await loaded.$init;
  return loaded;
}

/**
 * A TextEncoder for the glue. Since Node 25.4, encodeInto() stops early if a text fills the array exactly
 * (https://github.com/nodejs/node/issues/65994).
 */
const encoder = `new (class extends TextEncoder {
  encodeInto(text, array) {
    const done = super.encodeInto(text, array);
    if (done.read === text.length) return done;
    const bytes = this.encode(text);
    if (bytes.length > array.length) return done;
    array.set(bytes);
    return { read: text.length, written: bytes.length };
  }
})()`;

/**
 * Does what `bind` does, for the functions that core modules import. When a module is instantiated, V8 compiles a
 * wrapper for each type of function that is imported as the result of `bind`, but not for other functions.
 */
const bound = 'const _bound = (call, first) => (...rest) => call(first, ...rest);';

/**
 * Removes the task that jco creates for an import that is called within a direct call. jco never removes it. Each call
 * would keep 1.5 KB, and would search the tasks of all earlier calls.
 */
const forgetting = 'clearCurrentTask(componentIdx, createdTask.id()); ';

/** Turns the ES module into a function, which can be compiled synchronously. It has the form `(function ...)`. */
function asFunction(module: string): string {
  const body = module.replace(/^export (?=function instantiate\(|const _util\b)/gm, '');
  if (!/^function instantiate\(/m.test(body) || /^(?:export|import)\b|\bimport\.meta\b/m.test(body)) {
    throw new Error('the transpiler returned a module of an unexpected form');
  }
  const script = body
    // Keep U+FEFF at the beginning of a text.
    .replaceAll('new TextDecoder()', "new TextDecoder('utf-8', { ignoreBOM: true })")
    .replaceAll('new TextEncoder()', encoder)
    .replace(
      /(?<=\bif \(createdTask\) \{ createdTask\.resolve\(\[syncRes\]\); )(?=\}\s*return syncRes;)/,
      forgetting,
    )
    .replace(/\b_lowerImportBackwardsCompat\.bind\(\s*null,/g, '_bound(_lowerImportBackwardsCompat,');
  return `(function glue(globalThis, WebAssembly) {\n'use strict';\n${bound}\n${returning(script)}})`;
}

/** V8 compiles a function in parentheses at once. Otherwise, it would read all of `instantiate` twice. */
function returning(script: string): string {
  const whole = /^function instantiate\(.*^\}(?=;?\s*^const _util = \{\s*\};?\s*$(?!.))/ms.exec(script);
  if (!whole) return `${script}\nreturn instantiate;\n`; // another form, which is slower
  return `${script.slice(0, whole.index)}return (${whole[0]});\n`;
}

export async function transpile(component: Uint8Array): Promise<Transpiled> {
  const { imports, exports, composed } = interfacesOf(component);
  const { generate } = await bindgen();
  const made = generate(component, {
    name: 'glue',
    noTypescript: true,
    instantiation: { tag: 'sync' },
    importBindings: { tag: 'hybrid' },
    // Without this map, the glue would look up its imports by names without versions.
    map: imports.map((name) => [name, name]),
    noNodejsCompat: true,
    noComponentErrorWrapping: true,
    base64Cutoff: 0,
    strict: true,
  });
  const files = new Map<string, Uint8Array>();
  for (const [name, content] of made.files) {
    if (name === 'glue.js') {
      files.set(name, new TextEncoder().encode(asFunction(new TextDecoder().decode(content))));
    } else if (name.endsWith('.wasm')) {
      files.set(name, content);
    }
  }
  if (!files.has('glue.js')) throw new Error('the transpiler returned no script');
  return { imports, exports, composed, files };
}
