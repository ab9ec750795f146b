/**
 * A journal, next to an output that is not written yet: the changes of every transaction, on disk before it
 * commits. {@link ./format.js} describes its format.
 *
 * Whether its last transaction was committed, and whether the database knows the others, is decided elsewhere: see
 * {@link ./marker.js} and {@link ./leftover.js}.
 */

import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SQLITE_FULL, SQLITE_IOERR } from '../../core/constants.js';
import { SqliteError, sqliteError } from '../../core/errors.js';
import { type CaptureEntry, decodeCapture, encodeCapture } from '../../index.js';
import { pendingByte } from '../../node/byte-locks.js';
import { systemLocks } from '../../node/system-locks.js';
import { syncFolder } from '../changeset/files.js';
import { CommandError, reason } from '../exit.js';
import {
  chained,
  digestOf,
  doneMark,
  encodeHead,
  encodeRecord,
  type Fault,
  type Found,
  fileDigest,
  type Head,
  isFault,
  type JournalOptions,
  markSize,
  readHead,
  recordsOf,
  writeBytesAt,
} from './format.js';

/** The byte that a process locks in its journal. On Windows nobody else can read a locked byte, so it is beyond the end. */
const ownByte = pendingByte;

export interface JournalSettings {
  /** The journal's own file. */
  readonly path: string;
  /** The output that it belongs to, as the user knows it; `-` for standard output. */
  readonly output: string;
  readonly kind: Head['kind'];
  /** Its database. */
  readonly database: string;
  readonly options: JournalOptions;
}

/** The contents of a journal that was left behind. */
export interface Contents {
  /** The first line; undefined if it is damaged or was never complete. */
  readonly head: Head | undefined;
  /** The number of the last transaction without a gap before it. */
  readonly last: number;
  /** The digest of that transaction, and of the one before it. */
  readonly digest: string;
  readonly before: string;
  /** The note of that transaction, and how it is marked. */
  readonly note: string;
  readonly mark: Found['mark'];
  /** The numbers of the transactions that can be read, whether or not some before them are missing. */
  readonly numbers: readonly number[];
  /** Damage that a complete record follows, and the end if that is damaged. */
  readonly faults: readonly Fault[];
  /** Whether bytes follow the last complete record. */
  readonly tail: Fault | undefined;
  /** Whether the output was about to be put in place, and whether it was, complete. */
  readonly offered: boolean;
  readonly written: boolean;
  /** Whether the output is the one that was put in place. */
  readonly inPlace: boolean;
}

/** Whether another process has the journal open. */
export function isTaken(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'r+');
  } catch {
    return false; // it belongs to another user
  }
  try {
    const locks = systemLocks();
    return typeof locks !== 'string' && locks.of(file).test(ownByte, 1) === 1;
  } finally {
    closeSync(file);
  }
}

export class Journal {
  readonly path: string;
  readonly contents: Contents;
  /** Whether records are on the disk before {@link add} returns; if not, they survive a kill but not a power failure. */
  syncs = true;
  readonly #settings: JournalSettings;
  #file: number;
  /** Whether there was no such file. */
  readonly isNew: boolean;
  #head: Head | undefined;
  /** The offsets of the first record, of the last one, and of the next one. */
  #start = 0;
  #lastAt = 0;
  #end = 0;
  #count = 0;
  #digest = '';
  #before = '';
  /** Whether the last record is not marked yet. */
  #unmarked = false;
  /** Where the record about the output ends. */
  #offered = 0;
  /** Why nothing more can be added. */
  #broken: string | undefined;

