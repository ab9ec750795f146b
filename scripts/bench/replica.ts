/**
 * Measures copies over a real NATS server: one writer and two followers, each in its own process with a database file.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { NatsServer, serverVersion } from '../../test/replica/nats-server.js';
import { folder } from './databases.js';
import { median, print, short } from './measure.js';
import { type Copy, Follower, openCopy } from './replica-copy.js';

/** The duration of each load, in ms. */
const period = 4000;
/** The maximum number of transactions that wait to be ordered. */
const backlog = 5000;
const pendingCount = 5000;
const settings = 'sync_interval: 2m (the default), max_payload: 1 MB (the default), on this machine';

const table = 'CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, n INTEGER, x REAL)';
const immediate = (): Promise<void> => new Promise(setImmediate);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

function percentile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

let next = 0;

/** Inserts rows in one transaction. */
function insert(writer: Copy, rows: number): Promise<number> {
  return writer.transaction((database) => {
    const statement = database.prepare('INSERT INTO t VALUES(?, ?, ?, ?)');
    for (let i = 0; i < rows; i++) {
      next += 1;
      statement.run(next, `name ${next}`, next * 7, next / 3);
    }
  }).placed;
}

/** Writes as fast as possible, or at a given number of transactions per second. */
async function load(
  writer: Copy,
  followers: readonly Follower[],
  rows: number,
  rate?: number,
): Promise<{ transactions: number; seconds: number; lags: number[]; memory: number; messages: number }> {
  const before = writer.status().sequence;
  const began = Date.now();
  let transactions = 0;
  let last: Promise<number> = Promise.resolve(0);
  while (Date.now() - began < period) {
    last = insert(writer, rows);
    transactions += 1;
    if (rate !== undefined) await pause(Math.max(0, began + (1000 * transactions) / rate - Date.now()));
    else if (writer.status().pending > backlog) await last;
    else if (transactions % 8 === 0) await immediate();
  }
  const sequence = await last;
  const followed = await Promise.all(followers.map((follower) => follower.until(sequence)));
  return {
    transactions,
    seconds: (Math.max(...followed.map(({ at }) => at)) - began) / 1000,
    lags: followed.flatMap(({ lags }) => lags),
    memory: Math.max(...followed.map(({ memory }) => memory)),
    messages: sequence - before,
  };
}

async function following(server: NatsServer): Promise<void> {
  const writer = await openCopy(join(folder, 'writer.db'), server.address, 'bench', { create: true });
  await writer.sync();
  await writer.transaction((database) => database.exec(table), { wait: true });
  const followers = [1, 2].map((i) => new Follower(join(folder, `f${i}.db`), server.address, 'bench'));
  for (const follower of followers) await follower.ready();
  const lines: string[][] = [];
  await load(writer, followers, 10); // warms up
  for (const rows of [1, 10, 100]) {
    const { transactions, seconds, memory, messages } = await load(writer, followers, rows);
    const steady = await load(writer, followers, rows, 100);
    lines.push([
      String(rows),
      short(transactions / seconds),
      short((transactions * rows) / seconds),
      short(transactions / messages),
      short(median(steady.lags)),
      short(percentile(steady.lags, 0.99)),
      megabytes(memory),
      megabytes(process.memoryUsage.rss()),
    ]);
  }
  print(
    `One writer and two followers, until both have all transactions; ${settings}`,
    ['rows', 'transactions/s', 'rows/s', 'per message', 'lag ms*', '99th', 'follower', 'writer'],
    lines,
  );
  console.log('  * of messages at 100 transactions a second');
  for (const follower of followers) follower.end();
  await writer.close();
}

async function pending(server: NatsServer): Promise<void> {
  const name = 'pending';
  const functions = {
    add: (database: Copy['database'], id: number) =>
      void database.prepare('INSERT INTO t VALUES(?, ?, 1, 1.5)').run(id, `name ${id}`),
  };
  const a = await openCopy(join(folder, 'other.db'), server.address, name, { create: true });
  await a.sync();
  await a.transaction((database) => database.exec(table), { wait: true });
  const lines: string[][] = [];
  for (const policy of ['rerun', 'reject'] as const) {
    const path = join(folder, `${policy}.db`);
    const copy = await openCopy(path, server.address, name, { functions });
    await copy.sync();
    await copy.close();
    const away = await openCopy(path, 'nats://127.0.0.1:1', name, { functions });
    const base = policy === 'rerun' ? 1e6 : 2e6;
    let began = performance.now();
    for (let i = 0; i < pendingCount; i++) away.transaction('add', [base + i]);
    const written = performance.now() - began;
    await away.close();
    for (let i = 0; i < 100; i++) await insert(a, 1);
    began = performance.now();
    const back = await openCopy(path, server.address, name, policy === 'rerun' ? { functions } : {});
    await back.sync();
    lines.push([policy, short(written / 1000), short((performance.now() - began) / 1000)]);
    await back.close();
  }
  print(
    `${pendingCount} pending transactions, rebased on 100 messages and published, in seconds`,
    ['policy', 'committed in', 'opened, rebased and published in'],
    lines,
  );
  await a.close();
}

