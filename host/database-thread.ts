/** The thread of a DatabaseWorker. It opens the database and handles requests. */

import { parentPort, workerData } from 'node:worker_threads';
import { connectionOf } from './api/connections.js';
import type { Reply, Request, ThreadInput } from './api/database-worker.js';
import { useDefaultEngine } from './components/default-engine.js';
import { plainError } from './core/errors.js';
import { DatabaseSync, SqliteError } from './index.js';

if (!parentPort) throw new Error('must run in a worker');
const port = parentPort;
const { path, database: options, extensions, shared } = workerData as ThreadInput;

let database: DatabaseSync | undefined;

useDefaultEngine({
  interrupted() {
    if (database && Atomics.exchange(shared, 0, 0) === 1) {
      const { db, engine } = connectionOf(database);
      engine.core.c.sqlite3_interrupt(db);
    }
    return false; // only the shell returns true, after a signal
  },
});

function opened(): DatabaseSync {
  if (database) return database;
  const fresh = new DatabaseSync(path, { allowExtension: extensions.length > 0, ...options });
  try {
    for (const extension of extensions) {
      if (typeof extension === 'string') fresh.loadExtension(extension);
      else fresh.loadExtension(extension.path, { grants: extension.grants });
    }
  } catch (error) {
    fresh.close();
    throw error;
  }
  database = fresh;
  return fresh;
}

function done(request: Request): unknown {
  if (request.kind === 'close') {
    database?.close();
    database = undefined;
    return undefined;
  }
  const open = opened();
  if (request.kind === 'exec') return open.exec(request.sql);
  using statement = open.prepare(request.sql);
  if (request.kind === 'all') return statement.all(...request.parameters);
  return statement.run(...request.parameters);
}

port.on('message', (request: Request) => {
  let reply: Reply;
  try {
    reply = { value: done(request) };
  } catch (error) {
    const { code } = error as { code?: string };
    const message = error instanceof Error ? error.message : String(error);
    reply =
      error instanceof SqliteError
        ? { failed: plainError(error) }
        : { thrown: { message, ...(code !== undefined && { code }) } };
  }
  port.postMessage(reply);
});
