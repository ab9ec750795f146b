/**
 * Maps files into the memory of WebAssembly. A mapping replaces pages of the memory, so that WebAssembly code, other
 * threads and other processes read and write the same bytes.
 */

import { closeSync, readSync, writeSync } from 'node:fs';
import { type Koffi, loadKoffi, temporaryDescriptor } from './system.js';
import { isMac, thisSystem } from './systems.js';

/**
 * The mapping functions. `memory` is an entire WebAssembly memory. `address` is an address in the process, not in the
 * WebAssembly memory.
 */
export interface Mappings {
  /** The system's page size, in bytes. */
  readonly pageSize: number;
  /** Returns the address of a memory in the process. */
  addressOf(memory: Uint8Array): number;
  /**
   * Maps the bytes of a file from `offset` on to `length` bytes at `address`. If `readOnly`, the mapping is private:
   * writes change only the mapping, and the descriptor can be read-only. The pages are writable even then, because V8
   * makes all of a memory writable when it grows, and aborts the process if that fails.
   *
   * @returns the system's error number, or 0
   */
  map(address: number, length: number, fd: number, offset: number, readOnly: boolean): number;
  /** Replaces a mapping by zeros, the original content of a memory. Returns the system's error number, or 0. */
  unmap(address: number, length: number): number;
}

/** Returns the mapping functions of the system, or the reason why they are unavailable. */
export type MappingProvider = () => Mappings | string;

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = { linux: 0x20, darwin: 0x1000 };

let system: Mappings | string | undefined;

/** Returns the mapping functions of this system, or the reason why they are unavailable. The first call tests them. */
export function systemMappings(): Mappings | string {
  system ??= load();
  return system;
}

function load(): Mappings | string {
  if (thisSystem?.unmappable !== undefined) return thisSystem.unmappable;
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
  const anonymous = isMac ? MAP_ANONYMOUS.darwin : MAP_ANONYMOUS.linux;
  const map = (address: number, length: number, flags: number, fd: number, offset: number): number =>
    Number(mmap(address, length, PROT_READ_WRITE, flags | MAP_FIXED, fd, offset)) === -1 ? koffi.errno() : 0;
  return {
    pageSize: Number(getpagesize()),
    // memcpy returns its first argument. With the length 0 it copies nothing.
    addressOf: (memory) => Number(memcpy(memory, memory, 0)),
    map: (address, length, fd, offset, readOnly) =>
      map(address, length, readOnly ? MAP_PRIVATE : MAP_SHARED, fd, offset),
    unmap: (address, length) => map(address, length, MAP_PRIVATE | anonymous, -1, 0),
  };
}

/**
 * Tests the mapping functions: maps a temporary file into a memory, writes to both, and grows the memory.
 *
 * @returns a description of the fault; undefined if there is none
 * @throws Error if a temporary file cannot be created
 */
export function flawOf(mappings: Mappings): string | undefined {
  const { pageSize } = mappings;
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 65_536 });
  const address = mappings.addressOf(new Uint8Array(memory.buffer));
  const at = Math.max(65_536 - pageSize, 0);
  if (address % pageSize !== 0 || at % pageSize !== 0) return 'it does not start at a page';
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
        if (inFile(0) !== round) return 'bytes written to the mapping do not reach the file';
        writeSync(fd, Buffer.of(round + 1), 0, 1, pageSize - 1);
        if (bytes[at + pageSize - 1] !== round + 1)
          return 'bytes written to the file do not reach the mapping';
        memory.grow(16);
      }
    } finally {
      mappings.unmap(address + at, pageSize);
    }
    const bytes = new Uint8Array(memory.buffer);
    return bytes[at] === 0 && inFile(0) === 4 ? undefined : 'it cannot be removed';
  } finally {
    closeSync(fd);
  }
}
