/** The daemon with failing files: the short form of `npm run test:daemon`. */

import * as api from 'sqlite-wasm-run';
import { expect, test } from 'vitest';
import { countOperations, type Faults, runBroken } from '../../scripts/torture-journal.js';

test('killed, torn, full and failing between file operations: acknowledged changes are in the output once', async () => {
  const operations = await countOperations();
  const share = (part: number): number => 1 + Math.floor(operations * part);
  const cases: [Faults, Faults?][] = [
    [{ kill: share(0.05) }],
    [{ kill: share(0.33), torn: true }],
    [{ kill: share(0.47) }, { kill: 9 }],
    [{ kill: share(0.62), torn: true }],
    [{ kill: share(0.83) }],
    [{ fail: share(0.25), code: 'EIO' }],
    [{ fail: share(0.4), code: 'ENOSPC', torn: true, lasting: true }],
    [{ fail: share(0.55), code: 'ENOSPC', torn: true, lasting: true }],
    [{ room: 12_000 }],
  ];
  const wrong: unknown[] = [];
  for (const [turn, [faults, again]] of cases.entries()) {
    const is = await runBroken(api, faults, turn, again);
    if (is !== undefined) wrong.push([faults, again, is]);
  }
  expect(operations).toBeGreaterThan(60);
  expect(wrong).toEqual([]);
}, 120_000);
