/** A database whose every committed transaction is in the journal. The daemon, not its clients, commits. */

import { SQLITE_SCHEMA } from '../../core/constants.js';
import { SqliteError } from '../../core/errors.js';
import { invalidState } from '../../db/arguments.js';
import type { SqlValue } from '../../db/values.js';
import type { Capture, DatabaseSync } from '../../index.js';
import { statementsOf } from '../changeset/entries.js';
import type { Journal } from './journal.js';

/** The table in which the database has the number of the last record of each journal. */
export const markers = '_sqlite_wasm_run_daemon';

export interface Answer {
  columns: string[];
  /** INTEGER as bigint, REAL as number. */
  rows: SqlValue[][];
  changes: number;
  lastInsertRowid: bigint;
  /** How many statements that change the schema were committed and captured. */
  statements: number;
}

/** What the first word of a statement makes of it. */
type Kind = 'begin' | 'commit' | 'rollback' | 'savepoint' | 'outside' | 'other';

const kinds: Readonly<Record<string, Kind>> = {
  BEGIN: 'begin',
  COMMIT: 'commit',
  END: 'commit',
  ROLLBACK: 'rollback',
  SAVEPOINT: 'savepoint',
  RELEASE: 'savepoint',
  VACUUM: 'outside',
  PRAGMA: 'outside',
  ATTACH: 'outside',
  DETACH: 'outside',
  EXPLAIN: 'outside',
};

const skipped = /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/;

function kindOf(sql: string): Kind {
  const text = sql.replace(skipped, '');
  // What the header holds for the program is set within a transaction, and captured with it.
  if (/^pragma\s+(?:"?main"?\s*\.\s*)?(?:user_version|application_id)\s*[=(]/i.test(text)) return 'other';
  const [word = ''] = /^[a-z]+/i.exec(text) ?? [];
  return kinds[word.toUpperCase()] ?? 'other';
}

export class Recorder {
  readonly #database: DatabaseSync;
  readonly #journal: Journal;
  readonly #begin: () => Capture;
  #capture: Capture;

  /**
   * @param database becomes the recorder's
   * @param begin starts a capture of it, which leaves {@link markers} out
   * @throws SqliteError where the database cannot be written
   */
  constructor(database: DatabaseSync, journal: Journal, begin: () => Capture) {
    this.#database = database;
    this.#journal = journal;
    this.#begin = begin;
    this.#database.exec(`BEGIN IMMEDIATE;
      CREATE TABLE IF NOT EXISTS ${markers}(journal TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
      INSERT OR IGNORE INTO ${markers} VALUES('${journal.name}', 0);
      COMMIT`);
    const { closedName } = journal;
    if (closedName !== undefined) this.#forget(closedName); // killed after it wrote the output
    journal.forget();
    journal.keep(this.#marker());
    this.#capture = begin();
  }

  /** Whether a client's transaction is open. */
  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /**
   * Runs one statement. Where it ends a transaction, its changeset is on the disk before.
   *
   * @throws SqliteError as SQLite has it; a transaction that it rolled back is gone then
   */
  run(sql: string, params: readonly SqlValue[] = []): Answer {
    const kind = kindOf(sql);
    const open = this.inTransaction;
    if (kind === 'savepoint' && !open)
      throw invalidState('begin a transaction first: savepoints live in one here');
    if (kind === 'commit' && open) {
      return { columns: [], rows: [], changes: 0, lastInsertRowid: 0n, statements: this.#commit() };
    }
    const statement = this.#database.prepare(sql, { readBigInts: true, returnArrays: true });
    const own = !open && kind === 'other';
    if (own) this.#database.exec('BEGIN IMMEDIATE');
    try {
      const before = this.#changes();
      const rows = statement.all(...params) as unknown as SqlValue[][];
      const columns = statement.columns().map(({ name }) => name);
      const { total, rowid } = this.#changes();
      const statements = own ? this.#commit() : 0;
      if (!this.inTransaction && open) this.#restart();
      return { columns, rows, changes: Number(total - before.total), lastInsertRowid: rowid, statements };
    } catch (error) {
      if (own && this.inTransaction) this.#database.exec('ROLLBACK');
      if (!this.inTransaction) this.#restart();
      throw error;
    }
  }

  /** Ends the open transaction without a trace. */
  rollback(): void {
    if (this.inTransaction) this.#database.exec('ROLLBACK');
    this.#restart();
  }

  /**
   * Ends the capture; the database is left without the daemon's table.
   *
   * @param finished called with the database before that
   */
  close(finished: (database: DatabaseSync) => void): void {
    this.rollback();
    this.#capture.close();
    finished(this.#database);
    this.#forget(this.#journal.name);
    this.#journal.forget();
    const left = this.#database.prepare(`SELECT count(*) AS n FROM ${markers}`).get();
    if (left?.n === 0) this.#database.exec(`DROP TABLE ${markers}`);
    this.#database.close();
  }

  /** Commits the open transaction. Returns how many statements that change the schema are in it. */
  #commit(): number {
    let entries: ReturnType<Capture['entries']>;
    try {
      entries = this.#capture.entries();
      const [lost] = this.#capture.lost();
      if (lost) throw new SqliteError(lost.message, SQLITE_SCHEMA, lost.message);
    } catch (error) {
      this.rollback();
      if (!(error instanceof SqliteError)) throw error;
      throw new SqliteError(
        `the transaction was rolled back, for it cannot be captured: ${error.message}`,
        error.errcode,
        error.errstr,
      );
    }
    if (entries.length === 0) {
      this.#database.exec('COMMIT');
      this.#restart();
      return 0;
    }
    const number = this.#journal.add(entries);
    try {
      this.#database
        .prepare(`UPDATE ${markers} SET number=? WHERE journal=?`)
        .run(BigInt(number), this.#journal.name);
      this.#database.exec('COMMIT');
    } catch (error) {
      // Where the transaction is over the row says whether it was committed after all.
      if (this.inTransaction || this.#marker() !== number) {
        this.#journal.drop();
        throw error;
      }
    }
    this.#restart();
    return statementsOf(entries).length;
  }

  #forget(journal: string): void {
    this.#database.prepare(`DELETE FROM ${markers} WHERE journal=?`).run(journal);
  }

  #marker(): number {
    const row = this.#database
      .prepare(`SELECT number FROM ${markers} WHERE journal=?`)
      .get(this.#journal.name);
    return Number(row?.number ?? 0);
  }

  #changes(): { total: bigint; rowid: bigint } {
    const sql = 'SELECT total_changes() AS total, last_insert_rowid() AS rowid';
    const row = this.#database.prepare(sql, { readBigInts: true }).get();
    return { total: row?.total as bigint, rowid: row?.rowid as bigint };
  }

  #restart(): void {
    this.#capture.close();
    this.#capture = this.#begin();
  }
}
