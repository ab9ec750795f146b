/**
 * Builds EXTENSION_NAME.wasm from src/*.c: compiles a core module with clang, and makes it a component of the world in
 * wit/.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { componentEmbed, componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';
import { commands, runLLVM } from '@yowasp/clang';

/** The bindings of the world that the sources include, as `#include "WORLD.h"`. */
const bindings = 'WORLD_NAME';
const stem = bindings.replaceAll('-', '_');

const here = import.meta.dirname ?? dirname(new URL(import.meta.url).pathname);
const host = dirname(createRequire(import.meta.url).resolve('sqlite-wasm-run/package.json'));
const read = (...path) => new Uint8Array(readFileSync(join(...path)));

const files = {
  [`${stem}.h`]: read(host, 'extensions/bindings', bindings, `${stem}.h`),
  [`${stem}.c`]: read(host, 'extensions/bindings', bindings, `${stem}.c`),
  // Replaces the object file that contains the world, because componentEmbed adds the world.
  'anchor.c': new TextEncoder().encode(`void __component_type_object_force_link_${stem}(void) {}\n`),
};
for (const name of readdirSync(join(here, 'src'))) files[name] = read(here, 'src', name);

const sources = Object.keys(files).filter((name) => name.endsWith('.c'));
const flags = ['--target=wasm32-wasip1', '-Os', '-Wall', '-Wextra', '-mbulk-memory', '-msign-ext'];
const link = ['-nostartfiles', '-Wl,--no-entry', '-Wl,--strip-all', '-Wl,--stack-first'];
await runLLVM(null, {}, { fetchProgress() {} }); // loads the compiler silently
let built;
try {
  built = await commands.clang([...flags, ...sources, ...link, '-o', 'core.wasm'], files);
} catch {
  process.exit(1); // clang has printed the errors
}

/** The text of the world, followed by the packages that it uses. */
function wit() {
  const texts = (folder) =>
    readdirSync(join(here, folder))
      .filter((name) => name.endsWith('.wit'))
      .map((name) => readFileSync(join(here, folder, name), 'utf8'));
  const contract = texts('wit/deps/sqlite-extension').join('');
  const [header] = contract.match(/^package .*;$/m) ?? [];
  return `${texts('wit').join('')}\n${header.replace(';', '')} {${contract.replaceAll(header, '')}}\n`;
}

const embedded = await componentEmbed({
  binary: built['core.wasm'],
  witSource: wit(),
  world: 'extension',
});
const component = await componentNew(embedded, []);
writeFileSync(join(here, 'EXTENSION_NAME.wasm'), component);
console.log(`EXTENSION_NAME.wasm: ${component.length} bytes`);
