/** The file system for SQLite, implemented with node:fs. Each call does the same as in SQLite's own VFS. */

import {
  closeSync,
  existsSync,
  constants as fs,
  fstatSync,
  openSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import {
  SQLITE_ACCESS_EXISTS,
  SQLITE_CANTOPEN,
  SQLITE_CANTOPEN_ISDIR,
  SQLITE_CANTOPEN_SYMLINK,
  SQLITE_IOERR_DELETE,
  SQLITE_IOERR_DELETE_NOENT,
  SQLITE_IOERR_DIR_FSYNC,
  SQLITE_IOERR_FSTAT,
  SQLITE_IOERR_READ,
  SQLITE_OPEN_CREATE,
  SQLITE_OPEN_DELETEONCLOSE,
  SQLITE_OPEN_EXCLUSIVE,
  SQLITE_OPEN_MAIN_DB,
  SQLITE_OPEN_MAIN_JOURNAL,
  SQLITE_OPEN_NOFOLLOW,
  SQLITE_OPEN_READONLY,
  SQLITE_OPEN_READWRITE,
  SQLITE_OPEN_SUPER_JOURNAL,
  SQLITE_OPEN_WAL,
  SQLITE_READONLY_DIRECTORY,
} from '../core/constants.js';
import { FileError, type FileSystem, type OpenFile, type WalIndex } from '../core/host-services.js';
import { type LockProvider, lockable } from './byte-locks.js';
import { type DatabaseLock, NoLock, RangeLock, withoutLocks } from './locks.js';
import { type MappingProvider, systemMappings } from './mapping.js';
import { identityOf, isInterrupted, NodeFile, syncDirectoryOf } from './open-file.js';
import { fullPathname, isFollowed } from './paths.js';
import { patience, repeat } from './patience.js';
import {
  failure,
  frequentCalls,
  noFollow,
  ownLike,
  permits,
  removeFile,
  statOf,
  systemError,
  temporaryDescriptor,
} from './system.js';
import { systemLocks } from './system-locks.js';
import { isPosix } from './systems.js';
import { OwnIndex, SharedIndex } from './wal-index.js';

/**
 * @param options.locking 'auto' takes the same locks as SQLite's own VFS. If locks are unavailable, opening a database
 *   fails, unless its URI has nolock=1 or immutable=1. 'none' takes no locks: the caller must ensure that nothing else
 *   uses the file
 * @param locks returns the locks of the system
 * @param mappings returns the functions that map files into memory. Without these, only one connection can use a WAL
 *   database
 */
export function nodeFileSystem(
  options: { locking: 'auto' | 'none' },
  locks: LockProvider = systemLocks,
  mappings: MappingProvider = systemMappings,
): FileSystem {
  return {
    open(path, flags) {
      if (path === null) return { file: openTemporary(), flags };
      const lockProvider = options.locking === 'none' ? undefined : locks;
      return openFile(path, flags, lockProvider, mappings);
    },
    delete: deleteFile,
    access,
    fullPathname,
  };
}

/** The file systems of an engine: the usual one, and one that takes no locks. @param locking `none` for no locks in both */
export function nodeFileSystems(locking?: string): FileSystem[] {
  const unlocked = nodeFileSystem({ locking: 'none' });
  return [locking === 'none' ? unlocked : nodeFileSystem({ locking: 'auto' }), unlocked];
}

function openFile(
  path: string,
  flags: number,
  locks: LockProvider | undefined,
  mappings: MappingProvider,
): { file: OpenFile; flags: number } {
  const isDatabase = (flags & SQLITE_OPEN_MAIN_DB) !== 0;
  const isJournal = (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) !== 0;
  if (isDatabase && flags & SQLITE_OPEN_NOFOLLOW && isFollowed(path)) {
    throw new FileError(SQLITE_CANTOPEN_SYMLINK, `a symbolic link leads to ${path}`);
  }
  const found = isDatabase && locks ? locks() : undefined;
  // Refuse before the file is created, so that nothing is left behind. Readers need locks too, because a reader without
  // a lock could see partial transactions.
  if (typeof found === 'string') throw refused(path, found);

  const like = isJournal ? databaseOf(path) : undefined;
  const { fd, readOnly } = openDescriptor(path, flags, like);
  try {
    let lock: DatabaseLock = new NoLock(path, undefined);
    let newIndex = (): WalIndex => new OwnIndex(lock);
    if (isDatabase) {
      // Windows can open a directory for writing.
      if ((readOnly || !isPosix) && fstatSync(fd).isDirectory()) {
        throw new FileError(SQLITE_CANTOPEN_ISDIR, `${path} is a folder`);
      }
      if (!locks) {
        lock = new NoLock(path, () => identityOf(fd));
      } else if (found !== undefined) {
        if (!lockable(found, fd)) throw refused(path, 'its file system does not support it');
        lock = new RangeLock(found, fd, path, () => (isWal(fd, path) ? whyNot(mappings) : undefined));
        newIndex = () => {
          const mapped = mappings();
          if (typeof mapped === 'string') return new OwnIndex(lock);
          return new SharedIndex(found, mapped, `${path}-shm`, () => statOf(fd, path));
        };
      }
    }
    if (flags & SQLITE_OPEN_DELETEONCLOSE) removeFile(path);
    const isNew =
      (flags & SQLITE_OPEN_CREATE) !== 0 && (isJournal || (flags & SQLITE_OPEN_SUPER_JOURNAL) !== 0);
    const file = new NodeFile(fd, path, lock, isNew && !readOnly, newIndex);
    const inEffect = readOnly
      ? (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY
      : flags;
    return { file, flags: inEffect };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function refused(path: string, why: string): FileError {
  return new FileError(
    SQLITE_CANTOPEN,
    `cannot open ${path}: file locking is unavailable (${why}); ${withoutLocks}`,
  );
}

/** Opens a file as the flags say. If it cannot be opened for writing, opens it read-only. */
function openDescriptor(
  path: string,
  flags: number,
  like: Stats | undefined,
): { fd: number; readOnly: boolean } {
  const writable = (flags & SQLITE_OPEN_READWRITE) !== 0;
  let how = noFollow | (writable ? fs.O_RDWR : fs.O_RDONLY);
  if (flags & SQLITE_OPEN_CREATE) how |= fs.O_CREAT;
  if (flags & SQLITE_OPEN_EXCLUSIVE) how |= fs.O_EXCL;
  const mode = flags & SQLITE_OPEN_DELETEONCLOSE ? 0o600 : like ? like.mode & 0o777 : 0o644;
  try {
    const fd = patiently(path, () => openSync(path, how, mode), writable);
    if (like) ownLike(fd, like);
    return { fd, readOnly: !writable };
  } catch (error) {
    const { code, errno } = systemError(error);
    if (code === 'EISDIR') throw failure(SQLITE_CANTOPEN_ISDIR, path, error);
    if (code === 'ENOENT') {
      const absent = existsSync(dirname(path)) ? path : `the folder ${dirname(path)}`;
      throw new FileError(SQLITE_CANTOPEN, `${absent} does not exist`, errno);
    }
    const isJournal =
      (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) !== 0;
    if (isJournal && flags & SQLITE_OPEN_CREATE && code === 'EACCES' && !existsSync(path)) {
      throw failure(SQLITE_READONLY_DIRECTORY, path, error);
    }
    if (writable) {
      try {
        const open = (): number => openSync(path, fs.O_RDONLY | noFollow);
        return { fd: patiently(path, open, false), readOnly: true };
      } catch {
        // Report the first error, not this one.
      }
    }
    throw failure(SQLITE_CANTOPEN, path, error);
  }
}

/**
 * Opens a file. On Windows, tries again if another program has the file open. If the file may still be opened
 * read-only, does not wait.
 */
function patiently(path: string, open: () => number, writable: boolean): number {
  if (isPosix) return open();
  const again = patience();
  const isWorthIt = (error: unknown): boolean =>
    !writable || systemError(error).code === 'EBUSY' || !existsSync(path);
  return repeat(open, (error) => isWorthIt(error) && again(error));
}

/**
 * The mode and owner of the database to which a journal or WAL belongs. A user with access to the database must have
 * access to the journal and the WAL.
 */
function databaseOf(path: string): Stats | undefined {
  const dash = path.lastIndexOf('-');
  if (dash <= 0 || path.lastIndexOf('.') > dash) return undefined;
  const database = path.slice(0, dash);
  try {
    return statSync(database);
  } catch (error) {
    throw failure(SQLITE_IOERR_FSTAT, database, error);
  }
}

/** Opens a temporary file, which is deleted when it is closed. @throws FileError if no folder is writable */
export function openTemporary(): OpenFile {
  const { fd, path } = temporaryDescriptor();
  return new NodeFile(fd, path, new NoLock(path, undefined), false);
}

function deleteFile(path: string, syncDirectory: boolean): void {
  try {
    removeFile(path);
  } catch (error) {
    const missing = systemError(error).code === 'ENOENT';
    throw failure(missing ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE, path, error);
  }
  if (!syncDirectory) return;
  try {
    syncDirectoryOf(path);
  } catch (error) {
    throw failure(SQLITE_IOERR_DIR_FSYNC, path, error);
  }
}

function access(path: string, kind: number): boolean {
  if (kind === SQLITE_ACCESS_EXISTS) return exists(path);
  return permits(path, fs.R_OK | fs.W_OK);
}

/**
 * Whether a file exists. SQLite looks for the journal and the WAL in every transaction, and they rarely exist, so the
 * cheapest check comes first.
 */
function exists(path: string): boolean {
  if (!(frequentCalls()?.exists ?? existsSync)(path)) return false;
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && (!found.isFile() || found.size > 0);
  } catch {
    return false;
  }
}

const header = Buffer.alloc(2);

/** Whether a database is in WAL mode. Then the write and read versions in its header are 2. */
function isWal(fd: number, path: string): boolean {
  try {
    return readSync(fd, header, 0, 2, 18) === 2 && header[1] === 2;
  } catch (error) {
    if (isInterrupted(error)) return isWal(fd, path);
    throw failure(SQLITE_IOERR_READ, path, error);
  }
}

/** The reason why files cannot be mapped; undefined if they can. */
function whyNot(mappings: MappingProvider): string | undefined {
  const found = mappings();
  return typeof found === 'string' ? found : undefined;
}
