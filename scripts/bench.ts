/**
 * Speeds as ratios of one run: `npm run bench`. Times of one machine say little; what two ways cost beside each
 * other says more.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { dist, root } from './sources.js';

const guest = join(root, 'test/guests/echo.wasm');
const cache = mkdtempSync(join(tmpdir(), 'bench-'));
process.env.SQLITE_WASM_RUN_CACHE = cache;

function median(samples: number[]): number {
  return samples.sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;
}

function timed(action: () => void): number {
  const started = performance.now();
  action();
  return performance.now() - started;
}

const line = (name: string, ...columns: string[]): void =>
  console.log(name.padEnd(34) + columns.map((column) => column.padStart(16)).join(''));

function open(calls: 'direct' | 'wrapped'): DatabaseSync {
  process.env.SQLITE_WASM_RUN_CALLS = calls;
  const db = new DatabaseSync(':memory:', { allowExtension: true });
  db.loadExtension(guest);
  return db;
}

console.log(`Node ${process.version}: a call, in ns over the same query without it\n`);
line('', 'builtin', 'direct', "jco's wrappers", 'wrapped/direct');
const direct = open('direct');
const wrapped = open('wrapped');
for (const [name, value, builtin] of [
  ['integer', 'value', 'abs(value)'],
  ['text of 100 bytes', "printf('%0100d', 7)", "upper(printf('%0100d', 7))"],
  ['blob of 4 KiB', 'zeroblob(4096)', 'substr(zeroblob(4096), 1)'],
] as const) {
  const count = 200_000;
  const query = (expression: string): string =>
    `WITH RECURSIVE g(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM g LIMIT ${count})
     SELECT sum(length(${expression})) FROM g`;
  const run = (db: DatabaseSync, expression: string): number => {
    const statement = db.prepare(query(expression));
    return timed(() => statement.get());
  };
  const samples: [number, number, number, number][] = [];
  for (let i = 0; i < 7; i++) {
    samples.push([
      run(direct, value),
      run(direct, builtin),
      run(direct, `echo(${value})`),
      run(wrapped, `echo(${value})`),
    ]);
  }
  const [bare = 0, own = 0, fast = 0, slow = 0] = [0, 1, 2, 3].map((column) =>
    median(samples.map((sample) => sample[column] ?? 0)),
  );
  const perCall = (total: number): number => ((total - bare) / count) * 1e6;
  line(
    name,
    perCall(own).toFixed(0),
    perCall(fast).toFixed(0),
    perCall(slow).toFixed(0),
    (perCall(slow) / perCall(fast)).toFixed(1),
  );
}

console.log('\n.load, in ms\n');
const load = (name: string): number => {
  const program = `import { DatabaseSync } from 'sqlite-wasm-run';
    const db = new DatabaseSync(':memory:', { allowExtension: true });
    const started = performance.now(); db.loadExtension(${JSON.stringify(name)});
    console.log(performance.now() - started)`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    cwd: root,
  });
  return Number(stdout);
};
const cold = median(
  Array.from({ length: 5 }, () => {
    rmSync(cache, { recursive: true, force: true });
    return load(guest);
  }),
);
const cached = median(Array.from({ length: 9 }, () => load(guest)));
const shipped = median(Array.from({ length: 9 }, () => load('session')));
line('cold (transpiled now)', cold.toFixed(1));
line('cached', cached.toFixed(1), `cold/cached ${(cold / cached).toFixed(0)}`);
line('session.wasm, which ships', shipped.toFixed(1));

console.log('\nStart, in ms, process and all\n');
const start = (args: string[]): number =>
  median(Array.from({ length: 9 }, () => timed(() => void spawnSync(process.execPath, args))));
const bare = start(['-e', '0']);
const shell = start([join(dist, 'cli/main.js'), ':memory:', 'SELECT 1']);
line('node -e 0', bare.toFixed(0));
line("sqlite-wasm-run :memory: 'SELECT 1'", shell.toFixed(0), `ratio ${(shell / bare).toFixed(2)}`);
rmSync(cache, { recursive: true, force: true });
