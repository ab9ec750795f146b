/** Checks changesets more strictly than reading does. */

import { ChangesetError, cutShort, noOperation, noTable, noType } from './errors.js';
import {
  changesetMark,
  lengthAt,
  lengthSize,
  opDelete,
  opInsert,
  opUpdate,
  patchsetMark,
  plain,
  readHead,
  type Table,
  typeBlob,
  typeInteger,
  typeNull,
  typeReal,
  typeText,
  typeUndefined,
} from './format.js';

/** An error in a changeset. */
export interface Fault {
  /** The offset of the first wrong byte; the size of the changeset if it ends too early. */
  readonly offset: number;
  readonly reason: string;
}

/**
 * Returns the first error of a changeset or patchset, or null if it is valid. The C library can read valid bytes, and
 * conversion to JSON and back preserves them. The check is stricter than C: types of values must be known, lengths must
 * use the shortest varint, and the indirect flag must be 0 or 1. Tables of changesets and patchsets must not be mixed.
 * A change must have its complete key without NULL, and INSERT and DELETE must have all values. It does not check
 * whether text is UTF-8, and which numbers mark the key columns.
 *
 * @param heard called periodically with the number of checked bytes
 */
export function validate(bytes: Uint8Array, heard?: (offset: number) => void): Fault | null {
  try {
    check(plain(bytes), heard);
    return null;
  } catch (error) {
    if (!(error instanceof ChangesetError)) throw error;
    return { offset: error.offset ?? 0, reason: error.reason };
  }
}

/** The least number of bytes between two calls of `heard`. */
const stride = 2 ** 20;

function check(bytes: Uint8Array, heard: ((offset: number) => void) | undefined): void {
  const size = bytes.length;
  let table: Table | undefined;
  let at = 0;
  let next = heard ? stride : Number.POSITIVE_INFINITY;
  while (at < size) {
    if (at >= next) {
      heard?.(at);
      next = at + stride;
    }
    const op = bytes[at] as number;
    if (op === changesetMark || op === patchsetMark) {
      if (table && table.patchset !== (op === patchsetMark)) {
        throw new ChangesetError('tables of a changeset and of a patchset are mixed', at);
      }
      checkLength(bytes, at + 1);
      const head = readHead(bytes, at);
      table = head.table;
      at = head.end;
      continue;
    }
    if (!table) throw noTable(bytes, at);
    if (op !== opInsert && op !== opUpdate && op !== opDelete) throw noOperation(op, at);
    const flag = bytes[at + 1];
    if (flag === undefined) throw cutShort(size);
    if (flag > 1) throw new ChangesetError(`the indirect flag must be 0 or 1, not ${flag}`, at + 1);
    const { patchset } = table;
    at += 2;
    if (op === opUpdate) at = checkRecord(bytes, at, table, '', true);
    else if (op === opInsert) at = checkRecord(bytes, at, table, 'an INSERT without all of its values', true);
    else if (!patchset) at = checkRecord(bytes, at, table, 'a DELETE without all of its values', true);
    else at = checkRecord(bytes, at, { ...table, key: table.key.filter((place) => place > 0) }, '', true);
    if (op === opUpdate && !patchset) at = checkRecord(bytes, at, table, '', false);
  }
}

/**
 * @param whole the error for a missing value; '' if values may be missing
 * @param keyed whether the record must have the key
 * @returns the end of the record
 */
function checkRecord(bytes: Uint8Array, from: number, table: Table, whole: string, keyed: boolean): number {
  const size = bytes.length;
  let at = from;
  for (const place of table.key) {
    const type = bytes[at];
    if (type === undefined) throw cutShort(size);
    if (keyed && place > 0) {
      if (type === typeUndefined) throw new ChangesetError('a change without its complete key', at);
      if (type === typeNull) throw new ChangesetError('a key that contains NULL', at);
    } else if (whole && type === typeUndefined) throw new ChangesetError(whole, at);
    if (type === typeInteger || type === typeReal) at += 9;
    else if (type === typeText || type === typeBlob)
      at += 1 + checkLength(bytes, at + 1) + lengthAt(bytes, at + 1);
    else if (type === typeNull || type === typeUndefined) at += 1;
    else throw noType(type, at);
    if (at > size) throw cutShort(size);
  }
  return at;
}

/** @returns the number of bytes of the length */
function checkLength(bytes: Uint8Array, at: number): number {
  const value = lengthAt(bytes, at);
  const size = lengthSize(bytes, at);
  const needed = value < 0x80 ? 1 : Math.floor(Math.log2(value) / 7) + 1;
  if (size > needed) throw new ChangesetError(`a length encoded in ${size} bytes instead of ${needed}`, at);
  return size;
}
