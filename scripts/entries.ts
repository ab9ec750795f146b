/**
 * The modules of host/ that are loaded by path: by programs, as threads or processes, and by the tests. Those of a group
 * share their code. A thread or another process shares no modules anyway, and each file that more groups share would be
 * one more to load.
 */
export const entryGroups: readonly (readonly string[])[] = [
  ['index', 'host', 'changeset/index', 'replica/index', 'cli/program', 'internals'],
  [
    'database-thread',
    'cli/shell-thread',
    'cli/inspect-thread',
    'cli/changeset/command-thread',
    'cli/daemon/database-thread',
    'cli/replica/thread',
  ],
  ['cli/main'],
  ['loader/transpile-program'],
];
