/** Replicas over a real NATS server that is killed, frozen or full, loses messages, or denies permissions. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type NatsOptions,
  natsLog,
  Replica,
  ReplicaError,
  type ReplicaOptions,
} from 'sqlite-wasm-run/replica';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { root } from '../../scripts/sources.js';
import { contents } from './copies.js';
import { Link, NatsServer, serverVersion } from './nats-server.js';

const reason =
  serverVersion === undefined ? ' (skipped: set NATS_SERVER to a nats-server, or put one in PATH)' : '';
if (reason) console.log(`replica-nats${reason}`);

let folder: string;
let server: NatsServer;
let count = 0;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'replica-nats-'));
  if (reason) return;
  server = new NatsServer();
  await server.start();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

type Options = Partial<ReplicaOptions> & { nats?: Partial<NatsOptions>; path?: string };

function open(name: string, { nats, path = ':memory:', ...options }: Options = {}): Promise<Replica> {
  const log = natsLog({ servers: server.address, name, timeout: 1000, ...nats });
  return Replica.open(path, { log, ...options });
}

async function until(done: () => boolean, limit = 20_000): Promise<void> {
  const end = Date.now() + limit;
  while (!done()) {
    if (Date.now() > end) throw new Error(`not done after ${limit} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const online = (replica: Replica): Promise<void> => until(() => replica.status().state === 'online');
const create = 'CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, n INTEGER, data BLOB)';
const insert = (replica: Replica, id: string, n = 1, data: Uint8Array | null = null) =>
  replica.transaction((database) => void database.prepare('INSERT INTO t VALUES(?, ?, ?)').run(id, n, data));
const reasonOf = (error: unknown): unknown => (error instanceof ReplicaError ? error.reason : error);

async function first(name: string, options: Options = {}): Promise<Replica> {
  const replica = await open(name, { create: true, ...options });
  await online(replica);
  await replica.transaction((database) => database.exec(create), { wait: true });
  return replica;
}

describe.skipIf(reason !== '')(`over ${serverVersion ?? 'no server'}${reason}`, () => {
  test('copies converge, and each reports what it applied', async () => {
    const name = `db${++count}`;
    await using a = await first(name);
    await using b = await open(name);
    await using c = await open(name);
    const all = [a, b, c];
    await insert(a, 'row 0').placed;
    await Promise.all(all.map((replica) => replica.sync()));
    for (let i = 1; i <= 300; i++) {
      const replica = all[i % 3] ?? a;
      insert(replica, `row ${i}`);
      replica.transaction((database) => database.exec("UPDATE t SET n=n+1 WHERE id='row 0'"));
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
    }
    for (const replica of [...all, ...all]) await replica.sync();
    for (const replica of all) expect(contents(replica.database)).toEqual(contents(a.database));
    expect(a.database.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 301 });
    expect(a.database.prepare("SELECT n FROM t WHERE id='row 0'").get()).toEqual({ n: 301 });
    expect(all.flatMap((replica) => replica.rejected())).toEqual([]);
  });

  test('a change of 5 MB is an object; a snapshot begins a new copy', async () => {
    const name = `db${++count}`;
    const path = join(folder, `${name}.db`);
    await using a = await first(name);
    const data = new Uint8Array(5_000_000).map((_, i) => (i * 7919) >> 5);
    await insert(a, 'large', 1, data).placed;
    await a.snapshot();
    await insert(a, 'after').placed;
    await using b = await open(name, { path });
    await b.sync();
    const found = b.database.prepare("SELECT data FROM t WHERE id='large'").get()?.['data'];
    expect(found instanceof Uint8Array && Buffer.compare(found, data)).toBe(0);
    await using c = await open(name); // by the messages
    await c.sync();
    const [one, two, three] = [a, b, c].map(({ database }) => JSON.stringify(contents(database)));
    expect([one === two, one === three]).toEqual([true, true]);
  });

  test('an object is read on demand, however slowly, and not ahead', async () => {
    const name = `db${++count}`;
    await using _ = await first(name);
    const log = natsLog({ servers: server.address, name, timeout: 1000 });
    const piece = new Uint8Array(2 ** 20).map((__, i) => (i * 7919) >> 5);
    async function* pieces() {
      for (let i = 0; i < 30; i++) yield piece;
    }
    const { connect } = await import('@nats-io/transport-node');
    const { jetstreamManager } = await import('@nats-io/jetstream');
    const connection = await connect({ servers: server.address });
    try {
      await log.put('large', {}, pieces());
      const { consumers } = await jetstreamManager(connection);
      let length = 0;
      let most = 0;
      for await (const bytes of (await log.get('large')) ?? []) {
        if (length < 2 * bytes.length) {
          await new Promise((resolve) => setTimeout(resolve, 1200)); // longer than a server may be silent
          for await (const { delivered } of consumers.list(`OBJ_replica_${name}`)) {
            most = Math.max(most, delivered.consumer_seq);
          }
        }
        length += bytes.length;
      }
      expect(length).toBe(30 * piece.length);
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThanOrEqual(9);
    } finally {
      await connection.close();
      await log.close();
    }
  });

  test('a server that is killed while copies write: nothing is lost, and silence is noticed within two seconds', async () => {
    await using own = new NatsServer();
    await own.start();
    const nats = { servers: own.address };
    const name = 'killed';
    await using a = await first(name, { nats });
    await using b = await open(name, { nats });
    await Promise.all([a.sync(), b.sync()]);
    let written = 0;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 100; i++) {
        insert(written % 2 ? a : b, `row ${written++}`);
        if (i === 50) await own.kill();
      }
      const began = Date.now();
      await until(() => a.status().state === 'offline' && b.status().state === 'offline');
      expect(Date.now() - began).toBeLessThan(2000);
      await own.start();
      await until(() => a.status().state === 'online' && b.status().state === 'online');
    }
    await until(() => a.status().pending === 0 && b.status().pending === 0);
    await Promise.all([a.sync(), b.sync()]);
    expect(a.database.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: written });
    expect(contents(b.database)).toEqual(contents(a.database));
  });

  test('a server that hangs: the follower notices missing heartbeats, and continues afterwards', async () => {
    await using own = new NatsServer();
    await own.start();
    const nats = { servers: own.address };
    await using a = await first('frozen', { nats });
    await using b = await open('frozen', { nats });
    await b.sync();
    own.freeze(true);
    const began = Date.now();
    await until(() => b.status().state === 'offline');
    expect(Date.now() - began).toBeLessThan(1600);
    insert(a, 'meanwhile');
    own.freeze(false);
    await until(() => b.database.prepare('SELECT count(*) AS n FROM t').get()?.['n'] === 1);
  });

  test('a link that is interrupted repeatedly: each transaction is in the history once', async () => {
    await using proxy = new Link(() => server.port);
    await proxy.start();
    const name = `db${++count}`;
    await using a = await first(name);
    await using b = await open(name, { nats: { servers: proxy.address, timeout: 500 } });
    await b.sync();
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j < 20; j++) {
        b.transaction((database) => {
          database.prepare('INSERT INTO t VALUES(?, 1, NULL)').run(`${i} ${j}`);
        });
        if (j % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      proxy.isUp = false;
      await new Promise((resolve) => setTimeout(resolve, 100));
      proxy.isUp = true;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await until(() => b.status().pending === 0);
    await a.sync();
    expect(a.database.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 160 });
    expect(b.rejected()).toEqual([]);
  });

  test('a stream that was created again is detected', async () => {
    const name = `db${++count}`;
    const path = join(folder, `${name}.db`);
    const a = await first(name, { path });
    await insert(a, '1').placed;
    await a.close();
    const { connect } = await import('@nats-io/transport-node');
    const { jetstreamManager } = await import('@nats-io/jetstream');
    const connection = await connect({ servers: server.address });
    await (await jetstreamManager(connection)).streams.delete(`replica_${name}`);
    const lost = await open(name, { path });
    await until(() => reasonOf(lost.status().problem) === 'missing');
    await lost.close();
    await (await open(name, { create: true })).close();
    const b = await open(name, { path });
    await until(() => b.status().state === 'stopped');
    expect(reasonOf(b.status().problem)).toBe('recreated');
    await b.close();
    await connection.close();
  });

  test('a stream that discards messages, or is not a history, is refused', async () => {
    const { connect } = await import('@nats-io/transport-node');
    const { jetstreamManager } = await import('@nats-io/jetstream');
    const connection = await connect({ servers: server.address });
    const manager = await jetstreamManager(connection);
    const name = `db${++count}`;
    await manager.streams.add({ name: `replica_${name}`, subjects: [`replica.${name}`] });
    await expect(open(name)).rejects.toMatchObject({ reason: 'other-history' });
    const other = `db${++count}`;
    const a = await first(other);
    await manager.streams.update(`replica_${other}`, { max_age: 3_600_000_000_000 });
    await expect(open(other)).rejects.toMatchObject({ reason: 'refused' });
    await a.close();
    await connection.close();
  });

  test('a full stream is reported, and pending transactions are published once there is space', async () => {
    const { connect } = await import('@nats-io/transport-node');
    const { jetstreamManager } = await import('@nats-io/jetstream');
    const connection = await connect({ servers: server.address });
    const manager = await jetstreamManager(connection);
    const name = `db${++count}`;
    await using a = await first(name);
    await manager.streams.update(`replica_${name}`, { max_bytes: 20_000 });
    const data = new Uint8Array(30_000).fill(7);
    insert(a, 'too much', 1, data);
    await until(() => reasonOf(a.status().problem) === 'full');
    expect(a.status()).toMatchObject({ state: 'online', pending: 1 });
    await manager.streams.update(`replica_${name}`, { max_bytes: -1 });
    await until(() => a.status().pending === 0);
    await connection.close();
  });

  test('permissions: a reader follows but may not publish; wrong credentials are not printed', async () => {
    await using own = new NatsServer(`authorization { users = [
      { user: writer, password: secret1 },
      { user: reader, password: secret2, permissions: {
          publish: { deny: ["replica.>"] } } } ] }`);
    await own.start();
    await using a = await first('p', { nats: { servers: own.address, user: 'writer', password: 'secret1' } });
    await using b = await open('p', { nats: { servers: own.address, user: 'reader', password: 'secret2' } });
    await b.sync();
    await insert(a, '1').placed;
    await b.sync();
    insert(b, '2');
    await until(() => reasonOf(b.status().problem) === 'denied');
    expect(b.status()).toMatchObject({ state: 'online', pending: 1 });
    const wrong = open('p', { nats: { servers: own.address, user: 'writer', password: 'secret3' } });
    const error = await wrong.then(
      () => undefined,
      (thrown: unknown) => thrown as ReplicaError,
    );
    expect(error?.reason).toBe('denied');
    expect(`${error?.stack} ${JSON.stringify(error)}`).not.toContain('secret');
  });

  test('the sample configuration: who may read, write, and delete', async () => {
    for (const user of ['operator', 'writer', 'reader']) {
      vi.stubEnv(`${user.toUpperCase()}_PASSWORD`, `password-of-${user}`);
    }
    await using own = new NatsServer(
      readFileSync(join(root, 'test/examples/replica-server/server.conf'), 'utf8'),
    );
    await own.start();
    const as = (user: string) => ({
      nats: { servers: own.address, user, password: `password-of-${user}` },
      path: join(own.folder, `${user}.db`),
    });
    const early = join(own.folder, 'early.db');
    for (let i = 0; i < 2; i++) {
      const opened = open('shop', { ...as('writer'), create: true, path: early });
      await expect(opened).rejects.toMatchObject({ reason: 'denied' });
    }
    await using operator = await first('shop', as('operator'));
    await using writer = await open('shop', as('writer'));
    await using reader = await open('shop', as('reader'));
    {
      // The denied attempt had no effect, so the file can become a copy.
      await using late = await open('shop', { ...as('writer'), path: early });
      await late.sync();
      expect(contents(late.database)).toEqual(contents(operator.database));
    }
    await writer.sync();
    const large = new Uint8Array(3_000_000).map((_, i) => (i * 7919) >> 5);
    await insert(writer, 'by the writer', 1, large).placed;
    await operator.snapshot();
    await insert(operator, 'by the operator').placed;
    for (const one of [operator, writer, reader]) {
      await one.sync();
      expect(contents(one.database)).toEqual(contents(operator.database));
    }
    await using fresh = await open('shop', { ...as('reader'), path: join(own.folder, 'fresh.db') });
    await fresh.sync();
    expect(contents(fresh.database)).toEqual(contents(operator.database));

    insert(reader, 'by the reader');
    await until(() => reasonOf(reader.status().problem) === 'denied');
    expect(reader.status()).toMatchObject({ state: 'online', pending: 1 });
    await expect(reader.snapshot()).rejects.toMatchObject({ reason: 'denied' });

    const { connect } = await import('@nats-io/transport-node');
    const { jetstreamManager } = await import('@nats-io/jetstream');
    const streams = ['replica_shop', 'OBJ_replica_shop'];
    for (const user of ['reader', 'writer', 'operator']) {
      const connection = await connect({ servers: own.address, user, pass: `password-of-${user}` });
      const { streams: api } = await jetstreamManager(connection);
      for (const stream of streams) {
        const may = user === 'operator';
        const does = (action: Promise<unknown>) =>
          action.then(
            () => true,
            (error) => String(error),
          );
        const refused = expect.stringContaining('Permissions Violation');
        expect(await does(api.update(stream, { max_bytes: 1_000_000_000 }))).toEqual(may ? true : refused);
        expect(await does(api.purge(stream))).toEqual(may ? true : refused);
        expect(await does(api.delete(stream))).toEqual(may ? true : refused);
      }
      await connection.close();
    }
  });

  test('no server: unavailable', async () => {
    await expect(open('x', { nats: { servers: 'nats://127.0.0.1:1' } })).rejects.toMatchObject({
      reason: 'unavailable',
    });
  });
});

test('options are checked', () => {
  expect(() => natsLog({ servers: 'nats://x', name: 'a b' })).toThrow('letters, digits');
  expect(() => natsLog({ servers: [], name: 'a' })).toThrow('"options.servers"');
  expect(() => natsLog({ servers: 'nats://x', name: 'a', pasword: 'x' } as never)).toThrow(
    'did you mean "password"?',
  );
});
