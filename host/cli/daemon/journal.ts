/**
 * The daemon's journal, beside its output: what every transaction changed, on disk before the transaction commits.
 *
 * A line of JSON with the journal's name and what the output was when it began; then records: length (4 bytes),
 * CRC-32 (4), number (8, all big-endian), a capture: a changeset where the schema did not change. A record counts where a row of the database, written in the
 * very transaction, has its number or a higher one.
 */

import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { type CaptureEntry, decodeCapture, encodeCapture } from '../../index.js';
import { systemLocks } from '../../vfs/locks.js';
import { changesetsOf, checkedEntries, statementsOf } from '../changeset/entries.js';
import { syncFolder } from '../changeset/files.js';
import { CommandError, exitCodes } from '../command.js';

interface Head {
  readonly format: 1;
  readonly name: string;
  /** The sha256 of the output that this journal goes on from; null where there was none. */
  readonly base: string | null;
}

const headSize = 16;
/** More than the first line ever has. */
const longestHead = 256;
const patchsetMark = 0x50;

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The first line of a journal; undefined where it is none. */
function headOf(line: string): Head | undefined {
  try {
    return JSON.parse(line) as Head;
  } catch {
    return undefined;
  }
}

function write(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
  }
}

export class Journal {
  readonly path: string;
  readonly #output: string;
  readonly #head: Head;
  readonly #file: number = -1;
  readonly #isNew: boolean = false;
  readonly #records: { number: number; capture: Uint8Array }[] = [];
  /** What the output held before. */
  readonly #base: readonly CaptureEntry[];
  #length: number;
  /** The file of a journal that was closed. */
  #closed: string | undefined;

  /**
   * Opens the journal of an output, or begins one.
   *
   * @param patchset what is going to be recorded
   * @throws CommandError where another daemon has it, it is not a journal, the output is not the one it goes on
   * from or no changeset, or what is there is of the other kind
   */
  constructor(output: string, patchset: boolean) {
    this.#output = output;
    this.path = `${output}.journal`;
    const there = existsSync(this.path);
    if (there) this.#file = this.#openAlone('r+');
    this.#finish();
    const found = existsSync(output) ? new Uint8Array(readFileSync(output)) : undefined;
    const base = found ? digestOf(found) : null;
    const entries = checkedEntries(found ?? new Uint8Array(0), output);
    if (typeof entries === 'string') {
      throw new CommandError(
        `${output} is there, and no changeset that could be added to: ${entries}`,
        exitCodes.malformed,
      );
    }
    this.#base = entries;
    if (!there) this.#file = this.#openAlone('wx+');
    const bytes = there ? readFileSync(this.path) : Buffer.alloc(0);
    const end = bytes.indexOf(10);
    if (end < 0 && bytes.length <= longestHead) {
      this.#head = { format: 1, name: randomUUID(), base }; // new, or its first line was never written whole
      this.#length = this.#begin();
      this.#isNew = true;
    } else {
      const head = headOf(bytes.subarray(0, Math.max(end, 0)).toString());
      if (head?.format !== 1) {
        throw new CommandError(`${this.path} is not a journal of this daemon: move it away`);
      }
      this.#head = head;
      if (base !== head.base) {
        throw new CommandError(
          `${this.path} does not belong to ${output} as it is now: move one of them away`,
        );
      }
      this.#length = this.#read(bytes, end + 1);
    }
    const [first] = changesetsOf(this.entries());
    if (first && (first[0] === patchsetMark) !== patchset) {
      const [has, other] = patchset ? ['changesets', 'without'] : ['patchsets', 'with'];
      throw new CommandError(`${output} holds ${has}: start ${other} --patchset`, exitCodes.usage);
    }
  }

