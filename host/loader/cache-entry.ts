/**
 * One file of the cache of transpiled components. It consists of the packed files, the same again, and the component.
 *
 * An entry is found by a cheap hash, and used only if it contains exactly the component that is loaded. Its code will be
 * run, so damage must be found: the two copies are compared. Loading Node's crypto for a digest, or calculating a
 * checksum in code that runs for the first time, takes much longer than reading and comparing these bytes.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transpilerVersion } from './packed.js';

/** The maximum number of 32-bit words of a component that its hash depends on. */
const hashedWords = 4096;

/**
 * The name that all entries of a component begin with. It contains a hash of the component that is not cryptographic,
 * and of large components a hash of words at equal distances, so different components can have the same name.
 */
export function entryName(component: Uint8Array): string {
  const { length } = component;
  const aligned = component.byteOffset % 4 === 0 ? component : new Uint8Array(component);
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, length >> 2);
  const step = Math.max(Math.ceil(words.length / hashedWords), 1);
  let a = 0;
  let b = 1;
  for (let i = 0; i < words.length; i += step) {
    const word = words[i] ?? 0;
    a = Math.imul(a ^ word, 0x9e3779b1);
    a ^= a >>> 15;
    b = Math.imul(b ^ word, 0x85ebca6b);
    b ^= b >>> 13;
  }
  const hex = (half: number): string => (half >>> 0).toString(16).padStart(8, '0');
  return `${transpilerVersion.replace('/', '-')}-${length}-${hex(a)}${hex(b)}`;
}

/**
 * Reads an entry. Returns the packed files, `'other'` if the entry is that of another component, or undefined if it is
 * absent or damaged.
 */
export function readEntry(file: string, component: Uint8Array): Buffer | 'other' | undefined {
  let entry: Buffer;
  try {
    entry = readFileSync(file);
  } catch {
    return undefined;
  }
  const twice = entry.length - component.length; // other components of this name have the same length
  if (twice <= 0 || twice % 2 !== 0) return undefined;
  const packed = entry.subarray(0, twice / 2);
  if (!packed.equals(entry.subarray(twice / 2, twice))) return undefined;
  return entry.subarray(twice).equals(component) ? packed : 'other';
}

/** Writes an entry, and replaces an existing one. The file appears only when it is complete. */
export function writeEntry(file: string, packed: Uint8Array, component: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  const work = mkdtempSync(`${file}.`); // only its owner can read it
  try {
    const complete = join(work, 'entry');
    writeFileSync(complete, Buffer.concat([packed, packed, component]), { flush: true });
    moveTo(complete, file);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Renames a file and replaces an existing file. Another process may do the same at the same time. */
function moveTo(from: string, to: string): void {
  for (let tries = 10; ; tries--) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      if (tries === 0 || !existsSync(to)) throw error;
      rmSync(to, { recursive: true, force: true });
    }
  }
}
