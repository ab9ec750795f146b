/**
 * Runs processes of this package and of native sqlite3 on one WAL database, and kills writers of this
 * package or all processes. No
 * acknowledged change may be lost, no transaction may be partly applied, and readers must see only committed states.
 *
 *     npm run test:wal -- --minutes 10
 */

import { parseArgs } from 'node:util';
import { systemMappings } from '../host/node/mapping.js';
import { nativeShell } from '../test/kit/oracle.js';
import { judged } from './reliability/mixed.js';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '3' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes}: not a number above 0`);
const mappings = systemMappings();
if (typeof mappings === 'string') throw new Error(mappings);
const shell = nativeShell();

const rounds: readonly { name: string; kill?: boolean; crash?: boolean }[] = [
  { name: 'nobody is killed' },
  { name: 'writers are killed', kill: true },
  { name: 'all are killed', kill: true, crash: true },
];
const until = Date.now() + minutes * 60_000;
for (let i = 0; Date.now() < until; i++) {
  const round = rounds[i % rounds.length] ?? { name: '' };
  const seconds = Math.min(round.crash ? 5 : 20, Math.max(5, (until - Date.now()) / 1000));
  const { faults, note } = await judged(shell, seconds, round);
  console.log(`${round.name}: ${note}${faults.length ? `: WRONG ${faults.join(', ')}` : ''}`);
  if (faults.length > 0) process.exitCode = 1;
}
