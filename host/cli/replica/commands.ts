/** The list of the `replica` commands. Each command is loaded only when it is called. */

import type { Command, Group } from '../command.js';
import { exitCodes } from '../exit.js';

/** The commands in the order of the help. */
const commands: readonly Command[] = [
  {
    name: 'run',
    summary:
      'Follow a history, and serve SQL on a socket.\n' +
      'A file that does not exist becomes a copy. With --read-only, the copy\n' +
      'refuses writes. SIGTERM and SIGINT end the command. Transactions that\n' +
      'are not published yet stay pending in the file.',
    load: async () => (await import('./run.js')).run,
  },
  {
    name: 'status',
    summary: 'Show the position of a copy, and its pending and rejected transactions.',
    load: async () => (await import('./status.js')).status,
  },
  {
    name: 'log',
    summary:
      'List the messages of a history with their time, copy and changes.\nWith SEQ, show the changes of one message, row by row.',
    load: async () => (await import('./log.js')).log,
  },
  {
    name: 'undo',
    summary: 'Publish a transaction that undoes the changes of a message.',
    load: async () => (await import('./work.js')).undo,
  },
  {
    name: 'rejected',
    summary: 'List the rejected transactions.\nShow, retry or drop one of them.',
    load: async () => (await import('./rejected.js')).rejected,
  },
  {
    name: 'snapshot',
    summary: 'Store a snapshot for new copies.',
    load: async () => (await import('./work.js')).snapshot,
  },
  {
    name: 'verify',
    summary: 'Compare the tables of a copy with those of other copies.',
    load: async () => (await import('./work.js')).verify,
  },
  {
    name: 'detach',
    summary: 'Turn a copy into an ordinary database.',
    load: async () => (await import('./work.js')).detach,
  },
  {
    name: 'adopt',
    summary: 'Turn changes of another program to the file into a transaction.',
    load: async () => (await import('./work.js')).adopt,
  },
];

export const replicaGroup: Group = {
  name: 'replica',
  summary: 'keep copies of a database equal over NATS JetStream',
  commands,
  notes:
    'Each command has --help.\n' +
    `Exit codes: ${exitCodes.done} done, ${exitCodes.failed} failed, ${exitCodes.usage} wrong use, ` +
    `${exitCodes.notApplied} not applied because of a conflict.\n`,
  start: async () => (await import('../changeset/main.js')).runChangesetCommand,
};
