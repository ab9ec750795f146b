/** A replica and its log: opening, and every way in which they may not match. */

import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { changes } from 'sqlite-wasm-run/changeset';
import {
  type FeedMessage,
  type FeedPosition,
  feed,
  type MessageLimits,
  Replica,
  ReplicaError,
  type ReplicaOptions,
} from 'sqlite-wasm-run/replica';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { contents } from './copies.js';
import { decodeMessage, encodeMessage } from './internals.js';
import { type Faults, MemoryLog, MemoryStream, Random, VirtualClock } from './log.js';

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'replica-driver-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let clock: VirtualClock;
let random: Random;
let stream: MemoryStream;
beforeEach(() => {
  clock = new VirtualClock();
  random = new Random(++count);
  stream = new MemoryStream();
});

const file = (): string => join(folder, `${++count}.db`);
const logOf = (faults?: Faults): MemoryLog => new MemoryLog(stream, clock, random, faults);

type Options = Partial<ReplicaOptions> & { log?: MemoryLog };

function open(path = ':memory:', options: Options = {}): Promise<Replica> {
  const time = {
    now: () => clock.now(),
    uuid: () => random.uuid(),
    sleep: (ms: number, signal: AbortSignal) => clock.sleep(ms, signal),
  };
  return clock.wait(Replica.open(path, { log: logOf(), timeout: 0, ...options, ...{ clock: time } }));
}

const close = (...replicas: Replica[]): Promise<unknown> =>
  clock.wait(Promise.all(replicas.map((replica) => replica.close())));
const online = (...replicas: Replica[]): Promise<void> =>
  clock.until(() => replicas.every((replica) => replica.status().state === 'online'));
const stopped = (replica: Replica): Promise<void> => clock.until(() => replica.status().state === 'stopped');
const reasonOf = (error: unknown): unknown => (error instanceof ReplicaError ? error.reason : error);
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  clock.wait(promise.then(() => 'none', reasonOf));
const problem = (replica: Replica): unknown => reasonOf(replica.status().problem);
const insert = (replica: Replica, id: number, b: unknown = 1) =>
  replica.transaction((database) => void database.prepare('INSERT INTO t VALUES(?, ?)').run(id, b as number));
const rows = (replica: Replica): unknown =>
  replica.database.prepare('SELECT * FROM t', { returnArrays: true }).all();

/** A history with a table, and its first copy. */
async function first(path?: string, options: Options = {}): Promise<Replica> {
  const replica = await open(path, { create: true, ...options });
  await online(replica);
  await clock.wait(
    replica.transaction((database) => database.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b)'), {
      wait: true,
    }),
  );
  return replica;
}

