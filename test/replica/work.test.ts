/** Other operations of a replica: steps, undo, retry, trim, verify, and adopting changes of another writer. */

import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { adoptChanges, Replica, ReplicaError, type ReplicaOptions } from 'sqlite-wasm-run/replica';
import { beforeEach, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';
import { contents, identity, openCopy, pull, push, schema } from './copies.js';
import { MemoryLog, MemoryStream, Random, VirtualClock } from './log.js';

let count = 0;
let folder: string;
let clock: VirtualClock;
let random: Random;
let stream: MemoryStream;
beforeEach(() => {
  folder = testFolder('replica-work');
  clock = new VirtualClock();
  random = new Random(++count);
  stream = new MemoryStream();
});

const logOf = (delay = 0): MemoryLog => new MemoryLog(stream, clock, random, { delay });
const reasonOf = (error: unknown): unknown => (error instanceof ReplicaError ? error.reason : error);
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  clock.wait(promise.then(() => 'none', reasonOf));
const online = (replica: Replica): Promise<void> => clock.until(() => replica.status().state === 'online');
const close = (...replicas: Replica[]): Promise<unknown> =>
  clock.wait(Promise.all(replicas.map((replica) => replica.close())));

function open(path = ':memory:', options: Partial<ReplicaOptions> = {}): Promise<Replica> {
  const time = {
    now: () => clock.now(),
    uuid: () => random.uuid(),
    sleep: (ms: number, signal: AbortSignal) => clock.sleep(ms, signal),
  };
  return clock.wait(Replica.open(path, { log: logOf(), timeout: 0, ...options, ...{ clock: time } }));
}

const run = (replica: Replica, sql: string) => replica.transaction((database) => database.exec(sql));
const rows = (replica: Replica): unknown =>
  replica.database.prepare('SELECT a, b FROM t ORDER BY a', { returnArrays: true }).all();

async function first(path?: string, options: Partial<ReplicaOptions> = {}): Promise<Replica> {
  const replica = await open(path, { create: true, ...options });
  await online(replica);
  const sql = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)';
  await clock.wait(replica.transaction((database) => database.exec(sql), { wait: true }));
  return replica;
}

test('a read transaction that is open when the reply to a publication arrives does not stop a replica', async () => {
  const a = await first(':memory:', { log: logOf(20) });
  run(a, 'INSERT INTO t VALUES(1, 1)');
  await clock.until(() => stream.last === 2);
  a.database.exec('BEGIN');
  a.database.prepare('SELECT * FROM t').all();
  await clock.pass(200);
  expect(a.status()).toMatchObject({ state: 'online', pending: 1 });
  a.database.exec('ROLLBACK');
  await clock.until(() => a.status().pending === 0);
  expect([a.status().sequence, stream.last]).toEqual([2, 2]);
  await close(a);
});

test('a replica whose statements were freed to make room for the program closes', async () => {
  const a = await first();
  run(a, 'INSERT INTO t VALUES(1, 1)');
  for (let i = 0; i < 3000; i++) a.database.prepare(`SELECT ${i}, '${'x'.repeat(20_000)}'`).get();
  await close(a);
});

