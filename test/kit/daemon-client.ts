/** Starts a daemon in its own folder, and clients, for tests. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { root } from '../../scripts/sources.js';
import { testFolder } from './folder.js';
import { program } from './program.js';

let running: ChildProcess[];
let sockets: Socket[];

/** The folder of the test that runs: a.db, the socket s, the output o.cs. */
export let folder: string;

beforeEach(() => {
  folder = testFolder('daemon');
  running = [];
  sockets = [];
});
afterEach(() => {
  delete process.env.FILE_FAULTS;
  for (const socket of sockets) socket.destroy();
  for (const child of running) child.kill('SIGKILL');
});

interface Daemon {
  child: ChildProcess;
  said(): string;
  ended: Promise<unknown>;
}

/** Starts a daemon and waits until it listens, or has ended. */
export const start = (...more: string[]): Promise<Daemon> => startIn(folder, ...more);

/** Starts a daemon in a folder. It is ended after the test. */
export async function startIn(cwd: string, ...more: string[]): Promise<Daemon> {
  const args = ['changeset', 'daemon', '--db', 'a.db', '--socket', 's', '--output', 'o.cs', ...more];
  // Makes file operations fail; see file-faults.mjs.
  const preload = process.env.FILE_FAULTS ? ['--import', join(root, 'test/kit/file-faults.mjs')] : [];
  const child = spawn(process.execPath, [...preload, program, ...args], { cwd });
  if (cwd === folder) running.push(child);
  const ended = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (data) => {
    said += data;
  });
  while (!said.includes('listening') && child.exitCode === null)
    await Promise.race([once(child.stderr, 'data'), ended]);
  return { child, said: () => said, ended };
}

/** A client of the line protocol. `ask` resolves with the reply up to the next line that begins with `--`. */
export async function lines(
  cwd = folder,
  name = 's',
): Promise<{
  greeting: string;
  ask(text: string): Promise<string>;
  socket: Socket;
}> {
  const socket = connect(join(cwd, name));
  if (cwd === folder) sockets.push(socket);
  socket.on('error', () => {});
  let received = '';
  let wake = (): void => {};
  socket.on('data', (data) => {
    received += data;
    wake();
  });
  const until = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = pattern.exec(received);
      if (found) {
        received = received.slice(found.index + found[0].length);
        return found[0];
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const greeting = await until(/^.*\n/);
  return {
    greeting,
    socket,
    ask(text) {
      socket.write(`${text}\n`);
      return until(/^(?:(?!--).*\n)*--.*\n/);
    },
  };
}

/** A client of the frame protocol. */
export async function frames(): Promise<{ ask(request: object): Promise<Record<string, unknown>> }> {
  const socket = connect(join(folder, 's'));
  sockets.push(socket);
  let received = Buffer.alloc(0);
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  if (greeting.toString() !== 'sqlite-wasm-run daemon 1 a.db\n') throw new Error(`greeted by ${greeting}`);
  return {
    async ask(request) {
      socket.write(frame(JSON.stringify(request)));
      while (received.length < 4 || received.length < 4 + received.readUInt32BE(0)) {
        received = Buffer.concat([received, ...((await once(socket, 'data')) as [Buffer])]);
      }
      const end = 4 + received.readUInt32BE(0);
      const answer = JSON.parse(received.subarray(4, end).toString());
      received = received.subarray(end);
      return answer;
    },
  };
}

/** Makes a frame with a text. */
export function frame(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}
