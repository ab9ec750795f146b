/** The options of `sqlite-wasm-run replica run`, which follows a history and serves SQL on a socket. */

import { replicaPolicies } from '../../replica/rebase.js';
import { type Action, lockingOption } from '../command.js';
import { timeOptions, timesGiven } from '../daemon/command.js';
import { DatabaseConnection } from '../daemon/connection.js';
import { argumentsOf, ending } from '../daemon/daemon.js';
import { DaemonServer } from '../daemon/server.js';
import { usageError } from '../exit.js';
import { say } from '../output.js';
import { type LocalServer, startLocal } from './local-server.js';
import { databaseOption, limitsGiven, neededServerOptions } from './options.js';
import { beginRunning, endRunning } from './running.js';

export const runCommand: Omit<Action, 'run'> = {
  options: {
    db: { ...databaseOption, help: 'the database of this copy; created if it does not exist' },
    ...neededServerOptions,
    'read-only': { help: 'refuse writes on the socket' },
    create: { help: 'create the history from the file if the history does not exist' },
    socket: { value: 'PATH', help: 'serve SQL on this socket; a named pipe on Windows' },
    policy: {
      value: 'POLICY',
      choices: replicaPolicies,
      help: 'how to rebase transactions on the history (default rerun)',
    },
    wait: { help: 'answer a write only after it has been published' },
    patience: timeOptions.patience,
    'max-bytes': { value: 'N', help: 'stop before a message with more bytes of changes (default 1 GiB)' },
    'max-rows': { value: 'N', help: 'stop before a message that changes more rows (default 10,000,000)' },
    'max-time': { value: 'SECONDS', help: 'stop before a message that takes longer to apply (default 300)' },
    timeout: timeOptions.timeout,
    locking: lockingOption,
  },
  notes:
    'The SQL text of each transaction is stored: if other copies publish first, the\n' +
    'text runs again on the new state. The daemon of `changeset daemon` has the same\n' +
    'protocol.\n',
};

export const run: Action = {
  ...runCommand,
  async run(given) {
    const times = timesGiven(given);
    limitsGiven(given);
    const path = given.text('db') ?? '';
    const socket = given.text('socket');
    const servers = given.texts('server');
    if (given.on('read-only') && given.on('create'))
      throw usageError('--create cannot be used with --read-only');
    if (servers.includes('local') && servers.length > 1)
      throw usageError('--server local cannot be used with other servers');
    const ended = ending();
    beginRunning(path, socket);
    let local: LocalServer | undefined;
    let server: DaemonServer | undefined;
    try {
      if (servers.includes('local')) {
        local = await startLocal(path);
        say(`server: ${local.address}`);
      }
      if (socket !== undefined) {
        server = new DaemonServer({
          path: socket,
          database: path,
          ...times,
          commands: ['replica'],
          quit: ended.now,
        });
        await server.listen();
      }
      const args = argumentsOf(given, runCommand).map((text) =>
        text === '--server=local' ? `--server=${local?.address}` : text,
      );
      const database = new DatabaseConnection(args, 'cli/replica/thread.js');
      database.lost = ended.fail;
      const opened = await Promise.race([database.open(), ended.wait]);
      if (!opened) {
        await database.abandon();
        return;
      }
      server?.serve(database);
      say(`${socket === undefined ? 'following' : `listening on ${socket}`}; ${opened.text}`);
      await ended.wait;
      await server?.stop();
      await database.end();
    } finally {
      server?.close();
      endRunning(path);
      await local?.stop();
    }
  },
};
