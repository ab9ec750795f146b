/** A database that writes every transaction to a journal before it commits. */

import { connectionOf } from '../../api/connections.js';
import { SqliteError, sqliteError } from '../../core/errors.js';
import type { Capture, CaptureEntry, DatabaseSync } from '../../index.js';
import { invalidState } from '../../kernel/arguments.js';
import type { SqlValue } from '../../kernel/values.js';
import { statementsOf } from '../changeset/entries.js';
import type { Guard } from './guard.js';

/** Where transactions are kept before they commit. */
export interface Keeper {
  /** The digest of what was added last. */
  readonly digest: string;
  /** Keeps what a transaction changed. Returns its number. @throws SqliteError if it cannot */
  add(entries: readonly CaptureEntry[], note: string): number;
  /** The last one is committed. */
  acknowledge(): void;
  /** The last one is not committed. */
  drop(): void;
}

/** Tells after a kill whether a transaction was committed. */
export interface Witness {
  /** What is kept with the changes of the transaction that is about to commit. */
  note(entries: readonly CaptureEntry[]): string;
  /** Within the transaction that is about to commit. @throws SqliteError if it must not */
  committing(number: number, digest: string): void;
  /** It was committed. */
  committed(): void;
  /** It could not be committed, and is open still. */
  failed(): void;
  /** Whether it was committed, although COMMIT failed. */
  isCommitted(number: number, entries: readonly CaptureEntry[]): boolean;
}

/** The result of a statement. */
export interface Ran {
  readonly changes: number;
  readonly lastInsertRowid: bigint;
  /** How many statements that change the schema were committed and captured. */
  readonly statements: number;
  /** The length of the statement in `sql`, which more may follow. */
  readonly length: number;
}

/** Takes the rows of a statement: INTEGER as bigint, REAL as number. */
export interface RowSink {
  columns(names: readonly string[]): void;
  row(values: readonly SqlValue[]): void;
}

/** The kind of a statement, by its first word. */
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
const name = /"(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\[[^\]]*\]|[\w$\u0080-\uffff]+/.source;
const savepointName = new RegExp(
  `^(?:savepoint|release(?:\\s+savepoint)?|rollback(?:\\s+transaction)?\\s+to(?:\\s+savepoint)?)\\s*(${name})`,
  'i',
);

/** A statement without leading space and comments. */
export const bare = (sql: string): string => sql.slice(skipped.exec(sql)?.[0].length ?? 0);

function kindOf(text: string): Kind {
  // What the header holds for the program, and the statistics that ANALYZE makes, are captured with the transaction.
  if (/^pragma\s+(?:"?main"?\s*\.\s*)?(?:(?:user_version|application_id)\s*[=(]|optimize\b)/i.test(text))
    return 'other';
  const [word = ''] = /^[a-z]+/i.exec(text) ?? [];
  return kinds[word.toUpperCase()] ?? 'other';
}

/** The savepoint that a statement names, in lower case and without quotes. */
function savepointOf(text: string): string {
  const [, written = ''] = savepointName.exec(text.replace(/\/\*[\s\S]*?\*\/|--[^\n]*\n/g, ' ')) ?? [];
  const quote = /^["'`[]/.exec(written)?.[0];
  if (quote === undefined) return written.toLowerCase();
  const end = quote === '[' ? ']' : quote;
  return written
    .slice(1, -1)
    .replaceAll(end + end, end)
    .toLowerCase();
}

export interface RecorderOptions {
  readonly keeper: Keeper;
  readonly witness: Witness;
  /** Knows what statements do. */
  readonly guard: Guard;
  /** Starts a capture of the database. */
  begin(): Capture;
  /** Called with a statement compiled, before it runs. @throws SqliteError if it is refused */
  check?(): void;
  /** Whether tables that a transaction made are recorded whole in those that follow. */
  readonly remembersTables: boolean;
}

export class Recorder {
  readonly #database: DatabaseSync;
  readonly #options: RecorderOptions;
  #capture: Capture;
  /** The savepoints that are open, if the first of them began the transaction. */
  #savepoints: string[] | undefined;
  #isRunning = false;

  constructor(database: DatabaseSync, options: RecorderOptions) {
    this.#database = database;
    this.#options = options;
    this.#capture = options.begin();
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Whether a statement of the user's is running, and not the recorder at work. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** The capture of the transaction that is open. */
  get capture(): Capture {
    return this.#capture;
  }

  /**
   * Runs one statement. If it ends a transaction, what that changed is kept before.
   *
   * @param sink takes the rows; those of a statement that then fails too
   * @throws SqliteError as SQLite has it; a transaction that it rolled back is gone then
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

  /** Rolls back the open transaction. */
  rollback(): void {
    if (this.inTransaction) this.#database.exec('ROLLBACK');
    this.#forget();
  }

  /** Ends the capture, and rolls back what is open. */
  close(): void {
    if (this.inTransaction) this.#database.exec('ROLLBACK');
    this.#capture.close();
  }

  /** Keeps the effect of a failed statement: SQLite commits what INSERT OR FAIL did before it failed. */
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
   * @param own whether it is that of a single statement, and is rolled back if it cannot be committed
   * @returns how many statements that change the schema are in it
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

  /** Goes on to the next transaction. */
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

  /** @throws Error (ERR_INVALID_STATE) for a savepoint outside of a transaction */
  static refuseSavepoint(sql: string): void {
    if (['savepoint', 'release'].includes(kindOf(bare(sql)))) {
      throw invalidState('savepoints need an open transaction here: run BEGIN first');
    }
  }
}

/** Runs a statement to its end. */
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
