/**
 * Damages changesets at random, and reads, inverts, joins, applies and rebases each with the codec and with the C
 * library. Both must refuse the same changesets and give the same results for the others. Nothing may crash, hang or
 * leak memory. The codec differs in three known ways:
 *
 *   - The C iterator reads an unknown value type as NULL, also when it inverts an UPDATE. The codec refuses it, as C
 *     does when it joins.
 *   - The C iterator reads a NaN as NULL.
 *   - C inverts an INSERT or DELETE before the first table, although it refuses to read it.
 *
 *     npm run test:fuzz                        a million
 *     npm run test:fuzz -- --count 10000 --seed 7
 */

import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { dist } from './sources.js';

interface Api {
  DatabaseSync: typeof import('sqlite-wasm-run').DatabaseSync;
  Changeset: typeof import('sqlite-wasm-run').Changeset;
}
type Codec = typeof import('sqlite-wasm-run/changeset');

const { DatabaseSync, Changeset } = (await import(join(dist, 'index.js'))) as Api;
const codec = (await import(join(dist, 'changeset/index.js'))) as Codec;
const { engine } = (await import(join(dist, 'internals.js'))) as typeof import('../host/internals.js');

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const count = option('count', 1_000_000);
let state = option('seed', Date.now() % 1_000_000);
console.log(`seed ${state}`);
const random = (below: number): number => {
  state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
  return (state >>> 0) % below;
};

const schema = `CREATE TABLE a(id INTEGER PRIMARY KEY, x, y); CREATE TABLE b(x, k1, k2, PRIMARY KEY(k2, k1)) WITHOUT ROWID;
  INSERT INTO a VALUES(1,'one',1.5),(2,NULL,x'00'),(3,3,3); INSERT INTO b VALUES(1,'k',2),('x','l',3);`;
const db = new DatabaseSync(':memory:');
db.exec(schema);
const seeds: Uint8Array[] = [];
for (const sql of [
  "INSERT INTO a VALUES(4,'four',4.0),(5,x'ff',NULL); DELETE FROM b WHERE k1='k'",
  "UPDATE a SET x='changed' WHERE id<3; UPDATE b SET x=NULL; INSERT INTO b VALUES(5,'m',9)",
  'DELETE FROM a; UPDATE b SET k1=k1||k2',
]) {
  const session = db.createSession();
  db.exec(`BEGIN; ${sql}`);
  seeds.push(session.changeset(), session.patchset());
  session.close();
  db.exec('ROLLBACK');
}
const rebases = [
  db.apply(seeds[2] ?? new Uint8Array(0), { policy: 'theirs', dryRun: true }).rebase,
  new Uint8Array(0),
];

function mutant(): Uint8Array {
  const bytes = (seeds[random(seeds.length)] as Uint8Array).slice();
  for (let n = 1 + random(3); n > 0; n--)
    bytes[random(bytes.length)] = random(3) === 0 ? random(256) : random(24);
  return random(8) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

/** Returns the result of an action; undefined if it throws one of this package's errors. */
function result<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    const { name } = error as Error;
    if (name !== 'SqliteError' && name !== 'ChangesetError') throw error;
    return undefined;
  }
}

