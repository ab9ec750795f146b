/** The worker thread of a command that handles signals while it runs. */

import { parentPort, workerData } from 'node:worker_threads';
import { programName } from '../shell.js';
import { runSubcommand } from '../tree.js';
import { changesetGroup } from './commands.js';
import { hear, type ThreadInput } from './interruption.js';

const { args, shared } = workerData as ThreadInput;
hear(shared);
parentPort?.postMessage(await runSubcommand(`${programName} changeset`, changesetGroup, args));
