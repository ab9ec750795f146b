/**
 * Resolves paths beneath an open folder. A path cannot leave the folder by `..`, by a symbolic link, or because another
 * process replaces a folder meanwhile. Each name is looked up in a folder that is open, so the system never resolves
 * more than one name at once.
 *
 * On Linux, `/proc/self/fd/N/NAME` is a name in an open folder. Other systems have no such path. There, the path of the
 * folder is used, after a check that the folder is still at that path, and symbolic links are not followed.
 */

import {
  closeSync,
  existsSync,
  constants as fs,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
} from 'node:fs';
import { join } from 'node:path';

/** A case of `error-code` of wasi:filesystem. It is thrown as a string. */
export type ErrorCode = string;

const codes: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'access',
  EAGAIN: 'would-block',
  EALREADY: 'already',
  EBADF: 'bad-descriptor',
  EBUSY: 'busy',
  EDEADLK: 'deadlock',
  EDQUOT: 'quota',
  EEXIST: 'exist',
  EFBIG: 'file-too-large',
  EILSEQ: 'illegal-byte-sequence',
  EINPROGRESS: 'in-progress',
  EINTR: 'interrupted',
  EINVAL: 'invalid',
  EISDIR: 'is-directory',
  ELOOP: 'loop',
  EMLINK: 'too-many-links',
  ENAMETOOLONG: 'name-too-long',
  ENODEV: 'no-device',
  ENOENT: 'no-entry',
  ENOLCK: 'no-lock',
  ENOMEM: 'insufficient-memory',
  ENOSPC: 'insufficient-space',
  ENOTDIR: 'not-directory',
  ENOTEMPTY: 'not-empty',
  ENOTSUP: 'unsupported',
  ENXIO: 'no-such-device',
  EOVERFLOW: 'overflow',
  EPERM: 'not-permitted',
  EPIPE: 'pipe',
  EROFS: 'read-only',
  ESPIPE: 'invalid-seek',
  ETXTBSY: 'text-file-busy',
  EXDEV: 'cross-device',
  ERR_INVALID_ARG_VALUE: 'invalid', // U+0000 in a path
};

/** Runs a file system call, and converts its errors. @throws ErrorCode */
export function call<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw typeof error === 'string' ? error : (codes[(error as NodeJS.ErrnoException).code ?? ''] ?? 'io');
  }
}

export interface Folder {
  readonly fd: number;
  /** The path of the folder when it was opened. */
  readonly path: string;
}

const hasProc = existsHere('/proc/self/fd');
/** Opens a folder without read permission, because intermediate folders may be unreadable. */
const O_PATH = hasProc ? 0x200000 : 0;
const mostLinks = 40;

function existsHere(path: string): boolean {
  try {
    return existsSync(path);
  } catch {
    return false; // Node's permissions do not allow the question
  }
}

/** Returns the system path of a name in an open folder. @throws ErrorCode if the folder no longer exists */
function pathOf({ fd, path }: Folder, name: string): string {
  if (hasProc) return `/proc/self/fd/${fd}/${name}`;
  const [there, own] = [lstatSync(path), fstatSync(fd)];
  if (there.ino !== own.ino || there.dev !== own.dev) throw 'no-entry';
  return join(path, name);
}

/** A resolved path: a name in an open folder. Disposing of the place closes the folder. */
export class Place implements Disposable {
  /** The base folder, and the folders that were opened while the path was followed. */
  readonly #folders: Folder[];
  #name = '.';

  private constructor(base: Folder) {
    this.#folders = [base];
  }

  /**
   * Follows a path.
   *
   * @param follow whether to follow a symbolic link at the end of the path
   * @throws ErrorCode `not-permitted` if the path leaves `base`
   */
  static of(base: Folder, path: string, follow: boolean): Place {
    const place = new Place(base);
    try {
      place.#go(path, follow);
      return place;
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  }

  /** The system path of the place, for one call that does not follow links. @throws ErrorCode */
  get path(): string {
    return pathOf(this.#last, this.#name);
  }

  /** The ordinary path of the place at the time when the path was followed. */
  get told(): string {
    return join(this.#last.path, this.#name);
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#folders.splice(1)) closeSync(fd);
  }

  get #last(): Folder {
    return this.#folders.at(-1) as Folder; // never empty
  }

  #go(path: string, follow: boolean): void {
    if (path.startsWith('/')) throw 'not-permitted';
    if (path === '') throw 'no-entry';
    const isFolder = /(?:^|\/)\.{0,2}$/.test(path);
    const left = path.split('/').reverse();
    let links = 0;
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        this.#goUp();
        continue;
      }
      const isLast = left.every((rest) => rest === '' || rest === '.');
      const target = !isLast || follow || isFolder ? this.#linkAt(name) : undefined;
      if (target !== undefined) {
        links += 1;
        if (links > mostLinks) throw 'loop';
        if (target.startsWith('/') || !hasProc) throw 'not-permitted';
        left.push(...target.split('/').reverse());
      } else if (isLast && !isFolder) {
        this.#name = name;
        return;
      } else this.#goInto(name);
    }
  }

  #goUp(): void {
    const left = this.#folders.length > 1 ? this.#folders.pop() : undefined;
    if (!left) throw 'not-permitted';
    closeSync(left.fd);
  }

  #goInto(name: string): void {
    const fd = call(() =>
      openSync(pathOf(this.#last, name), O_PATH | fs.O_RDONLY | fs.O_DIRECTORY | fs.O_NOFOLLOW),
    );
    this.#folders.push({ fd, path: join(this.#last.path, name) });
  }

  /** The target of a symbolic link; undefined if the name is not a link, or does not exist. */
  #linkAt(name: string): string | undefined {
    try {
      return readlinkSync(pathOf(this.#last, name));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EINVAL' || code === 'ENOENT' || code === 'UNKNOWN') return undefined;
      throw error;
    }
  }
}

/** Returns the system path of an open folder. */
export function pathOfFolder(folder: Folder): string {
  return call(() => pathOf(folder, '.'));
}
