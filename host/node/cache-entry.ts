/**
 * One file of the cache: what was made from a source, such as a component. It contains what was made, twice, and the
 * source.
 *
 * An entry is found by a cheap hash, and used only if it contains exactly the source. Its code will be run, so damage
 * must be detected: the two copies are compared. Loading Node's crypto for a digest, or calculating a checksum in code that
 * runs for the first time, takes much longer than reading and comparing these bytes.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The maximum number of 32-bit words of a source that its hash depends on. */
const hashedWords = 4096;

/**
 * A hash of the length and the words of a source. Of a large source, only words at equal distances are hashed. The hash is
 * not cryptographic: different sources can have the same one.
 */
export function hashOf(source: Uint8Array): string {
  const { length } = source;
  const aligned = source.byteOffset % 4 === 0 ? source : new Uint8Array(source);
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
  return `${length}-${hex(a)}${hex(b)}`;
}

/** The maximum number of entries of sources with the same length and hash. */
const places = 4;

/**
 * Finds the entry of a source. Returns what was made, or undefined if it must be made, and the file that contains it or
 * will contain it.
 *
 * @param maker the versions on which the result depends, as a part of a file name
 */
export function findEntry(
  folder: string,
  maker: string,
  source: Uint8Array,
): { file: string; made: Buffer | undefined } {
  const stem = join(folder, `${maker}-${hashOf(source)}`);
  for (let place = 0; place < places; place++) {
    const file = `${stem}-${place}`;
    const made = readEntry(file, source);
    if (made !== 'other') return { file, made };
  }
  return { file: `${stem}-0`, made: undefined };
}

/** Reads an entry. Returns `'other'` if it is that of another source, or undefined if it is absent or damaged. */
export function readEntry(file: string, source: Uint8Array): Buffer | 'other' | undefined {
  let entry: Buffer;
  try {
    entry = readFileSync(file);
  } catch {
    return undefined;
  }
  const twice = entry.length - source.length; // other sources with entries of this name have the same length
  if (twice <= 0 || twice % 2 !== 0) return undefined;
  const made = entry.subarray(0, twice / 2);
  if (!made.equals(entry.subarray(twice / 2, twice))) return undefined;
  return entry.subarray(twice).equals(source) ? made : 'other';
}

/** Writes an entry, and replaces an existing one. The file appears only when it is complete. */
export function writeEntry(file: string, made: Uint8Array, source: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const work = mkdtempSync(`${file}.`); // only its owner can read it
  try {
    const complete = join(work, 'entry');
    writeFileSync(complete, Buffer.concat([made, made, source]));
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
