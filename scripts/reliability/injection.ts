/**
 * Injection: strace makes the N-th system call on a database file fail, once or permanently. The process must report a
 * suitable result code of SQLite and must not crash. If the call failed once, later transactions must work. Native
 * sqlite3 must find the files intact, with exactly the acknowledged commits.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasStrace } from '../../test/programs/run.js';
import { Bank, type Journal } from './kill.js';
import { nativePath } from './native.js';
import { type Failure, type Part, type SuiteOptions, Unavailable } from './suite.js';

const transactions = 6;
/** If a WAL lock always fails, a transaction takes ten seconds, also in native SQLite. */
const seconds = 120;

interface Call {
  readonly name: string;
  readonly errors: readonly string[];
  /** The possible extended result codes; empty if SQLite ignores the failure. Most calls are repeated after EINTR. */
  readonly codes: readonly number[];
}

const BUSY = 5;
const READONLY = 8;
const FULL = 13;
const CANTOPEN = 14;
const PROTOCOL = 15;
const IOERR = 10;
const io = (kind: number): number => IOERR | (kind << 8);
const [READ, WRITE, FSYNC, DIR_FSYNC, TRUNCATE, FSTAT, UNLOCK, RDLOCK, DELETE] = [
  1, 3, 4, 5, 6, 7, 8, 9, 10,
].map(io) as [number, number, number, number, number, number, number, number, number];
const [CHECKRESERVED, LOCK, CLOSE, SHMOPEN, SHMSIZE, SHMLOCK, SHMMAP] = [14, 15, 16, 18, 19, 20, 21].map(
  io,
) as [number, number, number, number, number, number, number];

/** If a journal cannot be created, rolled back or found, the failed call determines the result code. */
const calls: readonly Call[] = [
  { name: 'pread64', errors: ['EIO', 'EINTR'], codes: [READ] },
  { name: 'pwrite64', errors: ['EIO', 'ENOSPC', 'EDQUOT', 'EINTR'], codes: [WRITE, FULL, SHMSIZE] },
  { name: 'fdatasync', errors: ['EIO', 'ENOSPC', 'EDQUOT', 'EINTR'], codes: [FSYNC] },
  { name: 'fsync', errors: ['EIO', 'EINTR'], codes: [DIR_FSYNC] },
  { name: 'ftruncate', errors: ['EIO', 'EINTR'], codes: [TRUNCATE, SHMOPEN] },
  { name: 'unlink', errors: ['EIO', 'EACCES'], codes: [DELETE] },
  {
    name: 'openat',
    errors: ['EACCES', 'EMFILE', 'EIO', 'ENOSPC', 'EINTR'],
    codes: [CANTOPEN, READONLY, READONLY | (6 << 8)],
  },
  {
    name: 'fcntl',
    errors: ['EIO', 'EACCES', 'EINTR'],
    codes: [BUSY, BUSY | (1 << 8), LOCK, UNLOCK, RDLOCK, CHECKRESERVED, SHMLOCK, PROTOCOL],
  },
  { name: 'statx', errors: ['EIO', 'EACCES'], codes: [FSTAT, CANTOPEN, READONLY | (4 << 8)] },
  { name: 'lseek', errors: ['EIO'], codes: [FSTAT] },
  { name: 'access', errors: ['EIO', 'EACCES'], codes: [] },
  { name: 'close', errors: ['EIO', 'EINTR'], codes: [CLOSE] },
  { name: 'mmap', errors: ['ENOMEM', 'EACCES'], codes: [SHMMAP, 7] },
];

/** os_unix.c repeats these calls after EINTR. */
const again = ['pread64', 'pwrite64', 'ftruncate', 'openat'];
/**
 * If a kept journal cannot be opened for writing, SQLite opens it read-only, and the first write fails, as in native
 * SQLite.
 */
const kept: ReadonlySet<Journal> = new Set(['truncate', 'persist']);
/** Whether SQLite opened the file read-only instead, so that it stays read-only. */
const staysReadOnly = (said: readonly string[]): boolean =>
  said.every((line) => line.startsWith(`${READONLY} `));

export async function* run({ short, minutes, seed }: SuiteOptions): AsyncGenerator<Part> {
  nativePath();
  if (!hasStrace()) throw new Unavailable('strace is missing or not permitted');
  const until = minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + minutes * 60_000;
  for (const journal of short
    ? (['delete', 'truncate', 'wal'] as const)
    : (['delete', 'truncate', 'persist', 'wal'] as const)) {
    using bank = new Bank(journal);
    yield await inject(bank, journal, short, until, seed);
  }
}

