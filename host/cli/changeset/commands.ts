/** What stands behind `changeset`, known without loading what it does. */

import { type Action, type Command, lockingOption } from '../command.js';

/** In the order of the help. */
export const commands: readonly Command[] = [
  {
    name: 'capture',
    summary:
      'Runs SQL on a database and writes what it changed as a changeset; with --ddl what changes the schema too.\n' +
      'A script that fails ends there: what it committed is written all the same. What is committed is in OUT.journal\n' +
      '(or DB.capture-journal) first: after a kill or a full disk, run it again with the same --db and --output, and an\n' +
      'empty script if there is nothing more to run; what was committed comes first in OUT.',
    load: async () => (await import('./capture.js')).capture,
  },
  {
    name: 'apply',
    summary:
      'Applies changesets and captures to a database one after another, all of them or none, and reports what came of it.',
    load: async () => (await import('./apply.js')).apply,
  },
  {
    name: 'show',
    summary:
      'Shows what a changeset changes, row by row: + added, - deleted, ~ changed; of a capture also, behind !, what\n' +
      'changes the schema.',
    load: async () => (await import('./show.js')).show,
  },
  {
    name: 'sql',
    summary:
      'Prints SQL statements that make the same changes. Without --db the columns are called c1, c2 and so on.\n' +
      'Rows that exchange values of a UNIQUE column make statements that fail in any order: use apply for those.',
    load: async () => (await import('./show.js')).sql,
  },
  {
    name: 'stat',
    summary: 'Counts what a changeset changes, per table.',
    load: async () => (await import('./show.js')).stat,
  },
  {
    name: 'validate',
    summary:
      'Says of each file whether it is a changeset or capture, and if not, which byte is wrong and why.',
    load: async () => (await import('./show.js')).check,
  },
  {
    name: 'invert',
    summary: 'Writes the changeset that undoes another.',
    load: async () => (await import('./transform.js')).invert,
  },
  {
    name: 'concat',
    summary:
      'Writes one changeset that does what several do one after another; of captures, one capture, in which what\n' +
      'changes the schema stays in its place.',
    load: async () => (await import('./transform.js')).concat,
  },
  {
    name: 'rebase',
    summary:
      'Makes local changes fit what was applied before them: FILE is what `apply --rebase-out` wrote then.',
    load: async () => (await import('./transform.js')).rebase,
  },
  {
    name: 'build',
    summary: 'Writes the changeset or capture that a JSON document describes, as `show --json` prints it.',
    load: async () => (await import('./transform.js')).build,
  },
  {
    name: 'diff',
    summary: 'Writes the changeset that turns one database into another.',
    load: async () => (await import('./diff.js')).diff,
  },
  {
    name: 'daemon',
    summary:
      'Serves SQL on a socket and captures what it changes; on quit, SIGTERM or SIGINT the changeset is written.\n' +
      'A crash loses nothing that was committed: start it again with the same files.',
    load: async () => (await import('../daemon/daemon.js')).daemon,
  },
];

/** What a command takes and does: with the option of all that open databases. */
export async function loaded(command: Command): Promise<Action> {
  const action = await command.load();
  const opens = command.name === 'diff' || 'db' in action.options || 'schema' in action.options;
  return opens ? { ...action, options: { ...action.options, locking: lockingOption } } : action;
}