describe('opening', () => {
  test('a history that does not exist is created only with `create`', async () => {
    expect(await failure(open())).toBe('missing');
    await expect(open()).rejects.toThrow('memory does not exist: to create it, pass create: true');
    await close(await open(':memory:', { create: true }));
    expect(stream.identity).not.toBe('');
  });

  test('if the history cannot be created, the file is unchanged; if it was created, it belongs to the file', async () => {
    const path = file();
    stream.fault = 'denied';
    expect(await failure(open(path, { create: true }))).toBe('denied');
    stream.fault = undefined;
    const a = await first();
    const b = await open(path);
    await clock.until(() => b.status().sequence === stream.last);
    expect(contents(b.database)).toEqual(contents(a.database));
    await close(a, b);

    stream = new MemoryStream();
    const own = file();
    const log = logOf();
    log.faults = { lostAcks: 1 };
    expect(await failure(open(own, { log, create: true }))).toBe('unknown');
    const c = await open(own);
    await online(c);
    expect(c.status().history).toBe(stream.identity);
    await close(c);
  });

  test('a file with data that is not a copy is refused, and is unchanged', async () => {
    const a = await first();
    const path = file();
    const database = new DatabaseSync(path);
    database.exec('CREATE TABLE mine(a); INSERT INTO mine VALUES(1)');
    database.close();
    expect(await failure(open(path))).toBe('not-a-copy');
    const again = new DatabaseSync(path);
    expect(again.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'mine' }]);
    again.close();
    await close(a);
  });

  test('a copy opens without the server, takes transactions, and publishes them later', async () => {
    const path = file();
    const log = logOf();
    await close(await first(path));
    log.isUp = false;
    const a = await open(path, { log });
    insert(a, 1);
    await clock.pass(3000);
    expect(a.status()).toMatchObject({ state: 'offline', pending: 1 });
    expect(await failure(a.transaction(() => {}, { wait: true }))).toBe('unavailable');
    expect(await failure(a.sync())).toBe('unavailable');
    log.isUp = true;
    await clock.until(() => a.status().pending === 0);
    await close(a);
  });

  test('requests made at once wait until the client is connected', async () => {
    const path = file();
    await close(await first(path));
    const log = logOf({ delay: 50 });
    const a = await open(path, { log });
    expect(a.status().state).toBe('offline');
    const waiting = a.transaction((database) => database.exec('CREATE TABLE u(a)'), { wait: true });
    await clock.wait(waiting);
    await close(a);
    const b = await open(path);
    await clock.wait(b.sync());
    expect(b.status().state).toBe('online');
    await close(b);
  });

  test('a copy that does not exist needs the server', async () => {
    const log = logOf();
    log.isUp = false;
    expect(await failure(open(file(), { log }))).toBe('unavailable');
  });

  test('options are checked', async () => {
    await expect(open(':memory:', { polcy: 'rerun' } as never)).rejects.toThrow('did you mean "policy"?');
    await expect(open(':memory:', { policy: 'rerum' as never })).rejects.toThrow('did you mean "rerun"?');
    await expect(open(':memory:', { log: 1 as never })).rejects.toThrow(
      '"options.log" argument must be a Log',
    );
    await expect(Replica.open(':memory:', undefined as never)).rejects.toThrow(
      '"options.log" argument must be a Log',
    );
  });
});

describe('a transaction', () => {
  test('reports its sequence number', async () => {
    const a = await first();
    const b = await open();
    await online(b);
    const places: unknown[] = [];
    b.on('applied', ({ sequence, copy, transactions }) =>
      places.push([sequence, copy, transactions.map(({ id }) => id)]),
    );
    const { id, placed } = insert(a, 1);
    expect(await clock.wait(placed)).toBe(2);
    await clock.until(() => b.status().sequence === 2);
    expect(places).toContainEqual([2, a.status().copy, [id]]);
    await close(a, b);
  });

  test('that changes nothing has no sequence number', async () => {
    const a = await first();
    const { id, placed } = a.transaction((database) => database.exec('DELETE FROM t'));
    expect([id, await placed]).toEqual([undefined, 1]);
    expect(a.status().pending).toBe(0);
    await close(a);
  });

  test('that is rejected is reported with the reason and kept', async () => {
    const a = await first();
    const log = logOf();
    const b = await open(':memory:', { policy: 'reject', log });
    await clock.until(() => b.status().sequence === 1);
    const events: unknown[] = [];
    b.on('rejected', ({ kind }) => events.push(kind));
    log.isUp = false;
    await clock.wait(insert(a, 1, 'a').placed);
    const lost = insert(b, 1, 'b');
    log.isUp = true;
    expect(await failure(lost.placed)).toBe('rejected');
    expect(events).toEqual(['conflict']);
    expect(b.rejected().map(({ id }) => id)).toEqual([lost.id]);
    expect(b.drop(String(lost.id))).toBe(true);
    expect(b.drop(String(lost.id))).toBe(false);
    expect(b.rejected()).toEqual([]);
    await close(a, b);
  });

  test('by name runs again in a later process, one by closure is rejected there', async () => {
    const a = await first();
    const path = file();
    const functions = { add: (database: DatabaseSync) => database.exec('UPDATE t SET b=b+1') };
    const log = logOf();
    await clock.wait(insert(a, 1).placed);
    const b = await open(path, { log, functions });
    await clock.until(() => b.status().sequence === stream.last);
    log.isUp = false;
    b.transaction('add');
    b.transaction((database) => database.exec('UPDATE t SET b=b+1'));
    await close(b);
    await clock.wait(a.transaction((database) => database.exec('UPDATE t SET b=10')).placed);
    const again = await open(path, { functions });
    await clock.until(() => again.status().pending === 0 && again.status().state === 'online');
    await clock.until(() => a.status().sequence === stream.last);
    expect(rows(a)).toEqual([[1, 11]]);
    expect(again.rejected().map(({ kind }) => kind)).toEqual(['conflict']);
    await close(a, again);
  });

  test('arguments are converted to JSON and back, the first time too', async () => {
    const a = await first();
    const got: unknown[] = [];
    a.register('see', (_, ...args: unknown[]) => void got.push(args));
    a.transaction('see', [1, undefined, new Date(0)]);
    expect(got).toEqual([[1, null, '1970-01-01T00:00:00.000Z']]);
    expect(() => a.transaction('see', [1n])).toThrow('must contain only JSON values');
    expect(() => a.transaction('other')).toThrow('no function is registered as "other"');
    await close(a);
  });

  test('a schema change without wait is refused and rolled back', async () => {
    const a = await first();
    expect(() => a.transaction((database) => database.exec('CREATE TABLE u(a)'))).toThrow(
      'pass { wait: true }',
    );
    expect(a.database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name='u'").get()).toEqual({
      n: 0,
    });
    await close(a);
  });
});

