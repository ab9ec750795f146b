/** Opens the daemon's output and its journal, compares the journal with the database, and writes the output. */

import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { patchsetMark } from '../../changeset/format.js';
import type { CaptureEntry, DatabaseSync } from '../../index.js';
import {
  type Boundary,
  checkedEntries,
  counted,
  kindOf,
  statementsOf,
  written,
} from '../changeset/entries.js';
import { syncFolder } from '../changeset/files.js';
import type { Given } from '../command.js';
import { CommandError, exitCodes, reason } from '../exit.js';
import {
  digestOf,
  fileDigest,
  type JournalOptions,
  journalOptions,
  writeBytesAt,
} from '../journal/format.js';
import { freeName, Journal } from '../journal/journal.js';
import type { Marker } from '../journal/marker.js';
import { parted } from '../journal/schema.js';
import { say } from '../output.js';

export class DaemonOutput {
  readonly journal: Journal;
  /** Whether the output will contain statements that change the schema. */
  readonly ddl: boolean;
  readonly #path: string;
  readonly #options: JournalOptions;
  readonly #accepts: boolean;
  /** The digest of the output when the journal was begun. */
  #base: string | null = null;

  /** @throws CommandError if another daemon writes the output, or if changes cannot be added to it */
  constructor(given: Given) {
    const path = given.text('output') ?? '';
    this.#path = path;
    this.#accepts = given.on('accept-loss');
    this.#options = journalOptions(given);
    this.journal = new Journal({
      path: `${path}.journal`,
      output: path,
      kind: 'daemon',
      database: given.text('db') ?? '',
      options: this.#options,
    });
    try {
      this.#base = fileDigest(path);
      const before = this.#before();
      this.#refuseOtherKind([...before, ...this.#firstOfJournal()]);
      const { head, contents } = this.journal;
      // If the options of the journal are unknown, keep schema changes too.
      const begun = head ? head.options.ddl : contents.numbers.length > 0;
      this.ddl = this.#options.ddl || begun || statementsOf(before).length > 0;
      this.#sayOptions();
    } catch (error) {
      this.journal.abandon();
      throw error;
    }
  }

  /** @throws CommandError if the database does not exist but the journal contains its transactions */
  refuseStrange(database: string): void {
    const { numbers, written: isWritten } = this.journal.contents;
    if (existsSync(database) || isWritten || numbers.length === 0) return;
    const held = counted(numbers.length, 'transaction');
    throw new CommandError(
      `${database} does not exist, but ${this.journal.path} contains ${held} of it: start with the database of that journal`,
    );
  }

