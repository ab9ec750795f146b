/** A copy for one command: asks the process that follows with it, or opens it here. */

import { type RegisteredFunction, Replica } from '../../replica/index.js';
import type { Given } from '../command.js';
import { Progress } from '../progress.js';
import { answer, asCommandError, type Requests } from './control.js';
import { readCopy } from './copy-file.js';
import { startLocal } from './local-server.js';
import { logOf } from './options.js';
import { askRunning, runningOn } from './running.js';
import { runSql, sqlFunction } from './statements.js';

/** The servers that the options name, with a local one started if it must be. */
export async function withServers<T>(
  given: Given,
  action: (servers: readonly string[]) => Promise<T>,
): Promise<T> {
  const servers = given.texts('server');
  if (!servers.includes('local')) return action(servers);
  const local = await startLocal(given.text('db') ?? '');
  try {
    return await action([local.address]);
  } finally {
    await local.stop();
  }
}

/** Asks for something, of the process that follows or of a copy that is opened, synchronised and closed here. */
export async function request<Name extends keyof Requests>(
  given: Given,
  name: Name,
  args: Requests[Name]['args'],
): Promise<Requests[Name]['result']> {
  const path = given.text('db') ?? '';
  const running = runningOn(path);
  if (running) return (await askRunning(path, running, name, args)) as Requests[Name]['result'];
  readCopy(path, () => {}); // a file that does not exist is not made
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
