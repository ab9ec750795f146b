/**
 * The modules of host/ that are loaded by path: by programs, as threads or processes, and by the tests. Those of a group
 * share their code. A thread or process shares no modules with others anyway, and a file that several groups share would be
 * an additional file to load.
 */
export interface EntryGroup {
  readonly entries: readonly string[];
  /**
   * An entry that the other entries, and modules that are imported on demand, also import. Then one file contains all that
   * it needs. Otherwise, what they share would be in separate files.
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
