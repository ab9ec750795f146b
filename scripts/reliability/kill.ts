/**
 * Kill: sends SIGKILL to a process that moves money between accounts, at random and then before each of its file
 * operations. Native sqlite3 opens a copy of the files. They must be intact, with the same total amount and all
 * acknowledged commits. The next process continues with the files; in every third round it is native sqlite3.
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomOf } from '../../test/kit/random.js';
import { dist, root } from '../sources.js';
import { compiled, Native, nativePath, scratchFolder } from './native.js';
import type { Failure, Part, SuiteOptions } from './suite.js';

export const journals = ['delete', 'truncate', 'persist', 'wal', 'exclusive-wal'] as const;
export type Journal = (typeof journals)[number];

export async function* run({ short, minutes, seed }: SuiteOptions): AsyncGenerator<Part> {
  nativePath();
  const until = minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + minutes * 60_000;
  const share = (i: number): number => Date.now() + (until - Date.now()) / (2 * (journals.length - i));
  for (const [i, journal] of journals.entries()) {
    using bank = new Bank(journal);
    yield await killAtRandom(bank, short ? 15 : 500, share(i), seed);
  }
  for (const [i, journal] of journals.entries()) {
    using bank = new Bank(journal);
    yield await killAtEach(bank, short ? 12 : undefined, share(i) * 2 - Date.now());
  }
}

/** A bank in its own folder. */
export class Bank implements Disposable {
  readonly journal: Journal;
  readonly #parent = scratchFolder('bank');
  readonly folder = join(this.#parent, 'files');
  readonly file = join(this.folder, 'bank.db');
  readonly #writer = compiled('writer', this.#parent);
  readonly #native = new Native();

  constructor(journal: Journal) {
    this.journal = journal;
    mkdirSync(this.folder);
    this.open();
  }

  /** Creates the bank. */
  open(): void {
    for (const name of readdirSync(this.folder)) rmSync(join(this.folder, name));
    execFileSync(nativePath(), [
      this.file,
      `PRAGMA page_size=1024; ${this.journal.endsWith('wal') ? 'PRAGMA journal_mode=wal;' : ''}
      CREATE TABLE account(id INTEGER PRIMARY KEY, n, text); CREATE TABLE counter(id INTEGER PRIMARY KEY, n);
      INSERT INTO counter VALUES (1, 0); CREATE INDEX i ON account(text);
      INSERT INTO account SELECT value, 0, hex(randomblob(100)) FROM generate_series(0, 99)`,
    ]);
    this.forget();
  }

  /** Clears the acknowledged commits. */
  forget(): void {
    writeFileSync(join(this.#parent, 'acknowledged'), '');
  }

  get acknowledged(): number {
    return readFileSync(join(this.#parent, 'acknowledged')).length;
  }

  /** The command of the writer, and its environment. */
  command(commits: number, seed: number, faults?: object): { args: string[]; env: NodeJS.ProcessEnv } {
    const preload = faults ? ['--import', join(root, 'test/kit/file-faults.mjs')] : [];
    return {
      args: [...preload, this.#writer, dist, this.file, this.journal, String(commits), String(seed)],
      env: { ...process.env, FILE_FAULTS: JSON.stringify({ under: this.folder, ...faults }) },
    };
  }

  /** Checks a copy of the files with native sqlite3. Returns the error and the number of commits in the files. */
  async judge(): Promise<{ wrong?: string; counted: number }> {
    const copy = join(this.#parent, 'copy');
    rmSync(copy, { recursive: true, force: true });
    cpSync(this.folder, copy, { recursive: true, filter: (path) => !path.endsWith('-shm') });
    return this.#look(join(copy, 'bank.db'));
  }

  /** Lets native sqlite3 recover the files. */
  async recover(): Promise<{ wrong?: string; counted: number }> {
    return this.#look(this.file);
  }

  async #look(path: string): Promise<{ wrong?: string; counted: number }> {
    const answer = await this.#native.ask(
      `.open ${path}\nPRAGMA integrity_check;\nSELECT sum(n), count(*) FROM account;\nSELECT n FROM counter;\n.open :memory:`,
    );
    const found = /^ok\n0\|100\n(\d+)$/.exec(answer);
    return found ? { counted: Number(found[1]) } : { wrong: answer.slice(0, 200), counted: -1 };
  }

  [Symbol.dispose](): void {
    this.#native[Symbol.dispose]();
    rmSync(this.#parent, { recursive: true, force: true });
  }
}

async function killAtRandom(bank: Bank, times: number, until: number, seed: number): Promise<Part> {
  const random = randomOf(seed);
  const failures: Failure[] = [];
  let before = 0;
  let ran = 0;
  let commits = 0;
  let interrupted = 0;
  for (; ran < times && Date.now() < until; ran++) {
    bank.forget();
    const { args, env } = bank.command(1_000_000, seed + ran);
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    await Promise.race([once(child.stdout, 'data'), ended]);
    // Waits for a commit. The wait sometimes ends earlier at random, so that some writers are killed before their first
    // commit.
    for (const at = Date.now(); random(8) > 0 && bank.acknowledged === 0 && Date.now() - at < 10_000; )
      await sleep(3);
    await sleep(random(150));
    const fault =
      child.exitCode !== null
        ? `the writer ended before it was killed, with exit code ${child.exitCode}`
        : undefined;
    child.kill('SIGKILL');
    await ended;
    const { acknowledged } = bank;
    const leftovers = readdirSync(bank.folder).filter((name) => !/db$|-shm$/.test(name));
    if (leftovers.length > 0) interrupted += 1;
    let { wrong, counted } = await bank.judge();
    wrong ??= fault ?? miscount(counted - before, acknowledged);
    if (ran % 3 === 2) {
      const recovered = await bank.recover();
      wrong ??=
        recovered.wrong ?? (recovered.counted === counted ? undefined : `recovered ${recovered.counted}`);
    }
    if (wrong !== undefined) failures.push({ case: `kill ${ran + 1}`, what: wrong });
    if (counted < 0) bank.open();
    before = Math.max(0, counted);
    commits += acknowledged;
  }
  return {
    name: `${bank.journal}, at random`,
    ran,
    failures,
    note: `${commits} commits, ${interrupted} left a journal`,
  };
}

function miscount(counted: number, acknowledged: number): string | undefined {
  return counted === acknowledged || counted === acknowledged + 1
    ? undefined
    : `${counted} commits, ${acknowledged} were acknowledged`;
}

/** @param most the number of operations, spread over all; all operations if undefined */
async function killAtEach(bank: Bank, most: number | undefined, until: number): Promise<Part> {
  const failures: Failure[] = [];
  const transactions = 4;
  const log = join(bank.folder, '../log');
  const run = (faults: object): void => {
    bank.open();
    const { args, env } = bank.command(transactions, 1, faults);
    try {
      const said = execFileSync(process.execPath, args, { env, encoding: 'utf8' });
      if (said !== 'begun\nended\n') throw new Error(said);
    } catch (error) {
      if ((error as { signal?: string }).signal !== 'SIGKILL') throw error;
    }
  };
  run({ log });
  const operations = readFileSync(log, 'utf8').trim().split('\n').length;
  if (bank.acknowledged !== transactions) throw new Error(`${bank.acknowledged} transactions were done`);
  const step = most === undefined ? 1 : Math.ceil(operations / most);
  let ran = 0;
  for (let kill = 1; kill <= operations; kill += step) {
    for (const torn of most === undefined ? [false, true] : [ran % 2 === 1]) {
      if (Date.now() > until) break;
      ran += 1;
      run({ kill, torn });
      const { wrong, counted } = await bank.judge();
      const fault = wrong ?? miscount(counted, bank.acknowledged);
      if (fault !== undefined)
        failures.push({ case: `operation ${kill}${torn ? ', torn' : ''}`, what: fault });
    }
  }
  return { name: `${bank.journal}, each operation`, ran, failures, note: `${operations} operations` };
}
