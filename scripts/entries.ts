/** The modules of host/ that are loaded by path: by programs, as threads or processes, and by the tests. */
export const entries: readonly string[] = [
  'index',
  'host',
  'changeset/index',
  'replica/index',
  'cli/main',
  'database-thread',
  'cli/shell-thread',
  'cli/inspect-thread',
  'cli/changeset/command-thread',
  'cli/daemon/database-thread',
  'cli/replica/thread',
  'loader/transpile-program',
  'internals',
];
