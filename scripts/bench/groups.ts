/** The workloads to compare, in groups. Each group runs in its own process. */

/** Kinds of programs. */
export type Kind = 'c' | 'ours' | 'node:sqlite' | 'better-sqlite3' | 'sqlite-wasm' | 'node-sqlite3-wasm';

export interface Group {
  readonly title: string;
  /** The programs that can run the group. */
  readonly kinds: readonly Kind[];
  /** The repetitions in one process. The first is reported separately, because V8 compiles during it. */
  readonly repetitions: number;
  readonly unit: 'ms' | 'us' | 'MB';
  /** The title of each workload. {@link titled} inserts the numbers of rows. */
  readonly works: Readonly<Record<string, string>>;
  /** Whether the group runs only on request, because it takes minutes. */
  readonly long?: true;
  /** Whether --check compares the group with a recording. */
  readonly checked?: true;
  /** Whether the parent process measures the time. */
  readonly outside?: true;
}

const all: readonly Kind[] = [
  'c',
  'ours',
  'node:sqlite',
  'better-sqlite3',
  'sqlite-wasm',
  'node-sqlite3-wasm',
];
const withSessions: readonly Kind[] = ['c', 'ours', 'node:sqlite', 'sqlite-wasm'];

export const groups = {
  memory: {
    title: 'Statements in memory',
    kinds: all,
    repetitions: 5,
    unit: 'ms',
    works: {
      insert: '# inserts, one transaction, memory',
      get: '# reads by key, memory',
    },
    checked: true,
  },
  files: {
    title: 'Files, synchronous=FULL',
    kinds: all.filter((kind) => kind !== 'sqlite-wasm'),
    repetitions: 5,
    unit: 'ms',
    works: {
      insertFile: '# inserts, one transaction, file',
      getFile: '# reads by key, one transaction, file',
      read: '#/10 reads by key, each a transaction',
      commit: '#/500 commits, journal',
      walRead: '#/10 reads by key, each a transaction, WAL',
      walCommit: '#/500 commits, WAL',
    },
    checked: true,
  },
  engine: {
    title: 'Long statements',
    kinds: all,
    repetitions: 3,
    unit: 'ms',
    works: {
      insertSelect: 'INSERT INTO .. SELECT of #*10 rows',
      scan: 'aggregates over #*10 rows',
      sort: 'row_number() over #*10 rows',
    },
    checked: true,
  },
  calls: {
    title: 'Functions in JavaScript',
    kinds: all,
    repetitions: 3,
    unit: 'us',
    works: { call: 'a call of a function in JavaScript' },
  },
  rows: {
    title: 'Whole tables as objects',
    kinds: all,
    repetitions: 4,
    unit: 'ms',
    works: {
      all: 'all() of #*10 rows of 5 columns',
      iterate: 'iterate() over #*10 rows of 5 columns',
    },
    checked: true,
  },
  sessions: {
    title: 'Sessions',
    kinds: withSessions,
    repetitions: 5,
    unit: 'ms',
    works: {
      plain: '#*2 changes, not captured',
      captured: '#*2 changes, captured',
      changeset: 'changeset() of #*2 changes',
      apply: 'apply #*2 changes',
    },
    checked: true,
  },
  codec: {
    title: 'The codec in TypeScript, against C',
    kinds: ['c', 'ours'],
    repetitions: 5,
    unit: 'ms',
    works: {
      codecRead: 'read all values of #*2 changes',
      codecInvert: 'invert #*2 changes',
      codecConcat: 'concat #*2 changes with #*1.2',
    },
    checked: true,
  },
  stream: {
    title: 'Memory',
    kinds: ['c', 'ours', 'node:sqlite'],
    repetitions: 1,
    unit: 'MB',
    works: { peak: 'peak memory, #*10 changes captured in a file and streamed' },
  },
  scale: {
    title: 'Scale, each row',
    kinds: ['c', 'ours', 'node:sqlite'],
    repetitions: 1,
    unit: 'us',
    works: {
      capture1M: 'capture of #*10 inserts',
      changeset1M: 'changeset() of them',
      apply1M: 'apply them',
      capture5M: 'capture of #*50 inserts',
      changeset5M: 'changeset() of them',
      apply5M: 'apply them',
    },
    long: true,
  },
  components: {
    title: 'Calls of a component',
    kinds: ['ours'],
    repetitions: 3,
    unit: 'us',
    works: {
      callInteger: 'a call with an integer',
      callText: 'a call with a text of 100 bytes',
      callBlob: 'a call with a blob of 4 KiB',
    },
  },
  loadSession: {
    title: 'Loading a component that ships',
    kinds: ['ours'],
    repetitions: 1,
    unit: 'ms',
    works: { loadSession: 'load `session`, the first in the process' },
  },
  loadCached: {
    title: 'Loading a component of others',
    kinds: ['ours'],
    repetitions: 1,
    unit: 'ms',
    works: { loadCached: 'load another component from the cache, the first in the process' },
  },
  start: {
    title: 'Start, over an empty script on the same Node',
    kinds: all,
    repetitions: 4,
    unit: 'ms',
    works: {
      shellStart: "shell: :memory: 'SELECT 1'",
      shellLoad: 'the same with .load session',
      import: 'import of the API, until it can be called',
      open: 'import, open, SELECT 1',
    },
    outside: true,
  },
  shell: {
    title: 'Shell, over its start',
    kinds: ['c', 'ours'],
    repetitions: 1,
    unit: 'ms',
    works: {
      import: '.import of # rows',
      dump: '.dump of # rows',
      json: '-json of # rows',
      csv: '-csv of # rows',
      script: 'script of # INSERTs',
    },
    checked: true,
    outside: true,
  },
} as const satisfies Readonly<Record<string, Group>>;

/** Inserts numbers into a title. #*10 stands for ten times the rows of the run. */
export function titled(title: string, rows: number): string {
  return title.replace(/#(?:([*/])([\d.]+))?/g, (_, sign: string | undefined, by: string) => {
    const count = sign === undefined ? rows : sign === '*' ? rows * Number(by) : rows / Number(by);
    return count >= 1e6 ? `${count / 1e6} M` : count >= 1e3 ? `${count / 1e3} k` : String(count);
  });
}
