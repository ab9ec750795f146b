/**
 * A copy of `npm run bench -- replica` in its own process. It reports how old messages were when they arrived, and
 * writes on request.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReplicaOptions } from 'sqlite-wasm-run/replica';
import { dist } from '../sources.js';

const { natsLog, Replica } = (await import(
  join(dist, 'replica/index.js')
)) as typeof import('sqlite-wasm-run/replica');
const { DatabaseSync } = (await import(join(dist, 'index.js'))) as typeof import('sqlite-wasm-run');

/** The report of a follower when it has all messages up to a given one. */
export interface Followed {
  /** When the message arrived, in ms since 1970. */
  readonly at: number;
  /** The age of each message when it arrived, in ms. */
  readonly lags: readonly number[];
  /** The memory of the process, in bytes. */
  readonly memory: number;
}

/** The request to a writer. */
export interface Writing {
  /** `own` inserts new rows; `same` updates ten rows that all writers update. */
  readonly rows: 'own' | 'same';
  /** The id before the writer's first row. */
  readonly base: number;
  /** The duration in ms. */
  readonly period: number;
}

/** The report of a writer after all its transactions are ordered. */
export interface Wrote {
  readonly transactions: number;
  /** How often a transaction was rebased. */
  readonly redone: number;
  readonly rejected: number;
  readonly sequence: number;
}

/** The maximum number of transactions that wait to be ordered. */
const backlog = 500;

export type Copy = Awaited<ReturnType<typeof Replica.open>>;

/** Opens a copy in a file in WAL mode with synchronous=NORMAL. */
export async function openCopy(
  path: string,
  servers: string,
  name: string,
  options: Omit<ReplicaOptions, 'log'> = {},
): Promise<Copy> {
  const file = new DatabaseSync(path);
  file.exec('PRAGMA journal_mode=WAL');
  file.close();
  const replica = await Replica.open(path, { log: natsLog({ servers, name }), ...options });
  replica.database.exec('PRAGMA synchronous=NORMAL');
  return replica;
}

/** The process of a follower. */
export class Follower {
  readonly #child;

  constructor(path: string, servers: string, name: string) {
    const file = fileURLToPath(import.meta.url);
    this.#child = fork(file, [path, servers, name], { execArgv: ['--import', 'tsx'] });
  }

  async ready(): Promise<void> {
    await once(this.#child, 'message');
  }

  /** Waits until the follower has a message, and returns its measurements since the last call. */
  async until(sequence: number): Promise<Followed> {
    this.#child.send(sequence);
    const [followed] = (await once(this.#child, 'message')) as [Followed];
    return followed;
  }

  /** Writes as fast as possible. */
  async write(writing: Writing): Promise<Wrote> {
    this.#child.send(writing);
    const [wrote] = (await once(this.#child, 'message')) as [Wrote];
    return wrote;
  }

  end(): void {
    this.#child.disconnect();
  }
}

async function write(replica: Copy, { rows, base, period }: Writing): Promise<Wrote> {
  const sql =
    rows === 'own' ? 'INSERT INTO t VALUES(?1, ?2, 0, 1.5)' : 'UPDATE t SET n=n+1, name=?2 WHERE id=?1%10+1';
  const counts = { redone: 0, rejected: 0 };
  const redone = (): void => void counts.redone++;
  const rejected = (): void => void counts.rejected++;
  replica.on('redone', redone).on('rejected', rejected);
  let transactions = 0;
  let last: Promise<unknown> = Promise.resolve();
  const end = Date.now() + period;
  while (Date.now() < end) {
    transactions += 1;
    const id = base + transactions;
    last = replica.transaction((database) => void database.prepare(sql).run(id, `name ${id}`)).placed;
    if (replica.status().pending > backlog) await last;
    else if (transactions % 8 === 0) await new Promise(setImmediate);
  }
  await last;
  await replica.sync();
  replica.off('redone', redone).off('rejected', rejected);
  return { transactions, ...counts, sequence: replica.status().sequence };
}

async function follow(path: string, servers: string, name: string): Promise<void> {
  const replica = await openCopy(path, servers, name);
  let lags: number[] = [];
  let at = Date.now();
  let wanted: number | undefined;
  const answer = (): void => {
    if (wanted === undefined || replica.status().sequence < wanted) return;
    process.send?.({ at, lags, memory: process.memoryUsage.rss() } satisfies Followed);
    wanted = undefined;
    lags = [];
  };
  replica.on('applied', ({ time }) => {
    at = Date.now();
    lags.push(at - time);
  });
  replica.on('lag', answer);
  process.on('message', (asked: number | Writing) => {
    if (typeof asked === 'number') {
      wanted = asked;
      answer();
    } else void write(replica, asked).then((wrote) => process.send?.(wrote));
  });
  process.on('disconnect', () => process.exit(0));
  await replica.sync();
  process.send?.('ready');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [path = '', servers = '', name = ''] = process.argv.slice(2);
  await follow(path, servers, name);
}
