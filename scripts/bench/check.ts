/** Compares the ratios of a run with recorded ratios. */

import { print, short } from './measure.js';
import { ratios } from './print.js';
import type { Run } from './results.js';

/** The allowed factor between a ratio and the recorded one, because machines differ and may be busy. */
export const allowed = 2;

/** Works that wait for the disk. On a shared machine, their times differ between runs by a factor of up to ten. */
const waitsForDisk = /commit/i;

export interface Slower {
  readonly key: string;
  readonly ratio: number;
  readonly recorded: number;
}

/** Returns the program whose recorded Node version is nearest to this one. */
function nearest(recorded: Run, major: number): string {
  const ours = Object.keys(recorded.programs).filter((id) => id.startsWith('ours@'));
  const distance = (id: string): number => Math.abs(Number(id.slice('ours@'.length)) - major);
  const [best] = ours.sort((a, b) => distance(a) - distance(b));
  if (best === undefined) throw new Error('the recording has no ratios of this package');
  return best;
}

function ownId(run: Run): string {
  const id = Object.keys(run.programs).find((name) => name.startsWith('ours@'));
  if (id === undefined) throw new Error('the run has no ratios of this package');
  return id;
}

/** Returns the workloads that are slower than allowed. The best result of all `runs` counts. */
export function slower(recorded: Run, ...runs: readonly Run[]): Slower[] {
  const found = runs.map((run) => ratios(run, ownId(run)));
  const major = Number(runs[0] ? ownId(runs[0]).slice('ours@'.length) : 0);
  return [...ratios(recorded, nearest(recorded, major))].flatMap(([key, before]) => {
    const own = found.flatMap((each) => each.get(key) ?? []);
    if (own.length === 0 || waitsForDisk.test(key)) return [];
    const ratio = Math.min(...own);
    return ratio > before * allowed ? [{ key, ratio, recorded: before }] : [];
  });
}

export function printSlower(run: Run, all: readonly Slower[]): void {
  print(
    `Slower than recorded, as ratios to native C; up to ${allowed} times the recorded is allowed`,
    ['', 'now', 'recorded', 'slower by'],
    all.map(({ key, ratio, recorded }) => [
      run.results[key]?.title ?? key,
      short(ratio),
      short(recorded),
      `x ${short(ratio / recorded)}`,
    ]),
  );
}
