/**
 * Works of a program, over the API that ours and `node:sqlite` have in common. Run as
 * `work.ts MODULE GROUP FOLDER REPETITIONS`, it prints one line of JSON for each repetition, a time in ms for each
 * work; work.c is the same in C.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync as Database } from 'sqlite-wasm-run';

const [, , name = '', group = '', folder = '', repetitions = '1'] = process.argv;
const { DatabaseSync } = (await import(name)) as { DatabaseSync: typeof Database };
const rows = 100_000;
const file = join(folder, `work-${process.pid}.db`);

let times: Record<string, number> = {};
function measure(work: string, action: () => void): void {
  const started = performance.now();
  action();
  times[work] = performance.now() - started;
}

function open(path: string, mode = ''): Database {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA page_size=4096; PRAGMA cache_size=-16000; PRAGMA synchronous=FULL; ${mode};
    CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, name TEXT, x REAL)`);
  return db;
}

function closeFile(db: Database): void {
  db.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}

function insert(db: Database, from: number, count: number, each = false): void {
  const statement = db.prepare('INSERT INTO t VALUES(?, ?, ?, ?)');
  if (!each) db.exec('BEGIN');
  for (let i = from; i < from + count; i++) statement.run(i, i * 7, `the name of row number ${i}`, i * 0.5);
  if (!each) db.exec('COMMIT');
}

/** Keeps what was read in use. */
let sum = 0;
function get(db: Database, count: number): void {
  const statement = db.prepare('SELECT * FROM t WHERE id = ?');
  for (let i = 0; i < count; i++) {
    const row = statement.get(1 + ((i * 7919) % rows)) as { n: number; name: string; x: number };
    sum += row.n + row.name.length + row.x;
  }
}

function all(db: Database): void {
  for (const row of db.prepare('SELECT * FROM t').all()) sum += row.n as number;
}

function iterate(db: Database): void {
  for (const row of db.prepare('SELECT * FROM t').iterate()) sum += row.n as number;
}

function update(db: Database): void {
  const statement = db.prepare('UPDATE t SET n = n + 1, x = ? WHERE id = ?');
  db.exec('BEGIN');
  for (let i = 1; i <= rows; i++) statement.run(i * 0.25, i);
  db.exec('COMMIT');
}

const groups: Readonly<Record<string, () => void>> = {
  memory() {
    const db = open(':memory:');
    measure('insert', () => insert(db, 1, rows));
    measure('get', () => get(db, rows));
    measure('all', () => all(db));
    measure('iterate', () => iterate(db));
    db.close();
  },
  files() {
    const db = open(file, 'PRAGMA journal_mode=DELETE');
    measure('insert', () => insert(db, 1, rows));
    db.exec('BEGIN');
    measure('get', () => get(db, rows));
    db.exec('COMMIT');
    measure('autocommitGet', () => get(db, 10_000));
    measure('commit', () => insert(db, rows + 1, 200, true));
    closeFile(db);
    const wal = open(file, 'PRAGMA journal_mode=WAL');
    measure('walInsert', () => insert(wal, 1, rows));
    measure('walGet', () => get(wal, 10_000));
    measure('walCommit', () => insert(wal, rows + 1, 200, true));
    closeFile(wal);
  },
  sessions() {
    // The rows that are updated are there before the session: it would record them as inserted.
    const filled = (): Database => {
      const db = open(':memory:');
      insert(db, 1, rows);
      return db;
    };
    const change = (db: Database): void => {
      insert(db, rows + 1, rows);
      update(db);
    };
    const plain = filled();
    measure('plain', () => change(plain));
    plain.close();
    const db = filled();
    const session = db.createSession();
    let changeset: Uint8Array = new Uint8Array();
    measure('captured', () => change(db));
    measure('changeset', () => {
      changeset = session.changeset();
    });
    db.close();
    const copy = filled();
    measure('apply', () => void copy.applyChangeset(changeset));
    copy.close();
  },
};

for (let i = 0; i < Number(repetitions); i++) {
  times = {};
  groups[group]?.();
  console.log(JSON.stringify(times));
}
if (Number.isNaN(sum)) throw new Error('the result is not a number');
