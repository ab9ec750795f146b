/**
 * Tests `changeset capture` under failures of files: kills it, tears a write, or makes the disk full or fail between
 * any two file operations, and then runs it again with an empty script. Every change in the database must be in the
 * output exactly once.
 *
 *     npm run test:daemon
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dist, root } from './sources.js';
import { type Api, allFaults, type Faults } from './torture-journal.js';

const schema = `CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1, 'first'), (2, 'second');
  CREATE TABLE n(a TEXT COLLATE NOCASE PRIMARY KEY, b); INSERT INTO n VALUES('ab', 1)`;

/** Scripts and the options for capturing them. */
export const scripts: readonly (readonly [script: string, options: readonly string[]])[] = [
  [
    `INSERT INTO t VALUES(3, 'third');
     BEGIN; UPDATE t SET b='other' WHERE a=1; DELETE FROM t WHERE a=2; COMMIT;
     CREATE TABLE u(k TEXT PRIMARY KEY, v);
     SAVEPOINT s; INSERT INTO u VALUES('x', 1); SAVEPOINT s; INSERT INTO u VALUES('y', 1); ROLLBACK TO s; RELEASE s; RELEASE s;
     PRAGMA user_version=7;
     INSERT INTO u VALUES('z', zeroblob(20000));
     DELETE FROM u WHERE k='x';`,
    ['--ddl'],
  ],
  [
    `UPDATE t SET b='one' WHERE a=1; UPDATE t SET b='two' WHERE a=1; UPDATE t SET b='one' WHERE a=1;
     DELETE FROM t WHERE a=2; INSERT INTO t VALUES(2, 'second'); INSERT OR FAIL INTO t VALUES(9, 9), (1, 1);`,
    ['--patchset'],
  ],
];

function run(
  folder: string,
  script: string,
  options: readonly string[],
  faults: Faults = {},
): { code: number | null; said: string } {
  const program = [
    join(dist, 'cli/main.js'),
    'changeset',
    'capture',
    '--db',
    'a.db',
    '-',
    '-o',
    'o',
    ...options,
  ];
  const preload = ['--import', join(root, 'test/kit/file-faults.mjs')];
  const { status, stderr } = spawnSync(process.execPath, [...preload, ...program], {
    cwd: folder,
    input: script,
    env: { ...process.env, FILE_FAULTS: JSON.stringify({ under: folder, ...faults }) },
  });
  return { code: status, said: stderr.toString() };
}

function dump(db: InstanceType<Api['DatabaseSync']>): string {
  const tables = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type='table' ORDER BY 1").all();
  const version = db.prepare('PRAGMA user_version').get();
  return JSON.stringify([
    version,
    ...tables.map(({ name, sql }) => [sql, db.prepare(`SELECT * FROM ${name} ORDER BY 1`).all()]),
  ]);
}

/**
 * Captures a script while files fail, then an empty one.
 *
 * @param again the faults of a run between the two
 * @returns the error, if any
 */
export function captureBroken(api: Api, index: number, faults: Faults, again?: Faults): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'captured-'));
  const at = (name: string): string => join(folder, name);
  const [script, options] = scripts[index] ?? ['', []];
  try {
    const first = new api.DatabaseSync(at('a.db'));
    first.exec(schema);
    first.close();
    copyFileSync(at('a.db'), at('copy.db'));
    const said = [run(folder, script, options, faults)];
    if (said[0]?.code !== 0 || !existsSync(at('o'))) {
      if (again) said.push(run(folder, '', options, again));
      // If the changes were written to the output but then lost, the next run would write nothing.
      if (existsSync(at('o.journal')) || !existsSync(at('o'))) said.push(run(folder, '', options));
    }
    const last = said.at(-1);
    const story = said.map((one) => `${one.code}: ${one.said}`).join('; then ');
    if (!existsSync(at('o'))) return `there is no output; it said ${story}`;
    if (last?.code !== 0 && said.length > 1) return `the last run failed; it said ${story}`;
    const live = new api.DatabaseSync(at('a.db'));
    const replayed = new api.DatabaseSync(at('copy.db'));
    try {
      if (!replayed.applyCapture(new Uint8Array(readFileSync(at('o')))).applied) {
        return `the output met a conflict: a change is there twice, or missing; it said ${story}`;
      }
      if (dump(live) !== dump(replayed)) return `the output makes another database; it said ${story}`;
    } finally {
      live.close();
      replayed.close();
    }
    const left = readdirSync(folder).filter((name) => name.startsWith('o.journal'));
    return left.length === 0 ? undefined : `it left ${left}; it said ${story}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The number of file operations of a capture. */
export function countOfCapture(index: number): number {
  const folder = mkdtempSync(join(tmpdir(), 'captured-'));
  try {
    const [script, options] = scripts[index] ?? ['', []];
    run(folder, schema, []);
    run(folder, script, options, { log: join(folder, 'log') });
    return readFileSync(join(folder, 'log'), 'utf8').split('\n').length - 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const api = (await import(join(dist, 'index.js'))) as Api;
  let runs = 0;
  let wrong = 0;
  for (const index of scripts.keys()) {
    for (const [faults, again] of allFaults(countOfCapture(index))) {
      runs += 1;
      const is = captureBroken(api, index, faults, again);
      if (is === undefined) continue;
      wrong += 1;
      console.log(`${JSON.stringify([index, faults, again])}: ${is}`);
    }
  }
  console.log(JSON.stringify({ runs, wrong }));
  if (wrong > 0) process.exitCode = 1;
}
