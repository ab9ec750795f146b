/**
 * Makes host/core/c/branches.txt: how the branches of the core go, which `npm run build:core` tells V8.
 *
 *     npm run build:branches
 *
 * The core of dist/ counts in SQLite's own speedtest1, the works of the benchmark, features.sql and the shell's forms of
 * output. It needs a C compiler for speedtest1, and Node 22 or later, because the counting core has two memories. The
 * command builds the core before and after. Two runs differ in a few branches that go either way almost always.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { speedtest1Script } from '../reliability/speedtest1.js';
import { dist, root } from '../sources.js';
import { hintsFrom } from './counting.js';
import { formatHints, withoutHints } from './hints.js';

if (Number.parseInt(process.versions.node, 10) < 22) {
  throw new Error(`counting branches needs Node 22 or later; this is ${process.version}`);
}

const target = join(root, 'host/core/c/branches.txt');
const folder = mkdtempSync(join(tmpdir(), 'branches-'));
const counts = join(folder, 'counts');
const shell = join(dist, 'cli/main.js');

try {
  mkdirSync(counts);
  for (const [testset, size] of Object.entries({
    main: 10,
    cte: 20,
    fp: 10,
    star: 100,
    orm: 5,
    rtree: 5,
    app: 20,
    json: 10,
    parsenumber: 10,
    trigger: 5,
  })) {
    const script = speedtest1Script(['--testset', testset, '--size', `${size}`], folder);
    count([shell, join(folder, `${testset}.db`)], script);
  }
  for (const group of ['memory', 'files', 'calls', 'engine', 'sessions', 'stream', 'rows', 'codec']) {
    count([join(root, 'scripts/bench/work.ts'), 'ours', join(dist, 'index.js'), group, folder, '1', '20000']);
  }
  count([shell, join(folder, 'features.db')], readFileSync(join(root, 'scripts/profile/features.sql')));
  count([shell, join(folder, 'main.db'), '.dump']);
  for (const format of ['-csv', '-json', '-box', '-quote', '-html']) {
    count([shell, format, join(folder, 'features.db'), 'SELECT * FROM n LIMIT 5000']);
  }

  const module = withoutHints(readFileSync(join(dist, 'core/sqlite3.wasm')));
  const hints = hintsFrom(module, sum());
  writeFileSync(target, formatHints(hints));
  console.error(`${target}: ${hints.size} functions`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Runs a program of this package whose core counts. */
function count(args: readonly string[], input: string | Buffer = ''): void {
  console.error(`counting ${args.slice(0, 4).join(' ')}`);
  const imported = [
    '--import',
    import.meta.resolve('tsx'),
    '--import',
    join(import.meta.dirname, 'count-process.ts'),
  ];
  execFileSync(process.execPath, ['--no-warnings', ...imported, ...args], {
    input,
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { ...process.env, BRANCH_COUNTS: counts },
  });
}

/** The counts of all processes together. */
function sum(): BigUint64Array {
  const files = readdirSync(counts).map(
    (name) => new BigUint64Array(new Uint8Array(readFileSync(join(counts, name))).buffer),
  );
  const total = new BigUint64Array(files[0]?.length ?? 0);
  for (const file of files) for (const [i, hits] of file.entries()) total[i] = (total[i] ?? 0n) + hits;
  return total;
}