describe('wait', () => {
  test('two that wait keep an invariant across rows that two that do not wait break', async () => {
    const a = await first();
    const b = await open();
    await clock.wait(a.transaction((database) => database.exec('INSERT INTO t VALUES(1, 1), (2, 1)')).placed);
    await clock.until(() => b.status().sequence === stream.last);
    // Each copy may remove a row as long as one is left.
    const take = (id: number) => (database: DatabaseSync) => {
      const left = database.prepare('SELECT sum(b) AS n FROM t').get();
      if (Number(left?.['n']) > 1) database.prepare('UPDATE t SET b=0 WHERE a=?').run(id);
    };
    await clock.wait(
      Promise.all([a.transaction(take(1), { wait: true }), b.transaction(take(2), { wait: true })]),
    );
    await clock.wait(Promise.all([a.sync(), b.sync()]));
    expect(a.database.prepare('SELECT sum(b) AS n FROM t').get()).toEqual({ n: 1 });
    expect(contents(a.database)).toEqual(contents(b.database));
    await close(a, b);
  });

  test('a lost answer: it takes effect once, and its value is that of the published attempt', async () => {
    const log = logOf();
    const a = await first(':memory:', { log });
    let runs = 0;
    log.faults = { lostAcks: 1 };
    const promise = a.transaction(
      (database) => {
        runs += 1;
        database.prepare('INSERT INTO t VALUES(?, 1)').run(runs);
        return runs;
      },
      { wait: true },
    );
    await clock.pass(1500);
    log.faults = {};
    expect(await clock.wait(promise)).toEqual({ value: 1, sequence: 2 });
    expect([runs, rows(a), stream.last]).toEqual([1, [[1, 1]], 2]);
    await close(a);
  });

  test('an exception of the function rejects the transaction, and nothing is published', async () => {
    const a = await first();
    const promise = a.transaction(
      () => {
        throw new RangeError('no');
      },
      { wait: true },
    );
    await expect(clock.wait(promise)).rejects.toThrow(RangeError);
    expect(stream.last).toBe(1);
    await close(a);
  });

  test('waits until the pending transactions are published', async () => {
    const a = await first();
    insert(a, 1);
    const { value } = await clock.wait(
      a.transaction((database) => database.prepare('SELECT count(*) AS n FROM t').get()?.['n'], {
        wait: true,
      }),
    );
    expect(value).toBe(1);
    await close(a);
  });
});

