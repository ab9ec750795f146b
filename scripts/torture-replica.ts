/**
 * Five copies in five processes write at random, while processes and the server are killed, connections are cut,
 * replies are lost, and disks are full. At the end all copies must be equal, and every acknowledged transaction must be
 * in the history exactly once, or rejected.
 *
 *     npm run test:replica -- --minutes 10 [--seed S]
 *
 * Needs a nats-server, in NATS_SERVER or PATH.
 */

import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nativeShell } from '../test/kit/oracle.js';
import { randomOf } from '../test/kit/random.js';
import { Link, NatsServer, serverVersion } from '../test/replica/nats-server.js';
import { dist } from './sources.js';
import { schema } from './torture-replica-work.js';

const { feed, natsLog, Replica } = (await import(
  join(dist, 'replica/index.js')
)) as typeof import('sqlite-wasm-run/replica');

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('--minutes must be a number above 0, --seed an integer');
  process.exit(2);
}
if (serverVersion === undefined) {
  console.log('skipped: set NATS_SERVER to a nats-server, or put one in PATH');
  process.exit(0);
}

const name = 'torture';
const program = fileURLToPath(new URL('torture-replica-copy.ts', import.meta.url));
const fileFaults = fileURLToPath(new URL('../test/kit/file-faults.mjs', import.meta.url));
/** The policies and journals of the copies. */
const policies = ['rerun', 'rerun', 'reject', 'rerun', 'reject'] as const;
const journals = ['delete', 'wal'] as const;
const folder = mkdtempSync(join(tmpdir(), 'torture-replica-'));
const below = randomOf(seed);
const faults: string[] = [];
const events: Record<string, number> = {};

interface Verified {
  readonly sequence: number;
  readonly schema: string;
  readonly tables: Readonly<Record<string, { readonly rows: number; readonly digest: string }>>;
  /** The ids of rejected transactions. */
  readonly rejected: readonly string[];
  readonly faults: readonly string[];
}

/** A copy. Its file stays, but its process and connection may end and start again. */
class Member {
  readonly path: string;
  readonly acknowledged: string;
  readonly link: Link;
  readonly #manner: readonly string[];
  #child: ChildProcess | undefined;
  #starts = 0;
  #waiting: ((message: Record<string, unknown>) => void)[] = [];
  isFinished = false;
  verified: Verified | undefined;
  readonly counts: Record<string, number> = {};

  constructor(number: number, port: () => number) {
    this.path = join(folder, `${number}.db`);
    this.acknowledged = join(folder, `${number}.acknowledged`);
    this.link = new Link(port);
    const [policy, journal] = [policies, journals].map((list) => list[number % list.length] ?? '');
    this.#manner = [policy ?? '', journal ?? ''];
  }

