/** A database whose every committed transaction is in the journal. The daemon, not its clients, commits. */

import { SqliteError } from '../../core/errors.js';
import { invalidState } from '../../db/arguments.js';
import type { SqlValue } from '../../db/values.js';
import type { DatabaseSync, Session } from '../../index.js';
import { openDatabase } from '../changeset/files.js';
import type { Journal } from './journal.js';

const markers = '_sqlite_wasm_run_daemon';

export interface Answer {
  columns: string[];
  /** INTEGER as bigint, REAL as number. */
  rows: SqlValue[][];
  changes: number;
  lastInsertRowid: bigint;
  /** What the client should know; most often nothing. */
  note?: string;
}

/** What the first word of a statement makes of it. */
type Kind = 'begin' | 'commit' | 'rollback' | 'savepoint' | 'outside' | 'schema' | 'other';

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
  CREATE: 'schema',
  ALTER: 'schema',
  DROP: 'schema',
};

function kindOf(sql: string): Kind {
  const [, word = ''] = /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*([A-Za-z]+)/.exec(sql) ?? [];
  return kinds[word.toUpperCase()] ?? 'other';
}

export class Recorder {
  readonly #database: DatabaseSync;
  readonly #journal: Journal;
  readonly #tables: readonly string[];
  #session: Session;

  constructor(path: string, journal: Journal, tables: readonly string[]) {
    this.#database = openDatabase(path, { make: true });
    this.#journal = journal;
    this.#tables = tables;
    this.#database.exec(`BEGIN IMMEDIATE;
      CREATE TABLE IF NOT EXISTS ${markers}(journal TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
      INSERT OR IGNORE INTO ${markers} VALUES('${journal.name}', 0);
      COMMIT`);
    journal.keep(this.#marker());
    this.#session = this.#record();
  }

  /** Whether a client's transaction is open. */
  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** What is left out of the capture as things stand. */
  get warnings(): string[] {
    return this.#session.warnings().map(({ message }) => message);
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
      this.#commit();
      return { columns: [], rows: [], changes: 0, lastInsertRowid: 0n };
    }
    const statement = this.#database.prepare(sql, { readBigInts: true, returnArrays: true });
    const own = !open && (kind === 'schema' || kind === 'other');
    if (own) this.#database.exec('BEGIN IMMEDIATE');
    try {
      const before = this.#changes();
      const rows = statement.all(...params) as unknown as SqlValue[][];
      const columns = statement.columns().map(({ name }) => name);
      const { total, rowid } = this.#changes();
      if (own) this.#commit();
      if (!this.inTransaction && open) this.#restart();
      const note = kind === 'schema' ? { note: 'what it does to the schema is not in the changeset' } : {};
      return { columns, rows, changes: Number(total - before.total), lastInsertRowid: rowid, ...note };
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

  /** Ends the capture; the database is left without the daemon's table. @param finished called before that */
  close(finished: () => void): void {
    this.rollback();
    this.#session.close();
    finished();
    this.#database.prepare(`DELETE FROM ${markers} WHERE journal=?`).run(this.#journal.name);
    const left = this.#database.prepare(`SELECT count(*) AS n FROM ${markers}`).get();
    if (left?.n === 0) this.#database.exec(`DROP TABLE ${markers}`);
    this.#database.close();
  }

  #commit(): void {
    let changeset: Uint8Array;
    try {
      changeset = this.#session.changeset();
    } catch (error) {
      this.rollback();
      if (!(error instanceof SqliteError)) throw error;
      throw new SqliteError(
        `the transaction was rolled back, for it cannot be captured: ${error.message}`,
        error.errcode,
        error.errstr,
      );
    }
    if (changeset.length === 0) {
      this.#database.exec('COMMIT');
      this.#restart();
      return;
    }
    const number = this.#journal.add(changeset);
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
    this.#session.close();
    this.#session = this.#record();
  }

  #record(): Session {
    if (this.#tables.length > 0) return this.#database.createSession({ tables: this.#tables });
    return this.#database.createSession({ filter: [`!${markers}`] });
  }
}
