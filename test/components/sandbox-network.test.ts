/** The network: unavailable without a grant; with a grant, wasi:sockets between a component and this machine. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { guest as guestPath } from '../kit/guests.js';
import { program } from '../kit/program.js';

const guest = guestPath('network');

const cache = mkdtempSync(join(tmpdir(), 'network-'));

/**
 * A server that sends "hello" to every client. It runs in its own thread, because a component's call blocks this one.
 */
const server = new Worker(
  `const { createServer } = require('node:net');
   const { parentPort } = require('node:worker_threads');
   const server = createServer((socket) => socket.end('hello'));
   server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
  { eval: true },
);
let port: number;
beforeAll(async () => {
  process.env.SQLITE_WASM_RUN_CACHE = cache;
  port = await new Promise((resolve) => server.once('message', resolve));
});
afterAll(async () => {
  await server.terminate();
  rmSync(cache, { recursive: true });
});

const asks = /network\.wasm requires wasi:sockets\/\S+: allow it with --allow-net, or grants\.net in code$/;

test('not granted, it is not loaded', () => {
  const db = new DatabaseSync(':memory:', { allowExtension: true, grants: { sql: 'rw', env: ['PATH'] } });
  expect(() => db.loadExtension(guest)).toThrow(asks);
  expect(() => db.prepare('SELECT heard(1)')).toThrow('no such function: heard');
  db.close();
});

test('granted, it connects; what the system refuses is an error of the component', () => {
  const db = new DatabaseSync(':memory:', { allowExtension: true, grants: { net: true } });
  db.loadExtension(guest);
  const heard = db.prepare('SELECT heard(?) AS it');
  expect(heard.get(BigInt(port))).toEqual({ it: 'hello' });
  expect(heard.get(BigInt(port))).toEqual({ it: 'hello' });
  expect(() => heard.get(1n)).toThrow('finish-connect failed with code 14'); // connection-refused
  db.close();
});

test('on the command line', () => {
  const run = (...options: string[]) =>
    spawnSync(process.execPath, [program, ...options, ':memory:'], {
      encoding: 'utf8',
      input: `.load ${guest}\nSELECT heard(${port});\n`,
    });
  expect(run('--allow-net')).toMatchObject({ status: 0, stdout: 'hello\n', stderr: '' });
  expect(run().stderr.split('\n')[0]).toMatch(asks);
});
