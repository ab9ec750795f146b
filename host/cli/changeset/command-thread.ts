/** The thread of a command that reacts to signals while it works. */

import { parentPort, workerData } from 'node:worker_threads';
import { hear, type ThreadInput } from './interruption.js';
import { changesetMain } from './main.js';

const { args, shared } = workerData as ThreadInput;
hear(shared);
parentPort?.postMessage(await changesetMain(args));
