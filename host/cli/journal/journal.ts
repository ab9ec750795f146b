/**
 * A journal stores the changes of every transaction before the commit, until the output is written. {@link ./format.js}
 * describes its format.
 *
 * {@link ./marker.js} and {@link ./leftover.js} find out whether the last transaction was committed, and whether the
 * journal belongs to the database.
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

/**
 * The byte that a process locks in its journal. It is beyond the end of the file, because on Windows other processes
 * cannot read a locked byte.
 */
const ownByte = pendingByte;

export interface JournalSettings {
  readonly path: string;
  /** The output to which the journal belongs; `-` for standard output. */
  readonly output: string;
  readonly kind: Head['kind'];
  readonly database: string;
  readonly options: JournalOptions;
}

/** The contents of an existing journal. */
export interface Contents {
  /** The first line; undefined if it is damaged or incomplete. */
  readonly head: Head | undefined;
  /** The number of the last transaction before which none is missing. */
  readonly last: number;
  /** The digest of that transaction, and of the previous one. */
  readonly digest: string;
  readonly before: string;
  /** The note and the mark of that transaction. */
  readonly note: string;
  readonly mark: Found['mark'];
  /** The numbers of all readable transactions, even if earlier ones are missing. */
  readonly numbers: readonly number[];
  /** The damaged parts before a complete record, and the end if it is damaged. */
  readonly faults: readonly Fault[];
  /** Whether bytes follow the last complete record. */
  readonly tail: Fault | undefined;
  /** Whether the journal says that the output was about to be replaced, and that it was replaced. */
  readonly offered: boolean;
  readonly written: boolean;
  /** Whether the present output is the one that the journal describes. */
  readonly inPlace: boolean;
}

