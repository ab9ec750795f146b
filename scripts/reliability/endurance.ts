/**
 * Endurance: creates 100 sessions on each of 10,000 connections without closing them, and prepares a million statements
 * without finalizing them. The memory of the core and of Node must stop growing after the first tenths.
 */

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dist } from '../sources.js';
import { compiled, scratchFolder } from './native.js';
import type { Failure, Part, SuiteOptions } from './suite.js';

const megabyte = 1024 * 1024;

export async function* run({ short }: SuiteOptions): AsyncGenerator<Part> {
  const folder = scratchFolder('endurance');
  try {
    const program = compiled('forgotten', folder);
    const runs: readonly [string, string, number, number, number][] = short
      ? [
          ['sessions', 'sessions', 200, 100, 20_000],
          ['statements, all different', 'statements', 50_000, 50_000, 50_000],
        ]
      : [
          ['sessions', 'sessions', 10_000, 100, 1_000_000],
          ['statements, all different', 'statements', 1_000_000, 1_000_000, 1_000_000],
          ['statements, of 100 texts', 'statements', 1_000_000, 100, 1_000_000],
        ];
    for (const [name, what, count, each, ran] of runs) {
      const args = ['--expose-gc', program, dist, what, String(count), String(each)];
      const printed = execFileSync(process.execPath, args, { encoding: 'utf8' });
      const { core, heap } = JSON.parse(printed) as { core: number[]; heap: number[] };
      const failures: Failure[] = [];
      // Compare from the fourth tenth on, when all caches are full.
      const [coreGrew, heapGrew] = [core, heap].map((sizes) => (sizes.at(-1) ?? 0) - (sizes[3] ?? 0)) as [
        number,
        number,
      ];
      if (coreGrew > 0)
        failures.push({ case: 'core', what: `grew by ${coreGrew} bytes: ${core.join(', ')}` });
      if (heapGrew > 2 * megabyte)
        failures.push({ case: 'heap', what: `grew by ${heapGrew} bytes: ${heap.join(', ')}` });
      const size = (bytes: number | undefined): string => `${((bytes ?? 0) / megabyte).toFixed(1)} MB`;
      yield { name, ran, failures, note: `core ${size(core.at(-1))}, heap ${size(heap.at(-1))}` };
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
