/** The options that the sqlite3 shell does not have. They are removed from its arguments. */

import { statSync } from 'node:fs';
import type { FolderGrant } from '../kernel/grants.js';
import { usageError } from './exit.js';

export interface OwnOptions {
  locking: 'auto' | 'none';
  grants: {
    sql?: 'ro' | 'rw';
    sessions?: boolean;
    fs: FolderGrant[];
    env: string[];
    net: boolean;
    replace?: boolean;
    memory?: number;
  };
  /** The maximum time of a statement in ms; undefined for no limit. */
  timeout: number | undefined;
}

interface OwnOption {
  /** Whether the option has a value: `always`, `joined` only as `--name=value`, or `never`. */
  readonly value: 'always' | 'joined' | 'never';
  readonly help: string;
  /** A description of the value, for error messages. */
  readonly takes?: string;
  /** The permitted values, for shell completion; undefined for any value. */
  readonly values?: 'folders' | readonly string[];
  /** Sets the value. Returns false if the value is invalid. `value` is '' if none was given. */
  set(options: OwnOptions, value: string): boolean | undefined;
}

/** The options by name, including the dashes. */
export const ownOptions: Readonly<Record<string, OwnOption>> = {
  '--locking': {
    value: 'always',
    help: '--locking auto|none  lock files as sqlite3 does (auto), or not at all (none)',
    takes: 'auto or none',
    values: ['auto', 'none'],
    set(options, value) {
      if (value !== 'auto' && value !== 'none') return false;
      options.locking = value;
    },
  },
  '--allow-sql': {
    value: 'joined',
    help: '--allow-sql[=ro]     let components run SQL (=ro: only SQL that reads)',
    takes: 'ro, or no value',
    values: ['ro'],
    set(options, value) {
      if (value !== '' && value !== 'ro') return false;
      options.grants.sql = value === 'ro' ? 'ro' : 'rw';
    },
  },
  '--allow-sessions': {
    value: 'never',
    help: "--allow-sessions     let components use the user's sessions",
    set(options) {
      options.grants.sessions = true;
    },
  },
  '--allow-fs': {
    value: 'always',
    help: '--allow-fs DIR[:ro]  let components use files in DIR (:ro: only read them)',
    takes: 'a folder that exists, with or without :ro',
    values: 'folders',
    set(options, value) {
      const path = value.replace(/:ro$/, '');
      if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
      options.grants.fs.push({ path, readOnly: path !== value });
    },
  },
  '--allow-env': {
    value: 'always',
    takes: 'the name of a variable',
    help: '--allow-env NAME     let components see the environment variable NAME',
    set(options, value) {
      options.grants.env.push(value);
      return /^[^=]+$/.test(value);
    },
  },
  '--allow-net': {
    value: 'never',
    help: '--allow-net          let components use the network',
    set(options) {
      options.grants.net = true;
    },
  },
  '--allow-replace': {
    value: 'never',
    help: '--allow-replace      let components replace functions, collations, tables',
    set(options) {
      options.grants.replace = true;
    },
  },
  '--max-memory': {
    value: 'always',
    takes: 'a size of 64K to 4G',
    help: '--max-memory SIZE    limit memory per component, 64K to 4G (default 256M)',
    set(options, value) {
      const [, digits = '', unit = ''] = /^(\d{1,10})([KMG]?)$/i.exec(value) ?? [];
      const size = digits === '' ? 0 : Number(digits) * 1024 ** ' KMG'.indexOf(unit.toUpperCase() || ' ');
      options.grants.memory = size;
      return size >= 65_536 && size <= 2 ** 32;
    },
  },
  '--timeout': {
    value: 'always',
    takes: 'seconds above 0, such as 0.5',
    help: '--timeout SECONDS    end a statement that runs longer, with everything it calls',
    set(options, value) {
      const seconds = /^\d{1,6}(?:\.\d+)?$/.test(value) ? Number(value) : 0;
      options.timeout = Math.ceil(seconds * 1000);
      return seconds > 0;
    },
  },
};

/** The switches of the sqlite3 shell. This list and {@link shellOptions} are used only for completion. */
export const shellSwitches =
  'append ascii bail batch box column csv deserialize echo header help html ifexists interactive json line list ' +
  'markdown memtrace no-rowid-in-view nofollow noheader noinit pcachetrace quote readonly safe stats table tabs ' +
  'unsafe-testing version vfstrace';
export const shellOptions = {
  cmd: 'any',
  escape: ['symbol', 'ascii', 'off'],
  init: 'files',
  lookaside: 'any',
  maxsize: 'any',
  mmap: 'any',
  newline: 'any',
  nonce: 'any',
  nullvalue: 'any',
  pagecache: 'any',
  screenwidth: 'any',
  separator: 'any',
  vfs: 'any',
} as const;

/** Separates these options from the shell's arguments, in order. @throws CommandError if an option is invalid */
export function takeOwnOptions(argv: readonly string[]): { args: string[]; own: OwnOptions } {
  const own: OwnOptions = {
    locking: 'auto',
    grants: { fs: [], env: [], net: false },
    timeout: undefined,
  };
  const args: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] ?? '';
    if (arg === '--') {
      args.push(...argv.slice(i));
      break;
    }
    const [, name = arg, joined] = /^(--[a-z-]+)=(.*)$/s.exec(arg) ?? [];
    const option = Object.hasOwn(ownOptions, name) ? ownOptions[name] : undefined;
    if (!option) {
      args.push(arg);
      continue;
    }
    let value: string | undefined = joined ?? '';
    if (option.value === 'always' && joined === undefined) {
      i += 1;
      value = argv[i];
    }
    if (value === undefined) throw usageError(`${name} needs a value: ${option.help.replace(/ +/g, ' ')}`);
    const refused = option.value === 'never' && joined !== undefined;
    if (refused || option.set(own, value) === false) {
      throw usageError(`${name} takes ${option.takes ?? 'no value'}, not "${value}"`);
    }
  }
  return { args, own };
}

/** The text that `-help` adds to the shell's own help. */
export function ownHelp(): string {
  const lines = Object.values(ownOptions).map(({ help }) => `   ${help}\n`);
  return `Options of sqlite-wasm-run:\n${lines.join('')}`;
}
