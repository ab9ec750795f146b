/**
 * Memory: the core's memory is limited, and what is left of it for statements, sessions, applying and groups gets less and
 * less. Each is done, or SQLITE_NOMEM without a trace; with memory again, all work, and as much of it is free as before.
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
    // The allocator divides free memory otherwise than at first.
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
