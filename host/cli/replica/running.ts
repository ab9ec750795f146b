/** Which process follows with a file, so that other commands ask it, and never open the file beside it. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { resolve } from 'node:path';
import { frame } from '../daemon/protocol.js';
import { CommandError, reason } from '../exit.js';

/** What the file beside the database says. */
interface Running {
  readonly pid: number;
  /** Where it listens; null if it does not. */
  readonly socket: string | null;
}

const fileOf = (database: string): string => `${resolve(database)}-replica`;

/** Says that this process follows with a database. @throws CommandError if another one does */
export function beginRunning(database: string, socket: string | undefined): void {
  const other = runningOn(database);
  if (other) throw new CommandError(`process ${other.pid} follows with ${database} already: end it first`);
  const running: Running = { pid: process.pid, socket: socket === undefined ? null : resolve(socket) };
  try {
    writeFileSync(fileOf(database), `${JSON.stringify(running)}\n`);
  } catch (error) {
    throw new CommandError(`cannot write ${fileOf(database)}: ${reason(error)}`);
  }
}

export function endRunning(database: string): void {
  rmSync(fileOf(database), { force: true });
}

/** The process that follows with a database; undefined if none does. */
export function runningOn(database: string): Running | undefined {
  let running: Running;
  try {
    running = JSON.parse(readFileSync(fileOf(database), 'utf8')) as Running;
  } catch {
    return undefined; // none, or one that was killed before it wrote
  }
  if (!Number.isInteger(running.pid) || running.pid === process.pid || !exists(running.pid)) return undefined;
  return running;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Asks the process that follows. @throws CommandError if it does not answer, or refuses */
export async function askRunning(
  database: string,
  { pid, socket }: Running,
  name: string,
  args: readonly unknown[],
): Promise<unknown> {
  if (socket === null) {
    throw new CommandError(
      `process ${pid} follows with ${database} and has no socket: end it first, or start it with --socket`,
    );
  }
  const answer = (await exchange(socket, { id: 1, command: 'replica', args: [name, ...args] })) as {
    result?: { value?: unknown; error?: { message: string; exitCode: number } };
    error?: { message: string; exitCode?: number };
  };
  const error = answer.result?.error ?? answer.error;
  if (!error) return answer.result?.value;
  throw new CommandError(error.message, error.exitCode);
}

/** Sends a request to a socket and returns the answer. */
function exchange(path: string, request: object): Promise<unknown> {
  return new Promise((done, failed) => {
    const socket = createConnection(path);
    let received = Buffer.alloc(0);
    const fail = (why: string): void => failed(new CommandError(`cannot ask the process at ${path}: ${why}`));
    socket.on('error', (error) => fail(reason(error)));
    socket.on('close', () => fail('it ended'));
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      const greeting = received.indexOf(10) + 1;
      if (greeting === 0) return;
      const rest = received.subarray(greeting);
      if (rest.length < 4 || rest.length < 4 + rest.readUInt32BE(0)) return;
      done(JSON.parse(rest.subarray(4, 4 + rest.readUInt32BE(0)).toString()));
      socket.destroy();
    });
    socket.write(frame(request));
  });
}
