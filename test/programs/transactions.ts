/**
 * Commits transactions of many kinds in its own process, for the suites of scripts/reliability:
 *
 *     transactions.ts DIST FOLDER JOURNAL SYNCHRONOUS COUNT SEED
 *
 * on FOLDER/a.db and FOLDER/b.db. After each transaction it appends a line to FOLDER/acknowledged with the results of
 * the queries in FOLDER/../queries, separated by tabs.
 */

import { openSync, readFileSync, writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [dist = '', folder = '', journal = '', synchronous = '', count = '0', seed = '1'] =
  process.argv.slice(2);
const { DatabaseSync, Changeset } = (await import(
  pathToFileURL(`${dist}/index.js`).href
)) as typeof import('sqlite-wasm-run');

let state = Math.imul(Number(seed), 2_654_435_761) + 1;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

const db = new DatabaseSync(`${folder}/a.db`);
const isWal = journal.endsWith('wal');
if (journal === 'exclusive-wal') db.exec('PRAGMA locking_mode=exclusive');
db.exec(`PRAGMA journal_mode=${isWal ? 'wal' : journal}; PRAGMA synchronous=${synchronous}`);
db.prepare('ATTACH ? AS b').run(`${folder}/b.db`);
db.exec(`PRAGMA b.journal_mode=${isWal ? 'wal' : journal}; PRAGMA b.synchronous=${synchronous};
  PRAGMA cache_size=8; PRAGMA cache_spill=8; PRAGMA wal_autocheckpoint=20`);
const queries = readFileSync(`${folder}/../queries`, 'utf8')
  .trim()
  .split('\n')
  .map((sql) => db.prepare(sql));
const out = openSync(`${folder}/acknowledged`, 'a');
function acknowledge(): void {
  const results = queries.map((query) => String(Object.values(query.get() ?? {})[0]));
  writeSync(out, `${results.join('\t')}\n`);
}

/** A few statements. */
function change(after = (): void => {}): void {
  const size = random(4) === 0 ? 2500 : 300;
  for (let i = random(6); i >= 0; i--) {
    const id = random(40);
    const what = random(4);
    if (what === 0) db.exec(`DELETE FROM t WHERE id=${id}`);
    else if (what === 1) db.exec(`UPDATE t SET v=zeroblob(${random(size)}), k=k||'x' WHERE id=${id}`);
    else db.exec(`INSERT OR REPLACE INTO t VALUES(${id}, 'k${random(1000)}', randomblob(${random(size)}))`);
    after();
  }
}
function transaction(work: () => void, end = 'COMMIT'): void {
  db.exec('BEGIN IMMEDIATE; UPDATE state SET n=n+1');
  work();
  db.exec(end);
}

const kinds: readonly (() => void)[] = [
  () => transaction(change),
  () => change(acknowledge), // each statement commits
  () => transaction(() => db.exec(`UPDATE t SET v=randomblob(${300 + random(600)})`)), // more than the cache holds
  () =>
    transaction(() => {
      change();
      db.exec('SAVEPOINT s');
      change();
      db.exec(random(2) ? 'ROLLBACK TO s' : 'RELEASE s');
      change();
    }),
  () => transaction(() => db.exec('UPDATE t SET v=zeroblob(900)'), 'ROLLBACK'),
  () => {
    using session = db.createSession({ filter: ['t'] });
    transaction(change);
    acknowledge();
    db.applyChangeset(new Changeset(session.changeset()).invert());
  },
  () => {
    using session = db.createSession({ filter: ['t'] });
    db.exec('BEGIN');
    change();
    const changes = session.changeset();
    db.exec('ROLLBACK');
    transaction(() => void db.applyChangeset(changes));
  },
  () =>
    transaction(() => {
      change();
      if (!isWal)
        db.exec(
          `REPLACE INTO b.other VALUES(${random(4)}, randomblob(${random(2000)})); UPDATE b.state SET n=n+1`,
        );
    }),
  () =>
    transaction(() =>
      db.exec(random(2) ? 'CREATE INDEX IF NOT EXISTS i ON t(k, v)' : 'DROP INDEX IF EXISTS i'),
    ),
  () => db.exec(isWal ? `PRAGMA wal_checkpoint(${['PASSIVE', 'FULL', 'TRUNCATE'][random(3)]})` : 'VACUUM'),
];
acknowledge();
for (let i = 0; i < Number(count); i++) {
  const kind = i < kinds.length ? i : random(kinds.length);
  kinds[kind]?.();
  acknowledge();
}
db.close();
