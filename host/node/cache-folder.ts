/** Where code is kept that was made on this machine: transpiled components, and what V8 compiled. */

import { existsSync, lstatSync, mkdirSync, type Stats, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/**
 * The cache folder: `SQLITE_WASM_RUN_CACHE`, or `sqlite-wasm-run` in the user's cache folder. A variable that is empty
 * counts as absent. So does a relative path in XDG_CACHE_HOME, as its specification demands: the folder would depend on
 * the current one, which may be that of somebody else.
 */
export function cacheFolder(): string {
  const { SQLITE_WASM_RUN_CACHE: own, XDG_CACHE_HOME: users = '' } = process.env;
  return own || join(isAbsolute(users) ? users : join(homedir(), '.cache'), 'sqlite-wasm-run');
}

/**
 * The cache folder, created if it does not exist. Its code will be run, so if other users can write to the folder, a
 * private folder inside it is used.
 *
 * @throws Error if it cannot be created, or if other users can write to the private folder
 */
export function privateFolder(): string {
  const folder = cacheFolder();
  try {
    make(folder);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `cannot create the cache folder ${folder} (${why}): set SQLITE_WASM_RUN_CACHE to a folder in which you can write`,
      { cause },
    );
  }
  const own = process.getuid?.();
  if (own === undefined || isPrivate(statSync(folder), own)) return folder;
  const within = join(folder, `sqlite-wasm-run-${own}`);
  make(within);
  const found = lstatSync(within);
  if (found.isDirectory() && isPrivate(found, own)) return within;
  throw new Error(
    `other users can write to the cache folder ${within}: set SQLITE_WASM_RUN_CACHE to a folder of your own`,
  );
}

/** Creates a folder and those above it. The `recursive` of Node does not end in /proc, whose folders exist but have no place. */
function make(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return;
    const above = dirname(folder);
    if (code !== 'ENOENT' || existsSync(above)) throw error;
    make(above);
    mkdirSync(folder, { mode: 0o700 });
  }
}

function isPrivate({ uid, mode }: Stats, own: number): boolean {
  return uid === own && (mode & 0o022) === 0;
}
