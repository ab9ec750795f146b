/** The group `replica`, listed without loading its commands. */

import type { Command, Group } from '../command.js';
import { exitCodes } from '../exit.js';

/** In the order of the help. */
const commands: readonly Command[] = [
  {
    name: 'run',
    summary:
      'Follow a history, and serve SQL on a socket.\n' +
      'A file that does not exist becomes a copy. With --read-only it only\n' +
      'follows: one copy writes, the others read. SIGTERM and SIGINT end it;\n' +
      'what has no place in the history stays pending in the file.',
    load: async () => (await import('./run.js')).run,
  },
  {
    name: 'status',
    summary: 'Show the place of a copy, and its pending and rejected transactions.',
    load: async () => (await import('./status.js')).status,
  },
  {
    name: 'log',
    summary:
      'List the messages of a history: when, which copy, what.\nWith SEQ, show what one changes, row by row.',
    load: async () => (await import('./log.js')).log,
  },
  {
    name: 'undo',
    summary: 'Publish a transaction that undoes what a message changed.',
    load: async () => (await import('./work.js')).undo,
  },
  {
    name: 'rejected',
    summary: 'List the transactions that did not fit the history.\nShow one, do it again, or forget it.',
    load: async () => (await import('./rejected.js')).rejected,
  },
  {
    name: 'snapshot',
    summary: 'Store a snapshot that new copies begin with.',
    load: async () => (await import('./work.js')).snapshot,
  },
  {
    name: 'verify',
    summary: 'Compare the tables of a copy with those of the others.',
    load: async () => (await import('./work.js')).verify,
  },
  {
    name: 'detach',
    summary: 'Make a copy a database of its own.',
    load: async () => (await import('./work.js')).detach,
  },
  {
    name: 'adopt',
    summary: 'Turn what another program wrote to the file into a transaction.',
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
