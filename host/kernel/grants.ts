/** What components may use beyond what every component may: by default nothing. */

import { platform } from '../core/platform.js';
import { checkOptions, invalidType, invalidValue } from './arguments.js';

/** A folder that a component may use. */
export interface FolderGrant {
  /** The folder; the component sees it under exactly this name. */
  path: string;
  /** Whether it is read-only. */
  readOnly?: boolean;
}

/** What components may use. What is omitted is not granted. */
export interface Grants {
  /** SQL on the connection, through `spi`, and sessions: statements that only read, or all. */
  sql?: 'ro' | 'rw';
  /** The user's sessions, through `session`: to list, read, stop and delete them. */
  sessions?: boolean;
  /** Folders, through `wasi:filesystem`. */
  fs?: readonly FolderGrant[];
  /** The names of the visible environment variables. */
  env?: readonly string[];
  /** Sockets and HTTP. */
  net?: boolean;
  /** To replace existing functions, collations and tables: built-in ones, the program's or other components'. */
  replace?: boolean;
  /** The most memory that each of a component's memories may have, in bytes: a multiple of 64 KiB. */
  memory?: number;
}

/** Complete grants. */
export interface CheckedGrants {
  readonly sql: 'none' | 'ro' | 'rw';
  readonly sessions: boolean;
  /** `host` is the folder's absolute path. */
  readonly fs: readonly { readonly path: string; readonly host: string; readonly readOnly: boolean }[];
  readonly env: readonly string[];
  readonly net: boolean;
  readonly replace: boolean;
  readonly memory: number;
}

const page = 65_536;
/** The default memory limit of a component, in bytes. */
export const usualMemory = 256 * 2 ** 20;

/** The grants of a component that was granted nothing. */
export const noGrants: CheckedGrants = {
  sql: 'none',
  sessions: false,
  fs: [],
  env: [],
  net: false,
  replace: false,
  memory: usualMemory,
};

const kinds = {
  sql: 'string',
  sessions: 'boolean',
  fs: 'any',
  env: 'any',
  net: 'boolean',
  replace: 'boolean',
  memory: 'any',
} as const;

/**
 * Checks a user's grants.
 *
 * @param base the values for what `grants` omits
 * @throws TypeError that names what is wrong
 */
export function checkGrants(grants: Grants | undefined, base: CheckedGrants = noGrants): CheckedGrants {
  if (grants === undefined) return base;
  checkOptions(grants, kinds);
  const { sql, sessions, fs, env, net, replace, memory } = grants;
  if (sql !== undefined && sql !== 'ro' && sql !== 'rw') {
    throw invalidValue(`The "grants.sql" argument must be 'ro' or 'rw'.`);
  }
  if (fs !== undefined && !Array.isArray(fs)) {
    throw invalidType('The "grants.fs" argument must be an array of { path, readOnly }.');
  }
  if (env !== undefined && !(Array.isArray(env) && env.every((name) => typeof name === 'string'))) {
    throw invalidType('The "grants.env" argument must be an array of names.');
  }
  if (memory !== undefined && !(Number.isInteger(memory) && memory >= page && memory <= 2 ** 32)) {
    throw invalidValue('The "grants.memory" argument must be a number of bytes from 65536 to 4294967296.');
  }
  return {
    sql: sql ?? base.sql,
    sessions: sessions ?? base.sessions,
    fs: fs?.map(checkFolder) ?? base.fs,
    env: env ? [...env] : base.env,
    net: net ?? base.net,
    replace: replace ?? base.replace,
    memory: memory === undefined ? base.memory : memory - (memory % page),
  };
}

function checkFolder(grant: unknown): CheckedGrants['fs'][number] {
  const { path, readOnly, ...rest } = Object(grant) as Partial<FolderGrant>;
  if (typeof path !== 'string' || path === '' || Object.keys(rest).length > 0) {
    throw invalidType('Each of "grants.fs" must be { path, readOnly } with a path of text.');
  }
  const host = platform().folder(path);
  if (host === undefined) {
    throw invalidValue(`"grants.fs" names ${path}, which is not a folder.`);
  }
  // The form in which C libraries look for it.
  const name = path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
  return { path: name, host, readOnly: readOnly ?? false };
}
