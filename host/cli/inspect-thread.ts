/** The worker thread in which `inspect` runs a component to describe itself. */

import { parentPort, workerData } from 'node:worker_threads';
import { connectionOf } from '../api/connections.js';
import { DatabaseSync } from '../index.js';
import { describe } from '../loader/inspect.js';
import type { Answer, InspectInput } from './inspect.js';

function answer({ path, memory, patience }: InspectInput): Answer {
  const database = new DatabaseSync(':memory:');
  try {
    return { described: describe(connectionOf(database), path, memory, patience) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  } finally {
    database.close();
  }
}

// Wait until the module has been evaluated, because Node 22 and later crash if a thread is terminated during the
// evaluation.
setImmediate(() => parentPort?.postMessage(answer(workerData as InspectInput)));
