/**
 * Tests the daemon under failures of files: kills it, tears a write, or makes the disk full or fail between any two
 * file operations, and then starts it again with the same or other options. Every acknowledged transaction must be in
 * the database, and in the output exactly once.
 *
 *     npm run test:daemon
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dist, root } from './sources.js';

export interface Api {
  DatabaseSync: typeof import('sqlite-wasm-run').DatabaseSync;
}

/** The faults of a run; see test/kit/file-faults.mjs. */
export interface Faults {
  readonly kill?: number;
  readonly torn?: boolean;
  readonly fail?: number;
  readonly code?: string;
  readonly lasting?: boolean;
  readonly room?: number;
  readonly log?: string;
}

const schema = "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1, 'first')";
/** Each inner list is a transaction. */
const work: readonly (readonly string[])[] = [
  ["INSERT INTO t VALUES(2, 'second')"],
  ['BEGIN', "INSERT INTO t VALUES(3, 'third')", "UPDATE t SET b='other' WHERE a=1", 'COMMIT'],
  ['BEGIN', 'CREATE TABLE u(k TEXT PRIMARY KEY, v)', "INSERT INTO u VALUES('x', 1)", 'COMMIT'],
  ['DELETE FROM t WHERE a=2'],
  ["INSERT INTO u VALUES('y', zeroblob(20000))"],
];
const options = ['--ddl'];
/** The options of the daemon after a kill, used in turn. */
const others: readonly (readonly string[])[] = [options, [], ['--table', 't'], ['--rowid', '--ddl']];

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'journal-'));

  at(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

class Daemon {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  said = '';

  constructor(folder: Folder, more: readonly string[], faults?: Faults) {
    const program = [join(dist, 'cli/main.js'), 'changeset', 'daemon'];
    const args = [...program, '--db', 'a.db', '--socket', 's', '--output', 'o.cs', ...more];
    const preload = faults ? ['--import', join(root, 'test/kit/file-faults.mjs')] : [];
    const env = { ...process.env, FILE_FAULTS: JSON.stringify({ under: folder.path, ...faults }) };
    this.child = spawn(process.execPath, [...preload, ...args], { cwd: folder.path, env });
    this.ended = once(this.child, 'exit');
    this.child.stderr?.on('data', (data) => {
      this.said += data;
    });
  }

  /** Waits until the daemon listens. Returns false if it ended. */
  async listens(): Promise<boolean> {
    const { child } = this;
    while (!this.said.includes('listening') && child.exitCode === null && child.signalCode === null) {
      await Promise.race([once(child.stderr as NodeJS.EventEmitter, 'data'), this.ended]);
    }
    return child.exitCode === null && child.signalCode === null;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.ended;
  }
}

/** Runs the work. Returns the acknowledged transactions; empty if the daemon did not start. */
async function workThrough(folder: Folder, daemon: Daemon): Promise<number[]> {
  const acknowledged: number[] = [];
  if (!(await daemon.listens())) return acknowledged;
  const socket = connect(folder.at('s'));
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  let received = '';
  let wake = (): void => {};
  socket.on('data', (data) => {
    received += data;
    wake();
  });
  const ask = async (sql: string): Promise<boolean> => {
    socket.write(`${sql};\n`);
    for (;;) {
      const answer = /^-- .*\n/m.exec(received)?.[0];
      if (answer !== undefined) {
        received = '';
        return answer.startsWith('-- ok');
      }
      const isOver = await Promise.race([
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
        closed.then(() => true),
      ]);
      if (isOver) return false;
    }
  };
  for (const [number, statements] of work.entries()) {
    let isDone = true;
    for (const sql of statements) isDone = (await ask(sql)) && isDone;
    if (isDone) acknowledged.push(number);
    if (!isDone && statements.length > 1) await ask('ROLLBACK');
    if (daemon.child.exitCode !== null || daemon.child.signalCode !== null) break;
  }
  socket.destroy();
  return acknowledged;
}

/** Queries that tell whether a transaction is in the database. */
const traces: readonly string[] = [
  'SELECT 1 FROM t WHERE a=2',
  "SELECT 1 FROM t WHERE a=3 AND (SELECT b FROM t WHERE a=1)='other'",
  "SELECT 1 FROM u WHERE k='x'",
  'SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM t WHERE a=2)',
  "SELECT 1 FROM u WHERE k='y'",
];

/** Checks the files of a daemon that ended successfully. Returns the error, or undefined. */
function fault(api: Api, folder: Folder, acknowledged: readonly number[]): string | undefined {
  const live = new api.DatabaseSync(folder.at('a.db'));
  const replayed = new api.DatabaseSync(folder.at('first.db'));
  try {
    for (const number of acknowledged) {
      if (number === 0 && acknowledged.includes(3)) continue; // deleted again
      const trace = traces[number] ?? '';
      if (!live.prepare(trace).get())
        return `transaction ${number} was acknowledged and is not in the database`;
    }
    if (
      existsSync(folder.at('o.cs')) &&
      !replayed.applyCapture(new Uint8Array(readFileSync(folder.at('o.cs')))).applied
    ) {
      return 'applying the output caused a conflict: it contains a change twice';
    }
    const dump = (db: InstanceType<Api['DatabaseSync']>): string => {
      const tables = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type='table' ORDER BY 1").all();
      return JSON.stringify(
        tables.map(({ name, sql }) => [
          sql,
          db
            .prepare(
              `SELECT *, quote(v) FROM (SELECT *, ${name === 't' ? 'b' : 'v'} AS v FROM ${name}) ORDER BY 1`,
            )
            .all(),
        ]),
      );
    };
    return dump(live) === dump(replayed)
      ? undefined
      : 'the output makes another database than the one that was captured';
  } finally {
    live.close();
    replayed.close();
  }
}

/**
 * Runs the work while files fail, and then starts and ends the daemon.
 *
 * @param again the faults of the next start; it is followed by a start without faults
 * @returns the error, if any
 */
export async function runBroken(
  api: Api,
  faults: Faults,
  turn: number,
  again?: Faults,
): Promise<string | undefined> {
  using folder = new Folder();
  const first = new api.DatabaseSync(folder.at('a.db'));
  first.exec(schema);
  first.close();
  copyFileSync(folder.at('a.db'), folder.at('first.db'));
  const started: Daemon[] = [];
  const start = (more: readonly string[], wrong?: Faults): Daemon => {
    const daemon = new Daemon(folder, more, wrong);
    started.push(daemon);
    return daemon;
  };
  try {
    const broken = start(options, faults);
    const acknowledged = await workThrough(folder, broken);
    await broken.stop();
    if (again) {
      const second = start(others[turn % others.length] ?? options, again);
      await second.listens();
      await second.stop();
    }
    const last = start(others[turn % others.length] ?? options);
    const listens = await last.listens();
    await last.stop();
    if (!listens || last.child.exitCode !== 0)
      return `the daemon did not start again or end well: ${last.said}`;
    const is = fault(api, folder, acknowledged);
    return is === undefined ? undefined : `${is}; it said ${started.map(({ said }) => said).join('; then ')}`;
  } finally {
    for (const { child } of started) child.kill('SIGKILL');
  }
}

/** The number of file operations of the work, from the daemon's start to its end. */
export async function countOperations(): Promise<number> {
  using folder = new Folder();
  const log = folder.at('log');
  const daemon = new Daemon(folder, options, { log });
  await workThrough(folder, daemon);
  await daemon.stop();
  return readFileSync(log, 'utf8').split('\n').length - 1;
}

/** All faults, at every operation. */
export function* allFaults(operations: number): Generator<[Faults, Faults?]> {
  for (let at = 1; at <= operations; at++) {
    yield [{ kill: at }];
    yield [{ kill: at, torn: true }];
    yield [{ fail: at, code: 'EIO' }];
    yield [{ fail: at, code: 'ENOSPC', torn: true, lasting: true }];
    yield [{ kill: at }, { kill: 1 + ((at * 7) % 60) }];
    yield [{ kill: 1 + ((at * 13) % operations) }, { fail: 1 + (at % 60), code: 'EIO' }];
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const api = (await import(join(dist, 'index.js'))) as Api;
  const operations = await countOperations();
  let runs = 0;
  let wrong = 0;
  for (const [faults, again] of allFaults(operations)) {
    runs += 1;
    const is = await runBroken(api, faults, runs, again);
    if (is === undefined) continue;
    wrong += 1;
    console.log(`${JSON.stringify([faults, again])}: ${is}`);
  }
  console.log(JSON.stringify({ operations, runs, wrong }));
  if (wrong > 0) process.exitCode = 1;
}
