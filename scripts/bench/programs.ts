/**
 * The same works by several programs: processes that take turns. The first repetition of a process stands apart from
 * the later ones, because V8 compiles during the first.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cache, dist, root } from '../sources.js';
import { median, print, short, spread, times } from './measure.js';
import { nativeWork } from './native.js';

interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** Other Nodes to measure on, besides the one that runs: paths of programs, separated by commas. */
function nodes(): string[] {
  return [process.execPath, ...(process.env.BENCH_NODES ?? '').split(',').filter(Boolean)];
}

function asked(node: string, script: string): string {
  return spawnSync(node, ['--no-warnings', '-e', script], { encoding: 'utf8' }).stdout.trim();
}

function programs(): Program[] {
  const found: Program[] = [];
  const native = nativeWork();
  if (native) found.push({ name: 'C', command: native, args: [] });
  const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href;
  const work = join(root, 'scripts/bench/work.ts');
  for (const node of nodes()) {
    const version = asked(node, 'console.log(process.versions.node.split(".")[0])');
    const args = ['--no-warnings', '--import', tsx, work];
    found.push({ name: `ours, Node ${version}`, command: node, args: [...args, join(dist, 'index.js')] });
    const has = 'console.log(typeof require("node:sqlite").DatabaseSync.prototype.createSession)';
    if (asked(node, has) === 'function') {
      found.push({ name: `node:sqlite, Node ${version}`, command: node, args: [...args, 'node:sqlite'] });
    }
  }
  return found;
}

/** The time of a program for each task and repetition. */
function measured({ name, command, args }: Program, group: string, folder: string): Record<string, number>[] {
  const { status, stdout, stderr } = spawnSync(command, [...args, group, folder, '3'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} failed at ${group}: ${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>);
}

/** Prints what all programs take for the works of a group, over C. */
export function compare(
  title: string,
  group: string,
  works: Readonly<Record<string, string>>,
  turns = 5,
): void {
  const all = programs();
  const samples = all.map(() => new Map<string, { first: number[]; warm: number[] }>());
  // In the cache folder, which is on a disk; the system's folder for temporary files may be in memory.
  const folder = mkdtempSync(join(cache, 'bench-'));
  try {
    for (let turn = 0; turn < turns; turn++) {
      for (const [i, program] of all.entries()) {
        for (const [repetition, one] of measured(program, group, folder).entries()) {
          for (const [work, ms] of Object.entries(one)) {
            const own = samples[i]?.get(work) ?? { first: [], warm: [] };
            samples[i]?.set(work, own);
            own[repetition === 0 ? 'first' : 'warm'].push(ms);
          }
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const kind of ['first', 'warm'] as const) {
    const of = (i: number, work: string): number[] => samples[i]?.get(work)?.[kind] ?? [];
    print(
      `${title}, ${kind}: medians over ${all[0]?.name ?? ''}'s; in brackets ms, and how far half of them lie apart`,
      ['', ...all.map(({ name }) => name)],
      Object.entries(works).map(([work, label]) => [
        label,
        ...all.map((_, i) => {
          const own = of(i, work);
          return `${times(median(own), median(of(0, work)))} (${short(median(own))}, ${spread(own)})`;
        }),
      ]),
    );
  }
}
