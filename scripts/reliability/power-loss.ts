/**
 * Loss of power: records the file operations of a program. For every operation, makes the files that a loss of power
 * right after it can leave: with everything, with only synced data, and with random parts of the data that was not
 * synced, down to sectors of 512 bytes and names in the folder. Native sqlite3 opens the files. They must be intact and
 * have a committed state that is not older than the last acknowledged one.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomOf } from '../../test/kit/random.js';
import { dist, root } from '../sources.js';
import { all, type Choice, Disk, nothing, type Operation } from './disk.js';
import { compiled, Native, nativePath, scratchFolder } from './native.js';
import type { Failure, Part, SuiteOptions } from './suite.js';

export interface Mode {
  readonly name: string;
  readonly journal: string;
  readonly synchronous: string;
  /**
   * Whether the deletion of the journal may be lost, which undoes the last transaction. SQLite truncates the database
   * after it deletes the journal, and expects the file system to keep this order.
   */
  readonly deletesUnsynced?: boolean;
}

export const modes: readonly Mode[] = [
  { name: 'DELETE, FULL', journal: 'delete', synchronous: 'full', deletesUnsynced: true },
  { name: 'DELETE, EXTRA', journal: 'delete', synchronous: 'extra' },
  { name: 'TRUNCATE, FULL', journal: 'truncate', synchronous: 'full' },
  { name: 'PERSIST, FULL', journal: 'persist', synchronous: 'full' },
  { name: 'WAL, FULL', journal: 'wal', synchronous: 'full' },
  { name: 'exclusive WAL, FULL', journal: 'exclusive-wal', synchronous: 'full' },
];

const setup = `PRAGMA page_size=1024; PRAGMA auto_vacuum=full;
  CREATE TABLE state(n); INSERT INTO state VALUES(0);`;
/** The queries whose results are compared. */
const queries = [
  "SELECT main.state.n||' '||b.state.n FROM main.state, b.state",
  "SELECT count(*)||coalesce(group_concat(id||':'||k||':'||hex(v), ';'), '') FROM (SELECT * FROM t ORDER BY id)",
  "SELECT count(*)||coalesce(group_concat(id||':'||hex(v), ';'), '') FROM (SELECT * FROM other ORDER BY id)",
];

export async function* run({ short, seed }: SuiteOptions): AsyncGenerator<Part> {
  nativePath();
  for (const mode of modes) {
    const parent = scratchFolder('power');
    try {
      yield await lose(mode, parent, short ? 20 : 120, short ? 2 : 6, seed);
    } finally {
      rmSync(parent, { recursive: true, force: true });
    }
  }
}

/**
 * @param images the number of random images for each operation
 * @param forgets syncs that the disk ignores
 */
