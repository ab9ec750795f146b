/** Measures a scan of a virtual table with a million rows. */

import { spawnSync } from 'node:child_process';
import { open, query, shell } from './databases.js';
import { registerNumbers } from './js-table.js';
import { median, print, race, short, times } from './measure.js';
import { nativeShell } from './native.js';

const count = 1_000_000;
const component = `SELECT sum(value) FROM series(1, ${count})`;
const builtIn = `SELECT sum(value) FROM generate_series(1, ${count})`;

/**
 * Returns median times of queries in several shells, measured by the shell's timer. The API lacks the shell's
 * generate_series.
 */
function inShell(program: string, args: readonly string[], ...queries: readonly string[]): number[] {
  const turns = Array.from({ length: 8 }, () => queries.map((sql) => `${sql};`)).flat();
  const input = ['.timer on', ...turns].join('\n');
  const samples = queries.map((): number[] => []);
  for (let process = 0; process < 4; process++) {
    const { stdout } = spawnSync(program, [...args, ':memory:'], { encoding: 'utf8', input });
    for (const [turn, [, seconds]] of [...stdout.matchAll(/^Run Time: real ([\d.]+)/gm)].entries()) {
      samples[turn % queries.length]?.push(Number(seconds) * 1000);
    }
  }
  return samples.map(median);
}

export function run(): void {
  const direct = open('direct', 'series');
  const wrapped = open('wrapped', 'series');
  registerNumbers(direct, 'js_rows', count, 'rows');
  registerNumbers(direct, 'js_batches', count, 'batches');
  direct.exec(`CREATE TABLE t(value INT); INSERT INTO t ${component.replace('sum(value)', 'value')}`);
  const { medians: best, spread } = race(
    {
      component: query(direct, component),
      wrapped: query(wrapped, component),
      rows: query(direct, 'SELECT sum(value) FROM js_rows'),
      batches: query(direct, 'SELECT sum(value) FROM js_batches'),
      recursive: query(
        direct,
        `WITH RECURSIVE g(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM g LIMIT ${count})
         SELECT sum(value) FROM g`,
      ),
      stored: query(direct, 'SELECT sum(value) FROM t'),
    },
    7,
  );
  const [shellComponent = 0, shellBuiltIn = 0] = inShell(
    process.execPath,
    [shell, '-cmd', '.load series'],
    component,
    builtIn,
  );
  const native = nativeShell();
  const [nativeBuiltIn = Number.NaN] = native ? inShell(native, [], builtIn) : [];
  // Scale the shell's times by the component's time in the API and in the shell.
  const scale = best.component / shellComponent;
  print(
    `A scan of ${count / 1e6} M rows, sum(value), over SQLite's own generate_series in the same core; spread ${spread}`,
    ['', 'ratio', 'ms'],
    (
      [
        ['generate_series, C in the core', shellBuiltIn * scale],
        ['generate_series, native SQLite', nativeBuiltIn * scale],
        ['series.wasm, a component in batches', best.component],
        ["series.wasm through jco's wrappers", best.wrapped],
        ['in JavaScript, a generator of rows', best.rows],
        ['in JavaScript, a loop that fills batches', best.batches],
        ['WITH RECURSIVE', best.recursive],
        ['a stored table', best.stored],
      ] as const
    ).map(([name, ms]) => [name, times(ms, shellBuiltIn * scale), short(ms)]),
  );
}