test('a transaction in steps: nothing of it is published while it is open, and its steps run again', async () => {
  const [a, b] = [await first(), await open()];
  await clock.until(() => b.status().sequence === 1);
  await clock.wait(run(a, 'INSERT INTO t VALUES(1, 10)').placed);
  await clock.until(() => b.status().sequence === 2);
  run(b, 'INSERT INTO t VALUES(2, 0)'); // pending while the schema of an open transaction is another one
  const steps = b.begin();
  steps.run((database) => database.exec('UPDATE t SET b=b+1 WHERE a=1'));
  expect(() => steps.run((database) => database.exec('INSERT INTO t VALUES(1, 1)'))).toThrow('UNIQUE');
  expect(() => b.begin()).toThrow(ReplicaError);
  expect(() => run(b, 'DELETE FROM t')).toThrow('cannot be nested');
  expect(() => b.drop('x')).toThrow('cannot be nested');
  await clock.wait(run(a, 'UPDATE t SET b=20 WHERE a=1').placed);
  await clock.pass(3000);
  expect(stream.last).toBe(3);
  const { placed } = steps.commit();
  await clock.wait(placed);
  await clock.until(() => a.status().sequence === stream.last);
  for (const replica of [a, b])
    expect(rows(replica)).toEqual([
      [1, 21],
      [2, 0],
    ]);
  const other = b.begin();
  other.run((database) => database.exec('CREATE TABLE u(x)'));
  run(a, 'DELETE FROM t WHERE a=2');
  await clock.pass(1000);
  expect(() => other.commit()).toThrow('changes the schema');
  b.begin().rollback();
  await clock.until(() => b.status().sequence === stream.last);
  expect(rows(b)).toEqual([[1, 21]]);
  await close(a, b);
});

test('pending transactions are not published with the schema of an open transaction', async () => {
  const log = logOf();
  const a = await first(':memory:', { log });
  log.isUp = false;
  await clock.until(() => a.status().state === 'offline');
  run(a, 'INSERT INTO t VALUES(1, 1)');
  const steps = a.begin();
  steps.run((database) => database.exec('CREATE TABLE u(x)'));
  log.isUp = true;
  await clock.pass(10_000);
  steps.rollback();
  await clock.until(() => a.status().pending === 0);
  const b = await open();
  await clock.until(() => b.status().sequence === 2);
  expect(b.status().problem).toBe(undefined);
  await close(a, b);
});

test('a waiting transaction and a schema change are published although others are committed without end', async () => {
  const log = logOf(30);
  const [a, b] = [await first(':memory:', { log }), await open(':memory:', { log: logOf(30) })];
  await clock.until(() => b.status().sequence === stream.last);
  const bulk = 'x'.repeat(3000); // with some of them pending, not all fit in a message
  for (const size of [10, bulk.length]) {
    let isDone = false;
    let committed = 0;
    const done = a.transaction(
      (database) => {
        database.exec(`ALTER TABLE t ADD COLUMN c${size}`);
        return database.prepare('SELECT count(*) AS n FROM t').get()?.['n'];
      },
      { wait: true },
    );
    const read = a.transaction((database) => database.prepare('SELECT count(*) AS n FROM t').get()?.['n'], {
      wait: true,
    });
    const both = Promise.all([done, read]).then((all) => {
      isDone = true;
      return all;
    });
    for (let step = 0; !isDone; step++) {
      expect(step).toBeLessThan(200);
      run(a, `INSERT INTO t(b) VALUES('${bulk.slice(0, size)}')`);
      committed += 1;
      await clock.pass(3);
    }
    const [changed, seen] = await both;
    expect(Number(changed.value)).toBeGreaterThan(0);
    expect(Number(seen.value)).toBeGreaterThanOrEqual(Number(changed.value));
    expect(committed).toBeGreaterThan(5);
    await clock.until(() => a.status().pending === 0);
  }
  await clock.until(() => b.status().sequence === stream.last && a.status().sequence === stream.last);
  expect(contents(b.database)).toEqual(contents(a.database));
  await close(a, b);
});

test('messages that arrived while a copy was offline are applied together, and pending transactions are rebased once', async () => {
  const log = logOf();
  const [a, b] = [await first(), await open(':memory:', { log })];
  await clock.until(() => b.status().sequence === 1);
  log.isUp = false;
  await clock.until(() => b.status().state === 'offline');
  for (let i = 0; i < 20; i++) run(b, `INSERT INTO t VALUES(${1000 + i}, 0)`);
  for (let i = 0; i < 60; i++) await clock.wait(run(a, `INSERT INTO t VALUES(${i}, 0)`).placed);
  let redone = 0;
  b.on('redone', () => redone++);
  log.isUp = true;
  await clock.until(() => b.status().pending === 0 && b.status().state === 'online');
  // On a slow machine some transactions are published before the others are rebased.
  expect(b.status().sequence).toBeGreaterThanOrEqual(62);
  expect(b.status().sequence).toBeLessThanOrEqual(64);
  expect(redone).toBeLessThanOrEqual(60);
  await close(a, b);
});

