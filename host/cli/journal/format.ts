/**
 * The format of a journal, version 2: a line, followed by records.
 *
 * The line is JSON, a space, and the CRC-32 of the JSON in 8 hexadecimal digits. The integers in records are
 * big-endian:
 *
 *     offset  bytes
 *     0       4      "TRAN": a transaction; "OUTP": the output is about to be replaced
 *     4       4      n, the length of the note
 *     8       8      the record's number, from 1
 *     16      4      m, the length of the capture; of an "OUTP" of the output's SHA-256
 *     20      4      CRC-32 of the 20 bytes before
 *     24      n      the note: JSON, or nothing
 *     24+n    m      the capture
 *     24+n+m  4      CRC-32 of note and capture
 *     28+n+m  4      the mark: four times 0, or "DONE" once the transaction is committed and the output replaced
 *
 * The mark is overwritten in place, so that it needs no space on a full disk. The digest of a record is the SHA-256 of
 * the previous record's digest, and of the record's number, note and capture. For the first record, the previous digest
 * is the SHA-256 of the line.
 */

import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Given } from '../command.js';

/** The table in which a database records its journals. */
export const markers = '_sqlite_wasm_run_daemon';

export interface JournalOptions {
  readonly ddl: boolean;
  readonly patchset: boolean;
  readonly rowid: boolean;
  /** The recorded tables; all if empty. */
  readonly tables: readonly string[];
}

/** Reads these options from a command line. */
export const journalOptions = (given: Given): JournalOptions => ({
  ddl: given.on('ddl'),
  patchset: given.on('patchset'),
  rowid: given.on('rowid'),
  tables: given.texts('table'),
});

/** The first line of a journal. */
export interface Head {
  readonly format: 2;
  readonly name: string;
  /** The command that wrote the journal. */
  readonly kind: 'daemon' | 'capture';
  readonly database: string;
  /** The SHA-256 of the output to which the journal adds; null if there was no output. */
  readonly base: string | null;
  readonly options: JournalOptions;
  /** The names of the journals that this one replaces. */
  readonly replaces?: readonly string[];
}

export type RecordKind = 'TRAN' | 'OUTP';

/** A complete record. */
export interface Found {
  readonly kind: RecordKind;
  readonly at: number;
  readonly end: number;
  readonly number: number;
  readonly note: string;
  readonly capture: Uint8Array;
  readonly mark: 'none' | 'done' | 'damaged';
}

/** Bytes that are not a complete record. */
export interface Fault {
  readonly kind: 'damaged' | 'cut';
  readonly at: number;
  /** The offset of the next record. */
  readonly end: number;
}

export function isFault(found: Found | Fault): found is Fault {
  return found.kind === 'damaged' || found.kind === 'cut';
}

export const markSize = 4;
export const doneMark = Buffer.from('DONE');

const headSize = 24;
const checkedSize = 20;
const tailSize = 4 + markSize;
const kinds: readonly RecordKind[] = ['TRAN', 'OUTP'];
const pieceSize = 2 ** 20;
/** An upper bound of the length of the first line. */
const longestLine = 2 ** 20;

export function encodeHead(head: Head): Buffer {
  const json = JSON.stringify(head);
  return Buffer.from(`${json} ${crc32(json).toString(16).padStart(8, '0')}\n`);
}

/** The first line of a file: a head, a head of another version, an incomplete line, or a damaged line. */
export type Line =
  | { readonly is: 'head'; readonly head: Head; readonly line: Buffer }
  | { readonly is: 'version'; readonly format: unknown }
  | { readonly is: 'cut' | 'damaged' };

export function readHead(file: number): Line {
  const bytes = readBytes(file, 0, Math.min(fstatSync(file).size, longestLine));
  const end = bytes.indexOf(10);
  // An incomplete line is text, but records contain zero bytes.
  if (end < 0) return { is: bytes.includes(0) ? 'damaged' : 'cut' };
  const line = bytes.subarray(0, end + 1);
  const [, json, sum] = /^(\{.*\}) ([0-9a-f]{8})\n$/s.exec(line.toString()) ?? [];
  if (json !== undefined && crc32(json) === Number.parseInt(sum ?? '', 16)) {
    const head = JSON.parse(json) as Head;
    return head.format === 2 ? { is: 'head', head, line } : { is: 'version', format: head.format };
  }
  try {
    const { format } = JSON.parse(line.toString()) as { format?: unknown };
    if (typeof format === 'number' && format !== 2) return { is: 'version', format };
  } catch {
    // damaged
  }
  return { is: 'damaged' };
}

