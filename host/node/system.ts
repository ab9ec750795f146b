/**
 * What the modules of this folder share: the system's errors, the owners of new files, temporary files, and functions
 * of the system.
 */

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

/** Not defined on Windows. */
export const noFollow = fs.O_NOFOLLOW ?? 0;

export function systemError(error: unknown): { code: string; errno: number; message: string } {
  const { code = '', errno = 0, message } = error as NodeJS.ErrnoException;
  if (!code.startsWith('Unknown system error')) return { code, errno: Math.abs(errno), message };
  // Node has no text for some, such as EDQUOT.
  const known = Object.entries(os().constants.errno).find(([, number]) => number === Math.abs(errno));
  const name = known?.[0] ?? code;
  return { code: name, errno: Math.abs(errno), message: message.replace(`${code}: ${code}`, name) };
}

/** The error of a call of node:fs, with the result code that SQLite gets for it. */
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
 * Mode and owner of a new file beside a database, which would otherwise depend on the umask and user of the process
 * (os_unix.c, robust_open and robustFchown). As there, a file that cannot be given them is used as it is: some file systems
 * have no owners.
 */
export function ownLike(fd: number, like: Stats): void {
  try {
    const now = fstatSync(fd);
    if (now.size === 0 && (now.mode & 0o777) !== (like.mode & 0o777)) fchmodSync(fd, like.mode & 0o777);
    if (process.geteuid?.() !== 0 || (now.uid === like.uid && now.gid === like.gid)) return;
    fchownSync(fd, like.uid, like.gid);
  } catch {
    // It is usable without.
  }
}

/** A new file that only this process knows. The caller closes the descriptor. */
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

/** A new unnamed file, which no other process can open and no crash leaves behind. @throws FileError if no folder is writable */
export function temporaryDescriptor(): { fd: number; path: string } {
  const { fd, path, remove } = temporaryFile();
  // Windows keeps a deleted file, too, while a descriptor is open.
  remove();
  return { fd, path };
}

/** Deletes a file. On Windows it waits for programs that have it open for a moment. Throws what node:fs throws. */
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

/** Where SQLite's own VFS looks for a folder. */
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
  /** A library of functions; null is the program itself, with the C library on Unix. */
  load(library: string | null): { func(prototype: string): (...values: unknown[]) => unknown };
  errno(): number;
}

let koffi: Koffi | undefined;

/** Calls of the system that every transaction makes: by the FFI they take half of the time that Node's take. */
export interface FrequentCalls {
  /** The size of a file; negative if that failed. */
  size(fd: number): number;
  /** Whether there is a file; symbolic links are followed. */
  exists(path: string): boolean;
  /**
   * On macOS, writes a file to the disk, but not out of the disk's own cache, which Node does always and SQLite only
   * with `PRAGMA fullfsync`. Returns the system's error number, or 0.
   */
  flush?(fd: number): number;
}

let frequent: FrequentCalls | undefined;

/** Undefined unless {@link loadKoffi} has loaded the FFI, which takes some ms that a start without locks saves. */
export function frequentCalls(): FrequentCalls | undefined {
  // The C library of Windows has other names, and descriptors of its own.
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

/** Functions of the system by their prototypes, or why they are unavailable. */
export function loadKoffi(): Koffi | string {
  if (!thisSystem) return `not supported on ${process.platform} ${process.arch}`;
  try {
    koffi ??= requireHere('koffi') as Koffi;
    return koffi;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND') return 'koffi is not installed';
    return `koffi does not load: ${message.split('\n')[0]}`;
  }
}
