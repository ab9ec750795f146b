/** Limits the memories and tables of a core module by a maximum in its declarations. */

import { encodeUnsigned, type ModuleReader, malformed, sectionsOf } from './module-bytes.js';

/** The size of a page of wasm memory in bytes. */
const page = 65_536;
const tableSection = 4;
const memorySection = 5;
const funcref = 0x70;
const externref = 0x6f;

/** The flags of limits: 1 has a maximum, 2 shared by threads, 4 64-bit sizes. */
const hasMaximum = 1;
const known = 7;

/** The number of memories and tables that a module defines. @throws Error if the module is malformed */
export function ownParts(module: Uint8Array): { memories: number; tables: number } {
  let memories = 0;
  let tables = 0;
  for (const { id, reader } of sectionsOf(module)) {
    if (id === memorySection) memories += reader.unsigned();
    if (id === tableSection) tables += reader.unsigned();
  }
  return { memories, tables };
}

/**
 * Returns the module with each of its memories limited to `most` bytes, and each of its tables to `mostEntries`
 * entries. Returns the same bytes if the limits are not above these already.
 *
 * @throws Error if the module requires more from the start, or is malformed
 */
export function capMemory(module: Uint8Array, most: number, mostEntries = entriesFor(most)): Uint8Array {
  const pages = Math.floor(most / page);
  const pieces: Uint8Array[] = [];
  let copied = 0;
  for (const { at, id, reader, end } of sectionsOf(module)) {
    if (id !== memorySection && id !== tableSection) continue;
    const limits = id === memorySection ? cappedLimits(reader, pages) : cappedTables(reader, mostEntries);
    if (reader.at !== end) {
      throw malformed(`its ${id === memorySection ? 'memory' : 'table'} section has the wrong length`);
    }
    pieces.push(module.subarray(copied, at), Uint8Array.of(id, ...encodeUnsigned(limits.length), ...limits));
    copied = end;
  }
  if (copied === 0) return module;
  return Buffer.concat([...pieces, module.subarray(copied)]);
}

/** The maximum number of table entries for a memory limit in bytes. An entry takes some dozens of bytes. */
export function entriesFor(memory: number): number {
  return Math.max(Math.floor(memory / 64), 4096);
}

/** Rewrites the tables of a section with at most `most` entries each. */
function cappedTables(reader: ModuleReader, most: number): number[] {
  const count = reader.unsigned();
  const tables = encodeUnsigned(count);
  for (let i = 0; i < count; i++) {
    const type = reader.byte();
    const flags = reader.byte();
    if (![funcref, externref].includes(type) || flags > hasMaximum) {
      throw malformed(`it has a table of an unknown kind (${type}, ${flags})`);
    }
    const minimum = reader.unsigned();
    const maximum = flags & hasMaximum ? reader.unsigned() : most;
    if (minimum > most) {
      throw new Error(
        `it requires a table with ${minimum} entries, but the limit is ${most}: ` +
          'allow more memory with --max-memory SIZE, or grants.memory in code',
      );
    }
    tables.push(type, hasMaximum, ...encodeUnsigned(minimum), ...encodeUnsigned(Math.min(maximum, most)));
  }
  return tables;
}

/** Rewrites the memories of a section with at most `pages` pages each. */
function cappedLimits(reader: ModuleReader, pages: number): number[] {
  const count = reader.unsigned();
  const limits = encodeUnsigned(count);
  for (let i = 0; i < count; i++) {
    const flags = reader.byte();
    if ((flags & ~known) !== 0) throw malformed(`it has a memory of an unknown kind (${flags})`);
    const bits = flags & 4 ? 64 : 32;
    const minimum = reader.unsigned(bits);
    const maximum = flags & hasMaximum ? reader.unsigned(bits) : pages;
    if (minimum > pages) {
      throw new Error(
        `it requires ${minimum * page} bytes of memory, but the limit is ${pages * page}: ` +
          'allow more with --max-memory SIZE, or grants.memory in code',
      );
    }
    limits.push(flags | hasMaximum, ...encodeUnsigned(minimum), ...encodeUnsigned(Math.min(maximum, pages)));
  }
  return limits;
}
