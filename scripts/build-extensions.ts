/**
 * Builds extensions/NAME.wasm from extensions/NAME/, and the components in test/guests/.
 *
 *     npm run build:extensions               builds what is out of date
 *     npm run build:extensions -- NAME ...   builds only these
 *     npm run build:extensions -- --check    builds from the sources, and fails if the committed files differ
 *
 * NAME is hash for extensions/hash.wasm, or echo for test/guests/echo.wasm.
 */

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { componentEmbed, componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';
import { transform } from 'esbuild';
import { capMemory } from '../host/loader/memory-cap.js';
import { pack, transpilerVersion } from '../host/loader/packed.js';
import { transpile } from '../host/loader/transpile.js';
import type { Shipped } from '../host/loader/transpiled-files.js';
import { buildText, sameButMemory } from './build-text.js';
import { carriedFiles } from './carried.js';
import { clang } from './clang.js';
import { plugged } from './compose.js';
import { dist, root } from './sources.js';
import { contractVersion, witText } from './wit.js';

const machine = ['--target=wasm32-wasip1', '-Os', '-mbulk-memory', '-msign-ext', '-mnontrapping-fptoint'];
const bindings = join(root, 'extensions/bindings');
/** The folder with the headers that guests share. */
const shared = join(root, 'extensions/shared');
const stack = 65_536;

const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/**
 * The world whose bindings a C file, or the file world.h next to it, includes, for example with `#include "tabular.h"`;
 * undefined if there is none.
 */
function worldOf(cFiles: readonly string[]): string | undefined {
  const beside = join(dirname(cFiles[0] ?? ''), 'world.h');
  for (const file of [...cFiles, ...(existsSync(beside) ? [beside] : [])]) {
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/^#include "(\w+)\.h"/gm)) {
      const world = name.replaceAll('_', '-');
      if (existsSync(join(bindings, world))) return world;
    }
  }
  return undefined;
}

/** Compiles C files, with the bindings of the world that they include, to a core module. */
export async function buildModule(cFiles: string | string[]): Promise<Uint8Array> {
  const sources = new Map([cFiles].flat().map((path) => [basename(path), read(path)]));
  const objects: Record<string, Uint8Array> = {};
  const folder = dirname([cFiles].flat()[0] ?? '');
  const headersIn = (path: string): Record<string, Uint8Array> =>
    Object.fromEntries(
      readdirSync(path)
        .filter((name) => name.endsWith('.h'))
        .map((name) => [name, read(join(path, name))]),
    );
  const header: Record<string, Uint8Array> = {
    ...headersIn(shared),
    ...(dirname(folder) === join(root, 'extensions') && carriedFiles(basename(folder))),
    ...headersIn(folder),
  };
  const compile = (name: string, source: Uint8Array, ...flags: string[]): Promise<Uint8Array> =>
    clang([...machine, ...flags, '-c', name], { ...header, [name]: source }, name.replace('.c', '.o'));
  const world = worldOf([cFiles].flat());
  if (world !== undefined) {
    const stem = world.replaceAll('-', '_');
    header[`${stem}.h`] = read(join(bindings, world, `${stem}.h`));
    // Use another name, because a guest may have a file with the world's name.
    objects['world.o'] = await compile('world.c', read(join(bindings, world, `${stem}.c`)));
    // wit-bindgen's object file would define this function; componentEmbed replaces that object file.
    const anchor = `void __component_type_object_force_link_${stem}(void) {}\n`;
    objects['anchor.o'] = await compile('anchor.c', new TextEncoder().encode(anchor));
  }
  for (const [name, source] of sources) {
    const named = Buffer.from(source).includes('CONTRACT') ? [`-DCONTRACT="${contractVersion}"`] : [];
    objects[name.replace('.c', '.o')] = await compile(name, source, '-Wall', '-Wextra', ...named);
  }
  const name = basename([cFiles].flat()[0] ?? '').replace('.c', '.wasm');
  const link = (...start: string[]): Promise<Uint8Array> =>
    clang(
      [
        '--target=wasm32-wasip1',
        ...Object.keys(objects),
        ...start,
        '-Wl,--strip-all',
        '-Wl,--stack-first',
        `-Wl,-z,stack-size=${stack}`,
      ],
      objects,
      name,
    );
  const plain = await link('-nostartfiles', '-Wl,--no-entry');
  // A module that uses the C library's streams has constructors. Without _initialize, they would run at every call.
  return usesWasi(plain) ? link('-mexec-model=reactor') : plain;
}

const preview1 = 'wasi_snapshot_preview1';

function usesWasi(binary: Uint8Array): boolean {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(binary as Uint8Array<ArrayBuffer>));
  return imports.some(({ module }) => module === preview1);
}

/** The adapter that maps the calls of wasi-libc to WASI 0.2. */
function adapter(): Uint8Array {
  return read(join(root, 'node_modules/@bytecodealliance/jco/lib', `${preview1}.reactor.wasm`));
}

/**
 * Compiles a guest to a component. Its world is the one whose bindings it includes. If `wit` is given, it is `world` of
 * that WIT text, which may use packages of this repository.
 */
export async function buildGuest(
  cFiles: string | string[],
  world?: string,
  wit?: string,
): Promise<Uint8Array> {
  const binary = await buildModule(cFiles);
  const own = world ?? worldOf([cFiles].flat()) ?? 'minimal';
  const embedded = await componentEmbed({ binary, witSource: witText(wit), world: own });
  return componentNew(embedded, usesWasi(binary) ? [[preview1, adapter()]] : []);
}

/** The component that is not compiled from C. Its build is not reproducible. */
const text = 'extensions/text.wasm';