async function writing(server: NatsServer): Promise<void> {
  const name = 'writers';
  const first = await openCopy(join(folder, 'first.db'), server.address, name, { create: true });
  await first.sync();
  await first.transaction((database) => database.exec(table), { wait: true });
  next = 0;
  await insert(first, 10);
  await first.close();
  const writers = [1, 2, 3].map((i) => new Follower(join(folder, `w${i}.db`), server.address, name));
  for (const writer of writers) await writer.ready();
  const lines: string[][] = [];
  for (const rows of ['own', 'same'] as const) {
    const began = Date.now();
    const wrote = await Promise.all(
      writers.map((writer, i) => writer.write({ rows, base: (i + 1) * 1e7, period })),
    );
    const sequence = Math.max(...wrote.map((one) => one.sequence));
    const followed = await Promise.all(writers.map((writer) => writer.until(sequence)));
    const [transactions, redone, rejected] = (['transactions', 'redone', 'rejected'] as const).map((what) =>
      wrote.reduce((sum, one) => sum + one[what], 0),
    ) as [number, number, number];
    lines.push([
      rows === 'own' ? 'rows of its own' : 'the same ten rows',
      short(transactions / ((Math.max(...followed.map(({ at }) => at)) - began) / 1000)),
      short(redone / transactions),
      String(rejected),
      megabytes(Math.max(...followed.map(({ memory }) => memory))),
    ]);
  }
  print(
    'Three writers, one row a transaction, until all have all transactions',
    ['each writes', 'transactions/s', 'rebases each', 'rejected', 'memory'],
    lines,
  );
  for (const writer of writers) writer.end();
}

async function joining(server: NatsServer, isFull: boolean): Promise<void> {
  const path = join(folder, 'large.db');
  const a = await openCopy(path, server.address, 'large', { create: true });
  await a.sync();
  await a.transaction((database) => database.exec('CREATE TABLE l(id INTEGER PRIMARY KEY, data BLOB)'), {
    wait: true,
  });
  for (let i = 0; i < (isFull ? 192 : 20); i++) {
    await a.transaction((database) => {
      database.exec(`INSERT INTO l(data) SELECT CAST(hex(randomblob(500)) AS BLOB) FROM
        (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c LIMIT 5000) SELECT n FROM c)`);
    }).placed;
  }
  let began = performance.now();
  const snapshot = await a.snapshot();
  const stored = performance.now() - began;
  await a.trim(snapshot); // so that the new copy has to begin with the snapshot
  began = performance.now();
  const b = new Follower(join(folder, 'joined.db'), server.address, 'large');
  await b.ready();
  const joined = performance.now() - began;
  const { memory } = await b.until(a.status().sequence);
  const size = statSync(join(folder, 'joined.db')).size;
  print(
    `A new copy of ${megabytes(size)}, which gzip compresses to half, in seconds`,
    ['', ''],
    [
      ['storing the snapshot', short(stored / 1000)],
      ['starting a process, loading the snapshot and following', short(joined / 1000)],
      ['memory of the writer', megabytes(process.memoryUsage.rss())],
      ['memory of the new copy', megabytes(memory)],
    ],
  );
  b.end();
  await a.close();
}

export async function run(isFull: boolean): Promise<void> {
  if (serverVersion === undefined) {
    console.log('\nreplica is skipped: set NATS_SERVER to a nats-server, or put one in PATH');
    return;
  }
  await using server = new NatsServer();
  await server.start();
  console.log(`\n${serverVersion}; files in WAL mode with synchronous=NORMAL`);
  await following(server);
  await writing(server);
  await pending(server);
  await joining(server, isFull);
}