describe('a wrong history is detected, and not followed', () => {
  const cases: readonly [string, string, (from: MemoryStream) => void][] = [
    ['made again', 'recreated', (from) => Object.assign(from, { identity: random.uuid() })],
    [
      'created again and shorter',
      'recreated',
      (from) => Object.assign(from, { identity: random.uuid(), last: 0 }),
    ],
    ['restored from an older copy', 'restored', (from) => Object.assign(from, { last: from.last - 1 })],
    ['trimmed past the copy', 'trimmed', (from) => from.trim(from.last + 5)],
    ['without the message at its position', 'trimmed', (from) => from.messages.delete(2)],
    ['with another message at its position', 'forked', (from) => from.messages.set(2, new Uint8Array([1]))],
  ];
  test.each(cases)('%s: %s', async (_, expected, spoil) => {
    const path = file();
    const a = await first();
    const b = await open(path);
    await clock.wait(insert(a, 1).placed);
    await clock.until(() => b.status().sequence === 2);
    await close(b);
    await close(a);
    spoil(stream);
    if (expected === 'trimmed' && stream.first > 2) stream.last = stream.first;
    const again = await open(path);
    await stopped(again);
    expect(problem(again)).toBe(expected);
    expect(rows(again)).toEqual([[1, 1]]);
    expect(() => insert(again, 2)).toThrow('the replica has stopped');
    await close(again);
  });

  test('of another name, which does not exist, even with create', async () => {
    const path = file();
    const a = await first();
    const b = await open(path);
    await clock.until(() => b.status().sequence === stream.last);
    await close(a, b);
    const { identity, last } = stream;
    stream.identity = '';
    const again = await open(path, { create: true });
    await clock.until(() => again.status().problem !== undefined);
    expect(again.status().problem).toMatchObject({
      reason: 'missing',
      message: expect.stringContaining(
        `does not exist: this copy follows the history with the identity ${identity}, and has read it up to message ${last}; pass the name of that history`,
      ),
    });
    expect(stream.identity).toBe('');
    await expect(clock.wait(again.sync())).rejects.toThrow(`the history with the identity ${identity}`);
    await close(again);
  });

  test('trimmed past a copy that has read nothing yet', async () => {
    const path = file();
    const a = await open(':memory:', { create: true });
    const b = await open(path);
    await online(a, b);
    await close(b);
    for (const name of ['x', 'y', 'z']) {
      await clock.wait(a.transaction((database) => database.exec(`CREATE TABLE ${name}(a)`), { wait: true }));
    }
    stream.trim(3);
    const again = await open(path);
    await stopped(again);
    expect([problem(again), again.status().sequence]).toEqual(['trimmed', 0]);
    await close(a, again);
  });

  test('restored, and then longer than the copy: messages of others are not applied', async () => {
    const a = await first();
    const path = file();
    const before = stream.copy();
    const b = await open(path);
    await clock.wait(insert(a, 1).placed);
    await clock.until(() => b.status().sequence === 2);
    await close(a, b);
    stream = before;
    const other = await open();
    await clock.until(() => other.status().sequence === 1);
    await clock.wait(insert(other, 7).placed);
    await clock.wait(insert(other, 8).placed);
    const again = await open(path);
    await stopped(again);
    expect(problem(again)).toBe('forked');
    expect(rows(again)).toEqual([[1, 1]]);
    await close(again, other);
  });

  test('a message of a newer format', async () => {
    const a = await first();
    const bytes = encodeMessage(
      { ...decodeMessage(stream.messages.get(1) ?? new Uint8Array(0)), id: random.uuid() },
      [],
    );
    bytes[4] = 9;
    stream.store(bytes, stream.last);
    await stopped(a);
    expect(problem(a)).toBe('format');
    await close(a);
  });

  describe('a message above the limits of the copy', () => {
    /** The error of a copy with limits and a pending transaction at a message above them. Without limits it follows. */
    async function limited(
      limits: MessageLimits,
      before: string,
      beyond: string,
    ): Promise<{ readonly problem: Error | undefined; readonly changed: unknown }> {
      const path = file();
      const a = await first();
      await clock.wait(a.transaction((database) => database.exec(before)).placed);
      const log = logOf();
      const early = await open(path, { log });
      await clock.until(() => early.status().sequence === 2);
      log.isUp = false;
      await clock.until(() => early.status().state === 'offline');
      early.transaction((database) => database.exec("INSERT INTO t VALUES(-1, 'pending')"));
      const was = contents(early.database);
      await close(early);
      await clock.wait(a.transaction((database) => database.exec(beyond), { wait: true }));
      const b = await open(path, { limits });
      await stopped(b);
      const status = b.status();
      expect([problem(b), status.sequence, status.pending]).toEqual(['limit', 2, 1]);
      expect(contents(b.database)).toEqual(was);
      const changed = b.database.prepare('SELECT total_changes() AS n').get()?.['n'];
      await close(b);
      const again = await open(path);
      await clock.wait(again.sync());
      await clock.wait(a.sync());
      expect(contents(again.database)).toEqual(contents(a.database));
      expect(again.rejected()).toEqual([]);
      await close(a, again);
      return { problem: status.problem, changed };
    }

    const rowsOf = (from: number, to: number): string =>
      `INSERT INTO t WITH RECURSIVE c(x) AS (SELECT ${from} UNION ALL SELECT x+1 FROM c WHERE x<${to}) SELECT x, 'x' FROM c`;

    const slowIndex = 'CREATE INDEX slow ON t(length(hex(zeroblob(a % 1000))), b, a)';

    test('in bytes', async () => {
      const large = `INSERT INTO t VALUES(1, '${'x'.repeat(300)}')`;
      const { problem } = await limited({ bytes: 200 }, rowsOf(2, 2), large);
      expect(problem?.message).toMatch(
        /^message 3 of the history has 3\d\d bytes of changes, .* 200: .*limits.bytes$/,
      );
    });

    test('in rows: as many as allowed are applied', async () => {
      const { problem } = await limited({ rows: 10 }, rowsOf(1, 10), rowsOf(11, 21));
      expect(problem?.message).toBe(
        'message 3 of the history changes 11 rows, and this copy accepts 10: if the message is correct, raise limits.rows',
      );
    });

    test('in time: no more rows are changed', async () => {
      const { problem, changed } = await limited({ milliseconds: 40 }, rowsOf(1, 1), rowsOf(2, 150_000));
      expect(problem?.message).toMatch(
        /^message 3 of the history takes more than 40 ms to apply, .*limits.milliseconds$/,
      );
      expect(changed).toBeLessThan(140_000);
    });

    test('in time: SQLite is interrupted within a statement', async () => {
      const path = file();
      const a = await first();
      await clock.wait(a.transaction((database) => database.exec(rowsOf(1, 150_000))).placed);
      const before = await open(path);
      await clock.wait(before.sync());
      await close(before);
      await clock.wait(a.transaction((database) => database.exec(slowIndex), { wait: true }));
      const b = await open(path, { limits: { milliseconds: 20 } });
      await stopped(b);
      const { problem, sequence } = b.status();
      expect([reasonOf(problem), sequence]).toEqual(['limit', 2]);
      expect(problem?.cause).toMatchObject({ errcode: 9, message: 'interrupted' });
      expect(b.database.prepare("SELECT 1 FROM sqlite_schema WHERE name='slow'").get()).toBeUndefined();
      await close(a, b);
    });

    test('in time, within one step of SQLite', async () => {
      const { problem } = await limited(
        { milliseconds: 40 },
        rowsOf(1, 1),
        "CREATE INDEX slow ON t(length(replace(hex(zeroblob(5000000)), '0', 'ab')))",
      );
      expect(problem?.message).toContain('takes more than 40 ms');
    });

    test('limits are checked', async () => {
      const limit = (limits: unknown) => open(':memory:', { limits: limits as MessageLimits });
      await expect(limit({ row: 1 })).rejects.toThrow('did you mean "rows"?');
      await expect(limit({ rows: 0 })).rejects.toThrow('"options.limits.rows" argument must be at least 1');
      await expect(limit({ bytes: '1' })).rejects.toThrow('must be an integer');
    });
  });

  test('conflicting changes: the state is diverged', async () => {
    const path = file();
    const a = await first();
    const b = await open(path);
    await clock.until(() => b.status().sequence === 1);
    await clock.wait(insert(a, 1).placed);
    await clock.until(() => b.status().sequence === 2);
    const events: string[] = [];
    b.on('diverged', () => events.push('diverged'));
    const message = decodeMessage(stream.messages.get(2) ?? new Uint8Array(0));
    const id = random.uuid();
    const transactions = message.transactions.map((one) => ({ ...one, id }));
    stream.store(encodeMessage({ ...message, id, prev: message.id, transactions }, [message.body]), 2);
    await stopped(b);
    expect([problem(b), ...events]).toEqual(['diverged', 'diverged']);
    expect(rows(b)).toEqual([[1, 1]]);
    await close(a, b);
  });

  test('invalid messages are void, and following continues', async () => {
    const a = await first();
    const b = await open();
    const voided: number[] = [];
    b.on('voided', (sequence) => voided.push(sequence));
    await clock.until(() => b.status().sequence === 1);
    stream.store(new Uint8Array([1, 2, 3]), 1);
    await clock.wait(insert(a, 1).placed);
    await clock.until(() => b.status().sequence === 3);
    expect(voided).toEqual([2]);
    expect(rows(b)).toEqual([[1, 1]]);
    await close(a, b);
  });
});

