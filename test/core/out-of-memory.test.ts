/** If SQLite returns a null pointer because it is out of memory, the result must be an error, not an empty value. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DatabaseSync, SqliteError } from 'sqlite-wasm-run';
import { expect, test } from 'vitest';
import { dist } from '../../scripts/sources.js';
import { connectionOf, engine, readValue } from '../kit/internals.js';

/** The core, in which calls of some functions fail. */
function failing(calls: Record<string, () => number>): ReturnType<typeof engine>['core'] {
  const { core } = engine();
  return Object.create(core, {
    c: { value: { ...core.c, ...calls } },
    error: { value: core.error.bind(core) },
  });
}

function failure(action: () => unknown): { message: string; errcode: number } {
  try {
    action();
  } catch (error) {
    if (error instanceof SqliteError) return { message: error.message, errcode: error.errcode };
    throw error;
  }
  throw new Error('nothing was thrown');
}

const SQLITE_TEXT = 3;
const SQLITE_BLOB = 4;
const outOfMemory = { message: 'out of memory', errcode: 7 };

test('a text or blob of a change without memory for it is an error', () => {
  const text = failing({
    sqlite3_value_type: () => SQLITE_TEXT,
    sqlite3_value_text: () => 0,
    sqlite3_value_bytes: () => 0,
  });
  expect(failure(() => readValue(text, 8))).toEqual(outOfMemory);
  const blob = failing({
    sqlite3_value_type: () => SQLITE_BLOB,
    sqlite3_value_blob: () => 0,
    sqlite3_value_bytes: () => 9,
  });
  expect(failure(() => readValue(blob, 8))).toEqual(outOfMemory);
  const empty = failing({
    sqlite3_value_type: () => SQLITE_BLOB,
    sqlite3_value_blob: () => 0,
    sqlite3_value_bytes: () => 0,
  });
  expect(readValue(empty, 8)).toEqual(new Uint8Array(0));
});

test('an error has the code that a function returns without setting the connection’s', () => {
  using db = new DatabaseSync(':memory:');
  const { engine: own, db: address } = connectionOf(db);
  db.prepare('SELECT 1').get();
  expect(failure(() => own.check(address, 7))).toEqual(outOfMemory);
  const rows = db.prepare('SELECT 1 UNION SELECT 2').iterate();
  rows.next();
  expect(failure(() => own.check(address, 7))).toEqual(outOfMemory);
  expect(failure(() => db.exec('nonsense'))).toMatchObject({
    message: 'near "nonsense": syntax error',
    errcode: 1,
  });
});

test('PRAGMA hard_heap_limit: an allocation beyond it is SQLITE_NOMEM, and the connection stays usable', () => {
  // Runs in its own process, because the limit holds for all connections of a thread and SQL cannot raise it.
  const source = `
    import { DatabaseSync } from ${JSON.stringify(pathToFileURL(join(dist, 'index.js')).href)};
    const said = [];
    const attempt = (action) => { try { action(); said.push('done'); } catch (error) { said.push(error.errcode); } };
    const db = new DatabaseSync(':memory:');
    said.push(db.prepare('PRAGMA hard_heap_limit=20000000').get().hard_heap_limit);
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    const session = db.createSession();
    attempt(() => db.exec('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) INSERT INTO t SELECT x, zeroblob(10000) FROM c'));
    said.push(db.prepare('SELECT count(*) AS n FROM t').get().n);
    attempt(() => db.exec('INSERT INTO t VALUES(1000, zeroblob(100000))'));
    said.push(db.prepare('PRAGMA integrity_check').get().integrity_check, session.changeset().length > 0);
    console.log(JSON.stringify(said));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([20_000_000, 7, 0, 'done', 'ok', true]);
});

test('cached statements are finalized if another statement needs their memory', () => {
  const source = `
    import { DatabaseSync } from ${JSON.stringify(pathToFileURL(join(dist, 'index.js')).href)};
    const db = new DatabaseSync(':memory:');
    db.prepare('PRAGMA hard_heap_limit=5000000').get();
    let done = 0;
    let failed = 0;
    for (let i = 0; i < 3000; i++) {
      try {
        done += db.prepare('SELECT ' + '1+'.repeat(100) + i + ' AS n').get().n - 100 === i;
      } catch (error) {
        if (error.errcode !== 7) throw error;
        failed += 1;
      }
    }
    console.log(JSON.stringify([done, failed]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const [done = 0, failed = 0] = JSON.parse(stdout) as number[];
  expect(done + failed).toBe(3000);
  expect(failed).toBeLessThan(30);
});

test('the host also returns SQLITE_NOMEM if it is out of memory', () => {
  const { core } = engine();
  expect(failure(() => core.memory.allocate(2 ** 31))).toMatchObject({ errcode: 7 });
});

test('statements are prepared and bind texts even if there is no memory for their buffers of texts', () => {
  // In threads of their own, each of which has its own memory and limit.
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { DatabaseSync } from ${JSON.stringify(pathToFileURL(join(dist, 'index.js')).href)};
    const db = new DatabaseSync(':memory:');
    db.exec('PRAGMA hard_heap_limit=' + workerData);
    let done = 0;
    for (let i = 0; i < 1500; i++) {
      const text = 'x'.repeat(i % 150);
      const sql = 'SELECT ? AS a, ? AS b, ' + i + ' AS k, ' + '1+'.repeat(i % 40) + '1';
      done += db.prepare(sql).get(text, 'z').a === text;
    }
    parentPort.postMessage(done);`;
  const program = `
    import { Worker } from 'node:worker_threads';
    const url = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(source)}));
    const done = [];
    for (let limit = 380_000; limit < 650_000; limit += 18_000) {
      const worker = new Worker(url, { workerData: limit });
      done.push(await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject)));
    }
    console.log(JSON.stringify([...new Set(done)]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([1500]);
});
