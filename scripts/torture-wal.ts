/**
 * Lets processes of ours and of native sqlite3 use one WAL database, kills writers of ours, or all, and proves
 * that no acknowledged change is lost, nothing is half done, and nobody reads what never existed.
 *
 *     npm run test:wal -- --minutes 10
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemMappings } from '../host/node/mapping.js';
import { nativeShell } from '../test/kit/oracle.js';
import { nativeBatch, runBank } from '../test/programs/bank-run.js';
import { Connection } from '../test/programs/connection.js';

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
const whole =
  "SELECT (SELECT group_concat(n) FROM account) || ' ' || (SELECT group_concat(n) FROM writer) || ' ' || n FROM counter";
const until = Date.now() + minutes * 60_000;
let failed = 0;
for (let i = 0; Date.now() < until; i++) {
  const round = rounds[i % rounds.length] ?? { name: '' };
  const folder = mkdtempSync(join(tmpdir(), 'bank-'));
  const path = join(folder, 'bank.db');
  const seconds = Math.min(round.crash ? 5 : 20, Math.max(5, (until - Date.now()) / 1000));
  const result = await runBank(path, shell, seconds, round);
  const { acknowledged, counted, kills, reads, wrong, said } = result;
  const more = kills + (round.crash ? 2 * nativeBatch : 0);
  const faults: string[] = [];
  if (counted < acknowledged || counted > acknowledged + more) faults.push('the count');
  if (wrong > 0) faults.push(`${wrong} reads`);
  if (said) faults.push(said);
  const nativeOf = (file: string, sql: string): string =>
    shell ? execFileSync(shell, [file, sql], { encoding: 'utf8' }).trim() : '';
  if (shell && nativeOf(path, 'PRAGMA integrity_check') !== 'ok') faults.push('integrity');
  using db = new Connection(path);
  if (db.value('PRAGMA integrity_check') !== 'ok') faults.push('integrity to us');
  if (round.crash && shell && nativeOf(`${path}.crashed`, whole) !== db.value(whole)) {
    faults.push('native sqlite3 recovers something else');
  }
  db.close();
  console.log(
    `${round.name}: ${counted} commits (${acknowledged} acknowledged, ${kills} kills), ` +
      `${reads.ours} + ${reads.native} reads${faults.length ? `: WRONG ${faults.join(', ')} in ${folder}` : ''}`,
  );
  failed += faults.length;
  if (faults.length === 0) rmSync(folder, { recursive: true });
}
if (failed > 0) process.exitCode = 1;
