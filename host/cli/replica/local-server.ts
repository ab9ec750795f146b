/** Implements `--server local`, which starts a nats-server from PATH with its storage next to the database. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, reason } from '../exit.js';

export interface LocalServer {
  readonly address: string;
  /** Whether this process started the server. */
  readonly isOwn: boolean;
  /** Stops the server if this process started it. */
  stop(): Promise<void>;
}

const folderOf = (database: string): string => `${resolve(database)}-nats`;

/** Starts the server of a database unless it is running. @throws CommandError if the server does not start */
export async function startLocal(database: string): Promise<LocalServer> {
  const folder = folderOf(database);
  mkdirSync(folder, { recursive: true });
  const port = await portOf(folder);
  const address = `nats://127.0.0.1:${port}`;
  if (await answers(port)) return { address, isOwn: false, stop: async () => {} };
  const settings = join(folder, 'server.conf');
  writeFileSync(
    settings,
    `listen: 127.0.0.1:${port}\njetstream { store_dir: ${JSON.stringify(folder)}, sync_interval: always }\n`,
  );
  // Start the server in its own process group, so that Ctrl-C does not end it before this process is done.
  const child = spawn('nats-server', ['-c', settings, '-l', join(folder, 'server.log')], {
    stdio: 'ignore',
    detached: true,
  });
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  for (let tries = 0; tries < 400; tries++) {
    if (failure) {
      throw new CommandError(
        `cannot start nats-server (${reason(failure)}): install it in PATH, or use another server with --server nats://HOST`,
      );
    }
    if (child.exitCode !== null) break;
    if (await answers(port)) return { address, isOwn: true, stop: () => stop(child) };
    await sleep(25);
  }
  await stop(child);
  throw new CommandError(`nats-server does not start: see ${join(folder, 'server.log')}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** The port of the server. It is stored in the folder, so that it is the same each time. */
async function portOf(folder: string): Promise<number> {
  const file = join(folder, 'port');
  try {
    const known = Number(readFileSync(file, 'utf8'));
    if (Number.isInteger(known) && known > 0) return known;
  } catch {} // no port is stored yet
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  writeFileSync(file, `${port}\n`);
  return port;
}

/** Whether a NATS server answers on a port. */
function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    const end = (found: boolean): void => {
      socket.destroy();
      done(found);
    };
    socket.once('data', () => end(true));
    socket.once('error', () => end(false));
    socket.setTimeout(1000, () => end(false));
  });
}