export async function lose(
  mode: Mode,
  parent: string,
  transactions: number,
  images: number,
  seed: number,
  forgets: (path: string) => boolean = () => false,
): Promise<Part> {
  const folder = join(parent, 'files');
  const operations = record(mode, parent, folder, transactions, seed);
  const states = operations.flatMap(({ operation }) =>
    operation.op === 'acknowledge' ? [operation.text] : [],
  );
  const random = randomOf(seed);
  const failures: Failure[] = [];
  const disk = new Disk(folder, operations.initial, forgets);
  using native = new Native();
  const seen = new Set<string>();
  let acknowledged = -1;
  let ran = 0;
  for (const { operation, number } of operations) {
    if (operation.op === 'acknowledge') acknowledged += 1;
    else disk.do(operation);
    const choices: [string, Choice][] = [
      ['all', all],
      ['nothing', nothing],
    ];
    for (let i = 0; i < images; i++) {
      const share = 1 + random(9);
      const tail = (['none', 'zeros', 'garbage'] as const)[random(3)] ?? 'none';
      const keeps = (): boolean => random(10) < share;
      const last = disk.changes - random(8);
      const keepsChange = mode.deletesUnsynced ? (number: number) => number <= last : keeps;
      choices.push([`random ${i}`, { keeps, keepsChange, tail }]);
    }
    for (const [which, choice] of choices) {
      const files = disk.after(choice, random);
      const key = digest(files, acknowledged);
      if (seen.has(key)) continue;
      seen.add(key);
      ran += 1;
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      for (const [path, bytes] of files) writeFileSync(path, bytes);
      const answer = await native.ask(
        [
          `.open ${join(folder, 'a.db')}`,
          `ATTACH '${join(folder, 'b.db')}' AS b;`,
          'PRAGMA integrity_check;',
          ...queries.map((sql) => `${sql};`),
          '.open :memory:',
        ].join('\n'),
      );
      const [integrity, ...lines] = answer.split('\n');
      const found = lines.join('\t');
      const first = oldest(
        states,
        Math.max(0, acknowledged),
        mode.deletesUnsynced === true && which !== 'all',
      );
      const at = states.slice(first, Math.max(0, acknowledged) + 2).indexOf(found);
      if (integrity === 'ok' && at >= 0) continue;
      const is = states.indexOf(found);
      const what =
        integrity !== 'ok' ? answer.slice(0, 200) : is < 0 ? 'no state that was committed' : `state ${is}`;
      failures.push({
        case: `operation ${number} (${operation.op}), ${which}`,
        what: `${what}; acknowledged was ${acknowledged}`,
      });
    }
  }
  return { name: mode.name, ran, failures, note: `${operations.length} operations, ${states.length} states` };
}

/**
 * The index of the oldest allowed state: the last acknowledged one, or the one before it if the deletion of the journal
 * may be lost.
 */
function oldest(states: readonly string[], acknowledged: number, mayLoseLast: boolean): number {
  if (!mayLoseLast) return acknowledged;
  let first = acknowledged;
  while (first > 0 && states[first] === states[acknowledged]) first -= 1;
  return first;
}

interface Numbered {
  readonly operation: Operation;
  readonly number: number;
}

/** Runs the program. Returns its file operations and the initial files. */
function record(
  mode: Mode,
  parent: string,
  folder: string,
  transactions: number,
  seed: number,
): Numbered[] & { initial: Map<string, Buffer> } {
  mkdirSync(folder);
  const journal = mode.journal.endsWith('wal') ? 'PRAGMA journal_mode=wal;' : '';
  const make = (name: string, more: string): void => {
    execFileSync(nativePath(), [join(folder, name), `${setup}${journal}${more}`]);
  };
  make('a.db', 'CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT UNIQUE, v)');
  make('b.db', 'CREATE TABLE other(id INTEGER PRIMARY KEY, v)');
  const initial = new Map(
    ['a.db', 'b.db'].map((name) => [join(folder, name), readFileSync(join(folder, name))]),
  );
  const log = join(parent, 'log');
  writeFileSync(join(parent, 'queries'), queries.join('\n'));
  const args = [
    compiled('transactions', parent),
    dist,
    folder,
    mode.journal,
    mode.synchronous,
    String(transactions),
    String(seed),
  ];
  const env = { ...process.env, FILE_LOG: JSON.stringify({ under: folder, log }) };
  execFileSync(process.execPath, ['--import', join(root, 'test/kit/file-log.mjs'), ...args], { env });
  const operations = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line, i) => ({ operation: JSON.parse(line) as Operation, number: i + 1 }));
  for (const { operation } of operations)
    if (operation.op === 'acknowledge') operation.text = operation.text.trim();
  return Object.assign(operations, { initial });
}

function digest(files: ReadonlyMap<string, Uint8Array>, acknowledged: number): string {
  const hash = createHash('sha1').update(String(acknowledged));
  for (const [path, bytes] of files) hash.update(`${path} ${bytes.length} `).update(bytes);
  return hash.digest('base64');
}
