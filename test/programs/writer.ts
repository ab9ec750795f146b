/**
 * Moves money in a bank in its own process, for the suites of scripts/reliability:
 *
 *     writer.ts DIST FILE JOURNAL COUNT SEED
 *
 * commits COUNT times, counts each commit in the bank, and appends a byte to `acknowledged` beside FILE's folder after
 * it. Prints "begun" before and "ended" after. Prints an error as "CODE MESSAGE", rolls back, and continues.
 */

import { openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [dist = '', file = '', journal = '', count = '0', seed = '1'] = process.argv.slice(2);
const { DatabaseSync } = (await import(
  pathToFileURL(join(dist, 'index.js')).href
)) as typeof import('sqlite-wasm-run');

let state = Math.imul(Number(seed), 2_654_435_761) + 1;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

const acknowledged = openSync(join(dirname(file), '../acknowledged'), 'a');
writeSync(1, 'begun\n');
type Database = InstanceType<typeof DatabaseSync>;

/** Runs `work`. Prints an error as "CODE MESSAGE" and returns undefined. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const { errcode, message } = error as { errcode?: number; message: string };
    if (errcode === undefined) throw error;
    writeSync(1, `${errcode} ${message.replaceAll('\n', ' ')}\n`);
    return undefined;
  }
}

function open(): Database {
  const db = new DatabaseSync(file, { timeout: 200 });
  try {
    if (journal === 'exclusive-wal') db.exec('PRAGMA locking_mode=exclusive');
    db.exec(`PRAGMA journal_mode=${journal.endsWith('wal') ? 'wal' : journal};
      PRAGMA synchronous=normal; PRAGMA cache_size=8; PRAGMA cache_spill=8; PRAGMA wal_autocheckpoint=30`);
    return db;
  } catch (error) {
    attempt(() => db.close());
    throw error;
  }
}

function move(db: Database): void {
  const amount = random(100);
  db.exec(`UPDATE account SET n=n-${amount} WHERE id=${random(100)};
    UPDATE account SET n=n+${amount}, text=hex(randomblob(${random(300)})) WHERE id=${random(100)};
    UPDATE counter SET n=n+1`);
}

function transaction(db: Database, i: number): void {
  db.exec('BEGIN IMMEDIATE');
  if (i % 4 === 3) {
    // Changes more rows than the cache holds, and rolls back.
    db.exec("UPDATE account SET n=n+1, text=text||'x'; ROLLBACK; BEGIN IMMEDIATE");
  }
  if (i % 3 === 2) {
    using session = db.createSession();
    db.exec('SAVEPOINT s');
    move(db);
    const changes = session.changeset();
    db.exec('ROLLBACK TO s');
    db.applyChangeset(changes);
  } else {
    move(db);
  }
  db.exec('COMMIT');
  writeSync(acknowledged, '.');
}

const db = attempt(open) ?? attempt(open);
if (db) {
  for (let i = 0; i < Number(count); i++) {
    attempt(() => transaction(db, i));
    if (db.isTransaction) attempt(() => db.exec('ROLLBACK'));
  }
  attempt(() => db.close());
}
writeSync(1, 'ended\n');
