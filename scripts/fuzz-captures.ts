/**
 * Captures random statements that change rows and the schema, and replays each capture on a copy. All rows and the
 * schema must then be equal. The statements use foreign keys that are on, off or deferred, triggers, FTS5 and R-Tree
 * tables, table rebuilds in the documented 12 steps, tables without a key, and savepoints that are rolled back.
 *
 *     npm run test:captures [-- --programs 20000] [--seed 1]
 */

import { parseArgs } from 'node:util';
import { differences, program } from '../test/kit/capture-programs.js';

const { values } = parseArgs({
  options: { programs: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' } },
});
const count = Number(values.programs);
const first = Number(values.seed);
const refused = new Map<string, number>();
let equal = 0;
for (let seed = first; seed < first + count; seed++) {
  const outcome = differences(seed);
  if (outcome.kind === 'different') {
    console.error(`seed ${seed}: the copy differs\n${program(seed).join(';\n')}\n${outcome.message}`);
    process.exit(1);
  }
  if (outcome.kind === 'equal') equal += 1;
  else refused.set(outcome.message, (refused.get(outcome.message) ?? 0) + 1);
  if ((seed - first + 1) % 1000 === 0) console.log(`${seed - first + 1} programs: ${equal} equal`);
}
console.log(`seeds ${first} to ${first + count - 1}: ${equal} equal, ${count - equal} refused, 0 different`);
for (const [message, times] of [...refused].sort((a, b) => b[1] - a[1])) console.log(`${times} x ${message}`);
