/**
 * The format of captures: changesets, and between them the statements that changed the schema. A capture without such a
 * statement is a plain changeset. changeset/README.md describes the bytes.
 */

import { changesetMark, patchsetMark } from '../changeset/format.js';
import { SQLITE_CORRUPT } from '../core/constants.js';
import { type SqliteError, sqliteError } from '../core/errors.js';

/** The settings of the connection that affect a statement. */
export interface StatementSettings {
  /** PRAGMA legacy_alter_table. */
  readonly legacyAlterTable: boolean;
  /** PRAGMA foreign_keys. */
  readonly foreignKeys: boolean;
  /** Whether SQLite read a name in double quotes as text, because no column has that name. */
  readonly doubleQuotedText: boolean;
  /** The number of rows of the dropped table. */
  readonly rows?: number;
}

/** An entry of a capture. */
export type CaptureEntry =
  | { readonly kind: 'changeset'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'ddl';
      readonly sql: string;
      /** Undefined if no setting affects the statement, or if the capture has version 1. */
      readonly settings?: StatementSettings | undefined;
    };

const magic = new TextEncoder().encode('CAPT');
const versions = [1, 2];
const headSize = magic.length + 1;
const entryHeadSize = 5;
const changesetKind = 0x43;
const ddlKind = 0x44;
const settingsKind = 0x53;

const legacyFlag = 1;
const foreignKeysFlag = 2;
const doubleQuotedFlag = 4;
const rowsFlag = 8;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Encodes entries. Empty changesets are omitted. */
export function encodeCapture(entries: Iterable<CaptureEntry>): Uint8Array<ArrayBuffer> {
  const kept = [...entries].filter((entry) => entry.kind === 'ddl' || entry.bytes.length > 0);
  const [first] = kept;
  if (!first) return new Uint8Array(0);
  if (kept.length === 1 && first.kind === 'changeset') return first.bytes.slice();
  const parts = kept.map(partOf);
  const size = parts.reduce((sum, { bytes }) => sum + entryHeadSize + bytes.length, headSize);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  out.set(magic);
  out[magic.length] = parts.some(({ kind }) => kind === settingsKind) ? 2 : 1;
  let at = headSize;
  for (const { kind, bytes } of parts) {
    out[at] = kind;
    view.setUint32(at + 1, bytes.length);
    out.set(bytes, at + entryHeadSize);
    at += entryHeadSize + bytes.length;
  }
  return out;
}

function partOf(entry: CaptureEntry): { kind: number; bytes: Uint8Array } {
  if (entry.kind === 'changeset') return { kind: changesetKind, bytes: entry.bytes };
  const sql = encoder.encode(entry.sql);
  const { settings } = entry;
  if (!settings) return { kind: ddlKind, bytes: sql };
  const { rows } = settings;
  const start = rows === undefined ? 1 : 9;
  const bytes = new Uint8Array(start + sql.length);
  bytes[0] =
    (settings.legacyAlterTable ? legacyFlag : 0) |
    (settings.foreignKeys ? foreignKeysFlag : 0) |
    (settings.doubleQuotedText ? doubleQuotedFlag : 0) |
    (rows === undefined ? 0 : rowsFlag);
  if (rows !== undefined) new DataView(bytes.buffer).setBigInt64(1, BigInt(rows));
  bytes.set(sql, start);
  return { kind: settingsKind, bytes };
}

/**
 * Decodes a capture. A changeset or patchset is one entry, and empty bytes have none. Changesets are views of `bytes`
 * and are not checked.
 *
 * @throws SqliteError (SQLITE_CORRUPT) that names the error and its offset
 */
export function decodeCapture(bytes: Uint8Array): CaptureEntry[] {
  if (bytes.length === 0) return [];
  if (bytes[0] === changesetMark || bytes[0] === patchsetMark) return [{ kind: 'changeset', bytes }];
  if (!magic.every((byte, i) => bytes[i] === byte)) throw corrupt(0, 'it does not begin with T, P or CAPT');
  if (!versions.includes(bytes[magic.length] ?? 0)) {
    throw corrupt(magic.length, `unknown version ${bytes[magic.length]}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: CaptureEntry[] = [];
  for (let at = headSize; at < bytes.length; ) {
    if (bytes.length - at < entryHeadSize) throw corrupt(at, 'it ends in the middle of an entry');
    const start = at + entryHeadSize;
    const end = start + view.getUint32(at + 1);
    if (end > bytes.length) throw corrupt(at, 'it ends in the middle of an entry');
    entries.push(entryOf(bytes[at] ?? 0, bytes.subarray(start, end), at));
    at = end;
  }
  return entries;
}

function entryOf(kind: number, bytes: Uint8Array, at: number): CaptureEntry {
  if (kind === changesetKind) return { kind: 'changeset', bytes };
  if (kind === ddlKind) return { kind: 'ddl', sql: textOf(bytes, at) };
  if (kind !== settingsKind) throw corrupt(at, `unknown kind of entry ${kind}`);
  const [flags = 0] = bytes;
  const start = flags & rowsFlag ? 9 : 1;
  if (bytes.length < start) throw corrupt(at, 'it ends in the middle of an entry');
  if (flags > 15) throw corrupt(at, `unknown flags ${flags}`);
  const settings: StatementSettings = {
    legacyAlterTable: (flags & legacyFlag) !== 0,
    foreignKeys: (flags & foreignKeysFlag) !== 0,
    doubleQuotedText: (flags & doubleQuotedFlag) !== 0,
    ...(flags & rowsFlag && { rows: Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(1)) }),
  };
  return { kind: 'ddl', sql: textOf(bytes.subarray(start), at), settings };
}

function textOf(bytes: Uint8Array, at: number): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw corrupt(at, 'its SQL is not UTF-8');
  }
}

function corrupt(at: number, what: string): SqliteError {
  return sqliteError(SQLITE_CORRUPT, `not a changeset, patchset or capture: ${what} (byte ${at})`, {
    reason: 'malformed',
    detail: `${what} at byte ${at}`,
  });
}
