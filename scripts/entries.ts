/**
 * The modules of host/ that are loaded by path: by programs, as threads or processes, and by the tests. Those of a group
 * share their code. A thread or another process shares no modules anyway, and each file that more groups share would be
 * one more to load.
 */
export interface EntryGroup {
  readonly entries: readonly string[];
  /**
   * An entry that the others, and modules that are imported when they are needed, import too. All that it needs is then
   * in one file. Without it, what they need would be in files of its own.
   */
  readonly whole?: string;
}

/** Entries that are loaded without the `whole` of their group. */
export const apart: readonly string[] = ['changeset/index'];

export const entryGroups: readonly EntryGroup[] = [
  { entries: ['index', 'host', 'changeset/index', 'replica/index', 'internals'], whole: 'index' },
  { entries: ['cli/program'], whole: 'cli/program' },
  {
    entries: [
      'database-thread',
      'cli/shell-thread',
      'cli/inspect-thread',
      'cli/changeset/command-thread',
      'cli/daemon/database-thread',
      'cli/replica/thread',
    ],
  },
  { entries: ['cli/main'] },
  { entries: ['loader/transpile-program'] },
];
