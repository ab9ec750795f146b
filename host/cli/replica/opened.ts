/** Sends a request of a command to the process that runs the replica, or opens the replica in this process. */

import { type Log, type RegisteredFunction, Replica } from '../../replica/index.js';
import type { Given } from '../command.js';
import { Progress } from '../progress.js';
import { answer, asCommandError, type Requests } from './control.js';
import { readCopy } from './copy-file.js';
import { startLocal } from './local-server.js';
import { logOf } from './options.js';
import { askRunning, runningOn } from './running.js';
import { runSql, sqlFunction } from './statements.js';

/** Runs `action` with the servers that the options name. Starts a local server if necessary. */
async function withServers<T>(given: Given, action: (servers: readonly string[]) => Promise<T>): Promise<T> {
  const servers = given.texts('server');
  if (!servers.includes('local')) return action(servers);
  const local = await startLocal(given.text('db') ?? '');
  try {
    return await action([local.address]);
  } finally {
    await local.stop();
  }
}

/** Runs `action` with the history that the options name, and closes it. @throws CommandError for a ReplicaError */
export function withLog<T>(given: Given, action: (log: Log) => Promise<T>): Promise<T> {
  return withServers(given, async (servers) => {
    const log = logOf(given, servers);
    try {
      return await action(log);
    } catch (error) {
      throw asCommandError(error);
    } finally {
      await log.close();
    }
  });
}

/**
 * Handles a request in the process that runs the replica. If there is none, opens, synchronizes and closes the replica
 * in this process.
 */
export async function request<Name extends keyof Requests>(
  given: Given,
  name: Name,
  args: Requests[Name]['args'],
): Promise<Requests[Name]['result']> {
  const path = given.text('db') ?? '';
  const running = runningOn(path);
  if (running) return (await askRunning(path, running, name, args)) as Requests[Name]['result'];
  readCopy(path, () => {}); // fails if the file does not exist
  return withServers(given, async (servers) => {
    const log = logOf(given, servers);
    using _ = new Progress('reading the history');
    let replica: Replica | undefined;
    try {
      replica = await Replica.open(path, {
        log,
        functions: { [sqlFunction]: runSql as RegisteredFunction },
      });
      await replica.sync();
      return await answer(replica, name, args);
    } catch (error) {
      throw asCommandError(error);
    } finally {
      await (replica ?? log).close();
    }
  });
}
