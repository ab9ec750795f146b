/**
 * The daemon's journal, beside its output: every transaction's changeset, on disk before the transaction commits.
 *
 * A line of JSON with the journal's name and what the output was when it began; then records: length (4 bytes),
 * CRC-32 (4), number (8, all big-endian), changeset. A record counts where a row of the database, written in the
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
import { Changeset, ChangesetGroup } from '../../index.js';
import { CommandError } from '../changeset/command.js';
import { syncFolder, writeOutput } from '../changeset/files.js';

interface Head {
  readonly format: 1;
  readonly name: string;
  /** The sha256 of the output that this journal goes on from; null where there was none. */
  readonly base: string | null;
}

const headSize = 16;
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function write(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
  }
}

export class Journal {
  readonly path: string;
  readonly #output: string;
  readonly #head: Head;
  readonly #file: number;
  readonly #records: { number: number; changeset: Uint8Array }[] = [];
  #length: number;

  /**
   * Opens the journal of an output, or begins one.
   *
   * @throws CommandError where it is not a journal, or the output is not the one it goes on from
   */
  constructor(output: string) {
    this.#output = output;
    this.path = `${output}.journal`;
    this.#finish();
    const there = existsSync(this.path);
    this.#file = openSync(this.path, there ? 'r+' : 'wx+', 0o600);
    if (!there) {
      const base = existsSync(output) ? digestOf(readFileSync(output)) : null;
      this.#head = { format: 1, name: randomUUID(), base };
      const line = Buffer.from(`${JSON.stringify(this.#head)}\n`);
      write(this.#file, line, 0);
      fsyncSync(this.#file);
      syncFolder(dirname(this.path));
      this.#length = line.length;
      return;
    }
    const bytes = readFileSync(this.path);
    const end = bytes.indexOf(10);
    try {
      this.#head = JSON.parse(bytes.subarray(0, end).toString()) as Head;
    } catch {
      throw new CommandError(`${this.path} is not a journal of this daemon: move it away`);
    }
    const found = existsSync(output) ? digestOf(readFileSync(output)) : null;
    if (this.#head.format !== 1 || found !== this.#head.base) {
      throw new CommandError(`${this.path} does not belong to ${output} as it is now: move one of them away`);
    }
    this.#length = this.#read(bytes, end + 1);
  }

  /** The journal's name, by which the database knows it. */
  get name(): string {
    return this.#head.name;
  }

  /** The number of the last record. */
  get last(): number {
    return this.#records.at(-1)?.number ?? 0;
  }

  get changesets(): readonly Uint8Array[] {
    return this.#records.map(({ changeset }) => changeset);
  }

  /** Drops the records behind `number`: their transactions were never committed. */
  keep(number: number): void {
    while (this.last > number) this.drop();
    ftruncateSync(this.#file, this.#length);
    fsyncSync(this.#file);
  }

  /** Writes the changeset of a transaction that is about to commit, and waits until it is on the disk. */
  add(changeset: Uint8Array): number {
    const number = this.last + 1;
    const record = Buffer.alloc(headSize + changeset.length);
    record.set(changeset, headSize);
    record.writeUInt32BE(changeset.length, 0);
    record.writeBigUInt64BE(BigInt(number), 8);
    record.writeUInt32BE(crc32(record.subarray(8)), 4);
    write(this.#file, record, this.#length);
    fsyncSync(this.#file);
    this.#length += record.length;
    this.#records.push({ number, changeset });
    return number;
  }

  /** Takes the last record back: its transaction was not committed. */
  drop(): void {
    const record = this.#records.pop();
    if (!record) return;
    this.#length -= headSize + record.changeset.length;
    ftruncateSync(this.#file, this.#length);
    fsyncSync(this.#file);
  }

  /** What the output is going to be: what it was, and all that was recorded since. */
  merged(): Uint8Array {
    using group = new ChangesetGroup();
    if (existsSync(this.#output)) group.add(new Changeset(new Uint8Array(readFileSync(this.#output))));
    for (const { changeset } of this.#records) group.add(changeset);
    return group.output().bytes;
  }

  /** Writes the output and ends the journal, so that a crash in between neither loses nor doubles anything. */
  close(): Uint8Array {
    const merged = this.merged();
    writeOutput(`${this.#output}.new`, merged);
    renameSync(this.path, `${this.path}.${digestOf(merged)}`);
    syncFolder(dirname(this.path));
    closeSync(this.#file);
    this.#finish();
    return merged;
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
    rmSync(`${this.path}.${digestOf(readFileSync(this.#output))}`, { force: true });
  }

  /** Reads records up to the first that is torn. Returns where they end. */
  #read(bytes: Buffer, from: number): number {
    let at = from;
    while (at + headSize <= bytes.length) {
      const end = at + headSize + bytes.readUInt32BE(at);
      const number = at + headSize <= bytes.length ? Number(bytes.readBigUInt64BE(at + 8)) : 0;
      if (end > bytes.length || number !== this.last + 1) break;
      if (crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32BE(at + 4)) break;
      this.#records.push({ number, changeset: new Uint8Array(bytes.subarray(at + headSize, end)) });
      at = end;
    }
    return at;
  }
}
