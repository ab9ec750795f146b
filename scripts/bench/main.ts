/**
 * Speeds as ratios of one run. Times of one machine say little; comparing two ways on it says more.
 *
 *     npm run bench                      everything but `scale`: at most 20 minutes
 *     npm run bench -- memory spi        those
 *
 *     --rounds N       how often all programs take turns; default 3
 *     --rows N         the rows of a work, 100,000 unless said; long statements have ten times as many
 *     --short          native C and ours on this Node, no peers
 *     --full           replica: a new copy of 1 GB, not of 100 MB
 *     --json FILE      writes what was found
 *     --chart FILE     draws it as an SVG
 *     --markdown       prints it as the table of host/README.md
 *     --record         writes what --check compares with, the chart of README and the table of host/README.md
 *     --from FILE      takes what --json has written, and measures nothing
 *     --check FILE     in a short form: fails if a ratio to native C is more than twice that of FILE, twice in a row
 *
 * It measures the build in dist/, or in the folder that SQLITE_WASM_RUN_DIST names. BENCH_NODES names other Nodes, with
 * commas in between; if none is new enough for the peers, one is fetched. Ratios need a C compiler.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../sources.js';
import { chart } from './chart.js';
import { printSlower, slower } from './check.js';
import { type Group, groups } from './groups.js';
import { inserted, markdown, printRun } from './print.js';
import { type Run, readRun, written } from './results.js';
import { type GroupName, type Plan, run } from './run.js';

/** Ways inside one process: their modules open databases when they are loaded. */
const details: Readonly<Record<string, () => Promise<{ run(isFull: boolean): void | Promise<void> }>>> = {
  scalars: () => import('./scalars.js'),
  aggregates: () => import('./aggregates.js'),
  collations: () => import('./collations.js'),
  tables: () => import('./tables.js'),
  spi: () => import('./spi.js'),
  loads: () => import('./components.js'),
  replica: () => import('./replica.js'),
};

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

const options = {
  rounds: { type: 'string' },
  rows: { type: 'string' },
  short: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
  json: { type: 'string' },
  chart: { type: 'string' },
  markdown: { type: 'boolean', default: false },
  record: { type: 'boolean', default: false },
  from: { type: 'string' },
  check: { type: 'string' },
} as const;

function parsed() {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}
const { values, positionals } = parsed();

const isGroup = (name: string): name is GroupName => Object.hasOwn(groups, name);
for (const name of positionals) {
  if (isGroup(name) || Object.hasOwn(details, name)) continue;
  refuse(
    `there is no subject ${name}: there is ${[...Object.keys(groups), ...Object.keys(details)].join(', ')}`,
  );
}
const count = (name: 'rounds' | 'rows', otherwise: number, least: number): number => {
  const value = Number(values[name] ?? otherwise);
  if (!Number.isInteger(value) || value < least) refuse(`--${name} is a number, ${least} or more`);
  return value;
};
const chosen = (by: (group: Group) => unknown): GroupName[] =>
  Object.keys(groups)
    .filter(isGroup)
    .filter((name) => (positionals.length > 0 ? positionals.includes(name) : by(groups[name])));
const plan = (names: readonly GroupName[], rounds: number, short: boolean, rows = 100_000): Plan => ({
  ...{ names, short, rounds: count('rounds', rounds, 1), rows: count('rows', rows, 500) },
  onGroup: (title) => console.error(title),
});

function write(found: Run): void {
  if (values.json) writeFileSync(values.json, written(found));
  if (values.chart) writeFileSync(values.chart, chart(found));
  if (values.markdown) console.log(markdown(found));
  if (!values.record) return;
  writeFileSync(join(root, 'scripts/bench/recorded.json'), written(found));
  writeFileSync(join(root, 'host/api/speed.svg'), chart(found));
  const readme = join(root, 'host/README.md');
  writeFileSync(readme, inserted(readFileSync(readme, 'utf8'), markdown(found)));
}

async function check(file: string): Promise<void> {
  const recorded = readRun(file);
  const first = await run(
    plan(
      chosen(({ checked }) => checked),
      2,
      true,
      recorded.rows,
    ),
  );
  write(first);
  if (!first.programs.c) refuse('there is no C compiler, so there are no ratios to check');
  let found = slower(recorded, first);
  if (found.length > 0) {
    const again = new Set(found.map(({ key }) => key.split('.')[0]));
    console.error(`once more: ${[...again].join(', ')}`);
    const names = Object.keys(groups)
      .filter(isGroup)
      .filter((name) => again.has(name));
    found = slower(recorded, first, await run(plan(names, 2, true, recorded.rows)));
  }
  printRun(first, groups);
  if (found.length === 0) return;
  printSlower(first, found);
  process.exitCode = 1;
}

if (values.check) await check(values.check);
else if (values.from) write(readRun(values.from));
else {
  console.log(`Node ${process.version}, ${availableParallelism()} x ${cpus()[0]?.model ?? 'CPU'}`);
  const names = chosen(({ long }) => !long);
  if (names.length > 0) {
    const found = await run(plan(names, 3, values.short));
    printRun(found, groups);
    write(found);
  }
  for (const [name, load] of Object.entries(details)) {
    if (positionals.length === 0 || positionals.includes(name)) await (await load()).run(values.full);
  }
}
