/** The daemon's socket: clients are served in order, and a transaction keeps the others waiting. */

import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { SqliteError } from '../../core/errors.js';
import { CommandError } from '../changeset/command.js';
import { isComplete } from '../statement.js';
import {
  frame,
  jsonOf,
  largestFrame,
  lineValue,
  protocolVersion,
  type Request,
  requestOf,
} from './protocol.js';
import type { Answer, Recorder } from './recorder.js';

export interface ServerOptions {
  readonly path: string;
  readonly database: string;
  readonly recorder: Recorder;
  /** How long an open transaction may wait for its next statement, in ms. */
  readonly patience: number;
  /** What is captured so far, as a line and as data. */
  status(): { text: string; data: unknown };
  /** A client asked the daemon to end. */
  quit(): void;
  /** Something was done. */
  changed(): void;
}

/** One request, waiting for its turn. */
interface Task {
  readonly client: Client;
  run(): void;
}

interface Client {
  readonly socket: Socket;
  /** Why its transaction is gone, until it was told. */
  lost: string | undefined;
}

/** Whether somebody answers at a socket. */
async function answers(path: string): Promise<boolean> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export class DaemonServer {
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #clients = new Set<Client>();
  readonly #tasks: Task[] = [];
  /** Whose transaction is open. */
  #owner: Client | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#welcome(socket));
  }

  /** @throws CommandError where another daemon is there */
  async listen(): Promise<void> {
    const { path } = this.#options;
    const pipe = process.platform === 'win32';
    if (!pipe && existsSync(path)) {
      if (await answers(path)) throw new CommandError(`another daemon listens at ${path}`);
      rmSync(path); // of one that was killed
    }
    const mask = process.umask(0o177); // for its owner alone
    try {
      this.#server.listen(path);
      await once(this.#server, 'listening');
    } catch (error) {
      throw new CommandError(`${path} cannot be listened at: ${(error as Error).message}`);
    } finally {
      process.umask(mask);
    }
  }

  /** Ends all connections. What was asked and not yet begun is not done. */
  close(): void {
    clearTimeout(this.#timer);
    this.#tasks.length = 0;
    this.#server.close();
    for (const { socket } of this.#clients) {
      socket.end();
      socket.unref();
    }
  }

  #welcome(socket: Socket): void {
    const client: Client = { socket, lost: undefined };
    this.#clients.add(client);
    socket.write(`sqlite-wasm-run daemon ${protocolVersion} ${this.#options.database}\n`);
    let received: Buffer = Buffer.alloc(0);
    let frames: boolean | undefined;
    socket.on('data', (data) => {
      received = received.length > 0 ? Buffer.concat([received, data]) : Buffer.from(data);
      frames ??= received[0] === 0;
      received = frames ? this.#takeFrames(client, received) : this.#takeLines(client, received);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#gone(client));
  }

  #gone(client: Client): void {
    this.#clients.delete(client);
    if (this.#owner === client) {
      this.#options.recorder.rollback();
      this.#release();
    }
    const left = this.#tasks.filter((task) => task.client !== client);
    this.#tasks.splice(0, this.#tasks.length, ...left);
    this.#work();
  }

  #takeFrames(client: Client, received: Buffer): Buffer {
    let rest = received;
    while (rest.length >= 4) {
      const length = rest.readUInt32BE(0);
      if (length > largestFrame) {
        client.socket.end(
          frame({
            error: { code: 18, extendedCode: 18, message: `a frame has at most ${largestFrame} bytes` },
          }),
        );
        return Buffer.alloc(0);
      }
      if (rest.length < 4 + length) break;
      const text = rest.subarray(4, 4 + length).toString();
      rest = rest.subarray(4 + length);
      this.#enqueue(client, () => this.#answerFrame(client, text));
    }
    return rest;
  }

  #takeLines(client: Client, received: Buffer): Buffer {
    let text = received.toString();
    if (!received.equals(Buffer.from(text))) return received; // a character is not whole yet
    for (;;) {
      const command = /^\s*\.?(quit|status)[ \t]*;?[ \t]*\r?\n/.exec(text);
      if (command) {
        text = text.slice(command[0].length);
        this.#enqueue(client, () => this.#lineCommand(client, command[1] as 'quit' | 'status'));
        continue;
      }
      const end = statementEnd(text);
      if (end < 0) return Buffer.from(text.trimStart() === '' ? '' : text);
      const sql = text.slice(0, end);
      text = text.slice(end);
      this.#enqueue(client, () => this.#answerLine(client, sql));
    }
  }

  #enqueue(client: Client, run: () => void): void {
    this.#tasks.push({ client, run });
    this.#work();
  }

  /** Does what can be done: the owner of an open transaction alone, else whoever came first. */
  #work(): void {
    for (;;) {
      const index = this.#owner ? this.#tasks.findIndex(({ client }) => client === this.#owner) : 0;
      const [task] = index < 0 ? [] : this.#tasks.splice(index, 1);
      if (!task) return;
      task.run();
      if (this.#options.recorder.inTransaction) this.#hold(task.client);
      else this.#release();
      this.#options.changed();
    }
  }

  #hold(client: Client): void {
    this.#owner = client;
    clearTimeout(this.#timer);
    const { patience, recorder } = this.#options;
    this.#timer = setTimeout(() => {
      recorder.rollback();
      client.lost = `the transaction was rolled back, for nothing came for ${patience / 1000} s`;
      this.#release();
      this.#work();
    }, patience);
    this.#timer.unref();
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#owner = undefined;
  }

  #run(client: Client, sql: string, params: Parameters<Recorder['run']>[1]): Answer {
    if (client.lost !== undefined) {
      const message = client.lost;
      client.lost = undefined;
      throw new SqliteError(message, 4, message);
    }
    const end = statementEnd(sql);
    if (end >= 0 && sql.slice(end).trim() !== '') throw new TypeError('a request holds one statement');
    return this.#options.recorder.run(sql, params);
  }

  #answerFrame(client: Client, text: string): void {
    let id: unknown = null;
    try {
      const request: Request = requestOf(text);
      id = request.id ?? null;
      if ('command' in request) {
        client.socket.write(frame({ id, status: this.#options.status().data }));
        if (request.command === 'quit') this.#options.quit();
        return;
      }
      const { columns, rows, changes, lastInsertRowid, note } = this.#run(
        client,
        request.sql,
        request.params,
      );
      const values = rows.map((row) => row.map(jsonOf));
      client.socket.write(
        frame({
          id,
          columns,
          rows: values,
          changes,
          lastInsertRowid: jsonOf(lastInsertRowid),
          ...(note && { note }),
        }),
      );
    } catch (error) {
      const code = error instanceof SqliteError ? error.errcode : 21;
      const message = (error as Error).message;
      client.socket.write(frame({ id, error: { code: code & 0xff, extendedCode: code, message } }));
    }
  }

  #answerLine(client: Client, sql: string): void {
    try {
      const { rows, changes, note } = this.#run(client, sql, []);
      const lines = rows.map((row) => `${row.map(lineValue).join('\t')}\n`).join('');
      client.socket.write(
        `${lines}-- ok, ${rows.length} rows, ${changes} changes${note ? `; ${note}` : ''}\n`,
      );
    } catch (error) {
      const code = error instanceof SqliteError ? error.errcode : 21;
      client.socket.write(`-- error ${code}: ${(error as Error).message}\n`);
    }
  }

  #lineCommand(client: Client, command: 'quit' | 'status'): void {
    client.socket.write(`-- ${this.#options.status().text}\n`);
    if (command === 'quit') this.#options.quit();
  }
}

/** Where the first whole statement of a text ends, behind its semicolon; -1 where none is whole. */
export function statementEnd(text: string): number {
  for (let at = text.indexOf(';'); at >= 0; at = text.indexOf(';', at + 1)) {
    if (isComplete(text.slice(0, at + 1))) return at + 1;
  }
  return -1;
}
