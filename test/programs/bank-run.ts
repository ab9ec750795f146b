/** The bank test: processes of this package and of native sqlite3 move money in one database, and others read it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Connection } from './connection.js';

const program = fileURLToPath(new URL('./bank.ts', import.meta.url));
const random = (below: number): number => Math.floor(Math.random() * below);

/** The number of transactions in a batch of a native writer, which acknowledges the whole batch. */
export const nativeBatch = 200;

export interface BankResult {
  /** The commits that the writers acknowledged, and those that the database counts. */
  readonly acknowledged: number;
  readonly counted: number;
  /** The number of killed writers. Each may have one commit that it did not acknowledge. */
  readonly kills: number;
  readonly reads: { readonly ours: number; readonly native: number };
  /** The number of reads of a state that was never committed, and unexpected messages of processes. */
  readonly wrong: number;
  readonly said: string;
}

/** Creates the database. */
export function openBank(path: string, writers: number, journal: string): void {
  using db = new Connection(path);
  db.exec(`PRAGMA journal_mode=${journal}; CREATE TABLE account(id INTEGER PRIMARY KEY, n);
    CREATE TABLE counter(n); CREATE TABLE writer(id INTEGER PRIMARY KEY, n); INSERT INTO counter VALUES (0);
    WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM i WHERE n<99) INSERT INTO account SELECT n, 0 FROM i;
    WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM i WHERE n<${writers}-1) INSERT INTO writer SELECT n, 0 FROM i`);
}

export interface Round {
  /** The mode of the database: wal if absent. */
  readonly journal?: string;
  /** Whether writers of this package are killed at random and replaced. */
  readonly kill?: boolean;
  /**
   * Whether all processes are killed at the end. A native writer may then have up to {@link nativeBatch} more commits.
   */
  readonly crash?: boolean;
  /** Whether processes are stopped (SIGSTOP) for moments. */
  readonly pause?: boolean;
}

/**
 * Runs two writers and a reader of this package, and of native sqlite3 if `shell` is its path, for some seconds. After a
 * crash, PATH.crashed and its WAL are copies of the files that the crash left.
 */
