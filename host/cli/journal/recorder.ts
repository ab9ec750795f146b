/** Runs statements on a database, and stores the changes of every transaction before the commit. */

import { connectionOf } from '../../api/connections.js';
import { SqliteError, sqliteError } from '../../core/errors.js';
import type { Capture, CaptureEntry, DatabaseSync } from '../../index.js';
import { invalidState } from '../../kernel/arguments.js';
import { controlOf } from '../../kernel/tokens.js';
import type { SqlValue } from '../../kernel/values.js';
import { statementsOf } from '../changeset/entries.js';
import type { Guard } from './guard.js';

/** Stores transactions before they commit. */
export interface Keeper {
  /** The digest of the last stored transaction. */
  readonly digest: string;
  /** Stores the changes of a transaction. Returns its number. @throws SqliteError if that fails */
  add(entries: readonly CaptureEntry[], note: string): number;
  /** The last stored transaction was committed. */
  acknowledge(): void;
  /** Removes the last stored transaction, because it was not committed. */
  drop(): void;
}

/** Records facts from which a later process can find out whether a transaction was committed. */
export interface Witness {
  /** Returns the note to store with the transaction that is about to commit. */
  note(entries: readonly CaptureEntry[]): string;
  /** Called in the transaction that is about to commit. @throws SqliteError if it must not commit */
  committing(number: number, digest: string): void;
  committed(): void;
  /** Called if the commit failed and the transaction is still open. */
  failed(): void;
  /** Whether the transaction was committed although COMMIT returned an error. */
  isCommitted(number: number, entries: readonly CaptureEntry[]): boolean;
}

/** The result of a statement. */
export interface Ran {
  readonly changes: number;
  readonly lastInsertRowid: bigint;
  /** The number of captured statements that changed the schema. */
  readonly statements: number;
  /** The length of the statement in `sql`. More statements may follow. */
  readonly length: number;
}

/** Receives the rows of a statement. An INTEGER is a bigint, and a REAL is a number. */
export interface RowSink {
  columns(names: readonly string[]): void;
  row(values: readonly SqlValue[]): void;
}

/** The kind of a statement, according to its first word. */
type Kind = 'begin' | 'commit' | 'rollback' | 'savepoint' | 'release' | 'outside' | 'other';

const kinds: Readonly<Record<string, Kind>> = {
  BEGIN: 'begin',
  COMMIT: 'commit',
  END: 'commit',
  ROLLBACK: 'rollback',
  SAVEPOINT: 'savepoint',
  RELEASE: 'release',
  VACUUM: 'outside',
  PRAGMA: 'outside',
  ATTACH: 'outside',
  DETACH: 'outside',
  EXPLAIN: 'outside',
};

const skipped = /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))*/;

/** Removes leading space and comments from a statement. */
export const bare = (sql: string): string => sql.slice(skipped.exec(sql)?.[0].length ?? 0);

