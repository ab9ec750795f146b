/** Measures calls and loads of components in the API. */

import { fileURLToPath } from 'node:url';
import type * as own from 'sqlite-wasm-run';
import type { Bench } from './bench.js';

const echo =
  process.env.BENCH_COMPONENT ?? fileURLToPath(new URL('../../test/guests/echo.wasm', import.meta.url));

async function opened(module: string): Promise<own.DatabaseSync> {
  const { DatabaseSync } = (await import(module)) as typeof own;
  return new DatabaseSync(':memory:', { allowExtension: true });
}

/** Measures a call of echo() in microseconds, compared with the same query without the call. */
export async function components({ rows, module, report }: Bench): Promise<void> {
  using db = await opened(module);
  db.loadExtension(echo);
  for (const [work, value] of [
    ['callInteger', 'value'],
    ['callText', "printf('%0100d', 7)"],
    ['callBlob', 'zeroblob(4096)'],
  ] as const) {
    const timed = (expression: string): [ms: number, sum: unknown] => {
      const statement = db.prepare(
        `WITH RECURSIVE g(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM g LIMIT ${rows})
         SELECT sum(length(${expression})) AS sum FROM g`,
      );
      const started = performance.now();
      const sum = statement.get()?.sum;
      return [performance.now() - started, sum];
    };
    const [bare, expected] = timed(value);
    const [called, sum] = timed(`echo(${value})`);
    if (sum !== expected) throw new Error(`echo(${value}) gives something else`);
    report(work, ((called - bare) * 1000) / rows, Number(sum));
  }
}

/** Measures the first load of a component in a process, with an open connection. */
async function load({ module, report }: Bench, work: string, component: string, use: string): Promise<void> {
  using db = await opened(module);
  db.exec('SELECT 1');
  const started = performance.now();
  db.loadExtension(component);
  const ms = performance.now() - started;
  report(work, ms, Number(db.prepare(`SELECT ${use} AS v`).get()?.v));
}

export const loadSession = (bench: Bench): Promise<void> =>
  load(bench, 'loadSession', 'session', "session_create('main') > 0");
export const loadCached = (bench: Bench): Promise<void> => load(bench, 'loadCached', echo, 'echo(1)');
