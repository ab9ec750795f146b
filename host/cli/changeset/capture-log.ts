/** Where `changeset capture` keeps what a script committed until its output is written: a journal, or memory. */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { patchsetMark } from '../../changeset/format.js';
import { SQLITE_FULL } from '../../core/constants.js';
import { sqliteError } from '../../core/errors.js';
import { type CaptureEntry, type DatabaseSync, decodeCapture, encodeCapture } from '../../index.js';
import type { Given } from '../command.js';
import { CommandError, exitCodes, reason } from '../exit.js';
import { digestOf, type JournalOptions, journalOptions } from '../journal/format.js';
import { freeName, isTaken, Journal, type JournalSettings, wholePath } from '../journal/journal.js';
import { stateOf } from '../journal/leftover.js';
import type { Keeper } from '../journal/recorder.js';
import { type Kept, lastTables, parted, schemaDifference, type Tables } from '../journal/schema.js';
import { say } from '../output.js';
import { type Boundary, changesetsOf, counted } from './entries.js';
import type { Output } from './files.js';

export interface CaptureKeeper extends Keeper {
  /** Whether statements that change the schema will be in the output. */
  readonly ddl: boolean;
  /** Whether what is added is synced to disk at once, and not only safe from a kill. */
  syncs: boolean;
  /** The tables of the database when the last transaction was kept; undefined if that is not known. */
  readonly tables: Tables | undefined;
  /** Everything that was kept, in order, with a boundary wherever another program changed tables. It can be iterated again. */
  entries(): Iterable<CaptureEntry | Boundary>;
  /**
   * Writes the output, and forgets what it holds.
   *
   * @param output undefined if there are no bytes and nothing is written
   * @throws CommandError if it cannot be written
   */
  hand(bytes: Uint8Array, output: Output | undefined): Promise<void>;
  /** Closes it: what was not written out stays. */
  close(): void;
}

/**
 * @param path the database, as the user knows it
 * @throws CommandError if what a killed capture left cannot come first in the output
 */
export function captureKeeper(
  given: Given,
  output: Output,
  path: string,
  database: DatabaseSync,
): CaptureKeeper {
  if (database.location() === null) return new MemoryKeeper(given.on('ddl'));
  const keeper = new JournalKeeper(given, output, path);
  try {
    keeper.takeOver(database);
    return keeper;
  } catch (error) {
    keeper.close();
    throw error;
  }
}

/** For a database that is gone with the program. */
class MemoryKeeper implements CaptureKeeper {
  readonly digest = '';
  readonly tables = undefined;
  readonly ddl: boolean;
  syncs = false;
  readonly #kept: Uint8Array[] = [];

  constructor(ddl: boolean) {
    this.ddl = ddl;
  }

  add(entries: readonly CaptureEntry[]): number {
    return this.#kept.push(encodeCapture(entries));
  }

  acknowledge(): void {}

  drop(): void {
    this.#kept.pop();
  }

  entries(): Iterable<CaptureEntry> {
    return this.#kept.flatMap(decodeCapture);
  }

  async hand(bytes: Uint8Array, output: Output | undefined): Promise<void> {
    await output?.write(bytes);
  }

  close(): void {}
}

class JournalKeeper implements CaptureKeeper {
  #ddl: boolean;
  /** Undefined while there is nothing to keep: a script that changes nothing leaves no file. */
  #journal: Journal | undefined;
  readonly #settings: JournalSettings;
  readonly #options: JournalOptions;
  readonly #accepts: boolean;
  readonly #path: string;
  /** The output, as the user knows it. */
  readonly #out: string;
  #syncs = true;
  #tables: Tables | undefined;