describe('the server', () => {
  test.each(['full', 'denied'] as const)(
    '%s: reported; pending transactions stay, and are published later',
    async (fault) => {
      const a = await first();
      const events: unknown[] = [];
      a.on('stalled', (error) => events.push(reasonOf(error)));
      stream.fault = fault;
      insert(a, 1);
      await clock.pass(5000);
      expect(events).toEqual([fault]);
      expect(a.status()).toMatchObject({ state: 'online', pending: 1 });
      const make = () => a.transaction((database) => database.exec('CREATE TABLE u(a)'), { wait: true });
      expect(await failure(make())).toBe(fault);
      stream.fault = undefined;
      await clock.until(() => a.status().pending === 0);
      stream.fault = fault;
      expect(await failure(make())).toBe(fault);
      stream.fault = undefined;
      await clock.wait(make());
      await close(a);
    },
  );

  test('goes silent: noticed, and followed again', async () => {
    const a = await first();
    const log = logOf();
    const b = await open(':memory:', { log });
    await online(b);
    const events: string[] = [];
    b.on('offline', () => events.push('offline'));
    b.on('online', () => events.push('online'));
    const began = clock.now();
    log.isUp = false;
    await clock.until(() => b.status().state === 'offline');
    expect(clock.now() - began).toBeLessThanOrEqual(1000);
    await clock.wait(insert(a, 1).placed);
    log.isUp = true;
    await clock.until(() => b.status().sequence === 2);
    expect(events).toEqual(['offline', 'online']);
    await close(a, b);
  });

  test('a transaction larger than a message is an object, committed by one message', async () => {
    const a = await first();
    const b = await open();
    await clock.wait(insert(a, 1, 'x'.repeat(3 * stream.maxMessage)).placed);
    await clock.until(() => b.status().sequence === 2);
    expect([...stream.objects.keys()].length).toBe(1);
    expect(stream.messages.get(2)?.length).toBeLessThan(1000);
    expect(rows(b)).toEqual(rows(a));
    const [name = ''] = stream.objects.keys();
    const c = await open();
    await clock.until(() => c.status().sequence === 2);
    const object = stream.objects.get(name);
    if (object) object.bytes[50] = (object.bytes[50] ?? 0) ^ 1;
    const d = await open();
    await stopped(d);
    expect(problem(d)).toBe('forked');
    stream.objects.delete(name);
    const e = await open();
    await stopped(e);
    expect(problem(e)).toBe('trimmed');
    await close(a, b, c, d, e);
  });
});

