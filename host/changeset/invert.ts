import { isPatchset } from './errors.js';
import {
  lengthAt,
  lengthSize,
  opDelete,
  opInsert,
  typeInteger,
  typeNull,
  typeReal,
  typeUndefined,
  valueEnd,
} from './format.js';
import { ChangesetReader } from './reader.js';
import { Writer } from './writer.js';

/**
 * Inverts a changeset: INSERTs become DELETEs, DELETEs become INSERTs, and UPDATEs exchange old and new values. The
 * result has the same bytes as that of the C library. C: `sqlite3changeset_invert`.
 *
 * @throws ChangesetError if the bytes are not a changeset, or are a patchset, which has no old values
 */
export function invert(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const reader = new ChangesetReader(bytes, {
    asWritten: true,
    onHead: ({ table, start }) => {
      if (table.patchset) throw isPatchset(start);
    },
  });
  const turned = reader.bytes.slice();
  const update = new Writer();
  // Used only if the inverse of an UPDATE has another length, which does not happen for changesets of SQLite.
  let moved: Writer | undefined;
  let done = 0;
  while (reader.next()) {
    const { op, start, end } = reader;
    if (op === opInsert) turned[start - 2] = opDelete;
    else if (op === opDelete) turned[start - 2] = opInsert;
    else if (!turnUpdate(reader, turned)) {
      invertUpdate(reader, update);
      if (update.length === end - start) update.takeTo(turned, start);
      else {
        moved ??= new Writer(turned.length);
        moved.slice(turned, done, start);
        moved.raw(update.take());
        done = end;
      }
    }
  }
  if (!moved) return turned;
  moved.slice(turned, done, turned.length);
  return moved.output();
}

/**
 * Writes the inverse of an UPDATE in place in `turned`. Returns false if the inverse has another length, or if C would
 * write a value differently; the caller then writes the UPDATE with {@link putAnew}.
 */
function turnUpdate(reader: ChangesetReader, turned: Uint8Array): boolean {
  const { bytes, columns, end } = reader;
  const { key } = reader.table;
  let to = reader.start;
  for (let i = 0; i < 2 * columns; i++) {
    const isOld = i < columns;
    const column = isOld ? i : i - columns;
    const place = key[column]
      ? isOld
        ? reader.oldAt(column)
        : -1
      : isOld
        ? reader.newAt(column)
        : reader.oldAt(column);
    const type = place < 0 ? typeUndefined : (bytes[place] as number);
    if (to >= end) return false;
    turned[to++] = type;
    if (type === typeUndefined || type === typeNull) continue;
    if (type === typeReal && isNaNAt(bytes, place + 1)) return false;
    if (type !== typeInteger && type !== typeReal && (bytes[place + 1] as number) >= 0x80) return false;
    const last = valueEnd(bytes, place);
    if (to + last - place - 1 > end) return false;
    for (let from = place + 1; from < last; from++) turned[to++] = bytes[from] as number;
  }
  return to === end;
}

function invertUpdate(reader: ChangesetReader, writer: Writer): void {
  const { bytes, columns } = reader;
  const { key } = reader.table;
  for (let i = 0; i < columns; i++) putAnew(writer, bytes, key[i] ? reader.oldAt(i) : reader.newAt(i));
  for (let i = 0; i < columns; i++) putAnew(writer, bytes, key[i] ? -1 : reader.oldAt(i));
}

/** Writes a value as C does: NaN becomes NULL, and lengths use the shortest varint. */
function putAnew(writer: Writer, bytes: Uint8Array, place: number): void {
  const type = place < 0 ? typeUndefined : (bytes[place] as number);
  if (type === typeReal && isNaNAt(bytes, place + 1)) writer.byte(typeNull);
  else if (type === typeUndefined || type === typeNull) writer.byte(type);
  else if (type === typeInteger || type === typeReal || (bytes[place + 1] as number) < 0x80) {
    writer.slice(bytes, place, valueEnd(bytes, place));
  } else {
    const length = lengthAt(bytes, place + 1);
    const start = place + 1 + lengthSize(bytes, place + 1);
    writer.byte(type);
    writer.length32(length);
    writer.slice(bytes, start, start + length);
  }
}

/** Whether the eight bytes of a REAL are a NaN. */
function isNaNAt(bytes: Uint8Array, at: number): boolean {
  if (((bytes[at] as number) & 0x7f) !== 0x7f || (bytes[at + 1] as number) < 0xf0) return false;
  if ((bytes[at + 1] as number) > 0xf0) return true;
  for (let i = at + 2; i < at + 8; i++) if (bytes[i] !== 0) return true;
  return false;
}
