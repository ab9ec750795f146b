/**
 * The workloads for Node. `work.mjs PEER MODULE GROUP FOLDER REPETITIONS ROWS` prints a line of JSON for each repetition,
 * with a time in ms and a proof for each workload: a number that must be the same in all programs. work.c is the same in C.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, content, insert, number } from './bench.js';
import { type Database, peers } from './peers.js';
import { components, loadCached, loadSession } from './work-components.js';
import { codec, scale, sessions, stream } from './work-sessions.js';

const [, , name = '', module = '', group = '', folder = '', repetitions = '1', size = '100000'] =
  process.argv;
const peer = await peers[name]?.(module);
if (!peer) throw new Error(`unknown peer ${name}`);

let results: Record<string, [value: number, proof: number]> = {};

const file = join(folder, `work-${process.pid}.db`);
const bench: Bench = {
  rows: Number(size),
  folder,
  module,
  file,
  open(path, mode = '') {
    const db = peer.open(path);
    db.exec(`PRAGMA page_size=4096; PRAGMA cache_size=-16000; PRAGMA synchronous=FULL; ${mode};
      CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, name TEXT, x REAL)`);
    return db;
  },
  close(db) {
    db.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  },
  report(work, value, proof) {
    results[work] = [value, proof];
  },
  measure(work: string, action: () => unknown, proof?: () => number) {
    const started = performance.now();
    const returned = action();
    const ms = performance.now() - started;
    bench.report(work, ms, proof ? proof() : Number(returned));
  },
};
const { rows, open, close, measure, report } = bench;

interface Named {
  readonly id: number;
  readonly n: number;
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

function get(db: Database, count: number): number {
  const statement = db.prepare('SELECT * FROM t WHERE id = ?');
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const row = statement.get(1 + ((i * 7919) % rows)) as Named;
    sum += row.id + row.n + row.name.length + row.x;
  }
  statement.finalize?.();
  return sum;
}

/** Inserts ten times the rows with one statement. */
function fill(): { db: Database; insert: () => void } {
  const db = peer?.open(':memory:');
  if (!db) throw new Error('unreachable');
  db.exec(`PRAGMA page_size=4096; PRAGMA cache_size=-16000;
    CREATE TABLE r(id INTEGER PRIMARY KEY, n INTEGER, name TEXT, x REAL, y INTEGER)`);
  const sql = `INSERT INTO r WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c LIMIT ${10 * rows})
    SELECT i, i*7, 'the name of row number ' || i, i*0.5, i%1000 FROM c`;
  return { db, insert: () => db.exec(sql) };
}

function sumOf(all: Iterable<unknown>): number {
  let sum = 0;
  for (const row of all as Iterable<Named>) sum += row.id + row.n + row.name.length + row.x + row.y;
  return sum;
}

const groups: Readonly<Record<string, () => void | Promise<void>>> = {
  version() {
    const db = open(':memory:');
    const statement = db.prepare('SELECT sqlite_version() AS text');
    const { text } = statement.get() as { text: string };
    statement.finalize?.();
    db.close();
    const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
    report('version', major * 1_000_000 + minor * 1000 + patch, 1);
  },
  memory() {
    const db = open(':memory:');
    measure(
      'insert',
      () => insert(db, 1, rows),
      () => content(db),
    );
    measure('get', () => get(db, rows));
    close(db);
  },
  files() {
    const db = open(file, 'PRAGMA journal_mode=DELETE');
    const proof = (of: Database) => (): number => content(of);
    measure('insertFile', () => insert(db, 1, rows), proof(db));
    db.exec('BEGIN');
    measure('getFile', () => get(db, rows));
    db.exec('COMMIT');
    measure('read', () => get(db, rows / 10));
    measure('commit', () => insert(db, rows + 1, rows / 500, true), proof(db));
    close(db);
    if (!peer.wal) return;
    const wal = open(file, 'PRAGMA journal_mode=WAL');
    insert(wal, 1, rows);
    measure('walRead', () => get(wal, rows / 10));
    measure('walCommit', () => insert(wal, rows + 1, rows / 500, true), proof(wal));
    close(wal);
  },
  engine() {
    const { db, insert } = fill();
    measure('insertSelect', insert, () =>
      number(db, 'SELECT count(*) + sum(id) + sum(n) + sum(x) + sum(y) FROM r'),
    );
    measure('scan', () => number(db, 'SELECT sum(n) + sum(length(name)) + sum(x) FROM r'));
    measure('sort', () =>
      number(
        db,
        `SELECT sum(place % 7 * id) FROM
          (SELECT id, row_number() OVER (ORDER BY n * 7919 % 1000003, name) AS place FROM r)`,
      ),
    );
    db.close();
  },
  calls() {
    const db = open(':memory:');
    insert(db, 1, rows);
    db.function('f', (value) => value + 1);
    const timed = (sql: string): [ms: number, result: number] => {
      let result = 0;
      const started = performance.now();
      for (let i = 0; i < 10; i++) result = number(db, sql);
      return [performance.now() - started, result];
    };
    const [bare] = timed('SELECT sum(id + 1) FROM t');
    const [called, sum] = timed('SELECT sum(f(id)) FROM t');
    report('call', ((called - bare) * 100) / rows, sum);
    db.close();
  },
  rows() {
    const { db, insert } = fill();
    insert();
    const statement = db.prepare('SELECT * FROM r');
    measure('all', () => sumOf(statement.all()));
    measure('iterate', () => sumOf(statement.iterate()));
    statement.finalize?.();
    db.close();
  },
  sessions: () => sessions(bench),
  codec: () => codec(bench),
  stream: () => stream(bench),
  scale: () => scale(bench),
  components: () => components(bench),
  loadSession: () => loadSession(bench),
  loadCached: () => loadCached(bench),
};

for (let i = 0; i < Number(repetitions); i++) {
  results = {};
  await groups[group]?.();
  console.log(JSON.stringify(results));
}
