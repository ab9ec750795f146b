/** Changesets, patchsets and captures as files: read and checked, joined, and prepared for writing. */

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

/** What a capture begins with: "C". */
const captureMark = 0x43;

/**
 * The entries of a changeset, patchset or capture, each checked; or which byte is wrong, and why.
 *
 * @param name how the user knows them
 */
export function checkedEntries(bytes: Uint8Array, name: string): CaptureEntry[] | string {
  using progress = new Progress(`checking ${name}`, bytes.length);
  // A file with an unknown first byte is checked as a changeset, so that the error says what is wrong with it as one.
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

/** What is in a changeset, patchset or capture. @throws CommandError ({@link exitCodes.malformed}) if it is not one */
export function readEntries(path: string): CaptureEntry[] {
  const entries = checkedEntries(readInput(path), nameOf(path));
  if (typeof entries !== 'string') return entries;
  throw new CommandError(`${nameOf(path)} is not a changeset: ${entries}`, exitCodes.malformed);
}

/**
 * A changeset or patchset.
 *
 * @param not what a capture cannot do, as in "cannot be inverted"
 * @throws CommandError ({@link exitCodes.malformed}) if it is not one, or a capture
 */
export function readChangeset(path: string, not: string): Uint8Array {
  const entries = readEntries(path);
  const [first] = entries;
  if (!first) return new Uint8Array(0);
  if (entries.length === 1 && first.kind === 'changeset') return first.bytes;
  const message = `${nameOf(path)} is a capture that changes the schema: it ${not}`;
  throw new CommandError(message, exitCodes.malformed);
}

/** A place in what was captured after which tables differ, although no statement changed them. */
export interface Boundary {
  readonly kind: 'boundary';
}

/** The statements among the entries. */
export function statementsOf(entries: readonly CaptureEntry[]): string[] {
  return entries.flatMap((entry) => (entry.kind === 'ddl' ? [entry.sql] : []));
}

/** The changesets among the entries. */
export function changesetsOf(entries: readonly CaptureEntry[]): Uint8Array[] {
  return entries.flatMap((entry) => (entry.kind === 'changeset' ? [entry.bytes] : []));
}

/**
 * One changeset of several, which are read one at a time.
 *
 * @param database its tables complete changesets from before columns were added
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

/** Bytes in pieces. @param heard called with the number of bytes taken so far */
export function* pieces(bytes: Uint8Array, heard: (done: number) => void): Generator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += 65_536) {
    heard(at);
    yield bytes.subarray(at, at + 65_536);
  }
}

/** The entries, with the changesets between two statements joined if they can be. */
export function condensed(entries: Iterable<CaptureEntry | Boundary>): CaptureEntry[] {
  try {
    return inRuns(entries, new OneGroup());
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    return inRuns(entries, new Parts());
  }
}

/** Joins changesets into fewer ones. */
interface Run {
  add(bytes: Uint8Array): void;
  take(): readonly Uint8Array[];
}

/** Joins all of them into one. None is kept in memory. */
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

/** Joins them into as few as possible. */
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
 * What was captured, as written to the output.
 *
 * @param entries are iterated several times
 * @param ddl whether the statements that changed the schema are wanted
 * @param database where it was captured
 * @returns `apart` if they are not wanted but are written anyway: without them the changesets cannot be joined into one
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
    // What was captured with statements and has none was changed by another program if it fits together only filled up.
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

/** How many there are of something, in words. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What bytes are, in words. */
export function kindOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty changeset';
  const size = counted(bytes.length, 'byte');
  if (bytes[0] === patchsetMark) return `a patchset of ${size}`;
  if (bytes[0] === changesetMark) return `a changeset of ${size}`;
  const entries = decodeCapture(bytes);
  const statements = statementsOf(entries).length;
  return `a capture of ${size}: ${counted(entries.length - statements, 'changeset')}, ${counted(statements, 'statement')}`;
}
