/**
 * Memory: limits the core's memory, so that statements, sessions, applies and groups have less and less of it. Each
 * operation must succeed, or fail with SQLITE_NOMEM without any effect. With more memory, each must succeed again, and no
 * memory may leak.
 */

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dist } from '../sources.js';
import { compiled, scratchFolder } from './native.js';
import type { Part, SuiteOptions } from './suite.js';

interface Result {
  readonly attempts: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
  readonly before: number;
  readonly after: number;
}

export async function* run({ short }: SuiteOptions): AsyncGenerator<Part> {
  const folder = scratchFolder('memory');
  try {
    const args = ['--expose-gc', compiled('scarce', folder), dist, short ? '3' : '1'];
    const result = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Result;
    const { attempts, failed, before, after } = result;
    const failures = result.wrong.map((what, i) => ({ case: String(i), what }));
    // The allocator splits free memory differently than at the start.
    if (after < before * 0.98) {
      failures.push({ case: 'level', what: `${before} rows fitted in before, ${after} afterwards` });
    }
    const refused = Object.values(failed).reduce((sum, count) => sum + count, 0);
    if (refused < attempts / 10) failures.push({ case: 'refused', what: `only ${refused}` });
    yield { name: 'less and less', ran: attempts, failures, note: `${refused} times SQLITE_NOMEM` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