test('a copy publishes its transactions even if rebasing all takes longer than others need to publish', async () => {
  stream.identity = identity;
  const other = openCopy(':memory:', random);
  schema(stream, [other], 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  const log = logOf();
  const b = await open(':memory:', { log });
  await clock.until(() => b.status().sequence === 1);
  log.isUp = false;
  await clock.until(() => b.status().state === 'offline');
  let isBusy = false;
  let published = 0;
  const publish = (): void => {
    pull(other, stream);
    other.transact((database) => database.exec(`INSERT INTO t VALUES(${++published}, 0)`));
    push(other, stream);
  };
  for (let i = 0; i < 40; i++) {
    b.transaction((database) => {
      const end = performance.now() + (isBusy ? 3 : 0);
      while (performance.now() < end);
      database.exec(`INSERT INTO t VALUES(${1000 + i}, 0)`);
      // Another message arrives whenever all transactions were rebased.
      if (i === 39 && isBusy) publish();
    });
  }
  isBusy = true;
  publish();
  log.isUp = true;
  await clock.until(() => b.status().pending < 16);
  expect(published).toBeLessThan(20);
  isBusy = false;
  await clock.until(() => b.status().pending === 0);
  pull(other, stream);
  await clock.until(() => b.status().sequence === stream.last);
  expect(contents(b.database)).toEqual(contents(other.database));
  expect(b.rejected()).toEqual([]);
  await close(b);
});

test('undo reverts a message, or one of its transactions; later changes are not overwritten by default', async () => {
  const log = logOf();
  const a = await first(':memory:', { log });
  log.isUp = false;
  await clock.until(() => a.status().state === 'offline');
  run(a, 'INSERT INTO t VALUES(1, 1), (2, 1)');
  const { id } = run(a, 'UPDATE t SET b=2 WHERE a=2');
  log.isUp = true;
  await clock.until(() => a.status().pending === 0);
  expect(stream.last).toBe(2);
  await clock.wait(a.undo(2, { transaction: `${id}` }));
  expect(rows(a)).toEqual([
    [1, 1],
    [2, 1],
  ]);
  expect(await failure(a.undo(2))).toBe('rejected');
  expect(rows(a)).toEqual([
    [1, 1],
    [2, 1],
  ]);
  expect((await clock.wait(a.undo(2, { policy: 'theirs' }))).sequence).toBe(4);
  expect(rows(a)).toEqual([]);
  expect(await failure(a.undo(1))).toBe('schema-change');
  expect(await failure(a.undo(9))).toBe('missing');
  expect(await failure(a.undo(2, { transaction: 'x' }))).toBe('missing');
  await close(a);
});

test('retry replaces a rejected transaction: by its function, or by its row changes', async () => {
  const log = logOf();
  const a = await first();
  const add = (database: DatabaseSync, n: number): void => {
    if (n > 9) throw new Error('too much');
    database.prepare('INSERT INTO t(b) VALUES(?)').run(n);
  };
  const b = await open(':memory:', { log, policy: 'reject', functions: { add } });
  await clock.until(() => b.status().sequence === 1);
  log.isUp = false;
  await clock.until(() => b.status().state === 'offline');
  b.transaction('add', [5]);
  run(b, 'INSERT INTO t VALUES(2, 7)');
  await clock.wait(run(a, 'INSERT INTO t VALUES(1, 0), (2, 0)').placed);
  log.isUp = true;
  await clock.until(() => b.status().pending === 0 && b.status().sequence === 2);
  const [one, two] = b.rejected().map(({ id }) => id);
  expect(rows(b)).toEqual([
    [1, 0],
    [2, 0],
  ]);
  await clock.wait(b.retry(`${one}`).placed);
  expect(rows(b)).toEqual([
    [1, 0],
    [2, 0],
    [3, 5],
  ]);
  expect(() => b.retry(`${two}`)).toThrow('other transactions have changed the same rows (conflict in t)');
  expect(b.rejected().map(({ id }) => id)).toEqual([two]);
  await clock.wait(b.retry(`${two}`, 'theirs').placed);
  expect(rows(b)).toEqual([
    [1, 0],
    [2, 7],
    [3, 5],
  ]);
  expect(b.rejected()).toEqual([]);
  expect(() => b.retry(`${two}`)).toThrow('no rejected transaction has the id');
  await close(a, b);
});

test('trim leaves the last message and removes what only the others name', async () => {
  const a = await first();
  await clock.wait(
    a.transaction((database) => void database.prepare('INSERT INTO t VALUES(1, ?)').run(new Uint8Array(9000)))
      .placed,
  );
  await clock.wait(a.snapshot());
  await clock.wait(run(a, 'INSERT INTO t VALUES(5, 5)').placed);
  expect([...stream.objects.keys()].map((name) => name.split('-')[0])).toEqual(['changes', 'snapshot']);
  const snapshot = await clock.wait(a.snapshot());
  expect(await clock.wait(a.trim(snapshot))).toEqual({ messages: 2, objects: 2 });
  expect([stream.first, stream.last, [...stream.objects.keys()]]).toEqual([3, 3, [snapshot.name]]);
  const b = await open(join(folder, 'b.db'));
  await clock.until(() => b.status().sequence === 3 && b.status().state === 'online');
  await clock.wait(run(b, 'INSERT INTO t VALUES(2, 2)').placed);
  await clock.until(() => a.status().sequence === 4);
  expect(rows(a)).toEqual(rows(b));
  expect(await clock.wait(a.trim(snapshot))).toEqual({ messages: 0, objects: 0 });
  for (const wrong of [3, undefined, { name: snapshot.name }]) {
    await expect(a.trim(wrong as never)).rejects.toThrow('The "snapshot" argument must be a snapshot');
  }
  await close(a, b);
});

test('trim removes the objects of refused messages once no copy can publish them', async () => {
  const log = logOf();
  const [a, b] = [await first(':memory:', { log }), await open()];
  const store = (replica: Replica, id: number) =>
    replica.transaction((database) => {
      database
        .prepare('INSERT INTO t VALUES(?, ?)')
        .run(id, new Uint8Array(9000).fill(id + replica.status().sequence));
    }).placed;
  await clock.until(() => b.status().sequence === 1);
  await clock.wait(store(a, 1));
  // Both store an object. The message of one is refused and sent again with another object.
  await clock.wait(Promise.all([store(a, 2), store(b, 3)]));
  log.faults = { lostMessages: 1 };
  void store(a, 4).catch(() => {});
  await clock.until(() => stream.objects.size >= 4 && a.status().state === 'offline');
  await clock.until(() => b.status().sequence === stream.last);
  const named = stream.last - 1;
  const snapshot = await clock.wait(b.snapshot());
  const count = (): number => [...stream.objects.keys()].filter((name) => name.startsWith('changes-')).length;
  expect(count()).toBeGreaterThan(named);
  expect((await clock.wait(b.trim({ ...snapshot, sequence: 1 }))).objects).toBe(0);
  await close(a);
  const refused = count() - named;
  for (const object of stream.objects.values()) object.time -= 25 * 60 * 60 * 1000;
  expect(await clock.wait(b.trim({ ...snapshot, sequence: 1 }))).toEqual({ messages: 0, objects: refused });
  const c = await open();
  await clock.until(() => c.status().sequence === stream.last);
  expect(contents(c.database)).toEqual(contents(b.database));
  await close(b, c);
});

test('verify finds the table in which a copy differs, and compares only at the same message', async () => {
  const path = join(folder, 'b.db');
  const a = await first();
  await clock.wait(run(a, "INSERT INTO t VALUES(1, 'x')").placed);
  let b = await open(path);
  await clock.until(() => b.status().sequence === 2);
  await clock.wait(a.verify());
  expect(await clock.wait(b.verify())).toMatchObject({
    sequence: 2,
    tables: { t: { rows: 1 } },
    others: [{ copy: a.status().copy, differs: [] }],
  });
  await close(b);
  {
    using database = new DatabaseSync(path);
    // Bypasses the replica, and hides the change by adjusting the stored counter.
    database.exec("UPDATE t SET b='y'; UPDATE _sqlite_wasm_run_replica SET counter=counter+2");
  }
  b = await open(path);
  await online(b);
  expect((await clock.wait(b.verify())).others).toEqual([{ copy: a.status().copy, differs: ['t'] }]);
  await clock.wait(run(a, "INSERT INTO t VALUES(2, 'x')").placed);
  expect(await clock.wait(a.verify())).toMatchObject({
    others: [],
    elsewhere: [{ copy: b.status().copy, sequence: 2 }],
  });
  await close(a, b);
});

test('adopt: the difference from the history with the pending transactions becomes a transaction', async () => {
  const path = join(folder, 'a.db');
  const log = logOf();
  const a = await first(path, { log });
  await clock.wait(run(a, 'INSERT INTO t VALUES(1, 1), (2, 2)').placed);
  log.isUp = false;
  await clock.until(() => a.status().state === 'offline');
  run(a, 'INSERT INTO t VALUES(3, 3)');
  await close(a);
  {
    using database = new DatabaseSync(path);
    database.exec('UPDATE t SET b=b*10; DELETE FROM t WHERE a=2; PRAGMA user_version=7');
  }
  await expect(open(path)).rejects.toMatchObject({ reason: 'foreign-write' });
  await expect(clock.wait(adoptChanges(path, logOf()))).rejects.toThrow(
    'PRAGMA user_version was changed from 0 to 7',
  );
  {
    using database = new DatabaseSync(path);
    database.exec('PRAGMA user_version=0');
  }
  expect((await clock.wait(adoptChanges(path, logOf()))).changes).toBe(3);
  const [b, c] = [await open(path), await open()];
  await clock.until(() => b.status().pending === 0 && c.status().sequence === stream.last && stream.last > 2);
  for (const replica of [b, c])
    expect(rows(replica)).toEqual([
      [1, 10],
      [3, 30],
    ]);
  await close(b, c);
});

test('rows of full-text tables are compared, undone and adopted', async () => {
  const path = join(folder, 'a.db');
  const [a, b] = [await first(path), await open()];
  const table = 'CREATE VIRTUAL TABLE text USING fts5(x)';
  await clock.wait(a.transaction((database) => database.exec(table), { wait: true }));
  const { sequence } = await clock.wait(
    a.transaction((database) => database.exec("INSERT INTO text VALUES('one'), ('two')"), { wait: true }),
  );
  await clock.until(() => b.status().sequence === sequence);
  await clock.wait(a.verify());
  const verified = await clock.wait(b.verify());
  expect(verified).toMatchObject({ tables: { text: { rows: 2 } }, others: [{ differs: [] }] });
  expect(Object.keys(verified.tables)).toEqual(['t', 'text']);
  await clock.wait(run(a, "UPDATE text SET x='three' WHERE x='two'").placed);
  await clock.wait(b.undo(sequence + 1));
  const found = (replica: Replica): unknown =>
    replica.database.prepare("SELECT rowid FROM text('two')", { returnArrays: true }).all();
  expect(found(b)).toEqual([[2]]);
  await clock.wait(close(a));
  {
    using database = new DatabaseSync(path);
    database.exec("DELETE FROM text WHERE x='one'; INSERT INTO text VALUES('two too')");
  }
  expect((await clock.wait(adoptChanges(path, logOf()))).changes).toBe(2);
  const again = await open(path);
  await clock.until(() => again.status().pending === 0 && b.status().sequence === stream.last);
  expect(found(b)).toEqual([[2], [3]]);
  expect(contents(again.database)).toEqual(contents(b.database));
  await close(again, b);
});
