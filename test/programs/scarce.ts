/**
 * Runs operations with less and less memory, for the suites of scripts/reliability:
 *
 *     node --expose-gc scarce.ts DIST STEP
 *
 * `PRAGMA hard_heap_limit` limits the memory. A ballast of rows, larger by STEP each time, takes memory until nothing
 * works. Each operation must succeed, or fail with SQLITE_NOMEM without any effect. Prints JSON: how often each
 * operation failed, the errors, and the largest ballast before and after, which is smaller if memory was leaked.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [dist = '', step = ''] = process.argv.slice(2);
const { DatabaseSync, Changeset, ChangesetGroup } = (await import(
  pathToFileURL(join(dist, 'index.js')).href
)) as typeof import('sqlite-wasm-run');

const db = new DatabaseSync(':memory:');
db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT UNIQUE, v);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<300) INSERT INTO t SELECT i, 'k'||i, hex(zeroblob(40)) FROM n`);
const changes = (() => {
  using session = db.createSession();
  db.exec(
    'BEGIN; UPDATE t SET v=v||1 WHERE id%2; DELETE FROM t WHERE id%5=0; INSERT INTO t SELECT id+1000, -id, v FROM t',
  );
  const taken = session.changeset();
  db.exec('ROLLBACK');
  return taken;
})();
const sum = db.prepare('SELECT count(*)||total(id)||total(length(v)) AS r FROM t');
const before = sum.get()?.r;

const things: Readonly<Record<string, () => void>> = {
  prepare: () => void db.prepare(`SELECT ${'a.v||b.k,'.repeat(60)}1 FROM t a, t b WHERE a.id IN (1,2,3)`),
  step: () => void db.prepare('SELECT group_concat(v, k) AS c FROM t ORDER BY v').all(),
  sort: () => void db.prepare('SELECT v, k FROM t ORDER BY v, k DESC').all(),
  write: () => db.exec('BEGIN; UPDATE t SET v=v||v; INSERT INTO t SELECT id+1000, -id, v FROM t; ROLLBACK'),
  session: () => {
    using session = db.createSession();
    db.exec('BEGIN; UPDATE t SET v=v||1');
    session.changeset();
    session.patchset();
    db.exec('ROLLBACK');
  },
  apply: () => {
    db.exec('BEGIN');
    if (!db.applyChangeset(changes)) throw new Error('a conflict');
    db.exec('ROLLBACK');
  },
  'apply with a report': () => {
    db.exec('BEGIN');
    if (!db.apply(changes).applied) throw new Error('a conflict');
    db.exec('ROLLBACK');
  },
  invert: () => void new Changeset(changes).invert(),
  group: () => {
    using group = new ChangesetGroup();
    group.add(changes);
    group.add(new Changeset(changes).invert());
    group.output();
  },
  function: () => {
    db.function('twice', (text) => `${text}${text}`);
    db.prepare('SELECT length(group_concat(twice(v))) AS n FROM t').get();
  },
};

/** Statements that are forgotten are finalized when they are collected. */
async function collect(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await new Promise(setImmediate);
  }
}

/** Rows that use memory until this is closed. */
class Ballast implements Disposable {
  readonly #db = new DatabaseSync(':memory:');
  rows = 0;

  /** @param most rows; as many as fit if undefined */
  constructor(most = Number.POSITIVE_INFINITY, more = 0) {
    try {
      this.#db.exec(`CREATE TABLE ballast(v); INSERT INTO ballast VALUES(zeroblob(${more}))`);
      const insert = this.#db.prepare('INSERT INTO ballast VALUES(zeroblob(4000))');
      for (; this.rows < most; this.rows++) insert.run();
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== 7) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

const wrong: string[] = [];
/** Returns whether the operation succeeded. */
function attempt(name: string, thing: () => void): boolean {
  try {
    thing();
    return true;
  } catch (error) {
    const { errcode, message } = error as { errcode?: number; message: string };
    // SQLITE_NOMEM or SQLITE_IOERR_NOMEM
    if (errcode !== 7 && errcode !== 3082) wrong.push(`${name}: ${errcode} ${message}`);
    return false;
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

db.prepare('PRAGMA hard_heap_limit=6000000').get();
for (const [name, thing] of Object.entries(things))
  if (!attempt(name, thing)) wrong.push(`${name} failed without ballast`);
await collect();
const most = (): number => {
  using ballast = new Ballast();
  return ballast.rows;
};
const largest = most();
const failed = Object.fromEntries(Object.keys(things).map((name) => [name, 0]));
let attempts = 0;
for (
  let rows = Math.max(0, largest - 250), i = 0;
  rows < largest && wrong.length < 20;
  rows += Number(step), i++
) {
  await collect();
  using _ballast = new Ballast(rows, 512 * (i % 8));
  for (const [name, thing] of Object.entries(things)) {
    attempts += 1;
    if (!attempt(name, thing)) failed[name] = (failed[name] ?? 0) + 1;
  }
  attempt('look', () => {
    const is = sum.get()?.r;
    if (is !== before) wrong.push(`beside ${rows} rows there is ${is}, before ${before}`);
  });
}
await collect();
for (const [name, thing] of Object.entries(things))
  if (!attempt(name, thing)) wrong.push(`${name} failed afterwards`);
await collect();
console.log(JSON.stringify({ attempts, failed, wrong, before: largest, after: most() }));
