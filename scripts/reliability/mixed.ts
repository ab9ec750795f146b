/**
 * Mixed processes: writers and readers of this package and of native sqlite3 use one bank, with checkpoints of all
 * kinds, in WAL and rollback modes. They are stopped for moments (SIGSTOP) and killed. The total amount must not
 * change, every commit must count once, readers must see only committed states, and native sqlite3 must find the file
 * intact.
 */

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { nativeBatch, type Round, runBank } from '../../test/programs/bank-run.js';
import { Connection } from '../../test/programs/connection.js';
import { nativePath, scratchFolder } from './native.js';
import type { Failure, Part, SuiteOptions } from './suite.js';

const parts: readonly (Round & { name: string })[] = [
  { name: 'wal', journal: 'wal' },
  { name: 'wal, stopped', journal: 'wal', pause: true },
  { name: 'wal, killed', journal: 'wal', kill: true, pause: true },
  { name: 'wal, all killed', journal: 'wal', kill: true, crash: true },
  { name: 'delete, stopped', journal: 'delete', pause: true },
  { name: 'delete, all killed', journal: 'delete', kill: true, crash: true },
  { name: 'truncate, stopped', journal: 'truncate', pause: true },
  { name: 'persist, killed', journal: 'persist', kill: true, pause: true },
];

export async function* run({ short, minutes }: SuiteOptions): AsyncGenerator<Part> {
  const shell = nativePath();
  const each = minutes === undefined ? (short ? 4 : 75) : (minutes * 60) / parts.length;
  for (const { name, ...round } of parts) {
    const failures: Failure[] = [];
    const until = Date.now() + each * 1000;
    let ran = 0;
    const notes: string[] = [];
    do {
      ran += 1;
      const seconds = Math.max(3, Math.min(round.crash ? 5 : 25, each, (until - Date.now()) / 1000));
      const { faults, note } = await judged(shell, seconds, round);
      notes.push(note);
      if (faults.length > 0) failures.push({ case: `round ${ran}`, what: faults.join(', ') });
    } while (Date.now() + 2000 < until);
    yield { name, ran, failures, note: notes[0] ?? '' };
  }
}

const whole =
  "SELECT (SELECT group_concat(n) FROM account) || ' ' || (SELECT group_concat(n) FROM writer) || ' ' || n FROM counter";

/** Runs the bank and returns the errors. If there are any, keeps the files. */
export async function judged(
  shell: string | undefined,
  seconds: number,
  round: Round,
): Promise<{ faults: string[]; note: string }> {
  const folder = scratchFolder('bank');
  const path = join(folder, 'bank.db');
  const { acknowledged, counted, kills, reads, wrong, said } = await runBank(path, shell, seconds, round);
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
  if (faults.length === 0) rmSync(folder, { recursive: true });
  else faults.push(`see ${folder}`);
  return {
    faults,
    note:
      `${counted} commits (${acknowledged} acknowledged, ${kills} kills), ` +
      `${reads.ours} + ${reads.native} reads`,
  };
}