/** Whether another process has the journal open. */
export function isTaken(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'r+');
  } catch {
    return false; // the file belongs to another user
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
  /** Whether {@link add} syncs records to disk. Otherwise records survive a kill, but not a power failure. */
  syncs = true;
  readonly #settings: JournalSettings;
  #file: number;
  /** Whether the file did not exist before. */
  readonly isNew: boolean;
  #head: Head | undefined;
  /** The offsets of the first record, of the last one, and of the next one. */
  #start = 0;
  #lastAt = 0;
  #end = 0;
  #count = 0;
  #digest = '';
  #before = '';
  /** Whether the last record has no mark yet. */
  #unmarked = false;
  /** Where the record about the output ends in the file, in bytes. */
  #offered = 0;
  /** The reason why nothing more can be added; undefined if records can be added. */
  #broken: string | undefined;

  /**
   * Opens a journal and reads its contents, or creates the file. Nothing is written before {@link begin}, {@link goOn}
   * or {@link renew}.
   *
   * @throws CommandError if another process has the journal open, or if another version or command wrote it
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
          `${path} is a journal of version ${line.format}, which this program cannot read: use the version of the program that wrote it`,
        );
      }
      if (line.is === 'head' && line.head.kind !== kind) {
        const other = line.head.kind === 'daemon' ? 'a daemon' : '"changeset capture"';
        throw new CommandError(
          `${path} is the journal of ${other} that was killed: run that command again with the same files first`,
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

  /** The name of the journal, by which the database records it; '' before {@link begin}. */
  get name(): string {
    return this.#head?.name ?? '';
  }

  /** The first line; undefined before {@link begin}. */
  get head(): Head | undefined {
    return this.#head;
  }

  get count(): number {
    return this.#count;
  }

  /** The digest of the last transaction. */
  get digest(): string {
    return this.#digest;
  }

  /** Whether the journal is empty: the file is new, or its first line is incomplete. */
  get isEmpty(): boolean {
    const { head, numbers, faults } = this.contents;
    return head === undefined && numbers.length === 0 && faults.length === 0;
  }

  /** Begins the journal by writing its first line. @param base the digest of the output; null if there is none */
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
   * Continues with the existing transactions.
   *
   * @param withLast whether the last transaction was committed; otherwise it is removed
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
   * Replaces the file by a new journal, which begins with selected transactions.
   *
   * @param kept the path at which to keep the old file; undefined to remove it
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
   * Adds the changes of a transaction that is about to commit.
   *
   * @returns the number of the transaction
   * @throws SqliteError (SQLITE_FULL, SQLITE_IOERR) if the record cannot be written; the journal is then unchanged
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

  /** Marks the last transaction as committed. */
  acknowledge(): void {
    try {
      this.#mark();
      // A capture does not need the mark after a power failure, so it does not sync.
      if (this.syncs && this.#settings.kind === 'daemon') fdatasyncSync(this.#file);
    } catch {
      // The transaction is committed and in the journal even without its mark. Set the mark with the next record.
      this.#unmarked = true;
    }
  }

  /** Removes the last record, because its transaction was not committed. */
  drop(): void {
    this.#takeBack();
    this.#cut();
  }

  /**
   * Reads the changes of the transactions from the file, in order.
   *
   * @param place the offset at which to begin, or 0; it advances past each transaction
   */
  *transactions(place?: { at: number }): Generator<CaptureEntry[], void, void> {
    for (const { entries } of this.kept(place)) yield entries;
  }

  /** Like {@link transactions}, but with the notes. */
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
   * Records that the output is about to be replaced. After a kill, the digest shows whether it was.
   *
   * @throws CommandError if the record cannot be written
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

  /** Records that the output has been replaced. */
  handed(): void {
    attempt(this.path, () => {
      writeBytesAt(this.#file, doneMark, this.#offered - markSize);
      fsyncSync(this.#file);
    });
  }

  /** Removes the record of {@link offer}, because the output could not be replaced. */
  withdraw(): void {
    this.#cut();
  }

  /** Removes the journal, because the output contains its transactions. @throws CommandError if that fails */
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

  /** Closes the journal. Removes the file if this object created it and it is empty. */
  abandon(): void {
    if (this.isNew && this.#count === 0) rmSync(this.path, { force: true });
    closeSync(this.#file);
  }

  #newHead(base: string | null): Head {
    const { kind, options } = this.#settings;
    const database = wholePath(this.#settings.database);
    return { format: 2, name: randomUUID(), kind, database, base, options };
  }

  /** Sets the position after a first line. */
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

  /** Moves the position before the last record. */
  #takeBack(): void {
    this.#end = this.#lastAt;
    this.#digest = this.#before;
    this.#count -= 1;
    this.#unmarked = false;
  }

  /** Truncates the file after the last record. If that fails, nothing more can be added. */
  #cut(): void {
    try {
      ftruncateSync(this.#file, this.#end);
      if (this.syncs) fsyncSync(this.#file);
    } catch (error) {
      this.#broken = reason(error);
    }
  }

  /** Reads the file, and sets the position after the last transaction before which none is missing. */
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

/** The absolute path of a file, with the links of its folder resolved. */
export function wholePath(path: string): string {
  const folder = dirname(resolve(path));
  return join(existsSync(folder) ? realpathSync(folder) : folder, basename(path));
}

/** Returns an unused path: `name`, or `name` with a number. */
export function freeName(name: string): string {
  for (let i = 1; ; i++) {
    const free = i === 1 ? name : `${name}.${i}`;
    if (!existsSync(free)) return free;
  }
}

/** Opens the file and locks it until the process ends, if the system has locks. */
function openAlone(path: string, flags: string, { output, kind }: JournalSettings): number {
  const file = attempt(path, () => openSync(path, flags, 0o600));
  const locks = systemLocks();
  const isAlone = typeof locks === 'string' || locks.of(file).set('write', ownByte, 1) === 0;
  // Check that the process that had the file open has not replaced it meanwhile.
  if (isAlone && statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(file).ino) return file;
  closeSync(file);
  const who = kind === 'daemon' ? 'daemon' : 'capture';
  throw new CommandError(`another ${who} is writing ${output}: choose another output`);
}

/** Makes a hard link to a file, or copies the file if the file system has no hard links. */
function keepAs(path: string, name: string): void {
  try {
    linkSync(path, name);
  } catch {
    copyFileSync(path, name, constants.COPYFILE_EXCL);
  }
}

/** Runs `action`. @throws CommandError that says that the file cannot be written if `action` fails */
function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof CommandError || error instanceof SqliteError) throw error;
    throw new CommandError(`cannot write ${path}: ${reason(error)}`);
  }
}

/** Converts a file error to an error of SQLite. */
function failure(path: string, error: unknown): SqliteError {
  const { code } = error as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return sqliteError(full ? SQLITE_FULL : SQLITE_IOERR, `cannot write ${path}: ${reason(error)}`);
}