function same(path: string, committed: Uint8Array, built: Uint8Array): boolean {
  return path === text ? sameButMemory(committed, built) : Buffer.compare(committed, built) === 0;
}

type Target = readonly [path: string, build: () => Promise<Uint8Array>];

/** All committed components. */
function* all(): Generator<Target, void, void> {
  const extensions = join(root, 'extensions');
  const cIn = (folder: string): string[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.c'))
      .sort();
  for (const entry of readdirSync(extensions, { withFileTypes: true })) {
    const folder = join(extensions, entry.name);
    const files = entry.isDirectory() ? cIn(folder).map((name) => join(folder, name)) : [];
    if (files.length > 0) yield [`extensions/${entry.name}.wasm`, () => buildGuest(files)];
  }
  yield [text, buildText];
  const guests = join(root, 'test/guests');
  for (const file of cIn(guests)) {
    const name = file.replace('.c', '');
    const source = join(guests, file);
    const wit = join(guests, `${name}.wit`);
    const build = (): Promise<Uint8Array> => {
      if (name === 'core') return buildModule(source);
      return existsSync(wit) ? buildGuest(source, name, readFileSync(wit, 'utf8')) : buildGuest(source);
    };
    yield [`test/guests/${name}.wasm`, build];
  }
  yield ['test/guests/composed.wasm', composed];
}

/** Builds test/guests/composed.wasm, a component that contains another component. */
async function composed(): Promise<Uint8Array> {
  const parts = join(root, 'test/guests/parts');
  const wit = readFileSync(join(parts, 'parts.wit'), 'utf8');
  const asks = await buildGuest(join(parts, 'asks.c'), 'asks', wit);
  const answers = await buildGuest(join(parts, 'answers.c'), 'answers', wit);
  const exports = ['metadata', 'scalar-function'].map(
    (name) => `sqlite:extension/${name}@${contractVersion}`,
  );
  return plugged(asks, answers, 'acme:things/text@1.0.0', exports);
}

/** Copies the transpiler into dist/transpiler/, where host/loader/transpile.ts looks for it. */
export function copyTranspiler(): void {
  const component = fileURLToPath(import.meta.resolve('@bytecodealliance/jco-transpile/component'));
  const source = join(dirname(component), '..');
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { version: string };
  if (version !== transpilerVersion.split('/')[0]) {
    throw new Error(`jco-transpile is ${version}; host/loader/packed.ts says ${transpilerVersion}`);
  }
  const target = join(dist, 'transpiler');
  mkdirSync(target, { recursive: true });
  const stem = 'js-component-bindgen-component';
  copyFileSync(join(source, 'vendor', `${stem}.js`), join(target, `${stem}.js`));
  for (const name of [`${stem}.core.wasm`, `${stem}.core2.wasm`]) {
    // A malicious component could make the transpiler's memory grow without limit.
    writeFileSync(join(target, name), capMemory(read(join(source, 'vendor', name)), 2 ** 30));
  }
  copyFileSync(join(source, 'LICENSE'), join(target, 'LICENSE'));
}

/** Minifies a function, because the first `.load` in a process spends much of its time compiling it. */
async function minified(script: string): Promise<string> {
  // The host's globals have no `process`, so jco's log is always off. The calls that write to it are left out.
  const silent = script.replace(/(?<=^ *const _debugLog = )(?=\()/m, '/* @__NO_SIDE_EFFECTS__ */ ');
  if (silent === script) throw new Error('the transpiler returned a script without _debugLog');
  // In parentheses, the function would be an expression without effect, which esbuild would remove.
  const { code } = await transform(silent.slice(1, -1), {
    minify: true,
    target: 'node20.19',
    legalComments: 'none',
  });
  return `(${code.trim()})`;
}

/** Transpiles the shipped extensions, each into dist/extensions/NAME.packed. */
export async function transpileShipped(): Promise<void> {
  const folder = join(root, 'extensions');
  const target = join(dist, 'extensions');
  mkdirSync(target, { recursive: true });
  const shipped: Shipped[] = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.wasm'))) {
    const component = read(join(folder, file));
    const name = basename(file, '.wasm');
    const made = await transpile(component);
    const script = await minified(new TextDecoder().decode(made.files.get('glue.js')));
    const files = new Map([...made.files, ['glue.js', new TextEncoder().encode(script)]]);
    writeFileSync(join(target, `${name}.packed`), pack({ ...made, files }, component));
    const sha256 = createHash('sha256').update(component).digest('hex');
    shipped.push({ name, size: component.length, sha256 });
  }
  writeFileSync(join(target, 'shipped.json'), `${JSON.stringify(shipped, null, 2)}\n`);
}

/** Writes a built component, or with --check compares it with the committed file. */
function settle(path: string, built: Uint8Array): void {
  const target = join(root, path);
  if (existsSync(target) && same(path, readFileSync(target), built)) {
    console.error(`${path} is up to date (${built.length} bytes)`);
  } else if (process.argv.includes('--check')) {
    console.error(`${path} is out of date: run npm run build:extensions and commit it`);
    process.exitCode = 1;
  } else {
    writeFileSync(target, built);
    console.error(`${path}: ${built.length} bytes`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
  const targets = [...all()];
  const unknown = names.filter((name) => !targets.some(([path]) => basename(path) === `${name}.wasm`));
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')} in extensions/ or test/guests/`);
  const wanted = targets.filter(([path]) => names.length === 0 || names.includes(basename(path, '.wasm')));
  const left = wanted.values(); // all builders take their next component from it
  const builder = async (): Promise<void> => {
    for (const [path, build] of left) settle(path, await build());
  };
  await Promise.all(Array.from({ length: availableParallelism() }, builder));
}
