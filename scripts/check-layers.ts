/**
 * Imports in host/ only go down, and never in a circle: fails where a file imports from a layer above its own, where
 * files import each other, and where a module keeps something by connection beside Connection.part.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { root } from './sources.js';

/** From the bottom up. `index.ts` is the public API; the command line stands on it. */
const layers = [
  'changeset',
  'core',
  'vfs',
  'kernel',
  'recording',
  'applying',
  'interfaces',
  'loader',
  'api',
  'host.ts',
  'index.ts',
  'database-thread.ts',
  'cli',
];

const host = join(root, 'host');
const problems: string[] = [];

/** What each file imports, types included, as paths from host/. */
const imports = new Map<string, string[]>();

for (const name of readdirSync(host, { recursive: true, encoding: 'utf8' })) {
  // The templates are other people's programs.
  if (!name.endsWith('.ts') || name.startsWith(join('cli', 'templates'))) continue;
  const text = readFileSync(join(host, name), 'utf8');
  const imported = [...text.matchAll(/(?:from|import|import\() ?'(\.[^']*)'/g)].map(([, target = '']) =>
    normalize(join(dirname(name), target.replace(/\.js$/, '.ts'))),
  );
  imports.set(name, imported);
  if (/^(?:export )?const .*new Weak(?:Map|Set)<Connection\b/m.test(text)) {
    problems.push(`${name} keeps something by connection: that is what Connection.part is for`);
  }
}

const layerOf = (name: string): number => layers.indexOf(name.split(sep)[0] ?? '');

for (const [name, imported] of imports) {
  const layer = layerOf(name);
  if (layer < 0) problems.push(`${name} is in no layer: there is ${layers.join(', ')}`);
  for (const target of imported) {
    if (layerOf(target) > layer) problems.push(`${name} imports ${target}, which is a layer above it`);
  }
}

/** Files from which no circle can be reached, or whose circle was said. */
const done = new Set<string>();

/** @param path the files that lead to `name`, each of which imports the next */
function follow(name: string, path: readonly string[]): void {
  const begin = path.indexOf(name);
  if (begin >= 0) {
    problems.push(`files in a circle: ${[...path.slice(begin), name].join(' -> ')}`);
    return;
  }
  if (done.has(name)) return;
  for (const target of imports.get(name) ?? []) follow(target, [...path, name]);
  done.add(name);
}

for (const name of imports.keys()) follow(name, []);

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