function kindOf(text: string): Kind {
  // These pragmas write header fields or statistics, which are captured with the transaction.
  if (/^pragma\s+(?:"?main"?\s*\.\s*)?(?:(?:user_version|application_id)\s*[=(]|optimize\b)/i.test(text))
    return 'other';
  const [word = ''] = /^[a-z]+/i.exec(text) ?? [];
  return kinds[word.toUpperCase()] ?? 'other';
}

const savepointOf = (text: string): string => controlOf(text)?.savepoint ?? '';

export interface RecorderOptions {
  readonly keeper: Keeper;
  readonly witness: Witness;
  /** The guard that classifies and refuses statements. */
  readonly guard: Guard;
  /** Starts a capture of the database. */
  begin(): Capture;
  /** Called after a statement is compiled and before it runs. @throws SqliteError if the statement is refused */
  check?(): void;
  /** Whether later transactions completely record the tables that a transaction created. */
  readonly remembersTables: boolean;
}

export class Recorder {
  readonly #database: DatabaseSync;
  readonly #options: RecorderOptions;
  #capture: Capture;
  /** The open savepoints if the first of them began the transaction; otherwise undefined. */
  #savepoints: string[] | undefined;
  #isRunning = false;

  constructor(database: DatabaseSync, options: RecorderOptions) {
    this.#database = database;
    this.#options = options;
    this.#capture = options.begin();
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Whether a statement of the user is running, and not one of the recorder. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** The capture of the open transaction. */
  get capture(): Capture {
    return this.#capture;
  }

  /**
   * Runs one statement. If the statement commits a transaction, the changes are stored before the commit.
   *
   * @param sink receives the rows, even if the statement fails later
   * @throws SqliteError the error of SQLite, which may have rolled back the transaction
   */
  run(sql: string, params: readonly SqlValue[] = [], sink?: RowSink): Ran {
    const text = bare(sql);
    const kind = kindOf(text);
    const open = this.inTransaction;
    if (!open) this.#savepoints = undefined;
    const { guard } = this.#options;
    const before = this.#totalChanges();
    const statement = guard.compile(() =>
      this.#database.prepare(sql, { readBigInts: true, returnArrays: true }),
    );
    using _ = statement;
    this.#options.check?.();
    const length = statement.sourceSQL.length;
    const answer = (statements: number): Ran => {
      const { db, engine } = connectionOf(this.#database);
      const { c } = engine.core;
      return {
        changes: Number(c.sqlite3_total_changes64(db) - before),
        lastInsertRowid: c.sqlite3_last_insert_rowid(db),
        statements,
        length,
      };
    };
    const ends =
      kind === 'commit' || (kind === 'release' && this.#savepoints?.lastIndexOf(savepointOf(text)) === 0);
    if (ends && open) return { ...answer(0), changes: 0, statements: this.#commit(false) };
    const begins = kind === 'savepoint' && !open;
    const own = begins || (!open && kind === 'other' && guard.writes);
    if (own) this.#database.exec('BEGIN');
    try {
      this.#isRunning = true;
      try {
        guard.watch(() => step(statement, params, sink));
      } finally {
        this.#isRunning = false;
      }
    } catch (error) {
      this.#afterFailure(own, begins);
      throw error;
    }
    this.#noteSavepoint(kind, text, begins);
    const ran = answer(0);
    if (own && !begins) return { ...ran, statements: this.#commit(true) };
    if (open && !this.inTransaction) this.#forget();
    return ran;
  }

  rollback(): void {
    if (this.inTransaction) this.#database.exec('ROLLBACK');
    this.#forget();
  }

  /** Ends the capture, and rolls back the open transaction. */
  close(): void {
    if (this.inTransaction) this.#database.exec('ROLLBACK');
    this.#capture.close();
  }

  /**
   * Handles a failed statement. The changes that INSERT OR FAIL made before its failure must be stored, because SQLite
   * commits them.
   */
  #afterFailure(own: boolean, begins: boolean): void {
    if (!this.inTransaction) this.#forget();
    else if (begins) this.rollback();
    else if (own) this.#commit(true);
  }

  #noteSavepoint(kind: Kind, text: string, begins: boolean): void {
    if (begins) this.#savepoints = [];
    const names = this.#savepoints;
    if (!names) return;
    if (kind === 'savepoint') names.push(savepointOf(text));
    else if (kind === 'release' || kind === 'rollback') {
      const at = names.lastIndexOf(savepointOf(text));
      if (at >= 0) names.length = kind === 'release' ? at : at + 1;
    }
  }

  /**
   * Commits the open transaction.
   *
   * @param own whether the transaction is that of a single statement; it is then rolled back if it cannot be committed
   * @returns the number of statements in it that change the schema
   */
  #commit(own: boolean): number {
    const { keeper, witness } = this.#options;
    let entries: CaptureEntry[];
    let number = 0;
    try {
      entries = this.#capture.entries();
      if (entries.length > 0) number = keeper.add(entries, witness.note(entries));
    } catch (error) {
      const [lost] = this.#capture.lost();
      if (this.inTransaction) this.#database.exec('ROLLBACK');
      this.#renew();
      if (!(error instanceof SqliteError)) throw error;
      throw sqliteError(
        error.errcode,
        `transaction rolled back, because it cannot be captured: ${lost?.message ?? error.message}`,
      );
    }
    try {
      if (number > 0) witness.committing(number, keeper.digest);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.inTransaction || number === 0 || !witness.isCommitted(number, entries)) {
        if (number > 0) keeper.drop();
        if (number > 0 && !own && this.inTransaction) witness.failed();
        if (own && this.inTransaction) this.rollback();
        else if (!this.inTransaction) this.#forget();
        throw error;
      }
    }
    if (number > 0) {
      witness.committed();
      keeper.acknowledge();
    }
    this.#forget();
    return statementsOf(entries).length;
  }

  /** Prepares for the next transaction. */
  #forget(): void {
    this.#savepoints = undefined;
    if (this.#options.remembersTables) this.#capture.forget();
    else this.#renew();
  }

  #renew(): void {
    this.#savepoints = undefined;
    this.#capture.close();
    this.#capture = this.#options.begin();
  }

  #totalChanges(): bigint {
    const { db, engine } = connectionOf(this.#database);
    return engine.core.c.sqlite3_total_changes64(db);
  }

  /** @throws Error (ERR_INVALID_STATE) if `sql` is a SAVEPOINT or RELEASE; call this if no transaction is open */
  static refuseSavepoint(sql: string): void {
    if (['savepoint', 'release'].includes(kindOf(bare(sql)))) {
      throw invalidState('savepoints need an open transaction here: run BEGIN first');
    }
  }
}

/** Runs a compiled statement completely. */
export function step(
  statement: ReturnType<DatabaseSync['prepare']>,
  params: readonly SqlValue[],
  sink: RowSink | undefined,
): void {
  if (!sink) {
    statement.run(...params);
    return;
  }
  let isFirst = true;
  for (const row of statement.iterate(...params)) {
    if (isFirst) sink.columns(statement.columns().map(({ name }) => name));
    isFirst = false;
    sink.row(row as unknown as SqlValue[]);
  }
  if (isFirst) sink.columns(statement.columns().map(({ name }) => name));
}