describe('two files with one identity', () => {
  test('are detected; each continues with its own, and nothing is lost or applied twice', async () => {
    const path = file();
    const twin = file();
    const log = logOf();
    const a = await first(path, { log });
    log.isUp = false;
    await clock.until(() => a.status().state === 'offline');
    insert(a, 1);
    await close(a);
    copyFileSync(path, twin);
    const one = await open(path);
    const two = await open(twin);
    const renewed: unknown[] = [];
    for (const replica of [one, two]) replica.on('renewed', (id) => renewed.push(id));
    await clock.until(() => one.status().pending === 0 && two.status().pending === 0);
    await clock.wait(insert(one, 2).placed);
    await clock.wait(insert(two, 3).placed);
    await clock.wait(Promise.all([one.sync(), two.sync()]));
    expect(rows(one)).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(contents(two.database)).toEqual(contents(one.database));
    expect(renewed.length).toBeGreaterThan(0);
    expect(one.status().copy).not.toBe(two.status().copy);
    await close(one, two);
  });

  test('a file in two replicas: the first stops', async () => {
    const path = file();
    const a = await first(path);
    const b = await open(path);
    expect(() => insert(a, 1)).toThrow('another replica opened');
    await clock.wait(insert(b, 2).placed);
    await stopped(a);
    expect(problem(a)).toBe('two-processes');
    await close(a, b);
  });
});