export async function runBank(
  path: string,
  shell: string | undefined,
  seconds: number,
  { journal = 'wal', kill = false, crash = false, pause = false }: Round = {},
): Promise<BankResult> {
  openBank(path, 4, journal);
  const until = Date.now() + seconds * 1000;
  let said = '';
  let kills = 0;
  let wrong = 0;
  const running = new Set<ChildProcess>();
  const tracked = <Child extends ChildProcess>(child: Child): Child => {
    running.add(child);
    child.on('close', () => running.delete(child));
    return child;
  };
  const start = (role: string, id: number): ChildProcess => {
    const args = ['--import', 'tsx', program, path, role, String(id), String(until), journal];
    return tracked(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  };
  const outputOf = async (child: ChildProcess): Promise<string> => {
    let output = '';
    child.stdout?.on('data', (data) => {
      output += String(data);
    });
    child.stderr?.on('data', (data) => {
      said += String(data);
    });
    await once(child, 'close');
    return output;
  };

  const write = async (id: number): Promise<void> => {
    while (Date.now() < until) {
      const child = start('write', id);
      const ended = outputOf(child);
      if (kill) {
        await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), ended]);
        await new Promise((resolve) => setTimeout(resolve, 200 + random(1500)));
        if (Date.now() < until && child.kill('SIGKILL')) kills += 1;
      }
      await ended;
      if (child.signalCode !== null && !kill && !crash) said += `a writer ended by ${child.signalCode}\n`;
    }
  };
  const read = async (): Promise<number> => {
    const output = await outputOf(start('read', 0));
    if (crash) return 0;
    const result = JSON.parse(output || '{"done":0,"wrong":1}') as { done: number; wrong: number };
    wrong += result.wrong;
    return result.done;
  };

  /** Sends batches of SQL to a native shell, one after another. */
  const feed = async (batch: () => string, take: (lines: string[]) => void): Promise<void> => {
    if (!shell) return;
    const child = tracked(spawn(shell, ['-bail', path], { stdio: ['pipe', 'pipe', 'pipe'] }));
    const ended = once(child, 'close');
    let output = '';
    let wake = (): void => {};
    child.stdout.on('data', (data) => {
      output += String(data);
      if (output.endsWith('done\n')) wake();
    });
    child.stderr.on('data', (data) => {
      said += String(data);
    });
    child.stdin.on('error', () => {}); // it ended, and said why
    child.stdin.write(
      `.timeout 60000\n.output /dev/null\nPRAGMA journal_mode=${journal};\nPRAGMA synchronous=NORMAL;\nPRAGMA wal_autocheckpoint=200;\n.output\n`,
    );
    while (Date.now() < until && child.exitCode === null && child.signalCode === null) {
      const finished = new Promise<void>((resolve) => {
        wake = resolve;
      });
      child.stdin.write(`${batch()}.print done\n`);
      await Promise.race([finished, ended]);
      take(output.split('\n'));
      output = '';
    }
    child.stdin.end();
    await ended;
  };
  let nativeCommits = 0;
  const nativeWrite = (id: number): Promise<void> => {
    let size = 0;
    return feed(
      () => {
        size = 0;
        let sql = '';
        for (; size < nativeBatch; size++) {
          const amount = random(100);
          sql += `BEGIN IMMEDIATE; UPDATE account SET n=n-${amount} WHERE id=${random(100)};
UPDATE account SET n=n+${amount} WHERE id=${random(100)}; UPDATE writer SET n=n+1 WHERE id=${id};
UPDATE counter SET n=n+1; COMMIT;\n`;
        }
        return `${sql}.output /dev/null\nPRAGMA wal_checkpoint(${['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'][random(4)]});\n.output\n`;
      },
      (lines) => {
        if (lines.at(-2) === 'done') nativeCommits += size;
      },
    );
  };
  let nativeReads = 0;
  const look = 'BEGIN; SELECT n, (SELECT sum(n) FROM account), (SELECT sum(n) FROM writer)-n FROM counter;';
  const nativeRead = (): Promise<void> =>
    feed(
      () => `${look} SELECT n FROM counter; COMMIT;\n`.repeat(100),
      (lines) => {
        const rows = lines.filter((line) => /^\d/.test(line));
        for (let i = 0; i + 1 < rows.length; i += 2) {
          if (rows[i] !== `${rows[i + 1]}|0|0`) wrong += 1;
          nativeReads += 1;
        }
      },
    );

  const end = setTimeout(
    () => {
      if (!crash) return;
      for (const child of running) if (child.kill('SIGKILL')) kills += 1;
    },
    seconds * 1000 - random(300),
  );
  const stop = async (): Promise<void> => {
    while (pause && Date.now() < until) {
      const child = [...running][random(running.size)];
      child?.kill('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 20 + random(400)));
      child?.kill('SIGCONT');
      await new Promise((resolve) => setTimeout(resolve, random(200)));
    }
  };
  const [reads] = await Promise.all([
    read(),
    write(0),
    write(1),
    nativeWrite(2),
    nativeWrite(3),
    nativeRead(),
    stop(),
  ]);
  clearTimeout(end);
  if (crash)
    for (const suffix of ['', '-wal', '-shm', '-journal'])
      if (existsSync(path + suffix)) copyFileSync(path + suffix, `${path}.crashed${suffix}`);
  using db = new Connection(path);
  const counted = Number(db.value('SELECT n FROM counter'));
  if (db.value('SELECT sum(n) FROM account') !== 0 || db.value('SELECT sum(n) FROM writer') !== counted)
    wrong += 1;
  const ours = [0, 1].reduce(
    (sum, id) => sum + (existsSync(`${path}.${id}`) ? readFileSync(`${path}.${id}`).length : 0),
    0,
  );
  return {
    acknowledged: ours + nativeCommits,
    counted,
    kills,
    reads: { ours: reads, native: nativeReads },
    wrong,
    said,
  };
}
