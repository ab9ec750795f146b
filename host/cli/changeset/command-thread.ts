/** The thread of a command that reacts to signals while it works. */

import { parentPort, workerData } from 'node:worker_threads';
import { programName } from '../shell.js';
import { runSubcommand } from '../tree.js';
import { changesetGroup } from './commands.js';
import { hear, type ThreadInput } from './interruption.js';

const { args, shared } = workerData as ThreadInput;
hear(shared);
parentPort?.postMessage(await runSubcommand(`${programName} changeset`, changesetGroup, args));