describe('snapshots', () => {
  test('a new copy begins with one, and follows', async () => {
    const path = file();
    const log = logOf();
    const a = await first(path, { log });
    await clock.wait(insert(a, 1).placed);
    log.isUp = false;
    await clock.until(() => a.status().state === 'offline');
    insert(a, 2); // pending: not in the snapshot
    await clock.pass(10);
    log.isUp = true;
    const taken = a.snapshot();
    const { sequence } = await clock.wait(taken);
    expect(sequence).toBe(2);
    await clock.wait(insert(a, 3).placed);
    stream.trim(2);
    const progress: number[] = [];
    const copy = file();
    const b = await open(copy, { onProgress: (done, total) => progress.push(done / total) });
    await clock.until(() => b.status().sequence === stream.last);
    expect(contents(b.database)).toEqual(contents(a.database));
    expect(progress.at(-1)).toBe(1);
    expect(b.status().copy).not.toBe(a.status().copy);
    expect(b.rejected()).toEqual([]);
    await clock.wait(insert(b, 4).placed);
    await clock.wait(a.sync());
    expect(contents(b.database)).toEqual(contents(a.database));
    await close(a, b);
    expect(readdirSync(folder).filter((name) => /part|snapshot/.test(name))).toEqual([]);
  });

  test('a database with data becomes a history with a snapshot of it', async () => {
    const path = file();
    const database = new DatabaseSync(path);
    database.exec(
      "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1, 'old'); PRAGMA user_version=7",
    );
    database.close();
    const a = await open(path, { create: true });
    expect(stream).toMatchObject({ origin: 'snapshot', last: 0 });
    const b = await open(file());
    await clock.wait(insert(a, 2).placed);
    await clock.until(() => b.status().sequence === 1);
    expect(rows(b)).toEqual([
      [1, 'old'],
      [2, 1],
    ]);
    expect(b.database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 7 });
    await close(a, b);
  });

  test('a history without a usable snapshot is refused, and so is a damaged snapshot', async () => {
    const a = await first();
    const path = file();
    await clock.wait(insert(a, 1).placed);
    await clock.wait(a.snapshot());
    await clock.wait(insert(a, 2).placed);
    await clock.wait(insert(a, 3).placed);
    const [name = ''] = stream.objects.keys();
    const object = stream.objects.get(name);
    stream.trim(2); // it needs no more than the message at its place
    const whole = object?.bytes.slice() ?? new Uint8Array(0);
    for (const at of [3, 100, whole.length - 5]) {
      if (object) object.bytes = whole.map((byte, i) => (i === at ? byte ^ 0x55 : byte));
      expect(await failure(open(path))).toBe('forked');
    }
    if (object) object.bytes = whole.subarray(0, whole.length - 20);
    expect(await failure(open(path))).toBe('forked');
    if (object) object.bytes = whole;
    stream.trim(3);
    expect(await failure(open(path))).toBe('missing');
    expect(existsSync(`${path}.part`)).toBe(false);
    await close(a);
  });

  test.each([
    ['CREATE TABLE n(a TEXT PRIMARY KEY); INSERT INTO n VALUES(NULL)', 'have NULL in their PRIMARY KEY'],
    ['CREATE VIRTUAL TABLE f USING rtree(x, a, b)', 'of the module rtree are not replicated'],
  ])(
    'a database whose rows cannot be identified in other copies does not become a history: %s',
    async (sql, message) => {
      const path = file();
      const database = new DatabaseSync(path);
      database.exec(sql);
      database.close();
      await expect(open(path, { create: true })).rejects.toThrow(message);
      expect(stream.identity).toBe('');
    },
  );
});

