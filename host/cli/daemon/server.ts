/** The daemon's socket: clients are served in order, and a transaction keeps the others waiting. */

import { once } from 'node:events';
import { lstatSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { SQLITE_MISUSE } from '../../core/constants.js';
import { SqliteError } from '../../core/errors.js';
import type { SqlValue } from '../../db/values.js';
import { CommandError, exitCodes, reason } from '../command.js';
import { type Ran, Recorder } from '../journal/recorder.js';
import { statementEnd } from '../statement.js';
import { Inbox } from './inbox.js';
import {
  frame,
  idOf,
  jsonOf,
  jsonOfFrame,
  largestFrame,
  lineValue,
  protocolVersion,
  requestOf,
} from './protocol.js';

export interface ServerOptions {
  readonly path: string;
  readonly database: string;
  /** How long an open transaction may wait for its next statement, in ms. */
  readonly patience: number;
  /** A client asked the daemon to end. */
  quit(): void;
}

/** What came of a statement, with its rows. */
interface Answer extends Ran {
  readonly columns: readonly string[];
  readonly rows: SqlValue[][];
}

/** What requests are done with. */
export interface Service {
  readonly recorder: Recorder;
  /** Whether statements that change the schema will be in the output. */
  readonly ddl: boolean;
  /** What is captured so far, as a line and as data. */
  status(): { text: string; data: unknown };
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
  /** Whether it speaks frames; undefined before its first byte. */
  frames: boolean | undefined;
  /** It sends nothing more, but waits for what it asked. */
  ended: boolean;
  /** Why its transaction is gone, until it was told. */
  lost: string | undefined;
}

/** How many bytes the path of a socket can have: sockaddr_un, without the byte that ends it. */
const longestPath = process.platform === 'darwin' ? 103 : 107;

const help = 'SQL over as many lines as it takes, ended by ; and .status, .quit';

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
  #service: Service | undefined;
  /** Whose transaction is open. */
  #owner: Client | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#welcome(socket));
  }

  /** Begins to listen. Clients are greeted, and wait for {@link serve}. @throws CommandError where it cannot */
  async listen(): Promise<void> {
    const { path } = this.#options;
    if (process.platform !== 'win32') {
      const length = Buffer.byteLength(path);
      if (length > longestPath) {
        throw new CommandError(
          `--socket ${path} has ${length} bytes, and a socket's path at most ${longestPath}: choose a shorter one`,
          exitCodes.usage,
        );
      }
      const there = lstatSync(path, { throwIfNoEntry: false });
      if (there && !there.isSocket()) {
        throw new CommandError(`${path} is there and no socket: it is not touched`, exitCodes.usage);
      }
      if (there) {
        if (await answers(path)) throw new CommandError(`another daemon listens at ${path}`);
        rmSync(path); // of one that was killed
      }
    }
    const mask = process.umask(0o177); // for its owner alone
    try {
      this.#server.listen(path);
      await once(this.#server, 'listening');
    } catch (error) {
      throw new CommandError(`${path} cannot be listened at: ${reason(error)}`);
    } finally {
      process.umask(mask);
    }
  }

  /** Begins to do what clients ask for. */
  serve(service: Service): void {
    this.#service = service;
    this.#work();
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
    const client: Client = { socket, frames: undefined, ended: false, lost: undefined };
    this.#clients.add(client);
    this.#send(client, `sqlite-wasm-run daemon ${protocolVersion} ${this.#options.database}\n`);
    const inbox = new Inbox((received) => {
      client.frames ??= (received[0] ?? 0) < 9; // no text begins so: 0, or a frame that is too long
      return client.frames ? this.#takeFrames(client, received) : this.#takeLines(client, received);
    });
    socket.on('data', (data) => inbox.push(data));
    socket.on('end', () => {
      if (inbox.look().toString().trim() !== '') {
        this.#enqueue(client, () => this.#fail(client, null, new Error('the input ends within a request')));
      }
      client.ended = true; // only now: who has ended and waits for nothing is hung up on
      this.#work();
    });
    socket.on('close', () => inbox.clear());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#gone(client));
  }

  /** Sends an answer; one who does not read them is not listened to meanwhile. */
  #send({ socket }: Client, data: string | Buffer): void {
    if (socket.write(data) || socket.isPaused()) return;
    socket.pause();
    socket.once('drain', () => socket.resume());
  }

  #gone(client: Client): void {
    this.#clients.delete(client);
    if (this.#owner === client) this.#rollback();
    const left = this.#tasks.filter((task) => task.client !== client);
    this.#tasks.splice(0, this.#tasks.length, ...left);
    this.#work();
  }

  #rollback(): void {
    this.#service?.recorder.rollback();
    this.#release();
  }

  #takeFrames(client: Client, received: Buffer): Buffer {
    let rest = received;
    while (rest.length >= 4) {
      const length = rest.readUInt32BE(0);
      if (length > largestFrame) return this.#tooLong(client, 'a frame');
      if (rest.length < 4 + length) break;
      const bytes = rest.subarray(4, 4 + length);
      rest = rest.subarray(4 + length);
      this.#enqueue(client, () => this.#answerFrame(client, bytes));
    }
    return rest;
  }

  #takeLines(client: Client, received: Buffer): Buffer {
    if (received.length > largestFrame) return this.#tooLong(client, 'a statement');
    let text = received.toString();
    if (!received.equals(Buffer.from(text))) return received; // a character is not whole yet
    for (;;) {
      const command = /^\s*(?:\.(\w+)|(quit|status|help)\b)[ \t]*;?[^\n]*\n/.exec(text);
      if (command) {
        const name = command[1] ?? command[2] ?? '';
        text = text.slice(command[0].length);
        this.#enqueue(client, () => this.#lineCommand(client, name));
        continue;
      }
      const end = statementEnd(text);
      if (end < 0) return Buffer.from(text.trimStart() === '' ? '' : text);
      const sql = text.slice(0, end);
      text = text.slice(end);
      this.#enqueue(client, () => this.#answerLine(client, sql));
    }
  }

  /** There is no way to find the next request: says so and hangs up. */
  #tooLong(client: Client, what: string): Buffer {
    this.#fail(client, null, new Error(`${what} has at most ${largestFrame} bytes`));
    client.socket.end();
    client.socket.removeAllListeners('data').resume();
    return Buffer.alloc(0);
  }

  #enqueue(client: Client, run: () => void): void {
    this.#tasks.push({ client, run });
    this.#work();
  }

  /** Does what can be done: the owner of an open transaction alone, else whoever came first. */
  #work(): void {
    if (!this.#service) return;
    const { recorder, changed } = this.#service;
    for (;;) {
      if (this.#owner?.ended && !this.#waits(this.#owner)) this.#rollback();
      const index = this.#owner ? this.#tasks.findIndex(({ client }) => client === this.#owner) : 0;
      const [task] = index < 0 ? [] : this.#tasks.splice(index, 1);
      if (!task) break;
      task.run();
      if (recorder.inTransaction) this.#hold(task.client);
      else this.#release();
      changed();
    }
    for (const client of this.#clients) if (client.ended && !this.#waits(client)) client.socket.end();
  }

  #waits(client: Client): boolean {
    return this.#tasks.some((task) => task.client === client);
  }

  #hold(client: Client): void {
    this.#owner = client;
    clearTimeout(this.#timer);
    const { patience } = this.#options;
    this.#timer = setTimeout(() => {
      client.lost = `the transaction was rolled back, for nothing came for ${patience / 1000} s`;
      this.#rollback();
      this.#work();
    }, patience);
    this.#timer.unref();
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#owner = undefined;
  }

  #run(
    service: Service,
    client: Client,
    sql: string,
    params: readonly SqlValue[],
  ): Answer & { note?: string } {
    if (client.lost !== undefined) {
      const message = client.lost;
      client.lost = undefined;
      throw new SqliteError(message, 4, message);
    }
    const end = statementEnd(sql);
    if (end >= 0 && sql.slice(end).trim() !== '') throw new TypeError('a request holds one statement');
    if (!service.recorder.inTransaction) Recorder.refuseSavepoint(sql);
    const rows: SqlValue[][] = [];
    let names: readonly string[] = [];
    const ran = service.recorder.run(sql, params, {
      columns: (columns) => {
        names = columns;
      },
      row: (values) => void rows.push([...values]),
    });
    const answer: Answer = { ...ran, columns: names, rows };
    if (service.ddl || answer.statements === 0) return answer;
    return { ...answer, note: 'what it does to the schema is not in the changeset' };
  }

  #answerFrame(client: Client, bytes: Uint8Array): void {
    const service = this.#service;
    if (!service) return;
    let id: unknown = null;
    try {
      const json = jsonOfFrame(bytes);
      id = idOf(json);
      const request = requestOf(json);
      if ('command' in request) {
        this.#send(client, frame({ id, status: service.status().data }));
        if (request.command === 'quit') this.#options.quit();
        return;
      }
      const { columns, rows, changes, lastInsertRowid, note } = this.#run(
        service,
        client,
        request.sql,
        request.params,
      );
      this.#send(
        client,
        frame({
          id,
          columns,
          rows: rows.map((row) => row.map(jsonOf)),
          changes,
          lastInsertRowid: jsonOf(lastInsertRowid),
          ...(note && { note }),
        }),
      );
    } catch (error) {
      this.#fail(client, id, error);
    }
  }

  #answerLine(client: Client, sql: string): void {
    const service = this.#service;
    if (!service) return;
    try {
      const { rows, changes, note } = this.#run(service, client, sql, []);
      const lines = rows.map((row) => `${row.map(lineValue).join('\t')}\n`).join('');
      this.#send(
        client,
        `${lines}-- ok, ${rows.length} rows, ${changes} changes${note ? `; ${note}` : ''}\n`,
      );
    } catch (error) {
      this.#fail(client, null, error);
    }
  }

  #lineCommand(client: Client, command: string): void {
    const text = this.#service?.status().text;
    if (command === 'help') this.#send(client, `-- ${help}\n`);
    else if (command === 'status' || command === 'quit') this.#send(client, `-- ${text}\n`);
    else this.#fail(client, null, new Error(`there is no command .${command}: ${help}`));
    if (command === 'quit') this.#options.quit();
  }

  /** Answers a request that failed. */
  #fail(client: Client, id: unknown, error: unknown): void {
    const code = error instanceof SqliteError ? error.errcode : SQLITE_MISUSE;
    const message = error instanceof Error ? error.message : String(error);
    this.#send(
      client,
      client.frames
        ? frame({ id, error: { code: code & 0xff, extendedCode: code, message } })
        : `-- error ${code}: ${message.replaceAll('\n', ' ')}\n`,
    );
  }
}