/** Encodes a record without its mark. */
export function encodeRecord(kind: RecordKind, number: number, note: string, capture: Uint8Array): Buffer {
  const noted = Buffer.from(note);
  const record = Buffer.alloc(headSize + noted.length + capture.length + tailSize);
  record.write(kind, 'latin1');
  record.writeUInt32BE(noted.length, 4);
  record.writeBigUInt64BE(BigInt(number), 8);
  record.writeUInt32BE(capture.length, 16);
  record.writeUInt32BE(crc32(record.subarray(0, checkedSize)), checkedSize);
  record.set(noted, headSize);
  record.set(capture, headSize + noted.length);
  const end = record.length - tailSize;
  record.writeUInt32BE(crc32(record.subarray(headSize, end)), end);
  return record;
}

/** Computes the digest of a record. @param before the digest of the previous record */
export function chained(
  before: string,
  { number, note, capture }: Omit<Found, 'at' | 'end' | 'mark' | 'kind'>,
): string {
  return createHash('sha256').update(`${before} ${number} ${note}\n`).update(capture).digest('hex');
}

/** Yields the records from an offset on, and the damaged parts between them. */
export function* recordsOf(file: number, from: number): Generator<Found | Fault, void, void> {
  const { size } = fstatSync(file);
  for (let at = from; at < size; ) {
    const found = recordAt(file, at, size);
    yield found;
    at = found.end;
  }
}

/** Reads the lengths of note and capture from the head of a record; undefined if the bytes are not a head. */
function lengthsAt(bytes: Buffer): [note: number, capture: number] | undefined {
  if (bytes.length < headSize || !kinds.includes(bytes.toString('latin1', 0, 4) as RecordKind))
    return undefined;
  if (crc32(bytes.subarray(0, checkedSize)) !== bytes.readUInt32BE(checkedSize)) return undefined;
  return [bytes.readUInt32BE(4), bytes.readUInt32BE(16)];
}

function recordAt(file: number, at: number, size: number): Found | Fault {
  const head = readBytes(file, at, Math.min(headSize, size - at));
  if (head.length < headSize) return { kind: 'cut', at, end: size };
  const lengths = lengthsAt(head);
  if (!lengths) return { kind: 'damaged', at, end: nextRecord(file, at + 1, size) };
  const [noteLength, length] = lengths;
  const end = at + headSize + noteLength + length + tailSize;
  if (end > size) return { kind: 'cut', at, end: size };
  const body = readBytes(file, at + headSize, noteLength + length + tailSize);
  const sum = noteLength + length;
  if (crc32(body.subarray(0, sum)) !== body.readUInt32BE(sum)) return { kind: 'damaged', at, end };
  const mark = body.subarray(sum + 4);
  return {
    kind: head.toString('latin1', 0, 4) as RecordKind,
    at,
    end,
    number: Number(head.readBigUInt64BE(8)),
    note: body.toString('utf8', 0, noteLength),
    capture: new Uint8Array(body.buffer, body.byteOffset + noteLength, length),
    mark: mark.equals(doneMark) ? 'done' : mark.every((byte) => byte === 0) ? 'none' : 'damaged',
  };
}

/** Finds the next record after damaged bytes. Returns the end of the file if there is none. */
function nextRecord(file: number, from: number, size: number): number {
  for (let start = from; start < size; start += pieceSize) {
    // The pieces overlap, so that a head at a boundary is found.
    const bytes = readBytes(file, start, Math.min(pieceSize + headSize, size - start));
    const places = kinds.flatMap((kind) => placesOf(bytes, kind)).sort((one, other) => one - other);
    const place = places.find((at) => lengthsAt(bytes.subarray(at)));
    if (place !== undefined) return start + place;
  }
  return size;
}

function placesOf(bytes: Buffer, text: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text, 0, 'latin1'); at >= 0; at = bytes.indexOf(text, at + 1, 'latin1')) {
    places.push(at);
  }
  return places;
}

/** Reads bytes of a file. Returns fewer bytes at the end of the file. */
export function readBytes(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const count = readSync(file, bytes, done, Math.min(length - done, 2 ** 30), at + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

export function writeBytesAt(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, Math.min(bytes.length - done, 2 ** 30), at + done);
  }
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Computes the SHA-256 of a file; null if the file does not exist. */
export function fileDigest(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const hash = createHash('sha256');
    for (let at = 0; ; ) {
      const bytes = readBytes(file, at, pieceSize);
      hash.update(bytes);
      at += bytes.length;
      if (bytes.length < pieceSize) return hash.digest('hex');
    }
  } finally {
    closeSync(file);
  }
}
