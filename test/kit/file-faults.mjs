/**
 * Makes file operations of a program fail, for tests. Preloaded by `node --import`, it counts the operations, and at one
 * of them it kills the program or makes the operation fail. FILE_FAULTS is JSON:
 *
 *     {"under": "/a/folder"}          counts only files in this folder
 *     {"kill": 17}                    SIGKILL before the 17th operation; with "torn" after half of a write
 *     {"fail": 17, "code": "ENOSPC"}  the 17th fails; with "lasting" also all later ones that need space
 *     {"room": 4096}                  writes beyond this number of bytes fail with ENOSPC
 *     {"full": "/a/file"}             while this file exists, writes that need space fail with ENOSPC, some after one half
 *     {"log": "/a/file"}              writes a line for each operation
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';

const { under, kill, torn, fail, code, lasting, room, full, log } = JSON.parse(process.env.FILE_FAULTS ?? '{}');
const real = { ...fs };
const paths = new Map();
let count = 0;
let taken = 0;

const counts = (path) => path !== undefined && resolve(String(path)).startsWith(under ?? '/') && !/\/s$/.test(path);

function broken(name, why = code ?? 'EIO') {
  const texts = { ENOSPC: 'no space left on device', EIO: 'i/o error' };
  return Object.assign(new Error(`${why}: ${texts[why] ?? why}, ${name}`), { code: why, syscall: name, errno: why === 'ENOSPC' ? -28 : -5 });
}

/** Called before each operation. @param half does half of the operation */
function step(name, path, takesRoom, half) {
  count += 1;
  if (log) real.appendFileSync(log, `${count} ${name} ${path}\n`);
  if (count === kill) {
    if (torn) half?.();
    process.kill(process.pid, 'SIGKILL');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  }
  if (count === fail || (lasting && count > fail && takesRoom)) {
    if (torn) half?.();
    throw broken(name);
  }
}

fs.openSync = (path, flags, ...rest) => {
  const writes = typeof flags === 'number' ? (flags & 3) !== 0 : /[wa+]/.test(flags ?? 'r');
  if (counts(path) && writes) step('open', path, true);
  const fd = real.openSync(path, flags, ...rest);
  if (counts(path)) paths.set(fd, resolve(String(path)));
  return fd;
};
fs.closeSync = (fd) => {
  paths.delete(fd);
  return real.closeSync(fd);
};
fs.writeSync = (fd, ...rest) => {
  const path = paths.get(fd);
  if (path === undefined) return real.writeSync(fd, ...rest);
  const [bytes, offset = 0, length = bytes.length - offset, position = null] = rest;
  const grows = Math.max(0, (position ?? 0) + length - real.fstatSync(fd).size);
  step('write', path, grows > 0, () => real.writeSync(fd, bytes, offset, length >> 1, position));
  if (room !== undefined && grows > 0 && taken + grows > room) throw broken('write', 'ENOSPC');
  if (full !== undefined && grows > 0 && real.existsSync(full)) {
    if (count % 2 === 0) real.writeSync(fd, bytes, offset, length >> 1, position);
    throw broken('write', 'ENOSPC');
  }
  taken += grows;
  return real.writeSync(fd, bytes, offset, length, position);
};
for (const name of ['fsyncSync', 'fdatasyncSync', 'ftruncateSync']) {
  fs[name] = (fd, ...rest) => {
    const path = paths.get(fd);
    if (path !== undefined) step(name, path, false);
    return real[name](fd, ...rest);
  };
}
for (const name of ['renameSync', 'rmSync', 'unlinkSync', 'linkSync', 'copyFileSync', 'truncateSync']) {
  fs[name] = (path, ...rest) => {
    if (counts(path)) step(name, path, false);
    return real[name](path, ...rest);
  };
}
const promises = { ...fs.promises };
fs.promises.open = async (path, flags, ...rest) => {
  if (counts(path)) step('open', path, true);
  return promises.open(path, flags, ...rest);
};
fs.promises.rename = async (path, to) => {
  if (counts(path)) step('rename', path, false);
  return promises.rename(path, to);
};
syncBuiltinESMExports();
