/** Reads 100,000 changes with every value: the codec against the native C iterator, in one run. Needs a C compiler. */

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChangesetReader } from '../host/changeset/index.js';
import { amalgamation, cache, dist, fetchSource, root } from './sources.js';

const { DatabaseSync } = (await import(join(dist, 'index.js'))) as {
  DatabaseSync: typeof import('sqlite-wasm-run').DatabaseSync;
};
const work = join(cache, 'bench');
mkdirSync(work, { recursive: true });
const sqlite = join(fetchSource(amalgamation), 'deps/sqlite3');
const object = join(work, 'sqlite3.o');
const compiler = process.env.CC ?? 'cc';
if (!existsSync(object)) {
  const flags = [
    '-O2',
    '-w',
    '-DSQLITE_ENABLE_SESSION',
    '-DSQLITE_ENABLE_PREUPDATE_HOOK',
    '-DSQLITE_THREADSAFE=0',
  ];
  execFileSync(compiler, [...flags, '-c', join(sqlite, 'sqlite3.c'), '-o', object], { stdio: 'inherit' });
}
const program = join(work, 'iterate');
copyFileSync(join(root, 'test/programs/iterate.c'), join(work, 'iterate.c'));
execFileSync(compiler, [
  '-O2',
  '-DSQLITE_ENABLE_SESSION',
  '-DSQLITE_ENABLE_PREUPDATE_HOOK',
  `-I${sqlite}`,
  join(work, 'iterate.c'),
  object,
  '-lm',
  '-o',
  program,
]);

const db = new DatabaseSync(':memory:');
db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, amount REAL, count INT, note, data BLOB);
  WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<60000)
  INSERT INTO t SELECT x, 'name '||x, x*1.5, x*7, CASE WHEN x%3 THEN 'a note of some length '||x END, randomblob(12) FROM c`);
const session = db.createSession();
db.exec(`UPDATE t SET name='changed '||id, count=count+1 WHERE id<=30000; DELETE FROM t WHERE id>40000;
  WITH RECURSIVE c(x) AS (SELECT 60001 UNION ALL SELECT x+1 FROM c WHERE x<110000)
  INSERT INTO t SELECT x, 'name '||x, x*1.5, x*7, NULL, randomblob(12) FROM c`);
const bytes = session.changeset();
writeFileSync(join(work, 'bench.changeset'), bytes);

function readAll(): { changes: number; sum: number } {
  const reader = new ChangesetReader(bytes);
  let changes = 0;
  let sum = 0;
  const take = (place: number): void => {
    switch (reader.typeAt(place)) {
      case 1:
        sum += reader.numberAt(place);
        break;
      case 2:
        sum += reader.realAt(place);
        break;
      case 3: {
        const text = reader.textAt(place);
        sum += text.charCodeAt(0) + text.length;
        break;
      }
      case 4:
        sum += reader.bytesAt(place).length;
        break;
    }
  };
  while (reader.next()) {
    for (let i = 0; i < reader.columns; i++) {
      take(reader.oldAt(i));
      take(reader.newAt(i));
    }
    changes += 1;
  }
  return { changes, sum };
}

let best = Number.POSITIVE_INFINITY;
let ours = { changes: 0, sum: 0 };
for (let round = 0; round < 15; round++) {
  const start = performance.now();
  ours = readAll();
  best = Math.min(best, performance.now() - start);
}
const c = JSON.parse(execFileSync(program, [join(work, 'bench.changeset')], { encoding: 'utf8' })) as {
  ms: number;
  changes: number;
  sum: number;
};
console.log(
  `${c.changes} changes, ${bytes.length} bytes: C ${c.ms.toFixed(1)} ms, codec ${best.toFixed(1)} ms: x ${(best / c.ms).toFixed(2)}`,
);
if (c.changes !== ours.changes || Math.abs(c.sum - ours.sum) > 1e-6 * Math.abs(c.sum)) {
  throw new Error(`they read different things: ${JSON.stringify(c)} and ${JSON.stringify(ours)}`);
}
