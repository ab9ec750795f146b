/**
 * Records which process runs a replica on a file, so that other commands send requests to that process instead of
 * opening the file.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { resolve } from 'node:path';
import { frame } from '../daemon/protocol.js';
import { CommandError, reason } from '../exit.js';

/** The contents of the file next to the database. */
interface Running {
  readonly pid: number;
  /** The path of the process's socket; null if it has none. */
  readonly socket: string | null;
}

const fileOf = (database: string): string => `${resolve(database)}-replica`;

/** Records that this process runs a replica on a database. @throws CommandError if another process does */
export function beginRunning(database: string, socket: string | undefined): void {
  const other = runningOn(database);
  if (other)
    throw new CommandError(`process ${other.pid} is already running a replica on ${database}: end it first`);
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

/** Returns the process that runs a replica on a database; undefined if there is none. */
export function runningOn(database: string): Running | undefined {
  let running: Running;
  try {
    running = JSON.parse(readFileSync(fileOf(database), 'utf8')) as Running;
  } catch {
    return undefined; // there is no process, or it was killed while it wrote the file
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

/**
 * Sends a request to the process that runs the replica.
 *
 * @throws CommandError if the process does not answer, or answers with an error
 */
export async function askRunning(
  database: string,
  { pid, socket }: Running,
  name: string,
  args: readonly unknown[],
): Promise<unknown> {
  if (socket === null) {
    throw new CommandError(
      `process ${pid} is running a replica on ${database} without a socket: end it first, or start it with --socket`,
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