describe('a feed', () => {
  test('returns every transaction of the history, in order, and continues from a position', async () => {
    const a = await first();
    await clock.wait(insert(a, 1, 'x').placed);
    stream.store(new Uint8Array([1]), stream.last); // void
    await clock.until(() => a.status().sequence === 3);
    const stale = encodeMessage(decodeMessage(stream.messages.get(2) ?? new Uint8Array(0)), [
      decodeMessage(stream.messages.get(2) ?? new Uint8Array(0)).body,
    ]);
    stream.store(stale, stream.last); // void too: it follows another message
    await clock.until(() => a.status().sequence === 4);
    const { id } = a.transaction((database) => database.exec("UPDATE t SET b='y'"));
    await clock.until(() => a.status().pending === 0);
    const read = async (count: number, from?: FeedPosition): Promise<FeedMessage[]> => {
      const messages: FeedMessage[] = [];
      for await (const message of feed(logOf(), from ? { from } : {})) {
        if (messages.push(message) === count) break;
      }
      return messages;
    };
    const all = await clock.wait(read(3));
    expect(all.map(({ sequence, copy }) => [sequence, copy])).toEqual(
      [1, 2, 5].map((n) => [n, a.status().copy]),
    );
    const last = all[2]?.transactions[0];
    expect(last?.id).toBe(id);
    const [entry] = last?.entries ?? [];
    expect(
      entry?.kind === 'changeset' && [...changes(entry.bytes)].map(({ op, new: now }) => [op, now[1]]),
    ).toEqual([['update', 'y']]);
    const rest = await clock.wait(read(2, JSON.parse(JSON.stringify(all[0]?.position))));
    expect(rest.map(({ sequence }) => sequence)).toEqual([2, 5]);
    stream.messages.set(2, new Uint8Array([7]));
    expect(await failure(read(1, all[1]?.position))).toBe('forked');
    await close(a);
  });

  test('waits while the server does not answer, and ends by its signal', async () => {
    const a = await first();
    const log = logOf();
    const ending = new AbortController();
    const seen: number[] = [];
    const over = (async () => {
      for await (const { sequence } of feed(log, { signal: ending.signal })) seen.push(sequence);
    })();
    await clock.until(() => seen.length === 1);
    log.isUp = false;
    await clock.wait(insert(a, 1).placed);
    await clock.pass(2000);
    log.isUp = true;
    await clock.until(() => seen.length === 2);
    ending.abort();
    await clock.wait(over);
    expect(seen).toEqual([1, 2]);
    await close(a);
  });
});

test('closing: pending transactions stay, promises settle, and later calls fail', async () => {
  const path = file();
  const log = logOf();
  const a = await first(path, { log });
  log.isUp = false;
  const { placed } = insert(a, 1);
  await close(a);
  expect(await failure(placed)).toBe('closed');
  expect(() => insert(a, 2)).toThrow('the replica is closed');
  await close(a);
  {
    await using b = await open(path);
    await clock.until(() => b.status().pending === 0 && b.status().state === 'online');
    void clock.pass(0);
  }
  expect(stream.last).toBe(2);
});

test('an exception of a listener does not stop the replica', async () => {
  const a = await first();
  const b = await open();
  await clock.until(() => b.status().sequence === 1);
  const thrown: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', (error) => thrown.push(error.message));
  b.once('applied', () => {
    throw new Error('mine');
  });
  await clock.wait(insert(a, 1).placed);
  await clock.wait(insert(a, 2).placed);
  await clock.until(() => b.status().sequence === 3);
  for (const listener of listeners) process.on('uncaughtException', listener);
  expect(thrown).toEqual(['mine']);
  await close(a, b);
});
