/**
 * Generates extensions/bindings/WORLD/ (C), host/abi/generated/ (types) and host/interfaces/contract.ts (versions and
 * worlds) from the WIT.
 *
 *     npm run build:bindings
 *     npm run build:bindings -- --check   fails if the committed files differ from those generated from the WIT
 */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { $init, generateTypes } from '@bytecodealliance/jco-transpile/component';
import { root } from './sources.js';
import { contractText, stampOf, witFiles, witFolder, witText, worldsOf } from './wit.js';

const version = '0.63.0';

/** The worlds that guests implement. */
const worlds = [...worldsOf(witText())].flatMap(([name, { exports }]) => (exports.length > 0 ? [name] : []));
const stamp = stampOf(witFiles());

/** Returns the C bindings of every world, by path. */
function cBindings(): Map<string, string> {
  const program = process.env.WIT_BINDGEN ?? 'wit-bindgen';
  const run = (...args: string[]): string =>
    execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  let found = 'none';
  try {
    found = run('--version').trim();
  } catch {
    // the error below reports it
  }
  if (found !== `wit-bindgen-cli ${version}`) {
    throw new Error(
      `wit-bindgen ${version} is needed, on the PATH or named by WIT_BINDGEN (found: ${found}): ` +
        `cargo install wit-bindgen-cli --version ${version}`,
    );
  }
  const work = mkdtempSync(join(tmpdir(), 'bindings-'));
  const made = new Map<string, string>();
  try {
    for (const world of worlds) {
      const folder = join(work, world);
      run('c', witFolder(), '--world', world, '--no-object-file', '--out-dir', folder);
      for (const name of readdirSync(folder)) {
        const text = readFileSync(join(folder, name), 'utf8');
        made.set(`extensions/bindings/${world}/${name}`, `${stamp}\n${text}`);
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return made;
}

/**
 * Makes a module for an interface. Its functions become members of an interface `Functions`, which code can implement
 * and which can have a member named `delete`.
 */
function asModule(text: string): string {
  const lines = text.replaceAll('./sqlite-extension-', './').split('\n');
  const functions: string[] = [];
  const others: string[] = [];
  let comment: string[] = [];
  for (const line of lines.slice(1)) {
    const member = /^(?:export )?function _?(.*)$/.exec(line)?.[1];
    if (line.startsWith('/**') || line.startsWith(' *')) {
      comment.push(line.trimEnd());
    } else if (member) {
      functions.push(...comment.map((part) => `  ${part}`), `  ${member}`);
      comment = [];
    } else if (line !== '' && line !== 'export { _delete as delete };') {
      others.push(...comment, line.replace(/,$/, ';'));
      comment = [];
    }
  }
  if (functions.length > 0) others.push('', 'export interface Functions {', ...functions, '}');
  return `// Generated from the WIT by scripts/bindings.ts: do not edit.\n${stamp}\n\n${others.join('\n')}\n`;
}

/** Returns the TypeScript types of every interface, by path. */
async function types(): Promise<Map<string, string>> {
  await $init;
  const made = new Map<string, string>();
  const files = generateTypes('full', {
    wit: { tag: 'source', val: witText() },
    world: 'full',
    instantiation: { tag: 'sync' },
    strict: true,
  });
  for (const [path, content] of files) {
    const name = /^interfaces\/sqlite-extension-(.*)\.d\.ts$/.exec(path)?.[1];
    if (name) made.set(`host/abi/generated/${name}.ts`, asModule(new TextDecoder().decode(content)));
  }
  return made;
}

try {
  const stale: string[] = [];
  const take = (made: Iterable<readonly [path: string, text: string]>): void => {
    for (const [path, text] of made) {
      const target = join(root, path);
      if (existsSync(target) && readFileSync(target, 'utf8') === text) continue;
      stale.push(path);
      if (process.argv.includes('--check')) continue;
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    }
  };
  take([['host/interfaces/contract.ts', contractText()], ...(await types())]);
  take(cBindings()); // last, because it needs a program that may be missing
  if (stale.length === 0) {
    console.error('the bindings are up to date');
  } else if (process.argv.includes('--check')) {
    console.error(`out of date: ${stale.join(', ')}; run npm run build:bindings and commit them`);
    process.exitCode = 1;
  } else {
    console.error(`written: ${stale.join(', ')}`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
