/**
 * A process of scripts/try-system.ts: this package or native SQLite (node:sqlite) uses a file. It writes its answer to a
 * file, because pipes under Wine do not work with every Node.
 *
 *     node beside-native.ts ours|native DATABASE ANSWER make|hold|probe|count|look SQL or number
 */

import { existsSync, renameSync, writeFileSync } from 'node:fs';

const [kind, path = '', answerFile = '', action, value = ''] = process.argv.slice(2);
const source: string = kind === 'ours' ? 'sqlite-wasm-run' : 'node:sqlite';
const { DatabaseSync } = (await import(source)) as typeof import('sqlite-wasm-run');

/** Writes the answer atomically, because another process waits for the file. */
function answer(what: unknown): void {
  writeFileSync(`${answerFile}.part`, JSON.stringify(what));
  renameSync(`${answerFile}.part`, answerFile);
}

const isBusy = (error: unknown): boolean => /database is locked/.test((error as Error).message);

/** Which operations are possible now: read, begin to write, write. */
function probe(): boolean[] {
  return ['SELECT count(*) FROM c', 'BEGIN IMMEDIATE', 'BEGIN EXCLUSIVE'].map((sql) => {
    const db = new DatabaseSync(path);
    try {
      db.exec(sql);
      return true;
    } catch (error) {
      if (!isBusy(error)) throw error;
      return false;
    } finally {
      db.close();
    }
  });
}

/** Moves an amount between two accounts `times` times, and repeatedly reports the number. */
function count(times: number): void {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA busy_timeout=120000; PRAGMA cache_size=5');
  for (let done = 1; done <= times; done++) {
    db.exec(`BEGIN IMMEDIATE; UPDATE c SET n=n+1; UPDATE bank SET v=v-1 WHERE id=1+abs(random())%100;
      UPDATE bank SET v=v+1 WHERE id=1+abs(random())%100; COMMIT`);
    const sum = db.prepare('SELECT sum(v) AS sum FROM bank').get()?.['sum'];
    if (sum !== 0) throw new Error(`the sum of the accounts is ${sum}`);
    answer(done);
  }
  db.close();
}

try {
  const db = ['make', 'hold', 'look'].includes(action ?? '') ? new DatabaseSync(path) : undefined;
  if (action === 'make') {
    db?.exec(`CREATE TABLE c(n); INSERT INTO c VALUES (0); CREATE TABLE bank(id INTEGER PRIMARY KEY, v, pad);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<100)
      INSERT INTO bank SELECT i, 0, randomblob(300) FROM n`);
    answer('made');
  } else if (action === 'hold') {
    db?.exec(value);
    const open = db?.prepare('SELECT n FROM c').all();
    answer(open);
    // Waits until the answer file is removed.
    while (existsSync(answerFile)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  } else if (action === 'probe') {
    answer(probe());
  } else if (action === 'count') {
    count(Number(value));
  } else {
    const { n, sum } = db?.prepare('SELECT n, (SELECT sum(v) FROM bank) AS sum FROM c').get() ?? {};
    answer({ n, sum, check: db?.prepare('PRAGMA integrity_check').get()?.['integrity_check'] });
  }
  db?.close();
} catch (error) {
  answer({ error: String(error) });
  process.exitCode = 1;
}
