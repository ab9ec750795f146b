import { platform } from '../core/platform.js';
import { checkOptions, invalidType, invalidValue } from './arguments.js';

/** A folder that a component may use. */
export interface FolderGrant {
  /** The folder's path. The component sees the folder under this name. */
  path: string;
  /** Whether the component may only read. */
  readOnly?: boolean;
}

/** The grants for components. An omitted grant is not given. */
export interface Grants {
  /** SQL through `spi`, and the component's own sessions: `ro` for statements that only read, `rw` for all. */
  sql?: 'ro' | 'rw';
  /** Access to the user's sessions through `session`: to list, read, stop and delete them. */
  sessions?: boolean;
  /** Folders that the component may use through `wasi:filesystem`. */
  fs?: readonly FolderGrant[];
  /** The names of the environment variables that the component may read. */
  env?: readonly string[];
  /** Whether the component may use sockets and HTTP. */
  net?: boolean;
  /**
   * Whether the component may replace existing functions, collations and tables: built-in ones, the program's, or other
   * components'.
   */
  replace?: boolean;
  /** The limit of each of the component's memories, in bytes; rounded down to a multiple of 64 KiB. */
  memory?: number;
}

/** Checked grants, with a value for each. */
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
 * @param base the values of grants that `grants` omits
 * @throws TypeError that names the wrong grant
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
  // wasi-libc looks for the name without trailing slashes.
  const name = path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
  return { path: name, host, readOnly: readOnly ?? false };
}
