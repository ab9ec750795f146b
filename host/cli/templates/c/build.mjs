/** Makes EXTENSION_NAME.wasm of src/*.c: clang to a core module, then the world of wit/ around it. */

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
  // Stands in for the object file that carries the world: componentEmbed adds it.
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
  process.exit(1); // clang has said why
}

/** The world, and the packages it uses as blocks behind it. */
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
