/**
 * The table in which a database records its journals, with the number and digest of each journal's last transaction.
 * Every transaction updates its row. The table shows which transactions of a journal were committed, and whether the
 * journal belongs to the database.
 */

import { existsSync } from 'node:fs';
import { connectionOf } from '../../api/connections.js';
import { writeTransaction } from '../../api/write-transaction.js';
import { SQLITE_MISUSE } from '../../core/constants.js';
import { sqliteError } from '../../core/errors.js';
import type { DatabaseSync } from '../../index.js';
import { counted } from '../changeset/entries.js';
import { CommandError } from '../exit.js';
import { markers } from './format.js';
import { isTaken, type Journal, wholePath } from './journal.js';
import type { Witness } from './recorder.js';
import { lastTables, schemaDifference, TableNotes } from './schema.js';

const table = `main.${markers}`;
const columns = ['journal', 'number', 'digest', 'path'];

interface Row {
  readonly journal: string;
  readonly number: number;
  readonly digest: string;
  readonly path: string;
}

/** `run` must return bigints, because the connection's last rowid, which a client set, can be any 64-bit integer. */
const exact = { readBigInts: true };

/** Whether a journal and its database match. */
export interface Agreement {
  /** Why they do not match; undefined if they match. */
  readonly problem: string | undefined;
  /** A message that another journal of the database must be finished first; undefined if there is none. */
  readonly other?: string;
  /** Whether the journal's last transaction was committed. */
  readonly withLast: boolean;
  readonly committed: number;
  /** The journals whose rows can be deleted when the row of this journal is inserted. */
  readonly forgotten: readonly string[];
}

export class Marker implements Witness {
  readonly #database: DatabaseSync;
  /** The path of the database, for messages. */
  readonly #name: string;
  readonly #rows: readonly Row[];
  readonly #tables: TableNotes;
  /** The present row of the journal. */
  #row: Row | undefined;
  /** The row of the journal after the COMMIT. */
  #next: Row | undefined;

  /** @throws CommandError if the table has another version */
  constructor(database: DatabaseSync, name: string) {
    this.#database = database;
    this.#name = name;
    this.#rows = this.#read();
    this.#tables = new TableNotes(database);
  }

  /** Compares the database with an existing journal. */
  agreement(journal: Journal): Agreement {
    const { contents, path } = journal;
    const { numbers, faults, last, head } = contents;
    const here = wholePath(path);
    const own = this.#rows.find((row) => row.journal === journal.name);
    const replaced = this.#rows.filter((row) => head?.replaces?.includes(row.journal));
    // If the first line is damaged, find the journal's row by its path.
    const unnamed = this.#rows.find((row) => !head && row.path === here);
    const row = own ?? unnamed;
    const others = this.#rows.filter((other) => other !== row && !replaced.includes(other));
    const idle = others.filter(
      (other) => other.number === 0 && (other.path === here || !existsSync(other.path)),
    );
    const forgotten = [...replaced, ...idle, ...(unnamed ? [unnamed] : [])].map((other) => other.journal);
    const committed = row?.number ?? 0;
    const agreed: Agreement = { problem: undefined, withLast: true, committed, forgotten };
    const but = (problem: string, more: readonly Row[] = []): Agreement => ({
      ...agreed,
      problem,
      forgotten: [...forgotten, ...more.map((other) => other.journal)],
    });

    const lost = others.find((other) => other.number > 0 && (other.path === here || !existsSync(other.path)));
    if (lost) {
      const is = lost.path === here && !journal.isEmpty ? 'was replaced by another' : 'is missing';
      return but(
        `${lost.path === here ? path : lost.path} ${is}: it held ${counted(lost.number, 'transaction')} committed in ${this.#name}`,
        [lost],
      );
    }
    const left = others.find((other) => other.number > 0 && other.path !== here && !isTaken(other.path));
    if (left) {
      const output = left.path.replace(/\.journal$/, '');
      const other = `${left.path} contains ${counted(left.number, 'transaction')} of ${this.#name} that are not in an output yet: start with --output ${output} first`;
      return { ...agreed, other };
    }
    if (contents.written || journal.isEmpty) {
      if (committed === 0 || contents.written) return agreed;
      return but(
        `${path} ${journal.isNew ? 'is missing' : 'was cut'}: it held ${counted(committed, 'transaction')} committed in ${this.#name}`,
      );
    }
    if (!row) {
      if (numbers.length === 0 && faults.length === 0) return agreed;
      if (replaced.length > 0) return agreed;
      return but(
        `${this.#name} does not know ${path}, which contains ${counted(numbers.length, 'transaction')}`,
      );
    }
    if (faults.length > 0 || last < committed || !head) {
      const readable = numbers.filter((number) => number <= committed).length;
      const at = faults[0] ?? contents.tail;
      return but(
        `${path} is damaged${at ? ` (byte ${at.at})` : ''}: of ${counted(committed, 'transaction')} committed in ${this.#name}, ${readable} can be read`,
      );
    }
    if (last === committed) {
      if (row.digest === contents.digest) return agreed;
      return but(`${path} and ${this.#name} do not have the same ${counted(last, 'transaction')}`);
    }
    const isUnfinished = last === committed + 1 && contents.mark === 'none' && contents.tail === undefined;
    if (isUnfinished && row.digest === contents.before) return { ...agreed, withLast: false };
    return but(
      `${path} contains ${counted(last, 'transaction')}, but ${this.#name} has ${committed} of them: it is an earlier state of the journal's database, or another database`,
    );
  }

