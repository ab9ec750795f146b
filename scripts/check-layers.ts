/**
 * Checks the imports in host/. Fails if a file imports from a layer above its own, if there is an import cycle, if a
 * module stores objects by connection without Connection.part, or if a module below `node/` uses Node.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { root } from './sources.js';

/** The layers, from bottom to top. */
const layers = [
  'changeset', // changesets as bytes, without SQLite
  'core', // SQLite in WebAssembly, and the interfaces that it needs from its host
  'kernel', // an engine and its connections: values, queries, hooks, owners, confinement
  'abi', // a component's memory: values, results and errors by the canonical ABI
  'recording', // sessions and captures
  'applying', // applies changesets and captures, with policies and reports
  'interfaces', // the interfaces that components import
  'node', // the system: files, locks, folders of WASI, the network
  'loader', // loads components and calls their exports
  'components', // what the host does for components, linked or loaded on demand
  'api', // the API of node:sqlite, and more
  'host.ts', // `sqlite-wasm-run/host`
  'index.ts', // `sqlite-wasm-run`
  'database-thread.ts', // the thread of a DatabaseWorker
  'replica', // `sqlite-wasm-run/replica`
  'cli', // the command line
  'internals.ts', // internals for the tests
];

const host = join(root, 'host');
const problems: string[] = [];

const layerOf = (name: string): number => layers.indexOf(name.split(sep)[0] ?? '');

/** The imports of each file, including types, as paths from host/. */
const imports = new Map<string, string[]>();

for (const name of readdirSync(host, { recursive: true, encoding: 'utf8' })) {
  // The templates are programs of users.
  if (!name.endsWith('.ts') || name.startsWith(join('cli', 'templates'))) continue;
  const text = readFileSync(join(host, name), 'utf8');
  const imported = [...text.matchAll(/(?:from|import|import\() ?'(\.[^']*)'/g)].map(([, target = '']) =>
    normalize(join(dirname(name), target.replace(/\.js$/, '.ts'))),
  );
  imports.set(name, imported);
  if (/^(?:export )?const .*new Weak(?:Map|Set)<Connection\b/m.test(text)) {
    problems.push(`${name} stores objects by connection: use Connection.part`);
  }
  const ofNode =
    layerOf(name) < layers.indexOf('node') &&
    /^(?! *(?:\*|\/[*/])).*?(['"]node:|\bprocess\.|\bBuffer[.(])/m.exec(text);
  if (ofNode) problems.push(`${name} uses ${ofNode[1]} of Node: ask the platform (core/platform.ts)`);
}

for (const [name, imported] of imports) {
  const layer = layerOf(name);
  if (layer < 0) problems.push(`${name} is not in a layer: layers are ${layers.join(', ')}`);
  for (const target of imported) {
    if (layerOf(target) > layer) problems.push(`${name} imports ${target}, which is a layer above it`);
  }
}

/** Files from which no circle can be reached, or whose circle was reported. */
const done = new Set<string>();

/** @param path the files that lead to `name`, each of which imports the next */
function follow(name: string, path: readonly string[]): void {
  const begin = path.indexOf(name);
  if (begin >= 0) {
    problems.push(`circular imports: ${[...path.slice(begin), name].join(' -> ')}`);
    return;
  }
  if (done.has(name)) return;
  for (const target of imports.get(name) ?? []) follow(target, [...path, name]);
  done.add(name);
}

for (const name of imports.keys()) follow(name, []);

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
