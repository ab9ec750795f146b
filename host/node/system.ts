/** What the modules of this folder share: the system's errors, the owners of new files, and functions of libc. */

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
import { join } from 'node:path';
import { SQLITE_CANTOPEN, SQLITE_IOERR_GETTEMPPATH } from '../core/constants.js';
import { FileError } from '../core/host-services.js';
import { crypto, os } from './builtins.js';
import { requireHere } from './package.js';

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

/** A new unnamed file, which no other process can open and no crash leaves behind. @throws FileError if no folder is writable */
export function temporaryDescriptor(): { fd: number; path: string } {
  const folder = temporaryFolder();
  for (let tries = 0; ; tries++) {
    const path = join(folder, `etilqs_${crypto().randomBytes(8).toString('hex')}`);
    let fd: number;
    try {
      fd = openSync(path, fs.O_RDWR | fs.O_CREAT | fs.O_EXCL | noFollow, 0o600);
    } catch (error) {
      if (systemError(error).code === 'EEXIST' && tries < 10) continue;
      throw failure(SQLITE_CANTOPEN, path, error);
    }
    unlinkSync(path);
    return { fd, path };
  }
}

function temporaryFolder(): string {
  const { SQLITE_TMPDIR, TMPDIR } = process.env;
  for (const folder of [SQLITE_TMPDIR, TMPDIR, '/var/tmp', '/usr/tmp', '/tmp', '.']) {
    if (!folder || !statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    if (permits(folder, fs.W_OK | fs.X_OK)) return folder;
  }
  throw new FileError(SQLITE_IOERR_GETTEMPPATH, 'no writable folder for temporary files: set TMPDIR to one');
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
  load(library: null): { func(prototype: string): (...values: unknown[]) => unknown };
  errno(): number;
}

let koffi: Koffi | undefined;

/** Calls of the system that every transaction makes: by the FFI they take half of the time that Node's take. */
export interface FrequentCalls {
  /** The size of a file; negative if that failed. */
  size(fd: number): number;
  /** Whether there is a file; symbolic links are followed. */
  exists(path: string): boolean;
}

let frequent: FrequentCalls | undefined;

/** Undefined unless {@link loadKoffi} has loaded the FFI, which takes some ms that a start without locks saves. */
export function frequentCalls(): FrequentCalls | undefined {
  if (!koffi) return undefined;
  if (!frequent) {
    const libc = koffi.load(null);
    const lseek = libc.func('int64_t lseek(int, int64_t, int)');
    const access = libc.func('int access(const char *, int)');
    const SEEK_END = 2;
    frequent = {
      size: (fd) => Number(lseek(fd, 0, SEEK_END)),
      exists: (path) => access(path, fs.F_OK) === 0,
    };
  }
  return frequent;
}

/** Functions of libc by their prototypes, or why they are unavailable. */
export function loadKoffi(): Koffi | string {
  const wide = ['x64', 'arm64', 'ppc64', 's390x', 'riscv64', 'loong64'].includes(process.arch);
  if (!wide || !['linux', 'darwin'].includes(process.platform)) {
    return `not supported on ${process.platform} ${process.arch}`;
  }
  try {
    koffi ??= requireHere('koffi') as Koffi;
    return koffi;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND') return 'koffi is not installed';
    return `koffi does not load: ${message.split('\n')[0]}`;
  }
}
