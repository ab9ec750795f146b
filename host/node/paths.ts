/**
 * The full path names of databases. They are the same as in SQLite's own VFS, because SQLite derives the names of the
 * journal and the WAL from them.
 */

import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, isAbsolute, join, parse, sep, win32 } from 'node:path';
import { SQLITE_CANTOPEN, SQLITE_CANTOPEN_ISDIR } from '../core/constants.js';
import { FileError } from '../core/host-services.js';
import { failure } from './system.js';
import { isPosix } from './systems.js';

const maxLinks = 100; // SQLITE_MAX_SYMLINK

/**
 * The last result of `fullPathname` if it followed a symbolic link. SQLite calls `fullPathname` immediately before it
 * opens a database, and SQLITE_OPEN_NOFOLLOW refers to the path that the caller passed.
 */
let followed: string | undefined;

/** Whether `fullPathname`, which was called just before, followed a symbolic link to return this path. */
export function isFollowed(path: string): boolean {
  return path === followed;
}

export const fullPathname = isPosix ? posixPathname : windowsPathname;

/** winFullPathname. os_win.c does not follow links, so on Windows the journal is next to the link. */
export function windowsPathname(path: string): string {
  // In a URI, a slash precedes the drive.
  const full = win32.resolve(/^\/(?:[A-Za-z]:|\\\\\?\\)/.test(path) ? path.slice(1) : path);
  if (full === win32.parse(full).root) throw new FileError(SQLITE_CANTOPEN_ISDIR, `${path} is a folder`);
  return full;
}

/** Follows a path name by name, because `..` after a symbolic link means the parent of the link's target. */
function posixPathname(path: string): string {
  const start = isAbsolute(path) ? path : workingDirectory(path) + sep + path;
  const { root } = parse(start);
  const left = start.slice(root.length).split(sep).reverse();
  let done = root;
  let links = 0;
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done = dirname(done);
      continue;
    }
    const next = join(done, name);
    try {
      if (!lstatSync(next, { throwIfNoEntry: false })?.isSymbolicLink()) {
        done = next;
        continue;
      }
      links += 1;
      if (links > maxLinks) throw new FileError(SQLITE_CANTOPEN, `too many symbolic links in ${path}`);
      const target = readlinkSync(next);
      if (isAbsolute(target)) done = parse(target).root;
      left.push(...target.slice(parse(target).root.length).split(sep).reverse());
    } catch (error) {
      throw error instanceof FileError ? error : failure(SQLITE_CANTOPEN, next, error);
    }
  }
  if (done === root) throw new FileError(SQLITE_CANTOPEN_ISDIR, `${path} is a folder`);
  followed = links > 0 ? done : undefined;
  return done;
}

function workingDirectory(path: string): string {
  try {
    return process.cwd();
  } catch (error) {
    throw failure(SQLITE_CANTOPEN, path, error); // the working directory was deleted
  }
}
