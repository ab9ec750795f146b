/** Reads, checks, joins and encodes the contents of changeset, patchset and capture files. */

import { changesetMark, patchsetMark } from '../../changeset/format.js';
import { validate } from '../../changeset/index.js';
import {
  type CaptureEntry,
  ChangesetGroup,
  type DatabaseSync,
  decodeCapture,
  encodeCapture,
  SqliteError,
} from '../../index.js';
import { CommandError, exitCodes } from '../exit.js';
import { Progress } from '../progress.js';
import { nameOf, readInput } from './files.js';

/** The first byte of a capture: "C". */
const captureMark = 0x43;

/**
 * Decodes and checks a changeset, patchset or capture. Returns its entries, or a string that says which byte is wrong
 * and why.
 *
 * @param name the name of the file, for messages
 */
export function checkedEntries(bytes: Uint8Array, name: string): CaptureEntry[] | string {
  using progress = new Progress(`checking ${name}`, bytes.length);
  // Check a file with an unknown first byte as a changeset, so that the error says what is wrong.
  let entries: CaptureEntry[] = [{ kind: 'changeset', bytes }];
  if (bytes.length === 0 || bytes[0] === captureMark) {
    try {
      entries = decodeCapture(bytes);
    } catch (error) {
      if (!(error instanceof SqliteError)) throw error;
      return error.detail ?? error.message;
    }
  }
  for (const entry of entries) {
    if (entry.kind === 'ddl') continue;
    const start = entry.bytes.byteOffset - bytes.byteOffset;
    const fault = validate(entry.bytes, (offset) => progress.at(start + offset));
    if (fault) return `${fault.reason} at byte ${start + fault.offset}`;
  }
  return entries;
}

/** Reads a changeset, patchset or capture. @throws CommandError ({@link exitCodes.malformed}) if it is malformed */
export function readEntries(path: string): CaptureEntry[] {
  const entries = checkedEntries(readInput(path), nameOf(path));
  if (typeof entries !== 'string') return entries;
  throw new CommandError(`${nameOf(path)} is not a changeset: ${entries}`, exitCodes.malformed);
}

/**
 * Reads a changeset or patchset.
 *
 * @param not the end of the error message for a capture, such as "cannot be inverted"
 * @throws CommandError ({@link exitCodes.malformed}) if the file is malformed or is a capture
 */
export function readChangeset(path: string, not: string): Uint8Array {
  const entries = readEntries(path);
  const [first] = entries;
  if (!first) return new Uint8Array(0);
  if (entries.length === 1 && first.kind === 'changeset') return first.bytes;
  const message = `${nameOf(path)} is a capture that changes the schema: it ${not}`;
  throw new CommandError(message, exitCodes.malformed);
}

/** A position in the captured entries at which the tables differ, although no captured statement changed them. */
export interface Boundary {
  readonly kind: 'boundary';
}

export function statementsOf(entries: readonly CaptureEntry[]): string[] {
  return entries.flatMap((entry) => (entry.kind === 'ddl' ? [entry.sql] : []));
}

export function changesetsOf(entries: readonly CaptureEntry[]): Uint8Array[] {
  return entries.flatMap((entry) => (entry.kind === 'changeset' ? [entry.bytes] : []));
}

/**
 * Joins changesets into one. The changesets are read one at a time.
 *
 * @param database a database whose tables complete changesets that were made before columns were added
 */
export function joined(changesets: Iterable<Uint8Array>, database?: DatabaseSync): Uint8Array {
  const total = Array.isArray(changesets)
    ? changesets.reduce((sum: number, { length }: Uint8Array) => sum + length, 0)
    : undefined;
  using progress = new Progress('joining', total);
  using group = new ChangesetGroup();
  if (database) group.schema(database);
  let before = 0;
  for (const bytes of changesets) {
    group.addFrom(pieces(bytes, (offset) => progress.at(before + offset)));
    before += bytes.length;
  }
  return group.output().bytes;
}

/** Yields bytes in pieces. @param heard called with the number of bytes yielded so far */
export function* pieces(bytes: Uint8Array, heard: (done: number) => void): Generator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += 65_536) {
    heard(at);
    yield bytes.subarray(at, at + 65_536);
  }
}