  /**
   * Opens a journal and reads what it holds, or makes the file. Nothing is written to it before {@link begin},
   * {@link goOn} or {@link renew}.
   *
   * @throws CommandError if another process has it, or another version or another command wrote it
   */
  constructor(settings: JournalSettings) {
    const { path, kind } = settings;
    this.path = path;
    this.#settings = settings;
    this.isNew = !existsSync(path);
    this.#file = openAlone(path, this.isNew ? 'wx+' : 'r+', settings);
    try {
      const line = readHead(this.#file);
      if (line.is === 'version') {
        throw new CommandError(
          `${path} is a journal of version ${line.format}, which this program cannot read: start and end the program that wrote it`,
        );
      }
      if (line.is === 'head' && line.head.kind !== kind) {
        const other = line.head.kind === 'daemon' ? 'a daemon' : '"changeset capture"';
        throw new CommandError(
          `${path} is the journal of ${other} that was killed: run that again with the same files first`,
        );
      }
      this.#head = line.is === 'head' ? line.head : undefined;
      this.#start = line.is === 'head' ? line.line.length : 0;
      const digest = line.is === 'head' ? digestOf(line.line) : '';
      this.contents = this.#read(digest, line.is === 'cut');
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  /** The name by which the database knows the journal; '' before it has one. */
  get name(): string {
    return this.#head?.name ?? '';
  }

  /** What it was begun with. */
  get head(): Head | undefined {
    return this.#head;
  }

  /** How many transactions there are. */
  get count(): number {
    return this.#count;
  }

  /** The digest of the last one. */
  get digest(): string {
    return this.#digest;
  }

  /** Whether it is empty: it is new, or its first line was never complete. */
  get isEmpty(): boolean {
    const { head, numbers, faults } = this.contents;
    return head === undefined && numbers.length === 0 && faults.length === 0;
  }

  /** Begins it: writes its first line. @param base what the output holds, by its digest */
  begin(base: string | null): void {
    const head = this.#newHead(base);
    const line = encodeHead(head);
    attempt(this.path, () => {
      ftruncateSync(this.#file, 0);
      writeBytesAt(this.#file, line, 0);
      fsyncSync(this.#file);
      syncFolder(dirname(this.path));
    });
    this.#stand(head, line);
  }

  /**
   * Goes on with what it holds.
   *
   * @param withLast whether the last transaction was committed; if not it is dropped
   */
  goOn(withLast: boolean): void {
    attempt(this.path, () => {
      if (withLast) {
        if (this.#unmarked) this.#mark();
      } else this.#takeBack();
      ftruncateSync(this.#file, this.#end);
      fsyncSync(this.#file);
    });
  }

  /**
   * Replaces the file by a new journal, which begins with the wanted transactions.
   *
   * @param kept the path under which the old file is kept; undefined if it is not
   */
  renew(
    base: string | null,
    replaces: readonly string[],
    wanted: (found: Found) => boolean,
    kept?: string,
  ): void {
    const head: Head = { ...this.#newHead(base), replaces };
    const path = `${this.path}.${head.name}`;
    const old = this.#file;
    const file = attempt(path, () => openAlone(path, 'wx+', this.#settings));
    try {
      const line = encodeHead(head);
      attempt(path, () => {
        const from = this.#start;
        const found = this.isEmpty ? [] : recordsOf(old, from);
        writeBytesAt(file, line, 0);
        this.#stand(head, line);
        for (const record of found) {
          if (isFault(record) || record.kind !== 'TRAN' || !wanted(record)) continue;
          this.#append(file, this.#count + 1, record.note, record.capture);
          writeBytesAt(file, doneMark, this.#end - markSize);
          this.#unmarked = false;
        }
        fsyncSync(file);
        if (kept !== undefined) keepAs(this.path, kept);
        renameSync(path, this.path);
        syncFolder(dirname(this.path));
      });
    } catch (error) {
      closeSync(file);
      rmSync(path, { force: true });
      throw error;
    }
    this.#file = file;
    closeSync(old);
  }

  /**
   * Writes what a transaction changed that is about to commit; it is on the disk then.
   *
   * @returns its number
   * @throws SqliteError (SQLITE_FULL, SQLITE_IOERR) if it cannot be written: the journal is as it was
   */
  add(entries: readonly CaptureEntry[], note = ''): number {
    if (this.#broken !== undefined) throw failure(this.path, new Error(this.#broken));
    try {
      if (this.#unmarked) this.#mark();
      if (fstatSync(this.#file).nlink === 0) throw new Error('it was removed');
      const before = [this.#digest, this.#before, this.#lastAt, this.#end, this.#count] as const;
      try {
        this.#append(this.#file, this.#count + 1, note, encodeCapture(entries));
        if (this.syncs) fdatasyncSync(this.#file);
      } catch (error) {
        [this.#digest, this.#before, this.#lastAt, this.#end, this.#count] = before;
        this.#unmarked = false;
        this.#cut();
        throw error;
      }
    } catch (error) {
      throw failure(this.path, error);
    }
    return this.#count;
  }

  /** The transaction that was added last is committed. */
  acknowledge(): void {
    try {
      this.#mark();
      // Without a marker in the database the mark proves nothing, so it may be lost.
      if (this.syncs && this.#settings.kind === 'daemon') fdatasyncSync(this.#file);
    } catch {
      // The transaction is in the journal and committed all the same. What cannot be marked now is marked with the next.
      this.#unmarked = true;
    }
  }

  /** Removes the last record: its transaction was not committed. */
  drop(): void {
    this.#takeBack();
    this.#cut();
  }

  /**
   * The transactions' changes, in order, read from disk.
   *
   * @param place where to continue, 0 being the start; it advances past each transaction
   */
  *transactions(place?: { at: number }): Generator<CaptureEntry[], void, void> {
    for (const { entries } of this.kept(place)) yield entries;
  }

  /** The same with what was noted. */
  *kept(place: { at: number } = { at: 0 }): Generator<{ entries: CaptureEntry[]; note: string }, void, void> {
    place.at = Math.max(place.at, this.#start);
    while (place.at < this.#end) {
      const [found] = recordsOf(this.#file, place.at);
      if (!found || isFault(found) || found.kind !== 'TRAN') return;
      place.at = found.end;
      yield { entries: decodeCapture(found.capture), note: found.note };
    }
  }

  /**
   * The output is about to be put in place: after a kill its digest tells whether it was.
   *
   * @throws CommandError if that cannot be written
   */
  offer(digest: string): void {
    const record = encodeRecord('OUTP', this.#count + 1, '', Buffer.from(digest, 'hex'));
    attempt(this.path, () => {
      try {
        if (this.#unmarked) this.#mark();
        writeBytesAt(this.#file, record, this.#end);
        fsyncSync(this.#file);
      } catch (error) {
        this.#cut();
        throw error;
      }
    });
    this.#offered = this.#end + record.length;
  }

  /** The output is in its place. */
  handed(): void {
    attempt(this.path, () => {
      writeBytesAt(this.#file, doneMark, this.#offered - markSize);
      fsyncSync(this.#file);
    });
  }

  /** The output could not be put in place: the journal continues. */
  withdraw(): void {
    this.#cut();
  }

  /** Ends it: its contents are no longer needed. @throws CommandError if the file cannot be removed */
  remove(): void {
    closeSync(this.#file);
    try {
      rmSync(this.path, { force: true });
    } catch (error) {
      throw new CommandError(
        `cannot remove ${this.path}: ${reason(error)}; its changes were written, so remove it yourself`,
      );
    }
  }

  /** Closes it; removes the file if this object created it and it is empty. */
  abandon(): void {
    if (this.isNew && this.#count === 0) rmSync(this.path, { force: true });
    closeSync(this.#file);
  }

  #newHead(base: string | null): Head {
    const { kind, options } = this.#settings;
    const database = wholePath(this.#settings.database);
    return { format: 2, name: randomUUID(), kind, database, base, options };
  }

  /** Moves to the end of a first line. */
  #stand(head: Head, line: Buffer): void {
    this.#head = head;
    this.#start = line.length;
    this.#end = line.length;
    this.#count = 0;
    this.#digest = digestOf(line);
    this.#before = this.#digest;
    this.#unmarked = false;
  }

  #append(file: number, number: number, note: string, capture: Uint8Array): void {
    const record = encodeRecord('TRAN', number, note, capture);
    writeBytesAt(file, record, this.#end);
    this.#before = this.#digest;
    this.#digest = chained(this.#before, { number, note, capture });
    this.#lastAt = this.#end;
    this.#end += record.length;
    this.#count = number;
    this.#unmarked = true;
  }

  #mark(): void {
    writeBytesAt(this.#file, doneMark, this.#end - markSize);
    this.#unmarked = false;
  }

  /** Drops the last record. */
  #takeBack(): void {
    this.#end = this.#lastAt;
    this.#digest = this.#before;
    this.#count -= 1;
    this.#unmarked = false;
  }

  /** Cuts off what follows the last record. If that fails, nothing more can be added. */
  #cut(): void {
    try {
      ftruncateSync(this.#file, this.#end);
      if (this.syncs) fsyncSync(this.#file);
    } catch (error) {
      this.#broken = reason(error);
    }
  }

  /** Reads the file, and moves to the end of the last transaction before which none is missing. */
  #read(digest: string, cut: boolean): Contents {
    const numbers: number[] = [];
    const faults: Fault[] = [];
    let last: Found | undefined;
    let fault: Fault | undefined;
    let output: Found | undefined;
    this.#end = this.#start;
    this.#digest = digest;
    this.#before = digest;
    for (const found of cut ? [] : recordsOf(this.#file, this.#start)) {
      if (isFault(found)) {
        fault = found;
        continue;
      }
      if (fault) faults.push(fault);
      fault = undefined;
      output = found.kind === 'OUTP' ? found : undefined;
      if (found.kind === 'OUTP') continue;
      numbers.push(found.number);
      if (faults.length > 0 || found.number !== this.#count + 1) continue;
      this.#before = this.#digest;
      this.#digest = chained(this.#before, found);
      this.#lastAt = found.at;
      this.#end = found.end;
      this.#count = found.number;
      this.#unmarked = found.mark !== 'done';
      last = found;
    }
    const inPlace =
      output !== undefined && Buffer.from(output.capture).toString('hex') === this.#outputDigest();
    return {
      head: this.#head,
      last: this.#count,
      digest: this.#digest,
      before: this.#before,
      note: last?.note ?? '',
      mark: last?.mark ?? 'done',
      numbers,
      faults,
      tail: fault,
      offered: output !== undefined,
      written: inPlace || output?.mark === 'done',
      inPlace,
    };
  }

  #outputDigest(): string | null {
    const { output } = this.#settings;
    return output === '-' ? null : fileDigest(output);
  }
}

/** The path by which a file is known, wherever the program is started. */
export function wholePath(path: string): string {
  const folder = dirname(resolve(path));
  return join(existsSync(folder) ? realpathSync(folder) : folder, basename(path));
}

/** An unused file name: the one given, or with a number. */
export function freeName(name: string): string {
  for (let i = 1; ; i++) {
    const free = i === 1 ? name : `${name}.${i}`;
    if (!existsSync(free)) return free;
  }
}

/** Opens the file so that no other process can, if the system has locks; they end with the process. */
function openAlone(path: string, flags: string, { output, kind }: JournalSettings): number {
  const file = attempt(path, () => openSync(path, flags, 0o600));
  const locks = systemLocks();
  const isAlone = typeof locks === 'string' || locks.of(file).set('write', ownByte, 1) === 0;
  // The process that had it may have replaced it meanwhile.
  if (isAlone && statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(file).ino) return file;
  closeSync(file);
  const who = kind === 'daemon' ? 'daemon' : 'capture';
  throw new CommandError(`another ${who} is writing ${output}: choose another output`);
}

/** Gives a file a second name, or copies it if the file system has no hard links. */
function keepAs(path: string, name: string): void {
  try {
    linkSync(path, name);
  } catch {
    copyFileSync(path, name, constants.COPYFILE_EXCL);
  }
}

/** @throws CommandError if the action fails: the file cannot be written, and why */
function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof CommandError || error instanceof SqliteError) throw error;
    throw new CommandError(`cannot write ${path}: ${reason(error)}`);
  }
}

/** Why a transaction cannot be kept, as an error of SQLite. */
function failure(path: string, error: unknown): SqliteError {
  const { code } = error as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return sqliteError(full ? SQLITE_FULL : SQLITE_IOERR, `cannot write ${path}: ${reason(error)}`);
}
