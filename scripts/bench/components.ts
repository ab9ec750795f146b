/** Measures the time to load each component, and its memory. Prints medians. */

import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dist, root } from '../sources.js';
import { componentCache, guest } from './databases.js';
import { median, print, short } from './measure.js';

interface Cost {
  /** The time of the first load in the process, and of another load, in ms. */
  readonly first: number;
  readonly next: number;
  /** The growth of the process with each instance, and the size of an instance's own memory, in bytes. */
  readonly resident: number;
  readonly memory: number;
}

/** The number of instances made before the memory is first measured, and between the two measurements. */
const settling = 8;
const weighed = 32;

/** Loads a component on several connections of one process. */
const program = (component: string): string => `
  const memories = [];
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, { construct(target, args) {
    const made = Reflect.construct(target, args);
    if (made.exports.memory) memories.push(made.exports.memory);
    return made;
  } });
  const { DatabaseSync } = await import(${JSON.stringify(pathToFileURL(join(dist, 'index.js')).href)});
  const open = () => new DatabaseSync(':memory:', { allowExtension: true, grants: { sql: 'rw' } });
  const load = (db) => {
    const started = performance.now();
    db.loadExtension(${JSON.stringify(component)});
    return performance.now() - started;
  };
  const weight = () => (gc(), gc(), process.memoryUsage.rss());
  const all = Array.from({ length: ${settling + weighed} }, open);
  for (const db of all) db.exec('SELECT 1');
  const [first] = all.slice(0, ${settling}).map(load);
  const before = memories.length;
  const resident = weight();
  const loads = all.slice(${settling}).map(load).sort((a, b) => a - b);
  const grown = weight() - resident;
  const own = memories.slice(before).reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
  const [next, count] = [loads[${weighed / 2}], ${weighed}];
  console.log(JSON.stringify({ first, next, resident: grown / count, memory: own / count }));`;

function cost(component: string): Cost {
  const args = ['--no-warnings', '--expose-gc', '--input-type=module', '-e', program(component)];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: root });
  if (stdout === '') throw new Error(`${component} cannot be loaded: ${stderr}`);
  return JSON.parse(stdout) as Cost;
}

export function run(): void {
  const extensions = join(root, 'extensions');
  const asksForMore = Number(process.versions.node.split('.')[0]) < 22 ? ['text.wasm'] : []; // needs Node 22
  const shipped = readdirSync(extensions).filter(
    (name) => name.endsWith('.wasm') && !asksForMore.includes(name),
  );
  const echo = guest('echo');
  const cold = median(
    Array.from({ length: 3 }, () => {
      rmSync(componentCache, { recursive: true, force: true });
      return cost(echo).first;
    }),
  );
  const paths = new Map<string, string>([
    ...shipped.map((name): [string, string] => [name, join(extensions, name)]),
    ['echo.wasm of the tests, from the cache', echo],
  ]);
  const costs = new Map([...paths.keys()].map((name): [string, Cost[]] => [name, []]));
  for (let turn = 0; turn < 5; turn++) {
    for (const [name, path] of paths) costs.get(name)?.push(cost(path));
  }
  print(
    `Components (transpiled for the first time, echo.wasm takes ${cold.toFixed(0)} ms)`,
    ['', 'KiB', 'load, ms', 'on another connection, ms', 'growth of the process, KiB', 'own memory, KiB'],
    [...paths].map(([name, path]) => {
      const all = costs.get(name) ?? [];
      const of = (pick: (cost: Cost) => number): string => short(median(all.map(pick)));
      return [
        name,
        short(statSync(path).size / 1024),
        of(({ first }) => first),
        of(({ next }) => next),
        of(({ resident }) => resident / 1024),
        of(({ memory }) => memory / 1024),
      ];
    }),
  );
}
