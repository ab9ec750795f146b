/**
 * Files over the memory of WebAssembly: a mapping of the system that replaces pages of a memory which the engine made,
 * so that wasm, other threads and other processes read and write the same bytes.
 */

import { closeSync, readSync, writeSync } from 'node:fs';
import { type Koffi, loadKoffi, temporaryDescriptor } from './system.js';

/** `memory` is all of a WebAssembly memory; `address` is one of the process, not of wasm. */
export interface Mappings {
  /** The bytes of a page of the system. */
  readonly pageSize: number;
  /** Where a memory is in the process. */
  addressOf(memory: Uint8Array): number;
  /**
   * Lays the bytes of a file from `offset` on over `length` bytes at `address`. If `readOnly` the mapping is private:
   * writing to it would change nothing but it, and the descriptor may be one to read only. Its pages are writable even
   * so, because the engine makes all of a memory writable when it grows, and aborts the process if that fails.
   *
   * @returns the system's error number, or 0
   */
  map(address: number, length: number, fd: number, offset: number, readOnly: boolean): number;
  /** Lays zeros there, as the engine had. Returns the system's error number, or 0. */
  unmap(address: number, length: number): number;
}

/** Gives the system's mappings, or says in some words why there are none. */
export type MappingProvider = () => Mappings | string;

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = process.platform === 'darwin' ? 0x1000 : 0x20;

let system: Mappings | string | undefined;

/** The mappings of this system, tried out at the first call. */
export function systemMappings(): Mappings | string {
  system ??= load();
  return system;
}

function load(): Mappings | string {
  if (process.versions['bun'] !== undefined)
    return 'files cannot be mapped into the memory of WebAssembly on Bun';
  const koffi = loadKoffi();
  if (typeof koffi === 'string') return `files cannot be mapped into memory: ${koffi}`;
  try {
    const mappings = mappingsOf(koffi);
    const wrong = flawOf(mappings);
    return wrong === undefined ? mappings : `files cannot be mapped into the memory of WebAssembly: ${wrong}`;
  } catch (error) {
    const { message } = error as Error;
    return `files cannot be mapped into the memory of WebAssembly: ${message.split('\n')[0]}`;
  }
}

function mappingsOf(koffi: Koffi): Mappings {
  const libc = koffi.load(null);
  const mmap = libc.func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)');
  const memcpy = libc.func('uintptr_t memcpy(void *, void *, size_t)');
  const getpagesize = libc.func('int getpagesize()');
  const map = (address: number, length: number, flags: number, fd: number, offset: number): number =>
    Number(mmap(address, length, PROT_READ_WRITE, flags | MAP_FIXED, fd, offset)) === -1 ? koffi.errno() : 0;
  return {
    pageSize: Number(getpagesize()),
    // It returns its first argument, and copies nothing here.
    addressOf: (memory) => Number(memcpy(memory, memory, 0)),
    map: (address, length, fd, offset, readOnly) =>
      map(address, length, readOnly ? MAP_PRIVATE : MAP_SHARED, fd, offset),
    unmap: (address, length) => map(address, length, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
  };
}

/**
 * Tries mappings out: maps a temporary file over a memory like the core's, writes on both sides, and has the memory
 * grow.
 *
 * @returns what was wrong, or undefined
 * @throws Error if there can be no temporary file
 */
export function flawOf(mappings: Mappings): string | undefined {
  const { pageSize } = mappings;
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 65_536 });
  const address = mappings.addressOf(new Uint8Array(memory.buffer));
  const at = Math.max(65_536 - pageSize, 0);
  if (address % pageSize !== 0 || at % pageSize !== 0) return 'it does not begin at a page';
  const { fd } = temporaryDescriptor();
  try {
    const read = Buffer.alloc(1);
    const inFile = (place: number): number => {
      readSync(fd, read, 0, 1, place);
      return read[0] ?? 0;
    };
    writeSync(fd, Buffer.alloc(pageSize, 1), 0, pageSize, 0);
    const error = mappings.map(address + at, pageSize, fd, 0, false);
    if (error) return `mmap failed with error ${error}`;
    try {
      for (const round of [2, 4]) {
        const bytes = new Uint8Array(memory.buffer);
        if (mappings.addressOf(bytes) !== address) return 'it moves when it grows';
        bytes[at] = round;
        if (inFile(0) !== round) return 'what is written to it is not in the file';
        writeSync(fd, Buffer.of(round + 1), 0, 1, pageSize - 1);
        if (bytes[at + pageSize - 1] !== round + 1) return 'what is written to the file is not in it';
        memory.grow(16);
      }
    } finally {
      mappings.unmap(address + at, pageSize);
    }
    const bytes = new Uint8Array(memory.buffer);
    return bytes[at] === 0 && inFile(0) === 4 ? undefined : 'a mapping does not end';
  } finally {
    closeSync(fd);
  }
}