  /** Opens the file so that no other daemon can, where the system has locks; they end with the process. */
  #openAlone(flags: string): number {
    const file = openSync(this.path, flags, 0o600);
    const locks = systemLocks();
    if (typeof locks === 'string' || locks.set(file, 'write', 0, 1) === 0) return file;
    closeSync(file);
    throw new CommandError(`another daemon writes ${this.#output}: choose another output`);
  }

  #begin(): number {
    const line = Buffer.from(`${JSON.stringify(this.#head)}\n`);
    write(this.#file, line, 0);
    fsyncSync(this.#file);
    syncFolder(dirname(this.path));
    return line.length;
  }

  /** Lets go of it; one that was just begun is gone. */
  abandon(): void {
    if (this.#isNew && this.count === 0) rmSync(this.path, { force: true });
    closeSync(this.#file);
  }

  /** The journal's name, by which the database knows it. */
  get name(): string {
    return this.#head.name;
  }

  /** The number of the last record. */
  get last(): number {
    return this.#records.at(-1)?.number ?? 0;
  }

  /** Whether the output held statements that change the schema before. */
  get basedOnDdl(): boolean {
    return statementsOf(this.#base).length > 0;
  }

  /** How many records there are. */
  get count(): number {
    return this.#records.length;
  }

  /** What a record holds, from 0. */
  record(index: number): CaptureEntry[] {
    return decodeCapture(this.#records[index]?.capture ?? new Uint8Array(0));
  }

  /** What the output is to hold: what it held, and all that was recorded since. */
  entries(): CaptureEntry[] {
    return [...this.#base, ...this.#records.flatMap(({ capture }) => decodeCapture(capture))];
  }

  /** Drops the records behind `number`: their transactions were never committed. */
  keep(number: number): void {
    while (this.last > number) this.drop();
    ftruncateSync(this.#file, this.#length);
    fsyncSync(this.#file);
  }

  /** Writes what a transaction changed that is about to commit, and waits until it is on the disk. */
  add(entries: readonly CaptureEntry[]): number {
    const capture = encodeCapture(entries);
    const number = this.last + 1;
    const record = Buffer.alloc(headSize + capture.length);
    record.set(capture, headSize);
    record.writeUInt32BE(capture.length, 0);
    record.writeBigUInt64BE(BigInt(number), 8);
    record.writeUInt32BE(crc32(record.subarray(8)), 4);
    write(this.#file, record, this.#length);
    fsyncSync(this.#file);
    this.#length += record.length;
    this.#records.push({ number, capture });
    return number;
  }

  /** Takes the last record back: its transaction was not committed. */
  drop(): void {
    const record = this.#records.pop();
    if (!record) return;
    this.#length -= headSize + record.capture.length;
    ftruncateSync(this.#file, this.#length);
    fsyncSync(this.#file);
  }

  /**
   * Writes the output and ends the journal, so that a crash in between neither loses nor doubles anything.
   * {@link forget} is to follow.
   */
  close(output: Uint8Array): void {
    const fresh = openSync(`${this.#output}.new`, 'w');
    try {
      write(fresh, output, 0);
      fsyncSync(fresh);
    } finally {
      closeSync(fresh);
    }
    syncFolder(dirname(this.path));
    renameSync(this.path, `${this.path}.${digestOf(output)}`);
    syncFolder(dirname(this.path));
    closeSync(this.#file);
    this.#finish();
  }

  /** Does what is left of a close: the journal's name then says what the output must be. */
  #finish(): void {
    const fresh = `${this.#output}.new`;
    if (existsSync(fresh)) {
      const done = `${this.path}.${digestOf(readFileSync(fresh))}`;
      if (existsSync(done)) renameSync(fresh, this.#output);
      else rmSync(fresh);
    }
    if (!existsSync(this.#output)) return;
    syncFolder(dirname(this.path));
    const closed = `${this.path}.${digestOf(readFileSync(this.#output))}`;
    if (existsSync(closed)) this.#closed = closed;
  }

  /** The name of a journal that was closed, by which the database may know it still; until {@link forget}. */
  get closedName(): string | undefined {
    if (this.#closed === undefined) return undefined;
    return headOf(readFileSync(this.#closed, 'latin1').split('\n', 1)[0] ?? '')?.name;
  }

  /** Removes what is left of a closed journal: the database knows it no more. */
  forget(): void {
    if (this.#closed !== undefined) rmSync(this.#closed, { force: true });
    this.#closed = undefined;
  }

  /** Reads records up to the first that is torn. Returns where they end. */
  #read(bytes: Buffer, from: number): number {
    let at = from;
    while (at + headSize <= bytes.length) {
      const end = at + headSize + bytes.readUInt32BE(at);
      const number = at + headSize <= bytes.length ? Number(bytes.readBigUInt64BE(at + 8)) : 0;
      if (end > bytes.length || number !== this.last + 1) break;
      if (crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32BE(at + 4)) break;
      this.#records.push({ number, capture: new Uint8Array(bytes.subarray(at + headSize, end)) });
      at = end;
    }
    return at;
  }
}
