/** Implements `sqlite-wasm-run changeset daemon`, which captures the changes of clients that send SQL to a socket. */

import { statSync } from 'node:fs';
import { Output } from '../changeset/files.js';
import type { Action, Given } from '../command.js';
import { CommandError, exitCodes } from '../exit.js';
import { say } from '../output.js';
import { daemonCommand, timesGiven } from './command.js';
import { DatabaseConnection } from './connection.js';
import { DaemonServer } from './server.js';

export const daemon: Action = {
  ...daemonCommand,
  async run(given) {
    const times = timesGiven(given);
    const path = given.text('db') ?? '';
    const socket = given.text('socket') ?? '';
    checkOutput(given.text('output') ?? '', path);
    const ended = ending();
    const server = new DaemonServer({ path: socket, database: path, ...times, quit: ended.now });
    await server.listen();
    const database = new DatabaseConnection(argumentsOf(given));
    database.lost = ended.fail;
    try {
      const { text } = await database.open();
      server.serve(database);
      say(`listening on ${socket}; ${text}`);
      await ended.wait;
      await server.stop();
      await database.end();
    } finally {
      server.close();
    }
  },
};

/** @throws CommandError if the output is not a writable file */
function checkOutput(out: string, database: string): void {
  if (out === '-' || (statSync(out, { throwIfNoEntry: false })?.isFile() === false && new Output(out))) {
    throw new CommandError(
      '--output must name a file, because captured changes must survive a crash',
      exitCodes.usage,
    );
  }
  new Output(out, database); // the constructor checks the output
}

/** Converts parsed options back to arguments. */
export function argumentsOf(given: Given, { options }: Pick<Action, 'options'> = daemonCommand): string[] {
  return Object.entries(options).flatMap(([name, { value, multiple }]) => {
    if (value === undefined) return given.on(name) ? [`--${name}`] : [];
    const texts = multiple ? given.texts(name) : [given.text(name) ?? []].flat();
    return texts.map((text) => `--${name}=${text}`);
  });
}

/**
 * Makes a promise that resolves when the program must end: at a client's request, SIGTERM or SIGINT. It rejects if the
 * database thread is lost.
 */
export function ending(): { wait: Promise<void>; now(): void; fail(error: Error): void } {
  let now = (): void => {};
  let fail = (_error: Error): void => {};
  const wait = new Promise<void>((resolve, reject) => {
    now = resolve;
    fail = reject;
  });
  wait.catch(() => {}); // it may reject before `wait` is awaited
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => now());
  return { wait, now: () => now(), fail: (error) => fail(error) };
}
