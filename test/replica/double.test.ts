/** The in-memory log of the simulations behaves as a real NATS server: runs the same random operations on both. */

import { type Log, natsLog, ReplicaError } from 'sqlite-wasm-run/replica';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryLog, MemoryStream, Random, VirtualClock } from './log.js';
import { NatsServer, serverVersion } from './nats-server.js';

let server: NatsServer;
beforeAll(async () => {
  if (serverVersion === undefined) return;
  server = new NatsServer();
  await server.start();
});
afterAll(() => server?.[Symbol.asyncDispose]());

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
}

async function joined(pieces: AsyncIterable<Uint8Array> | undefined): Promise<string | undefined> {
  if (!pieces) return undefined;
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece.slice());
  return Buffer.concat(parts).toString('base64');
}

/** The messages from a sequence on, up to the last one. */
async function followed(log: Log, from: number, last: number): Promise<unknown[]> {
  const found: unknown[] = [];
  const stop = new AbortController();
  if (from > last) return found;
  for await (const { sequence, bytes } of log.follow(from, stop.signal)) {
    found.push([sequence, Buffer.from(bytes).toString('base64')]);
    if (sequence >= last) {
      stop.abort();
      break;
    }
  }
  return found;
}

/** The results of `count` random operations. */
async function history(log: Log, seed: number, count: number): Promise<unknown[]> {
  const random = new Random(seed);
  const bytes = (most: number): Uint8Array =>
    Uint8Array.from({ length: random.below(most) }, () => random.below(256));
  const name = (): string => `snapshot-${random.below(4)}`;
  let [first, last] = [1, 0];
  const operations: readonly [string, () => Promise<unknown>][] = [
    ['state', () => log.state()],
    ['create', () => log.create(random.uuid(), 'empty')],
    [
      'message',
      async () => {
        const found = await log.message(Math.max(1, last - 3 + random.below(6)));
        return found && Buffer.from(found).toString('base64');
      },
    ],
    [
      'publish',
      async () => {
        const expected = random.chance(0.7) ? last : random.below(last + 2);
        last = await log.publish(bytes(2000), expected);
        return last;
      },
    ],
    ['publish', async () => (last = await log.publish(bytes(100), last))],
    ['follow', () => followed(log, first + random.below(3), last)],
    ['put', () => log.put(name(), { sequence: String(last) }, inPieces(bytes(5000)))],
    ['get', async () => joined(await log.get(name()))],
    [
      'objects',
      async () => {
        const found = await log.objects(random.chance(0.5) ? 'snapshot-' : name());
        return found.map(({ time, ...object }) => object).sort((a, b) => (a.name < b.name ? -1 : 1));
      },
    ],
    ['remove', () => log.remove(name())],
    [
      'trim',
      async () => {
        const to = first + random.below(3);
        if (to > last) return;
        await log.trim(to);
        first = Math.max(first, to);
      },
    ],
  ];
  const answers: unknown[] = [await log.create(random.uuid(), 'empty')];
  for (let i = 0; i < count; i++) {
    const [what, action] = operations[random.below(operations.length)] ?? ['', async () => undefined];
    try {
      answers.push([i, what, await action()]);
    } catch (error) {
      if (!(error instanceof ReplicaError)) throw error;
      answers.push([i, what, error.reason]);
    }
  }
  await log.close();
  return answers;
}

test.runIf(serverVersion !== undefined).each(Array.from({ length: 20 }, (_, i) => i + 1))(
  'seed %i',
  async (seed) => {
    const memory = new MemoryLog(new MemoryStream(), new VirtualClock(), new Random(seed));
    const real = natsLog({ servers: server.address, name: `double-${seed}` });
    const expected = await history(real, seed, 150);
    const found = await history(memory, seed, 150);
    for (const [i, answer] of expected.entries()) expect(found[i]).toEqual(answer);
    expect(new Set(expected.map((answer) => (answer as unknown[])[1])).size).toBeGreaterThan(8);
  },
);