  constructor(given: Given, output: Output, path: string) {
    this.#path = path;
    this.#out = output.isFile ? (given.text('output') ?? '') : '-';
    this.#accepts = given.on('accept-loss');
    this.#options = journalOptions(given);
    this.#settings = {
      path: output.isFile ? `${this.#out}.journal` : besideDatabase(path),
      output: this.#out,
      kind: 'capture',
      database: path,
      options: this.#options,
    };
    if (existsSync(this.#settings.path)) this.#journal = new Journal(this.#settings);
    this.#ddl = this.#options.ddl;
  }

  get ddl(): boolean {
    return this.#ddl;
  }

  get tables(): Tables | undefined {
    return this.#tables;
  }

  get digest(): string {
    return this.#journal?.digest ?? '';
  }

  /** Prepares what a killed capture left. @throws CommandError if it cannot come first in the output */
  takeOver(database: DatabaseSync): void {
    const journal = this.#journal;
    if (!journal) return;
    const { contents, head, path } = journal;
    if (journal.isEmpty) {
      journal.begin(null);
      return;
    }
    // An output that is still there is about to be overwritten, so that what it holds comes first again.
    const isDone = contents.written && !contents.inPlace;
    if (isDone || (contents.numbers.length === 0 && contents.faults.length === 0)) {
      journal.renew(null, [], () => false);
      return;
    }
    this.#refuseOtherKind(journal);
    this.#ddl ||= head?.options.ddl ?? true; // if unknown, everything is kept
    const last = contents.mark === 'done' || contents.offered ? 'after' : lastState(journal, database);
    const held = counted(contents.numbers.length, 'transaction');
    const isDamaged = !head || contents.faults.length > 0 || contents.tail?.kind === 'damaged';
    let problem: string | undefined;
    if (isDamaged) problem = `${path}, which a capture left that was killed, is damaged: ${held} can be read`;
    else if (head.database !== wholePath(this.#path)) {
      problem = `${path} holds ${held} of ${head.database}, which a capture left that was killed`;
    } else if (last === 'other') {
      problem = `another program changed ${this.#path}: it is neither as the last of ${held} in ${path} left it, nor as before that`;
    }
    if (problem !== undefined && !this.#accepts) {
      throw new CommandError(
        `${problem}. Nothing was changed. Run it with files that belong together, or pass --accept-loss to keep what can be read, which then comes first in the output`,
      );
    }
    if (problem === undefined) journal.goOn(last === 'after');
    else {
      const kept = freeName(`${path}.damaged`);
      const isWanted = (number: number): boolean => last !== 'before' || number !== contents.last;
      journal.renew(null, [], ({ number }) => isWanted(number), kept);
      say(`warning: ${problem}; the old journal is kept as ${kept}`);
    }
    if (journal.count === 0) return;
    this.#tables = lastTables(journal.kept());
    const difference = schemaDifference(this.#tables, database, this.#path, path);
    if (difference !== undefined) say(`warning: ${difference}`);
    const where = this.#out === '-' ? 'standard output' : this.#out;
    say(`${counted(journal.count, 'transaction')} committed by a killed capture come first in ${where}`);
  }

  add(entries: readonly CaptureEntry[], note: string): number {
    this.#journal ??= this.#begun();
    this.#journal.syncs = this.#syncs;
    return this.#journal.add(entries, note);
  }

  acknowledge(): void {
    this.#journal?.acknowledge();
  }

  drop(): void {
    this.#journal?.drop();
  }

  get syncs(): boolean {
    return this.#syncs;
  }

  set syncs(syncs: boolean) {
    this.#syncs = syncs;
  }

  entries(): Iterable<CaptureEntry | Boundary> {
    const kept = (): Iterable<Kept> => this.#journal?.kept() ?? [];
    return { [Symbol.iterator]: () => parted(kept()) };
  }

  async hand(bytes: Uint8Array, output: Output | undefined): Promise<void> {
    const journal = this.#journal;
    if (!journal || journal.count === 0) {
      await output?.write(bytes);
      this.#journal = undefined;
      journal?.remove();
      return;
    }
    try {
      journal.offer(digestOf(bytes));
      await output?.write(bytes);
      journal.handed();
    } catch (error) {
      journal.withdraw();
      const kept = `committed changes are kept in ${journal.path}: run it again with the same --db and --output, with an empty script if nothing is left to run`;
      const code = error instanceof CommandError ? error.exitCode : exitCodes.failed;
      const message = error instanceof Error ? error.message : String(error);
      if (code === exitCodes.unread) say(kept);
      throw new CommandError(message === '' ? '' : `${message}; ${kept}`, code);
    }
    this.#journal = undefined;
    journal.remove();
  }

  close(): void {
    this.#journal?.abandon();
    this.#journal = undefined;
  }

  #begun(): Journal {
    try {
      const journal = new Journal(this.#settings);
      try {
        journal.begin(null);
        return journal;
      } catch (error) {
        journal.abandon();
        throw error;
      }
    } catch (error) {
      throw sqliteError(SQLITE_FULL, reason(error));
    }
  }

  #refuseOtherKind(journal: Journal): void {
    for (const entries of journal.transactions()) {
      const [first] = changesetsOf(entries);
      if (!first) continue;
      if ((first[0] === patchsetMark) === this.#options.patchset) return;
      const [has, other] = this.#options.patchset ? ['changesets', 'without'] : ['patchsets', 'with'];
      throw new CommandError(
        `${journal.path}, left by a killed capture, holds ${has}: run it ${other} --patchset first`,
        exitCodes.usage,
      );
    }
  }
}

/** Whether the last transaction, which is not marked as committed, was committed. */
function lastState(journal: Journal, database: DatabaseSync): ReturnType<typeof stateOf> {
  let last: CaptureEntry[] = [];
  for (const entries of journal.transactions()) last = entries;
  return stateOf(database, last, journal.contents.note);
}

/** The journal of a capture to standard output: the first one that no other capture uses. */
function besideDatabase(database: string): string {
  for (let i = 1; i < 1000; i++) {
    const path = `${database}.capture-journal${i === 1 ? '' : `.${i}`}`;
    if (!existsSync(path) || !isTaken(path)) return path;
  }
  return `${database}.capture-journal.${randomUUID()}`;
}
