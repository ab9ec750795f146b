/** Imports in host/ only go down: fails where a file imports from a layer above its own. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
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
const layerOf = (file: string): number => layers.indexOf(relative(host, file).split(sep)[0] ?? '');

let wrong = 0;
for (const name of readdirSync(host, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.ts')) continue;
  const file = join(host, name);
  const layer = layerOf(file);
  if (layer < 0) {
    console.error(`${name} is in no layer: there is ${layers.join(', ')}`);
    wrong += 1;
  }
  for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import\() ?'(\.[^']*)'/g)) {
    const imported = normalize(join(dirname(file), target.replace(/\.js$/, '.ts')));
    if (layerOf(imported) > layer) {
      console.error(`${name} imports ${target}, which is a layer above it`);
      wrong += 1;
    }
  }
}
if (wrong > 0) process.exitCode = 1;
