/** A follower of `npm run bench -- replica`, in a process of its own: says how old messages were when it had them. */

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

/** What a follower says when it has everything up to a message. */
export interface Followed {
  /** When it had it, in ms since 1970. */
  readonly at: number;
  /** How old each message was, in ms. */
  readonly lags: readonly number[];
  /** Its memory, in bytes. */
  readonly memory: number;
}

/** Opens a copy in a file with a WAL and synchronous=NORMAL. */
export async function openCopy(
  path: string,
  servers: string,
  name: string,
  options: Omit<ReplicaOptions, 'log'> = {},
): Promise<Awaited<ReturnType<typeof Replica.open>>> {
  const file = new DatabaseSync(path);
  file.exec('PRAGMA journal_mode=WAL');
  file.close();
  const replica = await Replica.open(path, { log: natsLog({ servers, name }), ...options });
  replica.database.exec('PRAGMA synchronous=NORMAL');
  return replica;
}

/** A follower's process. */
export class Follower {
  readonly #child;

  constructor(path: string, servers: string, name: string) {
    const file = fileURLToPath(import.meta.url);
    this.#child = fork(file, [path, servers, name], { execArgv: ['--import', 'tsx'] });
  }

  async ready(): Promise<void> {
    await once(this.#child, 'message');
  }

  /** What it measured since the last time, once it has a message. */
  async until(sequence: number): Promise<Followed> {
    this.#child.send(sequence);
    const [followed] = (await once(this.#child, 'message')) as [Followed];
    return followed;
  }

  end(): void {
    this.#child.disconnect();
  }
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
  process.on('message', (sequence: number) => {
    wanted = sequence;
    answer();
  });
  process.on('disconnect', () => process.exit(0));
  await replica.sync();
  process.send?.('ready');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [path = '', servers = '', name = ''] = process.argv.slice(2);
  await follow(path, servers, name);
}
