/**
 * A process of torture-replica.ts with one copy. It writes at random until it is told to finish, then waits until
 * everything is stored and reports its content.
 *
 *     torture-replica-copy.ts FILE NAME SERVER SEED ACKNOWLEDGED POLICY JOURNAL
 */

import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReplicaPolicy } from 'sqlite-wasm-run/replica';
import { randomOf } from '../test/kit/random.js';
import { dist } from './sources.js';
import { drawn, faultsOf, functions } from './torture-replica-work.js';

const { DatabaseSync, SqliteError } = (await import(
  join(dist, 'index.js')
)) as typeof import('sqlite-wasm-run');
const { natsLog, Replica, ReplicaError } = (await import(
  join(dist, 'replica/index.js')
)) as typeof import('sqlite-wasm-run/replica');

const [path = '', name = '', servers = '', seed = '', acknowledged = '', policy = '', journal = ''] =
  process.argv.slice(2);
const mostPending = 200;
/** SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN. */
const machine = new Set([10, 13, 14]);
const below = randomOf(Number(seed));
const tell = (message: object): void => void process.send?.(message);

if (!existsSync(path)) {
  using database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA journal_mode=${journal}`);
  } catch {
    // If the disk is full, the copy continues without this.
  }
}
const replica = await Replica.open(path, {
  log: natsLog({ servers, name, timeout: 1000 }),
  policy: policy as ReplicaPolicy,
  functions,
}).catch((error: unknown) => {
  // A new copy needs the server, and every copy needs disk space, so it tries again.
  if (error instanceof ReplicaError && error.reason === 'unavailable') process.exit(1);
  if (error instanceof SqliteError && machine.has(error.errcode & 0xff)) process.exit(1);
  throw error;
});
const counts = { committed: 0, waited: 0, refused: 0, redone: 0, rejected: 0 };
replica.on('redone', () => counts.redone++);
replica.on('rejected', () => counts.rejected++);
replica.on('stopped', (error) => tell({ stopped: error.message }));

let isFinishing = false;
process.on('message', (message) => {
  if (message === 'finish') isFinishing = true;
  if (message === 'verify') void verify();
  if (message === 'end') void replica.close().then(() => process.exit(0));
});
process.on('disconnect', () => process.exit(1));
tell({ ready: true });

/** Write acknowledged transactions to a file at once, so that a kill cannot lose them. */
const note = (mark: string): void => appendFileSync(acknowledged, `${mark}\n`);

async function write(): Promise<void> {
  const { name: action, numbers, wait } = drawn(below);
  const mark = randomUUID();
  const args = [mark, path.slice(-4), ...numbers];
  try {
    if (wait) {
      await replica.transaction(action, args, { wait: true });
      counts.waited++;
    } else {
      replica.transaction(action, args);
      counts.committed++;
    }
    note(mark);
  } catch {
    counts.refused++; // CHECK failed, or the server does not answer
  }
}

const open = new Set<Promise<void>>();
while (!isFinishing) {
  const kind = below(10);
  // Do not wait here, so that other transactions can continue.
  const written = write();
  open.add(written);
  void written.finally(() => open.delete(written));
  if (kind < 8) await Promise.race([written, sleep(20)]);
  await sleep(kind === 9 ? 100 : below(12));
  // Limit the pending transactions. Otherwise, on a slow machine, five copies would write faster than they can rebase.
  while (!isFinishing && replica.status().pending > mostPending) await sleep(50);
}

await Promise.all(open);
for (;;) {
  const { state, pending } = replica.status();
  if (state === 'stopped') break;
  if (pending === 0 && state === 'online') break;
  await sleep(50);
}
tell({ finished: true, counts });

async function verify(): Promise<void> {
  await replica.sync();
  const { sequence, schema, tables } = await replica.verify();
  const rejected = replica.rejected().flatMap(({ call }) => (call ? [String(call.args[0])] : []));
  tell({ verified: { sequence, schema, tables, rejected, faults: faultsOf(replica.database) } });
}
