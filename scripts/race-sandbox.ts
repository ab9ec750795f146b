/**
 * Runs a component and another process that race in a granted folder. The component must not read or change anything
 * outside.
 *
 *     npm run test:race [-- --minutes 10]
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { race } from '../test/kit/sandbox-race.js';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const folder = mkdtempSync(join(tmpdir(), 'race-'));
try {
  const { done, outside } = await race(folder, Number(values.minutes) * 60_000);
  console.log(`${done} calls within the folder, ${outside.length} outside`);
  for (const one of outside) console.error(one);
  if (outside.length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
