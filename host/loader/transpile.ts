/** Transpiles a component into files that the host can instantiate: a script, core modules, and a description. */

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { crypto } from '../node/builtins.js';
import { ownFile } from '../node/package.js';
import { interfacesOf } from './binary.js';

/** The version of jco-transpile, a slash, and the version of this code. It is part of every cache key. */
export const transpilerVersion = '0.15.0/3';

export interface Transpiled {
  /** `glue.js`, the body of a function that returns `instantiate`, and `*.core.wasm`. */
  readonly files: Record<string, Uint8Array>;
  /** The imports with their versions. `instantiate` looks up the imports by these names. */
  readonly imports: string[];
  /** The exported interfaces with their versions. */
  readonly exports: string[];
}

/** The contents of `meta.json`. */
export interface Meta {
  readonly transpiler: string;
  readonly imports: string[];
  readonly exports: string[];
  /** The SHA-256 digest in hex of each other file of the folder. */
  readonly files: Record<string, string>;
}

/** The components of this package, as `dist/extensions/shipped.json` lists them. */
export type Shipped = readonly { readonly file: string; readonly size: number; readonly sha256: string }[];

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

/** Turns the ES module into the body of a function, which can be compiled synchronously. */
function asFunctionBody(module: string): string {
  const body = module.replace(/^export (?=function instantiate\(|const _util\b)/gm, '');
  if (!/^function instantiate\(/m.test(body) || /^(?:export|import)\b|\bimport\.meta\b/m.test(body)) {
    throw new Error('the transpiler returned a module of an unexpected form');
  }
  const script = body
    // Keep U+FEFF at the beginning of a text.
    .replaceAll('new TextDecoder()', "new TextDecoder('utf-8', { ignoreBOM: true })")
    .replaceAll('new TextEncoder()', encoder);
  return `'use strict';\n${script}\nreturn instantiate;\n`;
}

export async function transpile(component: Uint8Array): Promise<Transpiled> {
  const { imports, exports } = interfacesOf(component);
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
  const files: Record<string, Uint8Array> = {};
  for (const [name, content] of made.files) {
    if (name === 'glue.js') {
      files[name] = new TextEncoder().encode(asFunctionBody(new TextDecoder().decode(content)));
    } else if (name.endsWith('.wasm')) {
      files[name] = content;
    }
  }
  return { files, imports, exports };
}

/** Renames a folder and replaces an existing folder. Another process may do the same at the same time. */
function moveTo(from: string, to: string): void {
  for (let tries = 10; ; tries--) {
    rmSync(to, { recursive: true, force: true });
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      if (tries === 0 || !existsSync(to)) throw error;
    }
  }
}

/**
 * Transpiles a component into `folder`, and replaces an existing folder. The folder appears only when it is complete.
 *
 * @param smaller minifies the script
 */
export async function transpileTo(
  component: Uint8Array,
  folder: string,
  smaller?: (script: string) => Promise<string>,
): Promise<Meta> {
  const { files, imports, exports } = await transpile(component);
  const script = files['glue.js'];
  if (script && smaller) {
    files['glue.js'] = new TextEncoder().encode(await smaller(new TextDecoder().decode(script)));
  }
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}.`); // only its owner can read it
  try {
    const digests: Record<string, string> = {};
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(work, name), content, { flush: true });
      digests[name] = crypto().createHash('sha256').update(content).digest('hex');
    }
    const meta: Meta = { transpiler: transpilerVersion, imports, exports, files: digests };
    writeFileSync(join(work, 'meta.json'), `${JSON.stringify(meta, null, 2)}\n`, { flush: true });
    moveTo(work, folder);
    return meta;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
