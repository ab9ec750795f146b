/** Measures speeds as ratios within one run, because absolute times depend on the machine. See {@link usage}. */

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

/** Measurements inside one process. Their modules open databases when they are imported. */
const details: Readonly<Record<string, () => Promise<{ run(isFull: boolean): void | Promise<void> }>>> = {
  scalars: () => import('./scalars.js'),
  aggregates: () => import('./aggregates.js'),
  collations: () => import('./collations.js'),
  tables: () => import('./tables.js'),
  spi: () => import('./spi.js'),
  loads: () => import('./components.js'),
  replica: () => import('./replica.js'),
};

const usage = `npm run bench                   everything except scale; takes at most 20 minutes
npm run bench -- memory spi     only these groups

--rounds N       the number of rounds in which the programs take turns; 3 by default
--rows N         the rows of a workload, 100,000 by default; long statements have ten times as many
--short          only native C and this package on this Node
--full           replica: a new copy of 1 GB instead of 100 MB
--json FILE      write the results
--chart FILE     draw the results as an SVG
--markdown       print the results as the table of host/README.md
--record         write the recording for --check, the chart of README and the table of host/README.md
--from FILE      read the results from a file of --json instead of measuring
--check FILE     a short run that fails if a ratio to native C is more than twice that in FILE, twice in a row

It measures the build in dist/, or in the folder in SQLITE_WASM_RUN_DIST. BENCH_NODES is a comma-separated list of other
Node programs. If none is new enough for the other packages, one is downloaded. Ratios need a C compiler.

Groups: ${[...Object.keys(groups), ...Object.keys(details)].join(', ')}`;

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

const options = {
  help: { type: 'boolean', default: false },
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
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const isGroup = (name: string): name is GroupName => Object.hasOwn(groups, name);
for (const name of positionals) {
  if (isGroup(name) || Object.hasOwn(details, name)) continue;
  refuse(`unknown group ${name}\n\n${usage}`);
}
const count = (name: 'rounds' | 'rows', otherwise: number, least: number): number => {
  const value = Number(values[name] ?? otherwise);
  if (!Number.isInteger(value) || value < least) refuse(`--${name} must be an integer of at least ${least}`);
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
