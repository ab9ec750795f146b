/** Stores the transactions of a `changeset capture` until its output is written, in a journal or in memory. */

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
  /** Whether the output will contain statements that change the schema. */
  readonly ddl: boolean;
  /** Whether each added transaction is synced to disk, so that it survives a power failure and not only a kill. */
  syncs: boolean;
  /** The tables of the database at the last stored transaction; undefined if unknown. */
  readonly tables: Tables | undefined;
  /** All stored entries, with a boundary where another program changed tables. Can be iterated several times. */
  entries(): Iterable<CaptureEntry | Boundary>;
  /**
   * Writes the output, and removes the stored transactions.
   *
   * @param output undefined to write no output
   * @throws CommandError if the output cannot be written
   */
  hand(bytes: Uint8Array, output: Output | undefined): Promise<void>;
  /** Closes the journal. Transactions that are not in the output stay in it. */
  close(): void;
}

/**
 * @param path the path of the database, for messages
 * @throws CommandError if a killed capture left transactions that cannot be continued
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

/** Stores the transactions in memory, for a database that ends with the program. */
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
  ddl: boolean;
  syncs = true;
  tables: Tables | undefined;
  /** Undefined until the first transaction, so that a script that changes nothing leaves no file. */
  #journal: Journal | undefined;
  readonly #settings: JournalSettings;
  readonly #options: JournalOptions;
  readonly #accepts: boolean;
  readonly #path: string;
  /** The path of the output, for messages. */
  readonly #out: string;

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
    this.ddl = this.#options.ddl;
  }

  get digest(): string {
    return this.#journal?.digest ?? '';
  }

  /** Takes over the transactions that a killed capture left. @throws CommandError if they cannot be continued */
  takeOver(database: DatabaseSync): void {
    const journal = this.#journal;
    if (!journal) return;
    const { contents, head, path } = journal;
    if (journal.isEmpty) {
      journal.begin(null);
      return;
    }
    // If the output still exists, it will be overwritten, so its transactions must be written again.
    const isDone = contents.written && !contents.inPlace;
    if (isDone || (contents.numbers.length === 0 && contents.faults.length === 0)) {
      journal.renew(null, [], () => false);
      return;
    }
    this.#refuseOtherKind(journal);
    this.ddl ||= head?.options.ddl ?? true; // if unknown, keep schema changes too
    const last = contents.mark === 'done' || contents.offered ? 'after' : lastState(journal, database);
    const held = counted(contents.numbers.length, 'transaction');
    const isDamaged = !head || contents.faults.length > 0 || contents.tail?.kind === 'damaged';
    let problem: string | undefined;
    if (isDamaged) problem = `${path}, the journal of a killed capture, is damaged: ${held} can be read`;
    else if (head.database !== wholePath(this.#path)) {
      problem = `${path} contains ${held} of ${head.database} from a killed capture`;
    } else if (last === 'other') {
      problem = `another program changed ${this.#path}: its state is neither the one after the last of ${held} in ${path}, nor the one before`;
    }
    if (problem !== undefined && !this.#accepts) {
      throw new CommandError(
        `${problem}. Nothing was changed. Run the command with files that belong together, or pass --accept-loss to write the readable transactions first in the output`,
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
    this.tables = lastTables(journal.kept());
    const difference = schemaDifference(this.tables, database, this.#path, path);
    if (difference !== undefined) say(`warning: ${difference}`);
    const where = this.#out === '-' ? 'standard output' : this.#out;
    say(`${counted(journal.count, 'transaction')} of a killed capture come first in ${where}`);
  }

  add(entries: readonly CaptureEntry[], note: string): number {
    this.#journal ??= this.#begun();
    this.#journal.syncs = this.syncs;
    return this.#journal.add(entries, note);
  }

  acknowledge(): void {
    this.#journal?.acknowledge();
  }

  drop(): void {
    this.#journal?.drop();
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
      const kept = `committed changes are kept in ${journal.path}: run the command again with the same --db and --output, and with an empty script if no SQL is left to run`;
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
        `${journal.path}, left by a killed capture, contains ${has}: run the command ${other} --patchset first`,
        exitCodes.usage,
      );
    }
  }
}

/** Finds out whether the last transaction was committed, if the journal does not say. */
function lastState(journal: Journal, database: DatabaseSync): ReturnType<typeof stateOf> {
  let last: CaptureEntry[] = [];
  for (const entries of journal.transactions()) last = entries;
  return stateOf(database, last, journal.contents.note);
}

/** The path of the journal of a capture to standard output: the first one that no other capture uses. */
function besideDatabase(database: string): string {
  for (let i = 1; i < 1000; i++) {
    const path = `${database}.capture-journal${i === 1 ? '' : `.${i}`}`;
    if (!existsSync(path) || !isTaken(path)) return path;
  }
  return `${database}.capture-journal.${randomUUID()}`;
}