async function inject(
  bank: Bank,
  journal: Journal,
  short: boolean,
  until: number,
  seed: number,
): Promise<Part> {
  const failures: Failure[] = [];
  let ran = 0;
  let errors = 0;
  const counts = count(bank, seed);
  let turn = 0;
  for (const call of calls) {
    const times = counts.get(call.name) ?? 0;
    for (const error of call.errors) {
      turn += 1;
      // If the call is always interrupted, native SQLite also repeats it forever.
      const kinds = error === 'EINTR' ? [false] : short ? [turn % 2 === 0] : [false, true];
      for (const lasting of kinds) {
        for (const when of spread(times, short ? 1 : 10, turn)) {
          if (Date.now() > until) break;
          ran += 1;
          const result = await attempt(
            bank,
            call,
            `${error}:when=${when}${lasting ? '+' : ''}`,
            seed,
            lasting,
          );
          errors += result.errors;
          if (result.wrong !== undefined) {
            failures.push({
              case: `${call.name} ${when}, ${error}${lasting ? ' from then on' : ''}`,
              what: result.wrong,
            });
          }
        }
      }
    }
  }
  return { name: `calls, ${journal}`, ran, failures, note: `${errors} errors reported` };
}

/** At most `most` numbers from 1 to `times`, evenly spread. */
function spread(times: number, most: number, turn: number): number[] {
  const found = new Set<number>();
  for (let i = 0; i < most; i++) {
    if (times > 0) found.add(1 + (Math.floor((i * times) / most + (turn * times * 0.37) / most) % times));
  }
  return [...found];
}

function traced(
  bank: Bank,
  options: readonly string[],
  seed: number,
): ReturnType<typeof spawnSync> & { stdout: string } {
  const paths = ['', '-journal', '-wal', '-shm'].flatMap((suffix) => ['-P', bank.file + suffix]);
  const { args, env } = bank.command(transactions, seed);
  return spawnSync(
    'strace',
    [
      '-f',
      ...options,
      ...paths,
      '-P',
      bank.folder,
      'timeout',
      '-s',
      'KILL',
      String(seconds),
      process.execPath,
      ...args,
    ],
    {
      env,
      encoding: 'utf8',
    },
  );
}

/** Counts each system call. */
function count(bank: Bank, seed: number): Map<string, number> {
  const log = join(bank.folder, '../calls');
  bank.open();
  const { stdout } = traced(bank, ['-c', '-o', log], seed);
  if (stdout !== 'begun\nended\n' || bank.acknowledged !== transactions)
    throw new Error(`without faults: ${stdout}`);
  const rows = readFileSync(log, 'utf8').matchAll(/^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$/gm);
  return new Map([...rows].map(([, times = '', name = '']) => [name, Number(times)]));
}

async function attempt(
  bank: Bank,
  { name, codes }: Call,
  fault: string,
  seed: number,
  lasting: boolean,
): Promise<{ wrong?: string; errors: number }> {
  bank.open();
  const options = ['-o', '/dev/null', '-e', `trace=${name}`, '-e', `inject=${name}:error=${fault}`];
  const { stdout, stderr, status, signal } = traced(bank, options, seed);
  const lines = stdout.trim().split('\n');
  const said = lines.slice(1, -1);
  const errors = said.length;
  if (signal !== null || status === 137) return { wrong: `did not end in ${seconds} s`, errors };
  if (status !== 0 || lines.at(-1) !== 'ended')
    return { wrong: `ended with ${status}: ${stderr}`.slice(0, 300), errors };
  const more = name === 'openat' && kept.has(bank.journal) ? [WRITE] : [];
  const allowed = fault.startsWith('EINTR') && again.includes(name) ? [] : [...codes, ...more];
  const other = said.find((line) => !allowed.includes(Number.parseInt(line, 10)));
  if (other !== undefined) return { wrong: `an unexpected error: ${other}`, errors };
  if (!lasting && said.length > 3 && !staysReadOnly(said))
    return { wrong: `one fault, ${said.length} errors: ${said.join('; ')}`, errors };
  if (!lasting && bank.acknowledged < transactions - said.length) {
    return { wrong: `${bank.acknowledged} commits of ${transactions}: ${said.join('; ')}`, errors };
  }
  const { wrong, counted } = await bank.judge();
  if (wrong !== undefined) return { wrong: `${wrong} after ${said.join('; ')}`, errors };
  // A transaction that fails while it releases or lowers its locks is already committed; native SQLite reports the same
  // error. With PERSIST, this also holds for a failure in the last sync of the journal.
  const late = bank.journal === 'persist' ? [UNLOCK, RDLOCK, FSYNC] : [UNLOCK, RDLOCK];
  const unsure = said.filter((line) => late.includes(Number.parseInt(line, 10))).length;
  if (counted < bank.acknowledged || counted > bank.acknowledged + unsure) {
    return {
      wrong: `${counted} commits, ${bank.acknowledged} acknowledged, after ${said.join('; ')}`,
      errors,
    };
  }
  return { errors };
}
