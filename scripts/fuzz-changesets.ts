/**
 * Damages changesets at random and puts them through everything: the codec and the C library must refuse the same
 * ones, and nothing may crash, hang or grow. Only a type of value that there is not is read as NULL by the C
 * iterator, and refused by the codec and by whatever else of the C library reads it.
 *
 *     npm run test:fuzz                        a million
 *     npm run test:fuzz -- --count 10000 --seed 7
 */

import { join } from 'node:path';
import { dist } from './sources.js';

interface Api {
  DatabaseSync: typeof import('sqlite-wasm-run').DatabaseSync;
  Changeset: typeof import('sqlite-wasm-run').Changeset;
}
type Codec = typeof import('sqlite-wasm-run/changeset');

const { DatabaseSync, Changeset } = (await import(join(dist, 'index.js'))) as Api;
const codec = (await import(join(dist, 'changeset/index.js'))) as Codec;

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

/** Whether the action was refused: with an error of ours, and no other. */
function refused(action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch (error) {
    const { name } = error as Error;
    if (name !== 'SqliteError' && name !== 'ChangesetError') throw error;
    return true;
  }
}

let wrong = 0;
let kept = 0;
const started = Date.now();
let memory = 0;
for (let i = 0; i < count; i++) {
  const bytes = mutant();
  const changeset = new Changeset(bytes);
  let why = '';
  const byC = refused(() => [...changeset]);
  const byUs = refused(() => {
    try {
      return [...codec.changes(bytes)];
    } catch (error) {
      why = (error as Error).message;
      throw error;
    }
  });
  const known = byUs && why.startsWith('there is no type');
  if (byC !== byUs && !known) {
    wrong += 1;
    console.log(
      `reading: C ${byC ? 'refuses' : 'accepts'}, we do not agree: ${Buffer.from(bytes).toString('hex')}`,
    );
  }
  if (!byC) kept += 1;
  refused(() => codec.invert(bytes));
  refused(() => changeset.invert());
  const other = seeds[random(seeds.length)] as Uint8Array;
  refused(() => codec.concat(other, bytes));
  refused(() => changeset.concat(other));
  if (i % 4 === 0) refused(() => new Changeset(other).rebase(bytes));
  if (i % 4 === 1) refused(() => changeset.rebase(...rebases));
  if (i % 4 === 2)
    refused(() => db.apply(changeset, { policy: 'theirs', dryRun: true, noUpdateLoop: random(2) === 0 }));
  if (i % 4 === 3) refused(() => codec.fromJson(codec.toJson(bytes)));
  if (i === Math.floor(count / 10))
    memory = process.memoryUsage().arrayBuffers + process.memoryUsage().external;
}
const now = process.memoryUsage().arrayBuffers + process.memoryUsage().external;
const growth = now / Math.max(memory, 1);
const sound = Object.values(db.prepare('PRAGMA integrity_check').get() ?? {})[0];
console.log(
  `${count} changesets in ${Math.round((Date.now() - started) / 1000)} s: ${kept} still read, ${wrong} disagreements, ` +
    `memory x ${growth.toFixed(2)}, database ${sound}`,
);
if (wrong > 0 || sound !== 'ok' || growth > 2) process.exitCode = 1;