/** Joins the changesets between two statements if possible. */
export function condensed(entries: Iterable<CaptureEntry | Boundary>): CaptureEntry[] {
  try {
    return inRuns(entries, new OneGroup());
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    return inRuns(entries, new Parts());
  }
}

/** Joins changesets. */
interface Run {
  add(bytes: Uint8Array): void;
  take(): readonly Uint8Array[];
}

/** Joins all changesets into one, without keeping them in memory. */
class OneGroup implements Run {
  #group: ChangesetGroup | undefined;

  add(bytes: Uint8Array): void {
    this.#group ??= new ChangesetGroup();
    try {
      this.#group.add(bytes);
    } catch (error) {
      this.take();
      throw error;
    }
  }

  take(): readonly Uint8Array[] {
    using group = this.#group;
    this.#group = undefined;
    return group ? [group.output().bytes] : [];
  }
}

/** Joins changesets into as few as possible. */
class Parts implements Run {
  #parts: Uint8Array[] = [];

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
  }

  take(): readonly Uint8Array[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts.length > 0 ? joinedWherePossible(parts) : [];
  }
}

function inRuns(entries: Iterable<CaptureEntry | Boundary>, run: Run): CaptureEntry[] {
  const found: CaptureEntry[] = [];
  const end = (): void => {
    for (const bytes of run.take()) found.push({ kind: 'changeset', bytes });
  };
  for (const entry of entries) {
    if (entry.kind === 'changeset') {
      run.add(entry.bytes);
      continue;
    }
    end();
    if (entry.kind === 'ddl') found.push(entry);
  }
  end();
  return found;
}

function joinedWherePossible(changesets: readonly Uint8Array[]): readonly Uint8Array[] {
  try {
    return [joined(changesets)];
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    if (changesets.length === 1) throw error;
    const middle = changesets.length >> 1;
    return [
      ...joinedWherePossible(changesets.slice(0, middle)),
      ...joinedWherePossible(changesets.slice(middle)),
    ];
  }
}

/**
 * Encodes the captured entries for the output.
 *
 * @param entries are iterated several times
 * @param ddl whether to include the statements that changed the schema
 * @param database the database of the capture
 * @returns `apart` is true if the statements are included although `ddl` is false, because the changesets cannot be
 *   joined without them
 */
export function written(
  entries: Iterable<CaptureEntry | Boundary>,
  ddl: boolean,
  database: DatabaseSync,
): { bytes: Uint8Array; apart: boolean } {
  let changesets = 0;
  let apart = 0;
  let only = new Uint8Array(0);
  for (const entry of entries) {
    if (entry.kind !== 'changeset') apart += 1;
    else {
      changesets += 1;
      only = changesets === 1 ? new Uint8Array(entry.bytes) : new Uint8Array(0);
    }
  }
  const kept = ddl && apart > 0;
  if (!kept) {
    if (changesets < 2) return { bytes: only, apart: false };
    // With `ddl`, do not complete changesets from the database's schema. If columns were added without a captured
    // statement, another program added them.
    for (const schema of ddl ? [undefined] : [database, undefined]) {
      try {
        return { bytes: joined(changesetsIn(entries), schema), apart: false };
      } catch (error) {
        if (!(error instanceof SqliteError)) throw error;
      }
    }
  }
  return { bytes: encodeCapture(condensed(entries)), apart: !ddl };
}

function* changesetsIn(entries: Iterable<CaptureEntry | Boundary>): Generator<Uint8Array, void, void> {
  for (const entry of entries) if (entry.kind === 'changeset') yield entry.bytes;
}

/** A number with a noun, such as "2 rows". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Describes a changeset, patchset or capture, such as "a changeset of 12 bytes". */
export function kindOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty changeset';
  const size = counted(bytes.length, 'byte');
  if (bytes[0] === patchsetMark) return `a patchset of ${size}`;
  if (bytes[0] === changesetMark) return `a changeset of ${size}`;
  const entries = decodeCapture(bytes);
  const statements = statementsOf(entries).length;
  return `a capture of ${size}: ${counted(entries.length - statements, 'changeset')}, ${counted(statements, 'statement')}`;
}