  /** Whether its disk is full. */
  set isFull(isFull: boolean) {
    if (isFull) writeFileSync(this.#full, '');
    else rmSync(this.#full, { force: true });
  }

  get #full(): string {
    return `${this.path}.full`;
  }

  start(): void {
    this.#starts += 1;
    const own = String(seed * 1000 + below(1e6) + this.#starts);
    const args = [this.path, name, this.link.address, own, this.acknowledged, ...this.#manner];
    const faulty = { under: folder, full: this.#full };
    const child = fork(program, args, {
      execArgv: ['--import', 'tsx', '--import', fileFaults],
      env: { ...process.env, FILE_FAULTS: JSON.stringify(faulty) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.on('message', (message: Record<string, unknown>) => {
      if (message['stopped'] !== undefined) faults.push(`${this.path} stopped: ${message['stopped']}`);
      if (message['finished']) {
        this.isFinished = true;
        for (const [key, value] of Object.entries(message['counts'] as Record<string, number>)) {
          this.counts[key] = (this.counts[key] ?? 0) + value;
        }
      }
      if (message['verified']) this.verified = message['verified'] as Verified;
      for (const resolve of this.#waiting.splice(0)) resolve(message);
    });
    child.on('exit', (code) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      // A copy without a file cannot start without the server, so it is started again.
      if (code !== null && code !== 0) setTimeout(() => this.#child ?? this.start(), 300);
    });
  }

  send(message: string): void {
    this.#child?.send(message, () => {});
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async until(done: () => boolean, seconds: number, what: string): Promise<void> {
    const end = Date.now() + seconds * 1000;
    while (!done()) {
      if (Date.now() > end) throw new Error(`${this.path} does not ${what} within ${seconds} s`);
      await Promise.race([new Promise((resolve) => this.#waiting.push(resolve)), sleep(250)]);
    }
  }
}

const count = (event: string): void => {
  events[event] = (events[event] ?? 0) + 1;
};
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

/** Harms the server, a process or a connection at random. */
async function harm(server: NatsServer, members: readonly Member[]): Promise<void> {
  const member = pick(members);
  const kind = below(12);
  if (kind < 3) {
    count('processes killed');
    await member.kill();
    await sleep(below(1000));
    member.start();
  } else if (kind < 5) {
    count('links cut');
    member.link.isUp = false;
    await sleep(below(2500));
    member.link.isUp = true;
  } else if (kind < 8) {
    // The server stores a published message, but the copy receives no reply.
    count('answers lost');
    member.link.isMute = true;
    await sleep(50 + below(400));
    member.link.isMute = false;
  } else if (kind < 9) {
    count('servers killed');
    await server.kill();
    await sleep(below(1500));
    await server.start();
  } else if (kind < 11) {
    count('disks full');
    member.isFull = true;
    await sleep(below(3000));
    member.isFull = false;
  } else {
    count('servers frozen');
    server.freeze(true);
    await sleep(below(2500));
    server.freeze(false);
  }
}

async function settle(members: readonly Member[]): Promise<void> {
  for (const member of members) {
    member.isFinished = false;
    member.send('finish');
  }
  await Promise.all(members.map((member) => member.until(() => member.isFinished, 400, 'settle')));
  for (const member of members) member.send('verify');
  await Promise.all(
    members.map((member) => member.until(() => member.verified !== undefined, 200, 'verify')),
  );
}

function compare(members: readonly Member[]): void {
  const [first] = members;
  for (const { path, verified } of members) {
    for (const fault of verified?.faults ?? []) faults.push(`${path}: ${fault}`);
    if (verified?.sequence !== first?.verified?.sequence) {
      faults.push(`${path} is at message ${verified?.sequence}, not ${first?.verified?.sequence}`);
    }
    if (verified?.schema !== first?.verified?.schema) faults.push(`${path} has another schema`);
    const [own, other] = [verified?.tables ?? {}, first?.verified?.tables ?? {}];
    for (const table of new Set([...Object.keys(own), ...Object.keys(other)])) {
      if (own[table]?.digest !== other[table]?.digest) faults.push(`${path} differs in ${table}`);
    }
  }
}

/** The ids that the transactions of the history insert, with their counts. */
async function marksOf(
  address: string,
  last: number,
): Promise<{ marks: Map<string, number>; transactions: number }> {
  const { changes } = (await import(
    join(dist, 'changeset/index.js')
  )) as typeof import('sqlite-wasm-run/changeset');
  const log = natsLog({ servers: address, name });
  const marks = new Map<string, number>();
  const ids = new Set<string>();
  try {
    for await (const { sequence, transactions } of feed(log)) {
      for (const { id, entries } of transactions) {
        if (ids.has(id)) faults.push(`transaction ${id} is in the history twice`);
        ids.add(id);
        for (const entry of entries) {
          if (entry.kind !== 'changeset') continue;
          for (const change of changes(entry.bytes)) {
            if (change.table !== 'mark' || change.op !== 'insert') continue;
            const mark = String(change.new?.[0]);
            marks.set(mark, (marks.get(mark) ?? 0) + 1);
          }
        }
      }
      if (sequence >= last) break;
    }
  } finally {
    await log.close();
  }
  return { marks, transactions: ids.size };
}

async function check(address: string, members: readonly Member[]): Promise<void> {
  compare(members);
  const last = members[0]?.verified?.sequence ?? 0;
  const { marks, transactions } = await marksOf(address, last);
  let acknowledged = 0;
  for (const { acknowledged: file, path, verified } of members) {
    const rejected = new Set(verified?.rejected);
    for (const mark of readFileSync(file, 'utf8').split('\n')) {
      if (mark.length !== 36) continue; // the last line may be incomplete
      acknowledged += 1;
      const times = (marks.get(mark) ?? 0) + (rejected.has(mark) ? 1 : 0);
      if (times !== 1)
        faults.push(`${path} answered ${mark}, which is in the history or rejected ${times} times`);
    }
  }
  const rows = members[0]?.verified?.tables['mark']?.rows;
  if (rows !== marks.size) faults.push(`${rows} marks in the table, ${marks.size} in the history`);
  const shell = nativeShell();
  for (const { path } of shell === undefined ? [] : members) {
    const said = execFileSync(String(shell), [path, 'PRAGMA integrity_check'], { encoding: 'utf8' }).trim();
    if (said !== 'ok') faults.push(`${path}: native integrity_check: ${said}`);
  }
  const sums: Record<string, number> = {};
  for (const { counts } of members) {
    for (const [key, value] of Object.entries(counts)) sums[key] = (sums[key] ?? 0) + value;
  }
  console.log(
    `${last} messages, ${transactions} transactions, ${acknowledged} answered; in the last lives of the copies ${JSON.stringify(sums)}`,
  );
}

/** Restores the stream from an old backup. Every copy must detect this. */
async function restore(server: NatsServer, saved: string, members: readonly Member[]): Promise<void> {
  await server.kill();
  rmSync(join(server.folder, 'data'), { recursive: true });
  cpSync(saved, join(server.folder, 'data'), { recursive: true });
  await server.start();
  for (const { path } of members) {
    const replica = await Replica.open(path, { log: natsLog({ servers: server.address, name }) });
    for (let i = 0; i < 400 && replica.status().state !== 'stopped'; i++) await sleep(25);
    const { problem } = replica.status();
    const reason = (problem as { reason?: string } | undefined)?.reason;
    if (reason !== 'restored') faults.push(`${path} follows a restored history: ${reason}`);
    await replica.close();
  }
}

console.log(`seed ${seed}, ${minutes} minutes, ${serverVersion}`);
const server = new NatsServer();
await server.start();
const members = [1, 2, 3, 4, 5].map((number) => new Member(number, () => server.port));
try {
  for (const { link, acknowledged } of members) {
    await link.start();
    appendFileSync(acknowledged, '');
  }
  const first = await Replica.open(members[0]?.path ?? '', {
    log: natsLog({ servers: server.address, name }),
    create: true,
  });
  await first.sync();
  await first.transaction((database) => database.exec(schema), { wait: true });
  await first.close();
  for (const member of members) member.start();
  const saved = join(folder, 'old');
  const end = Date.now() + minutes * 60_000;
  const middle = Date.now() + minutes * 20_000;
  let isSaved = false;
  while (Date.now() < end && faults.length === 0) {
    await sleep(300 + below(900));
    if (!isSaved && Date.now() > middle) {
      isSaved = true;
      await server.kill('SIGTERM');
      cpSync(join(server.folder, 'data'), saved, { recursive: true });
      await server.start();
    }
    await harm(server, members);
  }
  console.log(JSON.stringify(events));
  await settle(members);
  await check(server.address, members);
  for (const member of members) await member.kill();
  if (isSaved) await restore(server, saved, members);
} catch (error) {
  faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
} finally {
  for (const member of members) {
    await member.kill();
    await member.link[Symbol.asyncDispose]();
  }
  await server[Symbol.asyncDispose]();
}
for (const fault of faults.slice(0, 30)) console.error(`WRONG: ${fault}`);
if (faults.length > 0) {
  console.error(`${faults.length} faults; run it again with --seed ${seed}; the files are in ${folder}`);
  process.exitCode = 1;
} else {
  rmSync(folder, { recursive: true });
  console.log('all copies are equal');
}
