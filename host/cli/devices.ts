/**
 * Opens /dev/stdin, /dev/fd/63 and similar paths with the process's own descriptors. node:wasi resolves symbolic links
 * itself and cannot open a link that leads to a pipe.
 */

import { readSync, writeSync } from 'node:fs';
import { pause } from '../core/pause.js';

export type WasiFunction = (...args: number[]) => number;

/** The first descriptor number of these files, above the numbers that node:wasi uses. */
const first = 1_000_000;

const streams: Readonly<Record<string, number>> = { stdin: 0, stdout: 1, stderr: 2 };
const pattern = /^\/?(?:dev\/(stdin|stdout|stderr)|(?:dev|proc\/self)\/fd\/(\d{1,6}))$/;

/** WASI result codes, and a file type for which isatty is false and seeking is permitted. */
const success = 0;
const ioError = 29;
const noSpace = 51;
const brokenPipe = 64;
const notSeekable = 70;
const characterDevice = 2;

/** Adds these paths to WASI functions. @param memory returns the memory, which does not exist yet */
export function withDevices(
  functions: Readonly<Record<string, WasiFunction>>,
  memory: () => WebAssembly.Memory,
): Record<string, WasiFunction> {
  const view = (): DataView => new DataView(memory().buffer);
  const deviceAt = (path: number, length: number): number | undefined => {
    const text = Buffer.from(memory().buffer, path >>> 0, length).toString('latin1');
    const [, name = '', number] = pattern.exec(text) ?? [];
    return number === undefined ? streams[name] : Number(number);
  };
  const putStatus = (status: number): number => {
    new Uint8Array(memory().buffer, status >>> 0, 64).fill(0);
    view().setUint8((status >>> 0) + 16, characterDevice);
    return success;
  };

  const own: Record<string, (fd: number, ...args: number[]) => number> = {
    fd_read: (fd, ...args) => transfer(memory, (buffer) => patiently(() => readSync(fd, buffer)))(...args),
    fd_write: (fd, ...args) => transfer(memory, (buffer) => patiently(() => writeSync(fd, buffer)))(...args),
    fd_close: () => success,
    fd_seek: () => notSeekable,
    fd_tell: () => notSeekable,
    fd_fdstat_set_flags: () => success,
    fd_filestat_get: (_fd, status = 0) => putStatus(status),
    fd_fdstat_get(_fd, status = 0) {
      const bytes = new Uint8Array(memory().buffer, status >>> 0, 24);
      bytes.fill(0);
      bytes.fill(0xff, 8);
      bytes[0] = characterDevice;
      return success;
    },
  };

  const result: Record<string, WasiFunction> = { ...functions };
  for (const [name, action] of Object.entries(own)) {
    const usual = functions[name];
    if (!usual) continue;
    result[name] = (fd = 0, ...args) => (fd < first ? usual(fd, ...args) : action(fd - first, ...args));
  }
  const { path_open: open, path_filestat_get: status } = functions;
  result.path_open = (...args) => {
    const [, , path = 0, length = 0, , , , , out = 0] = args;
    const device = deviceAt(path, length);
    if (device === undefined) return open?.(...args) ?? ioError;
    view().setUint32(out >>> 0, first + device, true);
    return success;
  };
  result.path_filestat_get = (...args) => {
    const [, , path = 0, length = 0, out = 0] = args;
    return deviceAt(path, length) === undefined ? (status?.(...args) ?? ioError) : putStatus(out);
  };
  return result;
}

/**
 * Makes `fd_read` or `fd_write` without the parameter for the descriptor.
 *
 * @param move reads or writes a buffer; returns the number of bytes, or a negative WASI error number
 */
export function transfer(
  memory: () => WebAssembly.Memory,
  move: (buffer: Uint8Array) => number,
): WasiFunction {
  const view = (): DataView => new DataView(memory().buffer);
  return (vectors = 0, count = 0, result = 0) => {
    let total = 0;
    for (let i = 0; i < count; i++) {
      const at = (vectors >>> 0) + 8 * i;
      const length = view().getUint32(at + 4, true);
      if (length === 0) continue;
      const moved = move(new Uint8Array(memory().buffer, view().getUint32(at, true), length));
      if (moved < 0) return -moved;
      total += moved;
      if (moved < length) break;
    }
    view().setUint32(result >>> 0, total, true);
    return success;
  };
}

/**
 * Returns the result of `action`, or a negative WASI error number. Waits if another process made the terminal or pipe
 * non-blocking.
 *
 * @param waiting called between two attempts
 */
export function patiently(action: () => number, waiting: () => void = () => {}): number {
  for (;;) {
    try {
      return action();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code === 'EPIPE') return -brokenPipe;
      if (code === 'ENOSPC') return -noSpace;
      if (code !== 'EAGAIN') return -ioError;
    }
    pause(5);
    waiting();
  }
}
