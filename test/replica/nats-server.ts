/** Runs a real NATS server for tests: the program in NATS_SERVER, or the one in PATH. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = process.env['NATS_SERVER'] ?? 'nats-server';

function versionOf(): string | undefined {
  try {
    return execFileSync(program, ['--version'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

/** The server's version; undefined if there is none. */
export const serverVersion = versionOf();

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A server with its own storage. */
export class NatsServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'nats-server-'));
  readonly #settings: string;
  #port = 0;
  #child: ChildProcess | undefined;

  /** @param settings more lines of its configuration; its address and storage replace those in them */
  constructor(settings = '') {
    this.#settings = settings;
  }

  get address(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    if (this.#port === 0) this.#port = await freePort();
    const configuration = join(this.folder, 'server.conf');
    writeFileSync(
      configuration,
      `${this.#settings}\nlisten: 127.0.0.1:${this.#port}\njetstream { store_dir: "${this.folder}/data" }\n`,
    );
    this.#child = spawn(program, ['-c', configuration], { stdio: 'ignore' });
    for (let i = 0; i < 200; i++) {
      if (await answers(this.#port)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('nats-server does not start');
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  /** Freezes the server: connections stay open, but nothing is sent. */
  freeze(on: boolean): void {
    this.#child?.kill(on ? 'SIGSTOP' : 'SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.freeze(false);
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a server answers on a port. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A link to a server that can be cut. */
export class Link {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isUp = true;
  #isMute = false;
  #port = 0;

  constructor(target: () => number) {
    this.#server = createServer((from) => {
      if (!this.#isUp) {
        from.destroy();
        return;
      }
      const to = connect(target(), '127.0.0.1');
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.on('data', (data) => {
          if (one === to && this.#isMute) return;
          if (!other.write(data)) one.pause();
        });
        other.on('drain', () => one.resume());
        one.on('end', () => other.end());
      }
    });
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : 0;
  }

  get address(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  set isUp(up: boolean) {
    this.#isUp = up;
    if (!up) for (const socket of [...this.#sockets]) socket.destroy();
  }

  /** Discards the data from the server. When this ends, the connections are closed. */
  set isMute(mute: boolean) {
    this.#isMute = mute;
    if (!mute) for (const socket of [...this.#sockets]) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isUp = false;
    this.#server.close();
  }
}
