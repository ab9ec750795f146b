/**
 * Speeds as ratios of one run. Times of one machine say little; comparing two ways on it says more.
 *
 *     npm run bench                      all subjects
 *     npm run bench -- tables spi        those
 *
 * It measures the build in dist/, or in the folder that SQLITE_WASM_RUN_DIST names. BENCH_NODES names other Nodes to
 * run the subjects of processes on, with commas in between. With a C compiler, native SQLite is compared too.
 */

import { availableParallelism, cpus } from 'node:os';
import * as aggregates from './aggregates.js';
import * as collations from './collations.js';
import * as components from './components.js';
import * as files from './files.js';
import * as memory from './memory.js';
import * as scalars from './scalars.js';
import * as sessions from './sessions.js';
import * as spi from './spi.js';
import * as start from './start.js';
import * as tables from './tables.js';

const subjects: Readonly<Record<string, { run(): void }>> = {
  scalars,
  aggregates,
  collations,
  tables,
  spi,
  memory,
  files,
  sessions,
  start,
  components,
};

const asked = process.argv.slice(2);
for (const name of asked) {
  if (!Object.hasOwn(subjects, name)) {
    console.error(`there is no subject ${name}: there is ${Object.keys(subjects).join(', ')}`);
    process.exit(2);
  }
}
console.log(`Node ${process.version}, ${availableParallelism()} x ${cpus()[0]?.model ?? 'CPU'}`);
for (const name of asked.length > 0 ? asked : Object.keys(subjects)) subjects[name]?.run();
