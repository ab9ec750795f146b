/** Shared functions of this folder: system errors, owners of new files, temporary files, and calls of the C library. */

import {
  accessSync,
  fchmodSync,
  fchownSync,
  constants as fs,
  fstatSync,
  openSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SQLITE_CANTOPEN, SQLITE_IOERR_FSTAT, SQLITE_IOERR_GETTEMPPATH } from '../core/constants.js';
import { FileError } from '../core/host-services.js';
import { crypto, os } from './builtins.js';
import { requireHere } from './package.js';
import { patience, repeat } from './patience.js';
import { isMac, isPosix, thisSystem } from './systems.js';

/** O_NOFOLLOW, which Windows does not define. */
export const noFollow = fs.O_NOFOLLOW ?? 0;

export function systemError(error: unknown): { code: string; errno: number; message: string } {
  const { code = '', errno = 0, message } = error as NodeJS.ErrnoException;
  if (!code.startsWith('Unknown system error')) return { code, errno: Math.abs(errno), message };
  // Node does not know some error numbers, such as EDQUOT.
  const known = Object.entries(os().constants.errno).find(([, number]) => number === Math.abs(errno));
  const name = known?.[0] ?? code;
  return { code: name, errno: Math.abs(errno), message: message.replace(`${code}: ${code}`, name) };
}

/** Converts an error of node:fs to a FileError with a result code for SQLite. */
export function failure(code: number, path: string, error: unknown): FileError {
  const { errno, message } = systemError(error);
  return new FileError(code, message.includes(path) ? message : `${message} ${path}`, errno);
}

/** @throws FileError (SQLITE_IOERR_FSTAT) */
export function statOf(fd: number, path: string): Stats {
  try {
    return fstatSync(fd);
  } catch (error) {
    throw failure(SQLITE_IOERR_FSTAT, path, error);
  }
}

/**
 * Sets the mode and owner of a new file next to a database, which would otherwise depend on the umask and user of the
 * process (os_unix.c, robust_open and robustFchown). Ignores errors, as os_unix.c does, because some file systems have
 * no owners.
 */
export function ownLike(fd: number, like: Stats): void {
  try {
    const now = fstatSync(fd);
    if (now.size === 0 && (now.mode & 0o777) !== (like.mode & 0o777)) fchmodSync(fd, like.mode & 0o777);
    if (process.geteuid?.() !== 0 || (now.uid === like.uid && now.gid === like.gid)) return;
    fchownSync(fd, like.uid, like.gid);
  } catch {
    // The file can be used without.
  }
}

/** A new temporary file. The caller closes the descriptor. */
export interface TemporaryFile {
  readonly fd: number;
  readonly path: string;
  remove(): void;
}

/** @throws FileError if no folder is writable */
export function temporaryFile(folder = temporaryFolder()): TemporaryFile {
  for (let tries = 0; ; tries++) {
    const path = join(folder, `etilqs_${crypto().randomBytes(8).toString('hex')}`);
    try {
      const fd = openSync(path, fs.O_RDWR | fs.O_CREAT | fs.O_EXCL | noFollow, 0o600);
      return { fd, path, remove: () => removeFile(path) };
    } catch (error) {
      if (systemError(error).code === 'EEXIST' && tries < 10) continue;
      throw failure(SQLITE_CANTOPEN, path, error);
    }
  }
}

/**
 * Creates a temporary file and deletes its name, so that no other process can open it, and a crash leaves nothing
 * behind.
 *
 * @throws FileError if no folder is writable
 */
export function temporaryDescriptor(): { fd: number; path: string } {
  const { fd, path, remove } = temporaryFile();
  // Windows also keeps a deleted file while a descriptor is open.
  remove();
  return { fd, path };
}

/** Deletes a file. On Windows, tries again while another program has the file open. Throws the errors of node:fs. */
export function removeFile(path: string): void {
  if (isPosix) {
    unlinkSync(path);
    return;
  }
  const again = patience();
  repeat(
    () => unlinkSync(path),
    (error) => statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true && again(error),
  );
}

/** Returns a folder for temporary files, from the same candidates as in SQLite's own VFS. */
function temporaryFolder(): string {
  const { SQLITE_TMPDIR, TMPDIR } = process.env;
  const usual = isPosix ? [TMPDIR, '/var/tmp', '/usr/tmp', '/tmp', '.'] : [tmpdir(), '.'];
  for (const folder of [SQLITE_TMPDIR, ...usual]) {
    if (!folder || !statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    if (permits(folder, fs.W_OK | fs.X_OK)) return folder;
  }
  const name = isPosix ? 'TMPDIR' : 'TEMP';
  throw new FileError(SQLITE_IOERR_GETTEMPPATH, `no writable folder for temporary files: set ${name} to one`);
}

export function permits(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** The part of koffi used here. */
export interface Koffi {
  /** Loads a library. null means the program itself, which includes the C library on Unix. */
  load(library: string | null): { func(prototype: string): (...values: unknown[]) => unknown };
  errno(): number;
}

let koffi: Koffi | undefined;

/** System calls that every transaction makes. Through koffi they take half of the time of Node's functions. */
export interface FrequentCalls {
  /** Returns the size of a file; negative after an error. */
  size(fd: number): number;
  /** Whether a file exists. Follows symbolic links. */
  exists(path: string): boolean;
  /**
   * Writes a file to the disk on macOS without flushing the disk's own cache. Node always flushes that cache, but
   * SQLite does so only with `PRAGMA fullfsync`. Returns the system's error number, or 0.
   */
  flush?(fd: number): number;
}

let frequent: FrequentCalls | undefined;

/**
 * Returns the calls; undefined unless {@link loadKoffi} has loaded koffi. Loading takes some ms, so programs that need
 * no locks do not load it.
 */
export function frequentCalls(): FrequentCalls | undefined {
  // The C library of Windows has other function names, and its own descriptors.
  if (!koffi || !isPosix) return undefined;
  frequent ??= frequentCallsOf(koffi, isMac);
  return frequent;
}

export function frequentCallsOf(ffi: Koffi, onMac: boolean): FrequentCalls {
  const libc = ffi.load(null);
  const lseek = libc.func('int64_t lseek(int, int64_t, int)');
  const access = libc.func('int access(const char *, int)');
  const fsync = onMac ? libc.func('int fsync(int)') : undefined;
  const SEEK_END = 2;
  return {
    size: (fd) => Number(lseek(fd, 0, SEEK_END)),
    exists: (path) => access(path, fs.F_OK) === 0,
    ...(fsync && { flush: (fd) => (fsync(fd) === -1 ? ffi.errno() : 0) }),
  };
}

/** Loads koffi. Returns the reason as a string if koffi is unavailable. */
export function loadKoffi(): Koffi | string {
  if (!thisSystem) return `not supported on ${process.platform} ${process.arch}`;
  try {
    koffi ??= requireHere('koffi') as Koffi;
    return koffi;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND') return 'koffi is not installed';
    return `cannot load koffi: ${message.split('\n')[0]}`;
  }
}
