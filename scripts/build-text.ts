/**
 * Builds extensions/text.wasm from extensions/text/, with tsc and QuickJS.
 *
 * The component contains the memory of a JavaScript engine that has loaded the script. Addresses and seeds in this
 * memory differ in each build, so only the other sections can be compared.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root, sha256 } from './sources.js';
import { witText } from './wit.js';

/** The types of a package that is a dependency of jco but not of this package. */
interface Componentizer {
  componentize(options: {
    witPath: string;
    world: string;
    jsSource: string;
    jsPath: string;
    moduleRoot: string;
    optSize: boolean;
    sync: boolean;
    stubWasi: boolean;
  }): Promise<{ component: Uint8Array }>;
}

const require = createRequire(import.meta.url);
// The package that `jco componentize` uses for QuickJS. jco has no option for the smaller engine.
const ofJco = createRequire(import.meta.resolve('@bytecodealliance/jco'));

/** Builds the component of extensions/text/, with a section `sources` that contains the hash of the input. */
export async function buildText(): Promise<Uint8Array> {
  const source = join(root, 'extensions/text');
  const work = mkdtempSync(join(tmpdir(), 'text-'));
  try {
    const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
    const scripts = join(work, 'js');
    execFileSync(process.execPath, [tsc, '-p', source, '--outDir', scripts], { stdio: 'inherit' });
    const hash = sha256(
      ...readdirSync(scripts)
        .sort()
        .map((name) => readFileSync(join(scripts, name))),
      (ofJco('componentize-qjs/package.json') as { version: string }).version,
    );
    writeFileSync(join(scripts, 'package.json'), '{ "type": "module" }');
    mkdirSync(join(work, 'wit'));
    writeFileSync(join(work, 'wit/text.wit'), witText(readFileSync(join(source, 'text.wit'), 'utf8')));
    const { componentize } = ofJco('componentize-qjs') as Componentizer;
    const entry = join(scripts, 'text.js');
    const { component } = await componentize({
      witPath: join(work, 'wit'),
      world: 'text',
      jsSource: readFileSync(entry, 'utf8'),
      jsPath: entry,
      moduleRoot: scripts,
      optSize: true,
      sync: true,
      stubWasi: true,
    });
    return Buffer.concat([component, customSection('sources', hash)]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function customSection(name: string, content: string): Uint8Array {
  const body = [name.length, ...Buffer.from(name + content)];
  return Uint8Array.of(0, body.length, ...body); // the body has less than 128 bytes, so its length takes one byte
}

/** Section ids: modules and components in a component, and memory contents in a module. */
const nested = [1, 4];
const data = 11;

/** Whether two components are the same except for the contents of their memories. */
export function sameButMemory(first: Uint8Array, second: Uint8Array): boolean {
  return Buffer.compare(Buffer.concat([...sections(first)]), Buffer.concat([...sections(second)])) === 0;
}

/** The sections of a component or module and of nested ones, without their lengths. */
function* sections(binary: Uint8Array): Generator<Uint8Array> {
  const isModule = binary[6] === 0;
  for (let at = 8; at < binary.length; ) {
    const id = binary[at++] ?? 0;
    let size = 0;
    for (let factor = 1; ; factor *= 128) {
      const part = binary[at++] ?? 0;
      size += (part & 0x7f) * factor;
      if (part < 0x80) break;
    }
    const body = binary.subarray(at, at + size);
    at += size;
    if (isModule && id === data) continue;
    yield Uint8Array.of(id);
    if (!isModule && nested.includes(id)) yield* sections(body);
    else yield body;
  }
}
