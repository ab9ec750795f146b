/** The list of the `changeset` commands. Each command is loaded only when it is called. */

import { type Action, type Command, type Group, lockingOption } from '../command.js';
import { exitHelp } from '../exit.js';

/** Adds `--locking` to a command that opens databases. */
function withLocking(action: Action): Action {
  const opens = 'db' in action.options || 'schema' in action.options;
  return opens ? { ...action, options: { ...action.options, locking: lockingOption } } : action;
}

/** The commands in the order of the help. */
const commands: readonly Command[] = [
  {
    name: 'capture',
    summary:
      'Run SQL on a database and write its changes as a changeset.\n' +
      'With --ddl, it records schema changes too. If the script fails,\n' +
      'the changes committed by then are written. Each transaction is first\n' +
      'written to OUT.journal (or DB.capture-journal). After a kill or a\n' +
      'full disk, run the command again with the same --db and --output,\n' +
      'with an empty script if no SQL is left to run: committed changes\n' +
      'come first in OUT.',
    load: async () => withLocking((await import('./capture.js')).capture),
  },
  {
    name: 'apply',
    summary: 'Apply changesets and captures in order, all of them or none.\n' + 'Report the result.',
    load: async () => withLocking((await import('./apply.js')).apply),
  },
  {
    name: 'show',
    summary:
      'Show what a changeset changes, row by row.\n' +
      '+ inserted, - deleted, ~ updated. In a capture, ! marks statements\n' +
      'that change the schema.',
    load: async () => withLocking((await import('./show.js')).show),
  },
  {
    name: 'sql',
    summary:
      'Print SQL statements that make the same changes.\n' +
      'Without --db, columns are named c1, c2 and so on. If rows exchange\n' +
      'values of a UNIQUE column, the statements fail in any order: use\n' +
      'apply instead.',
    load: async () => withLocking((await import('./show.js')).sql),
  },
  {
    name: 'stat',
    summary: 'Count the changes of each table.',
    load: async () => withLocking((await import('./show.js')).stat),
  },
  {
    name: 'validate',
    summary:
      'Check that each file is a changeset or capture.\n' + 'If not, print which byte is wrong and why.',
    load: async () => withLocking((await import('./show.js')).check),
  },
  {
    name: 'invert',
    summary: 'Write the changeset that undoes another.',
    load: async () => withLocking((await import('./transform.js')).invert),
  },
  {
    name: 'concat',
    summary:
      'Combine several changesets into one, in order.\n' +
      'Captures are combined into one capture with their schema changes.',
    load: async () => withLocking((await import('./transform.js')).concat),
  },
  {
    name: 'rebase',
    summary: 'Rebase local changes.\n' + 'FILE is the rebase buffer written by `apply --rebase-out`.',
    load: async () => withLocking((await import('./transform.js')).rebase),
  },
  {
    name: 'build',
    summary:
      'Write the changeset or capture that a JSON document describes.\n' +
      'The format is that of `show --json`.',
    load: async () => withLocking((await import('./transform.js')).build),
  },
  {
    name: 'diff',
    summary: 'Write the changeset that turns one database into another.',
    load: async () => withLocking((await import('./diff.js')).diff),
  },
  {
    name: 'daemon',
    summary:
      'Serve SQL on a socket and capture the changes.\n' +
      'On quit, SIGTERM or SIGINT, write the changeset. A crash loses\n' +
      'nothing that was committed: start the daemon again with the same\n' +
      'files.',
    load: async () => withLocking((await import('../daemon/daemon.js')).daemon),
  },
];

export const changesetGroup: Group = {
  name: 'changeset',
  summary: 'capture, read, transform and apply changesets',
  commands,
  notes: `A file named - is standard input or output. Each command has --help.\n${exitHelp()}`,
  start: async () => (await import('./main.js')).runChangesetCommand,
};
