/** The file operations of the shell that WASI does not provide. */

import { chmodSync, lstatSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import type { ShellFiles } from '../core/host-services.js';

/** The error numbers of WASI. */
const numbers: Readonly<Record<string, number>> = {
  EACCES: 2,
  EEXIST: 20,
  ELOOP: 32,
  ENAMETOOLONG: 37,
  ENOENT: 44,
  ENOSPC: 51,
  ENOTDIR: 54,
  EPERM: 63,
  EROFS: 69,
};
const ioError = 29;

function pathOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

export const shellFiles: ShellFiles = {
  permissions(bytes, follow) {
    const path = pathOf(bytes);
    const status = follow ? statSync : lstatSync;
    return (status(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o7777;
  },
  changeMode: (path, mode) => outcome(() => chmodSync(pathOf(path), mode)),
  makeLink: (target, path) => outcome(() => symlinkSync(pathOf(target), pathOf(path))),
  makeFolder: (path, mode) => outcome(() => mkdirSync(pathOf(path), { mode: mode & 0o7777 })),
};

function outcome(action: () => void): number {
  try {
    action();
    return 0;
  } catch (error) {
    return numbers[(error as NodeJS.ErrnoException).code ?? ''] ?? ioError;
  }
}