  /** Inserts the row of a journal and deletes those of others. @throws SqliteError if the database cannot be written */
  enter(journal: Journal, forgotten: readonly string[]): void {
    const { name, count: number, digest } = journal;
    const path = wholePath(journal.path);
    this.#row = { journal: name, number, digest, path };
    writeTransaction(this.#database, () => {
      this.#database.exec(`CREATE TABLE IF NOT EXISTS ${table}(journal TEXT PRIMARY KEY, number INTEGER NOT NULL,
        digest TEXT NOT NULL, path TEXT NOT NULL) WITHOUT ROWID`);
      this.#forget(forgotten);
      this.#database
        .prepare(`INSERT OR REPLACE INTO ${table}(journal, number, digest, path) VALUES(?, ?, ?, ?)`, exact)
        .run(name, BigInt(number), digest, path);
    });
  }

  /** Deletes the row of the journal, because the output contains its transactions. */
  leave(): void {
    const row = this.#row;
    if (!row) return;
    writeTransaction(this.#database, () => {
      this.#forget([row.journal]);
      const rest = this.#database.prepare(`SELECT count(*) AS n FROM ${table}`).get();
      if (rest?.n === 0) this.#database.exec(`DROP TABLE ${table}`);
    });
  }

  note(): string {
    const tables = this.#tables.next();
    return tables ? JSON.stringify({ tables }) : '';
  }

  /**
   * Continues with the tables that a journal noted last.
   *
   * @returns a message that says how the tables of the database differ; undefined if they do not
   */
  goOn(journal: Journal): string | undefined {
    const tables = lastTables(journal.kept());
    this.#tables.goOn(tables);
    return schemaDifference(tables, this.#database, this.#name, journal.path);
  }

  committing(number: number, digest: string): void {
    if (!this.#row) throw new Error('the journal is not recorded in the database yet');
    const next = { ...this.#row, number, digest };
    this.#replace(this.#row, next);
    this.#next = next;
  }

  failed(): void {
    if (this.#row && this.#next) this.#replace(this.#next, this.#row);
    this.#next = undefined;
  }

  committed(): void {
    this.#row = this.#next;
    this.#next = undefined;
    this.#tables.committed();
  }

  isCommitted(number: number): boolean {
    const row = this.#database
      .prepare(`SELECT number FROM ${table} WHERE journal=?`)
      .get(this.#row?.journal ?? '');
    return row?.number === number;
  }

  /** Replaces the row of the journal. @throws SqliteError (SQLITE_MISUSE) if another program changed the row */
  #replace(row: Row, next: Row): void {
    this.#database
      .prepare(`UPDATE ${table} SET number=?, digest=? WHERE journal=? AND number=? AND digest=?`, exact)
      .run(BigInt(next.number), next.digest, row.journal, BigInt(row.number), row.digest);
    const { db, engine } = connectionOf(this.#database);
    if (engine.core.c.sqlite3_changes64(db) === 1n) return;
    const message = `another program changed ${markers}, in which ${this.#name} tracks captured changes: end the daemon, and start it again`;
    throw sqliteError(SQLITE_MISUSE, message);
  }

  #forget(journals: readonly string[]): void {
    const statement = this.#database.prepare(`DELETE FROM ${table} WHERE journal=?`, exact);
    for (const journal of journals) statement.run(journal);
  }

  #read(): Row[] {
    const there = this.#database
      .prepare('SELECT name FROM pragma_table_info(?, ?) ORDER BY cid')
      .all(markers, 'main')
      .map(({ name }) => String(name));
    if (there.length === 0) return [];
    if (there.join() !== columns.join()) {
      throw new CommandError(
        `${this.#name} has a table ${markers} of another version: start and end the version of the program that made it, or drop the table if its captured changes are not needed`,
      );
    }
    return this.#database
      .prepare(`SELECT ${columns.join(', ')} FROM ${table}`)
      .all()
      .map((row) => ({
        journal: String(row.journal),
        number: Number(row.number),
        digest: String(row.digest),
        path: String(row.path),
      }));
  }
}
