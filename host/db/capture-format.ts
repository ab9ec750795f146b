/**
 * The form in which a capture is kept and sent: changesets and the statements that changed the schema between them.
 *
 * Without such a statement it is the changeset itself, as SQLite's C library writes it. With one:
 *
 *     offset  bytes
 *     0       4      "CAPT", which no changeset ("T") and no patchset ("P") begins with
 *     4       1      the version of this form: 1
 *     5       ...    entries, to the end; each
 *                      1 byte   "C": a changeset or patchset; "D": SQL in UTF-8, one statement
 *                      4 bytes  how many bytes follow, big-endian
 *                      ...      those bytes
 *
 * Entries are to be applied in order. A changeset stands for itself: it can be cut out and given to any program.
 */

import { SQLITE_CORRUPT } from '../core/constants.js';
import { SqliteError } from '../core/errors.js';

/** One part of a capture. */
export type CaptureEntry =
  | { readonly kind: 'changeset'; readonly bytes: Uint8Array }
  | { readonly kind: 'ddl'; readonly sql: string };

const magic = new TextEncoder().encode('CAPT');
const version = 1;
const headSize = magic.length + 1;
const entryHeadSize = 5;
const changesetKind = 0x43;
const ddlKind = 0x44;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The entries as bytes, a copy; empty changesets are left out. */
export function encodeCapture(entries: Iterable<CaptureEntry>): Uint8Array {
  const kept = [...entries].filter((entry) => entry.kind === 'ddl' || entry.bytes.length > 0);
  const [first] = kept;
  if (!first) return new Uint8Array(0);
  if (kept.length === 1 && first.kind === 'changeset') return first.bytes.slice();
  const parts = kept.map((entry) => ({
    kind: entry.kind === 'ddl' ? ddlKind : changesetKind,
    bytes: entry.kind === 'ddl' ? encoder.encode(entry.sql) : entry.bytes,
  }));
  const size = parts.reduce((sum, { bytes }) => sum + entryHeadSize + bytes.length, headSize);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  out.set(magic);
  out[magic.length] = version;
  let at = headSize;
  for (const { kind, bytes } of parts) {
    out[at] = kind;
    view.setUint32(at + 1, bytes.length);
    out.set(bytes, at + entryHeadSize);
    at += entryHeadSize + bytes.length;
  }
  return out;
}

/**
 * The entries of a capture; a changeset or patchset is one entry, no bytes are none. Changesets are views of
 * `bytes` and not checked.
 *
 * @throws SqliteError (SQLITE_CORRUPT) that says what is wrong and where
 */
export function decodeCapture(bytes: Uint8Array): CaptureEntry[] {
  if (bytes.length === 0) return [];
  if (bytes[0] === 0x54 || bytes[0] === 0x50) return [{ kind: 'changeset', bytes }];
  if (!magic.every((byte, i) => bytes[i] === byte)) throw corrupt(0, 'it begins as neither of the three');
  if (bytes[magic.length] !== version) {
    throw corrupt(magic.length, `version ${bytes[magic.length]} is not known`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: CaptureEntry[] = [];
  for (let at = headSize; at < bytes.length; ) {
    if (bytes.length - at < entryHeadSize) throw corrupt(at, 'it ends within an entry');
    const start = at + entryHeadSize;
    const end = start + view.getUint32(at + 1);
    if (end > bytes.length) throw corrupt(at, 'it ends within an entry');
    entries.push(entryOf(bytes[at] ?? 0, bytes.subarray(start, end), at));
    at = end;
  }
  return entries;
}

function entryOf(kind: number, bytes: Uint8Array, at: number): CaptureEntry {
  if (kind === changesetKind) return { kind: 'changeset', bytes };
  if (kind !== ddlKind) throw corrupt(at, `there is no kind of entry ${kind}`);
  try {
    return { kind: 'ddl', sql: decoder.decode(bytes) };
  } catch {
    throw corrupt(at, 'its SQL is not UTF-8');
  }
}

function corrupt(at: number, what: string): SqliteError {
  return new SqliteError(
    `this is no changeset, patchset or capture: ${what} (byte ${at})`,
    SQLITE_CORRUPT,
    'database disk image is malformed',
  );
}