  /**
   * Compares the journal with its record in the database, and prepares both for new transactions.
   *
   * @throws CommandError if they do not match and `--accept-loss` is not given; in that case nothing is changed
   */
  agree(marker: Marker): void {
    const { journal } = this;
    const { contents } = journal;
    const { problem: found, other, withLast, committed, forgotten } = marker.agreement(journal);
    if (other !== undefined) throw new CommandError(other);
    const problem = found ?? this.#strangeBase();
    if (problem !== undefined && !this.#accepts) {
      throw new CommandError(
        `${problem}. Nothing was changed. Restore the right files, or start with --accept-loss to write the readable transactions to ${this.#path} and lose the rest`,
      );
    }
    if (contents.offered && !contents.written) this.#sayAgain();
    const names = [...forgotten, ...(journal.name === '' ? [] : [journal.name])];
    if (problem !== undefined) {
      const kept = journal.isEmpty ? undefined : freeName(`${journal.path}.damaged`);
      journal.renew(this.#base, names, ({ mark, number }) => mark !== 'none' || number <= committed, kept);
      const where = kept === undefined ? '' : `; the old journal is kept as ${kept}`;
      say(`warning: ${problem}: ${counted(journal.count, 'transaction')} are kept${where}`);
    } else if (contents.written || this.#isIdle) journal.renew(this.#base, names, () => false);
    else if (journal.isEmpty) journal.begin(this.#base);
    else journal.goOn(withLast);
    marker.enter(
      journal,
      names.filter((name) => name !== journal.name),
    );
    if (contents.head) this.#clear(contents.head.name);
    const difference = marker.goOn(journal);
    if (difference !== undefined) {
      const apart = this.ddl
        ? `, and the changes captured before and after it stay separate in ${this.#path}`
        : '';
      say(`warning: ${difference}${apart}`);
    }
  }

  /**
   * Writes the output.
   *
   * @returns whether it is a capture although `--ddl` was not given
   * @throws CommandError if the output cannot be written
   */
  hand(database: DatabaseSync): boolean {
    const kept = `captured changes stay in ${this.journal.path}: start the daemon again with the same files`;
    if (fileDigest(this.#path) !== this.#base) {
      throw new CommandError(`${this.#path} was changed by another program: restore it; ${kept}`);
    }
    const { bytes, apart } = written(this.entries(), this.ddl, database);
    const target = this.#target;
    const work = this.#workName(this.journal.name);
    let isInPlace = false;
    try {
      const mode = statSync(target, { throwIfNoEntry: false })?.mode ?? 0o666;
      const file = openSync(work, 'w', mode & 0o777);
      try {
        writeBytesAt(file, bytes, 0);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      syncFolder(dirname(target));
      this.journal.offer(digestOf(bytes));
      renameSync(work, target);
      isInPlace = true;
      syncFolder(dirname(target));
      this.journal.handed();
    } catch (error) {
      rmSync(work, { force: true });
      if (!isInPlace) this.journal.withdraw(); // otherwise the digest of the output shows that it is complete
      throw new CommandError(`cannot write ${this.#path}: ${reason(error)}; ${kept}`);
    }
    say(`${this.#path}: ${kindOf(bytes)}`);
    return apart;
  }

  /**
   * The entries of the existing output, followed by the recorded entries, with a boundary wherever another program
   * changed tables.
   */
  entries(): Iterable<CaptureEntry | Boundary> {
    const before = (): CaptureEntry[] => this.#before();
    const { journal } = this;
    return {
      *[Symbol.iterator]() {
        let last: CaptureEntry | undefined;
        for (const entry of before()) {
          // These changesets were separate in the existing output.
          if (entry.kind === 'changeset' && last?.kind === 'changeset') yield { kind: 'boundary' };
          yield entry;
          last = entry;
        }
        yield* parted(journal.kept());
      },
    };
  }

  #before(): CaptureEntry[] {
    if (!existsSync(this.#path)) return [];
    const entries = checkedEntries(new Uint8Array(readFileSync(this.#path)), this.#path);
    if (typeof entries !== 'string') return entries;
    throw new CommandError(
      `${this.#path} exists, but is not a changeset to which changes can be added: ${entries}`,
      exitCodes.malformed,
    );
  }

  #firstOfJournal(): CaptureEntry[] {
    if (this.journal.contents.written) return [];
    for (const entries of this.journal.transactions()) {
      if (entries.some(({ kind }) => kind === 'changeset')) return entries;
    }
    return [];
  }

  #refuseOtherKind(entries: readonly CaptureEntry[]): void {
    const first = entries.find((entry) => entry.kind === 'changeset');
    if (!first || (first.bytes[0] === patchsetMark) === this.#options.patchset) return;
    const [has, other] = this.#options.patchset ? ['changesets', 'without'] : ['patchsets', 'with'];
    throw new CommandError(`${this.#path} contains ${has}: start ${other} --patchset`, exitCodes.usage);
  }

  /** Reports how the options differ from those of the journal. The recorded transactions do not change. */
  #sayOptions(): void {
    const { head, numbers, written: isWritten } = this.journal.contents;
    if (!head || isWritten || numbers.length === 0) return;
    const { options } = head;
    if (options.ddl && !this.#options.ddl) {
      say(
        `${this.#path} was begun with --ddl, which stays in effect: it will contain the statements that change the schema`,
      );
    }
    const words = ({ rowid, tables }: JournalOptions): string =>
      [...tables.map((table) => `--table ${table}`), ...(rowid ? ['--rowid'] : [])].join(' ') ||
      'neither --table nor --rowid';
    const [then, now] = [words(options), words(this.#options)];
    if (then !== now) say(`${this.#path} was begun with ${then}; it continues with ${now}`);
  }

  /** Whether the journal is empty and belongs to an earlier state of the output. */
  get #isIdle(): boolean {
    const { head, numbers, faults, tail } = this.journal.contents;
    return head !== undefined && head.base !== this.#base && numbers.length + faults.length === 0 && !tail;
  }

  /** Warns if a removed output is about to be written again. */
  #sayAgain(): void {
    const { head } = this.journal.contents;
    if (!head || existsSync(this.#workName(head.name))) return;
    say(`warning: ${this.#path} was written before but no longer exists: its changes are written again`);
  }

  #strangeBase(): string | undefined {
    const { head, written: isWritten } = this.journal.contents;
    if (!head || isWritten || head.base === this.#base || this.#isIdle) return undefined;
    return `${this.journal.path} does not belong to ${this.#path} as it is now`;
  }

  /** Removes the temporary output of a killed daemon. */
  #clear(name: string): void {
    rmSync(this.#workName(name), { force: true });
  }

  /** The path of the output, with symbolic links resolved. */
  get #target(): string {
    return existsSync(this.#path) ? realpathSync(this.#path) : this.#path;
  }

  /** The path of the temporary output. The name is unique, because it contains the journal's name. */
  #workName(journal: string): string {
    return join(dirname(this.#target), `.${basename(this.#target)}.${journal}`);
  }
}
