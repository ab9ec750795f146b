/** The daemon's socket. Requests are handled in order. While a client's transaction is open, the other clients wait. */

import { once } from 'node:events';
import { lstatSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { SQLITE_ABORT, SQLITE_FULL, SQLITE_MISUSE, SQLITE_TOOBIG } from '../../core/constants.js';
import { errorFrom, SqliteError, sqliteError } from '../../core/errors.js';
import type { SqlValue } from '../../kernel/values.js';
import { CommandError, exitCodes, reason } from '../exit.js';
import { Answer, Client } from './client.js';
import type { DatabaseConnection } from './connection.js';
import { Inbox } from './inbox.js';
import { type LineRequest, takeLines } from './lines.js';
import type { RanMessage } from './messages.js';
import { frame, idOf, jsonOf, jsonOfFrame, largestFrame, protocolVersion, requestOf } from './protocol.js';

export interface ServerOptions {
  readonly path: string;
  readonly database: string;
  /** The maximum time in ms for which an open transaction may be idle. */
  readonly patience: number;
  /** The maximum time of a statement in ms; undefined for no limit. */
  readonly timeout: number | undefined;
  /** The commands of the database, in addition to status and quit. */
  readonly commands?: readonly string[];
  /** Called when a client asks the daemon to end. */
  quit(): void;
}

/** A waiting request. */
interface Task {
  readonly client: Client;
  /** Whether the request asks the daemon to end. */
  readonly quits: boolean;
  run(database: DatabaseConnection): Promise<void> | void;
}

/** The maximum length of a socket path in bytes: the size of sun_path in sockaddr_un without the terminating byte. */
const longestPath = process.platform === 'darwin' ? 103 : 107;
/** The time in ms for the earlier requests of a client that asks the daemon to end. */
const lastMoment = 2000;
/** The interval in ms at which the daemon checks that the client of the running statement still exists. */
const pulse = 500;

const help = 'SQL on one or more lines, ended by a semicolon, or .status or .quit';
const endsNow = 'the daemon is shutting down';

/** Whether a process accepts connections on a socket. */
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
  #tasks: Task[] = [];
  /** The work to do with the database before the next task. */
  readonly #chores: ((database: DatabaseConnection) => Promise<void>)[] = [];
  #database: DatabaseConnection | undefined;
  #lastNumber = 0;
  /** The client whose transaction is open. */
  #owner: Client | undefined;
  #running: Client | undefined;
  /** The client that asked the daemon to end, and the deadline of its earlier requests. */
  #leaver: { readonly client: Client; readonly until: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isWorking = false;
  /** Whether new work has arrived since the current work began. */
  #isWanted = false;
  #isStopped = false;
  #idle = (): void => {};

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#welcome(socket));
    setInterval(() => this.#lookAfterRunning(), pulse).unref();
  }

  /** Begins to listen. Clients wait for {@link serve}. @throws CommandError if the socket cannot be created */
  async listen(): Promise<void> {
    const { path } = this.#options;
    if (process.platform !== 'win32') {
      const length = Buffer.byteLength(path);
      if (length > longestPath) {
        throw new CommandError(
          `--socket ${path} has ${length} bytes, but a socket's path has at most ${longestPath}: choose a shorter one`,
          exitCodes.usage,
        );
      }
      const there = lstatSync(path, { throwIfNoEntry: false });
      if (there && !there.isSocket()) {
        throw new CommandError(`${path} exists and is not a socket; refusing to replace it`, exitCodes.usage);
      }
      if (there) {
        if (await answers(path)) throw new CommandError(`another daemon listens on ${path}`);
        rmSync(path); // the socket of a killed daemon
      }
    }
    const mask = process.umask(0o177); // only the owner can connect
    try {
      this.#server.listen(path);
      await once(this.#server, 'listening');
    } catch (error) {
      throw new CommandError(`cannot listen on ${path}: ${reason(error)}`);
    } finally {
      process.umask(mask);
    }
  }

  /** Begins to handle requests. */
  serve(database: DatabaseConnection): void {
    this.#database = database;
    this.#work();
  }

  /** Interrupts the running request and drops the waiting ones. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#tasks = [];
    this.#database?.interrupt(endsNow);
    if (this.#isWorking) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    clearTimeout(this.#timer);
  }

  close(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#server.close();
    for (const { socket } of this.#clients) {
      socket.end();
      socket.unref();
    }
  }

  #welcome(socket: Socket): void {
    this.#lastNumber += 1;
    const client = new Client(this.#lastNumber, socket, () => this.#work());
    this.#clients.add(client);
    client.send(`sqlite-wasm-run daemon ${protocolVersion} ${this.#options.database}\n`);
    const inbox = new Inbox((received) => {
      client.frames ??= (received[0] ?? 0) < 9; // text cannot begin with these bytes; a frame begins with 0, or is too long
      return client.frames ? this.#takeFrames(client, received) : this.#takeLines(client, received);
    });
    socket.on('data', (data) => inbox.push(data));
    socket.on('end', () => {
      if (inbox.look().toString().trim() !== '') {
        this.#enqueue(client, () =>
          this.#fail(client, null, new Error('the input ends in the middle of a request')),
        );
      }
      client.ended = true; // set this only now, because an ended client without requests is disconnected
      if (!client.isThere()) socket.destroy();
      this.#work();
    });
    socket.on('close', () => inbox.clear());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#gone(client));
  }

  #gone(client: Client): void {
    this.#clients.delete(client);
    if (this.#running === client) this.#database?.interrupt('its client has disconnected');
    this.#tasks = this.#tasks.filter((task) => task.client !== client);
    if (this.#leaver?.client === client) this.#options.quit();
    this.#chores.push(async (database) => {
      if (this.#owner === client) await this.#rollback(database);
      await database.leave(client.number);
    });
    this.#work();
  }

  /** Interrupts the running statement if its client has disconnected, and not only closed its half of the socket. */
  #lookAfterRunning(): void {
    const client = this.#running;
    if (client?.ended && !client.isThere()) client.socket.destroy();
  }

  async #rollback(database: DatabaseConnection): Promise<void> {
    this.#release();
    await database.rollback();
  }

  #takeFrames(client: Client, received: Buffer): Buffer {
    let rest = received;
    while (rest.length >= 4) {
      const length = rest.readUInt32BE(0);
      if (length > largestFrame) return this.#tooLong(client, 'a frame');
      if (rest.length < 4 + length) break;
      this.#takeFrame(client, rest.subarray(4, 4 + length));
      rest = rest.subarray(4 + length);
    }
    return rest;
  }

  #takeFrame(client: Client, bytes: Uint8Array): void {
    let id: unknown = null;
    try {
      const json = jsonOfFrame(bytes);
      id = idOf(json);
      const request = requestOf(json, this.#options.commands);
      if ('sql' in request) {
        this.#enqueue(client, (database) => this.#answer(database, client, id, request.sql, request.params));
        return;
      }
      if ('args' in request) {
        const { command, args } = request;
        this.#enqueue(client, async (database) => {
          client.send(frame({ id, result: await database.command(command, args) }));
        });
        return;
      }
      const quits = request.command === 'quit';
      const answer = async (database: DatabaseConnection): Promise<void> => {
        client.send(frame({ id, status: (await database.status()).data }));
        if (quits) this.#options.quit();
      };
      this.#enqueue(client, answer, quits);
    } catch (error) {
      this.#enqueue(client, () => this.#fail(client, id, error));
    }
  }

  #takeLines(client: Client, received: Buffer): Buffer {
    if (received.length > largestFrame) return this.#tooLong(client, 'a statement');
    return takeLines(received, (request) => this.#takeLine(client, request));
  }

  #takeLine(client: Client, request: LineRequest): void {
    const { sql, command, error } = request;
    if (sql !== undefined) {
      this.#enqueue(client, (database) => this.#answer(database, client, null, sql, []));
      return;
    }
    if (command === undefined) {
      this.#enqueue(client, () => this.#fail(client, null, new Error(error)));
      return;
    }
    const answer = async (database: DatabaseConnection): Promise<void> => {
      if (command === 'help') client.send(`-- ${help}\n`);
      else if (command === 'status' || command === 'quit') {
        client.send(`-- ${(await database.status()).text}\n`);
      } else this.#fail(client, null, new Error(`unknown command .${command}; send ${help}`));
      if (command === 'quit') this.#options.quit();
    };
    this.#enqueue(client, answer, command === 'quit');
  }

  /** Reports a request that is too long, and disconnects, because the beginning of the next request is unknown. */
  #tooLong(client: Client, what: string): Buffer {
    this.#enqueue(client, () => {
      this.#fail(client, null, new Error(`${what} may have at most ${largestFrame} bytes`));
      client.socket.end();
    });
    client.socket.removeAllListeners('data').resume();
    return Buffer.alloc(0);
  }

  #enqueue(client: Client, run: Task['run'], quits = false): void {
    if (this.#isStopped) return;
    this.#tasks.push({ client, quits, run });
    if (quits) this.#hurry(client);
    this.#work();
  }

  /**
   * Prepares to end at a client's request. Interrupts the statements of other clients immediately, and the client's own
   * earlier requests after a moment.
   */
  #hurry(client: Client): void {
    if (this.#leaver) return;
    this.#leaver = { client, until: Date.now() + lastMoment };
    if (this.#running !== client) this.#database?.interrupt(endsNow);
    setTimeout(() => this.#database?.interrupt(endsNow), lastMoment).unref();
  }

  /** Handles all requests that can run, one after another. */
  #work(): void {
    if (!this.#database || this.#isStopped) return;
    this.#isWanted = true;
    if (this.#isWorking) return;
    this.#isWorking = true;
    void this.#workOn(this.#database);
  }

  async #workOn(database: DatabaseConnection): Promise<void> {
    while (this.#isWanted && !this.#isStopped) {
      this.#isWanted = false;
      await this.#workThrough(database);
    }
    this.#isWorking = false;
    this.#idle();
  }

  async #workThrough(database: DatabaseConnection): Promise<void> {
    try {
      while (!this.#isStopped) {
        const chore = this.#chores.shift();
        if (chore) {
          await chore(database);
          continue;
        }
        if (this.#owner?.ended && !this.#waits(this.#owner)) await this.#rollback(database);
        const task = this.#next();
        if (!task) break;
        if (this.#owner && this.#owner !== task.client) await this.#rollback(database);
        this.#running = task.client;
        try {
          await task.run(database);
        } finally {
          this.#running = undefined;
        }
      }
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.#isStopped = true; // the database thread is lost, and `lost` has been called
      return;
    }
    for (const client of this.#clients) {
      if (client.ended && !this.#waits(client) && !client.isBehind) client.socket.end();
    }
  }

  /**
   * Takes the next task: of the client that asked the daemon to end, otherwise of the client with an open transaction,
   * otherwise the first.
   */
  #next(): Task | undefined {
    const leaver = this.#leaver?.client;
    const only = leaver ?? this.#owner;
    const index = this.#tasks.findIndex(
      ({ client }) => (only === undefined || client === only) && (!client.isBehind || client === leaver),
    );
    const [task] = index < 0 ? [] : this.#tasks.splice(index, 1);
    return task;
  }

  #waits(client: Client): boolean {
    return this.#tasks.some((task) => task.client === client);
  }

  #hold(client: Client): void {
    this.#owner = client;
    clearTimeout(this.#timer);
    const { patience } = this.#options;
    this.#timer = setTimeout(() => {
      this.#chores.push(async (database) => {
        if (this.#owner !== client || this.#running === client) return;
        client.lost = `transaction rolled back: idle for ${patience / 1000} s`;
        await this.#rollback(database);
      });
      this.#work();
    }, patience);
    this.#timer.unref();
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#owner = undefined;
  }

  /** Runs a statement and sends the answer. @param id the id of a request in a frame */
  async #answer(
    database: DatabaseConnection,
    client: Client,
    id: unknown,
    sql: string,
    params: readonly SqlValue[],
  ): Promise<void> {
    const { lost } = client;
    client.lost = undefined;
    if (lost !== undefined) {
      this.#fail(client, id, sqliteError(SQLITE_ABORT, lost));
      return;
    }
    if (this.#leaver && Date.now() > this.#leaver.until) {
      this.#fail(client, id, sqliteError(SQLITE_ABORT, endsNow));
      return;
    }
    const answer = new Answer(client);
    const { timeout } = this.#options;
    clearTimeout(this.#timer);
    const late =
      timeout === undefined
        ? undefined
        : setTimeout(() => database.interrupt(`it ran for ${timeout / 1000} s (--timeout)`), timeout);
    const rows = (bytes: Uint8Array): void => {
      if (!answer.take(bytes) && answer.failure !== undefined) database.interrupt(answer.failure);
    };
    const came = await database.run({
      client: client.number,
      frames: client.frames ?? false,
      sql,
      params,
      rows,
    });
    clearTimeout(late);
    if (came.inTransaction) this.#hold(client);
    else this.#release();
    if (came.is === 'ran') this.#send(client, answer, id, came);
    else {
      const { failure } = answer;
      const error = failure === undefined ? errorFrom(came.error) : sqliteError(SQLITE_FULL, failure);
      answer.endOtherwise(this.#errorText(client, id, error));
    }
  }

  #send(client: Client, answer: Answer, id: unknown, ran: RanMessage): void {
    const { columns, changes, lastInsertRowid, note, rows } = ran;
    if (!client.frames) {
      answer.endLines(`-- ok, ${rows} rows, ${changes} changes${note === undefined ? '' : `; ${note}`}\n`);
      return;
    }
    const before = `${JSON.stringify({ id, columns }).slice(0, -1)},"rows":[`;
    const rest = { changes, lastInsertRowid: jsonOf(lastInsertRowid), ...(note !== undefined && { note }) };
    if (answer.endFrame(before, `],${JSON.stringify(rest).slice(1)}`)) return;
    const message = 'the answer has more than 4 GiB, too much for a frame';
    answer.endOtherwise(this.#errorText(client, id, sqliteError(SQLITE_TOOBIG, message)));
  }

  #fail(client: Client, id: unknown, error: unknown): void {
    client.send(this.#errorText(client, id, error));
  }

  #errorText(client: Client, id: unknown, error: unknown): string | Buffer {
    const code = error instanceof SqliteError ? error.errcode : SQLITE_MISUSE;
    const message = error instanceof Error ? error.message : String(error);
    return client.frames
      ? frame({ id, error: { code: code & 0xff, extendedCode: code, message } })
      : `-- error ${code}: ${message.replaceAll('\n', ' ')}\n`;
  }
}
