/**
 * A process of the torture with one copy: writes at random until it is told to finish, then settles and says what it has.
 *
 *     torture-replica-copy.ts FILE NAME SERVER SEED ACKNOWLEDGED
 */

import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomOf } from '../test/kit/random.js';
import { dist } from './sources.js';
import { drawn, faultsOf, functions } from './torture-replica-work.js';

const { natsLog, Replica, ReplicaError } = (await import(
  join(dist, 'replica/index.js')
)) as typeof import('sqlite-wasm-run/replica');

const [path = '', name = '', servers = '', seed = '', acknowledged = ''] = process.argv.slice(2);
const below = randomOf(Number(seed));
const tell = (message: object): void => void process.send?.(message);

const replica = await Replica.open(path, {
  log: natsLog({ servers, name, timeout: 1000 }),
  functions,
}).catch((error: unknown) => {
  // A new copy needs the server: it is tried again.
  if (error instanceof ReplicaError && error.reason === 'unavailable') process.exit(1);
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

/** What was answered is in a file before anything else happens: a kill cannot forget it. */
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

while (!isFinishing) {
  const kind = below(10);
  // A wait must not keep the others waiting.
  const written = write();
  if (kind < 8) await Promise.race([written, sleep(20)]);
  await sleep(kind === 9 ? 100 : below(12));
}

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