/** A thread that ends the run and prints the changeset if one changeset takes a minute. */
const watched = new SharedArrayBuffer(4096);
const watchedCount = new Int32Array(watched, 0, 2);
const watchedBytes = new Uint8Array(watched, 8);
const watchdog = new Worker(
  `const { workerData } = require('node:worker_threads');
   const [count, size] = [new Int32Array(workerData, 0, 1), new Int32Array(workerData, 4, 1)];
   let before = -1;
   setInterval(() => {
     if (Atomics.load(count, 0) === before) {
       const bytes = Buffer.from(new Uint8Array(workerData, 8, size[0]));
       require('node:fs').writeSync(1, 'hangs on ' + bytes.toString('hex') + '\\n');
       process.kill(process.pid, 'SIGKILL');
     }
     before = Atomics.load(count, 0);
   }, 60_000);`,
  { eval: true, workerData: watched },
);
function watch(number: number, bytes: Uint8Array): void {
  watchedBytes.set(bytes);
  watchedCount[1] = bytes.length;
  Atomics.store(watchedCount, 0, number);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** The used bytes of the core, and of JavaScript after a garbage collection. */
async function memory(): Promise<{ core: number; heap: number; buffers: number }> {
  collect();
  await setTimeout(200); // buffers are freed in the background
  collect();
  const { heapUsed: heap, arrayBuffers: buffers } = process.memoryUsage();
  return { core: engine().core.memory.bytes.length, heap, buffers };
}

let disagreements = 0;
function compare(what: string, bytes: Uint8Array, c: unknown, ours: unknown): void {
  if (isDeepStrictEqual(c, ours)) return;
  disagreements += 1;
  const word = (value: unknown): string =>
    value === undefined
      ? 'refuses'
      : value instanceof Uint8Array
        ? Buffer.from(value).toString('hex')
        : 'reads';
  console.log(`${what}: C ${word(c)}, the codec ${word(ours)}: ${Buffer.from(bytes).toString('hex')}`);
}

type Change = import('sqlite-wasm-run/changeset').Change;
function asC({ old, new: fresh, ...change }: Change): object {
  const values = (all: Change['old']): Change['old'] =>
    all.map((value) => (Number.isNaN(value) ? null : value));
  return { ...change, old: values(old), new: values(fresh) };
}

let read = 0;
let applied = 0;
let slowest = 0;
let early = await memory();
const started = Date.now();
for (let i = 0; i < count; i++) {
  const bytes = mutant();
  watch(i, bytes);
  const before = performance.now();
  const changeset = new Changeset(bytes);
  const other = seeds[random(seeds.length)] as Uint8Array;
  let unknownType = false;
  const ours = result(() => {
    try {
      return [...codec.changes(bytes)];
    } catch (error) {
      unknownType = (error as Error).message.startsWith('unknown value type');
      throw error;
    }
  });
  const c = result(() => [...changeset]);
  if (c) read += 1;
  if (!unknownType) {
    compare('reading', bytes, c, ours?.map(asC));
  }
  const inverse = result(() => changeset.invert().bytes);
  const ourInverse = result(() => codec.invert(bytes));
  const headless = bytes[0] !== 0x54 && bytes[0] !== 0x50;
  if (!unknownType && !headless) compare('inverting', bytes, inverse, ourInverse);
  compare(
    'joining',
    bytes,
    result(() => Changeset.concat(other, bytes).bytes),
    result(() => codec.concat(other, bytes)),
  );
  if (ours) result(() => codec.fromJson(codec.toJson(bytes)));
  result(() => codec.validate(bytes));
  result(() => codec.toSql(bytes));
  const options = { policy: 'theirs', dryRun: true, noUpdateLoop: random(2) === 0 } as const;
  if (result(() => db.apply(changeset, options))) applied += 1;
  result(() => changeset.rebase(...rebases));
  result(() => new Changeset(other).rebase(bytes));
  slowest = Math.max(slowest, performance.now() - before);
  if (i === Math.floor(count / 10)) early = await memory();
  if (i % 100_000 === 99_999) console.log(`${i + 1} after ${Math.round((Date.now() - started) / 1000)} s`);
}
await watchdog.terminate();
const late = await memory();
const growth = {
  core: late.core / early.core,
  heap: late.heap / early.heap,
  buffers: late.buffers / Math.max(early.buffers, 1 << 20),
};
const sound = Object.values(db.prepare('PRAGMA integrity_check').get() ?? {})[0];
console.log(
  `${count} changesets in ${Math.round((Date.now() - started) / 1000)} s: ${read} still read, ${applied} applied, ` +
    `${disagreements} disagreements, the slowest took ${slowest.toFixed(0)} ms; since the first tenth the core's memory ` +
    `is x ${growth.core.toFixed(2)}, the heap x ${growth.heap.toFixed(2)}, buffers x ${growth.buffers.toFixed(2)}; ` +
    `database ${sound}`,
);
if (disagreements > 0 || sound !== 'ok' || Math.max(growth.core, growth.heap, growth.buffers) > 1.2) {
  process.exitCode = 1;
}
