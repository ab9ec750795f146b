/**
 * Records the file operations of a program, for tests. Preloaded by `node --import`. FILE_LOG is JSON:
 *
 *     {"under": "/a/folder", "log": "/a/file"}
 *
 * Each line of the log is an operation on a file in the folder that a loss of power may undo: "open" (with "made" if it
 * created the file), "write", "truncate", "sync", "unlink", "rename", and "sync-folder". An open file has a number,
 * "file", which it keeps when it is renamed. A write to a file named "acknowledged" is an "acknowledge". `-shm` is not
 * recorded, because no process reads it after a loss of power.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, resolve } from 'node:path';

const { under, log } = JSON.parse(process.env.FILE_LOG ?? '{}');
const real = { ...fs };
const out = real.openSync(log, 'a');
/** The numbers of files by path, and of open files by descriptor. */
const files = new Map();
const open = new Map();
let made = 0;

function record(operation) {
  real.writeSync(out, `${JSON.stringify(operation)}\n`);
}

fs.openSync = (path, flags, ...rest) => {
  const name = resolve(String(path));
  if ((name !== under && !name.startsWith(`${under}/`)) || name.endsWith('-shm')) return real.openSync(path, flags, ...rest);
  const there = real.statSync(name, { throwIfNoEntry: false });
  const fd = real.openSync(path, flags, ...rest);
  if (there?.isDirectory()) {
    open.set(fd, { folder: name });
  } else if (basename(name) === 'acknowledged') {
    open.set(fd, { acknowledges: true });
  } else {
    if (!there || !files.has(name)) {
      files.set(name, ++made);
      record({ op: 'open', file: made, path: name, ...(!there && { made: true }) });
    }
    open.set(fd, { file: files.get(name) });
    const empties = typeof flags === 'number' ? (flags & fs.constants.O_TRUNC) !== 0 : /w/.test(flags ?? 'r');
    if (there && empties) record({ op: 'truncate', file: files.get(name), size: 0 });
  }
  return fd;
};
fs.closeSync = (fd) => {
  open.delete(fd);
  return real.closeSync(fd);
};
fs.writeSync = (fd, ...rest) => {
  const is = open.get(fd);
  if (!is) return real.writeSync(fd, ...rest);
  const [given, offset = 0, length, position = null] = rest;
  const bytes = typeof given === 'string' ? Buffer.from(given) : given;
  if (is.acknowledges) {
    record({ op: 'acknowledge', text: Buffer.from(bytes).toString() });
    return bytes.length;
  }
  if (typeof given === 'string' || position === null) throw new Error('file-log.mjs: a write without a position');
  const written = real.writeSync(fd, ...rest);
  const data = Buffer.from(bytes.buffer, bytes.byteOffset + offset, written).toString('base64');
  record({ op: 'write', file: is.file, at: Number(position), data });
  return written;
};
for (const name of ['fsyncSync', 'fdatasyncSync']) {
  fs[name] = (fd) => {
    real[name](fd);
    const is = open.get(fd);
    if (is?.folder) record({ op: 'sync-folder', path: is.folder });
    else if (is) record({ op: 'sync', file: is.file });
  };
}
fs.ftruncateSync = (fd, size = 0) => {
  real.ftruncateSync(fd, size);
  const is = open.get(fd);
  if (is) record({ op: 'truncate', file: is.file, size });
};
for (const name of ['unlinkSync', 'rmSync']) {
  fs[name] = (path, ...rest) => {
    real[name](path, ...rest);
    const gone = resolve(String(path));
    if (files.delete(gone)) record({ op: 'unlink', path: gone });
  };
}
fs.renameSync = (from, to) => {
  real.renameSync(from, to);
  const [old, path] = [resolve(String(from)), resolve(String(to))];
  if (!files.has(old)) return;
  files.set(path, files.get(old));
  files.delete(old);
  record({ op: 'rename', path: old, to: path });
};
syncBuiltinESMExports();
