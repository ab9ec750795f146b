/** Runs the function of a transaction and records its changes. Throws an error if the changes cannot be replicated. */

import type { Capture } from '../api/capture.js';
import { connectionOf } from '../api/connections.js';
import type { DatabaseSync } from '../api/database.js';
import { ChangesetReader } from '../changeset/reader.js';
import { SqliteError } from '../core/errors.js';
import { hooksOf } from '../kernel/hooks.js';
import { query, quotedName } from '../kernel/query.js';
import { maxColumns } from '../kernel/schema.js';
import type { CaptureEntry } from '../recording/capture-format.js';
import { collatedKeyChanges } from '../recording/collated-keys.js';
import { schemaStatement } from '../recording/ddl.js';
import { isOwn, refusedEntry, travels } from './allowed.js';
import { type ReplicaError, replicaError } from './errors.js';
import { Kept } from './fulltext.js';
import type { Guard } from './guard.js';
import type { SchemaFacts } from './schema.js';

/** The return value of a transaction's function, and the recorded changes. */
export interface Recorded<T> {
  readonly value: T;
  readonly entries: readonly CaptureEntry[];
}

export interface Recording {
  readonly capture: Capture;
  /** The changed rows of tables whose keys can be NULL. */
  readonly rows: Map<string, Set<bigint>>;
}

/** If a table has more changed rows than this, the whole table is searched for NULL keys. */
const maxRowids = 500;

export const changesSchema = (entries: readonly CaptureEntry[]): boolean =>
  entries.some(({ kind }) => kind === 'ddl');

export class TransactionRecorder implements Disposable {
  readonly #database: DatabaseSync;
  readonly #guard: Guard;
  readonly #schema: SchemaFacts;
  #capture: Capture | undefined;
  /** The full-text tables at the beginning of the transaction. */
  #kept = new Kept();

  constructor(database: DatabaseSync, guard: Guard, schema: SchemaFacts) {
    this.#database = database;
    this.#guard = guard;
    this.#schema = schema;
  }

  /**
   * Runs and records a function in the open transaction.
   *
   * @throws ReplicaError (`unrecordable`, `refused`) if the changes must not be committed; any error that the function
   *   throws
   */
  run<T>(action: () => T): Recorded<T> {
    const recording = this.start();
    const value = this.step(recording, action);
    return { value, entries: this.finish(recording) };
  }

  /** Begins to record in the open transaction. */
  start(): Recording {
    return { capture: this.#own(() => this.#begin()), rows: new Map() };
  }

  /** Runs and records a part of the transaction. @throws the errors of {@link run} */
  step<T>({ rows }: Recording, action: () => T): T {
    const hooks = hooksOf(connectionOf(this.#database));
    const hook = {
      update: (_: number, database: string, table: string, rowid: bigint): void => {
        if (database === 'main') noteRow(rows, table, rowid);
      },
    };
    const isWatched = this.#own(() => this.#look());
    if (isWatched) hooks.add(hook);
    let value: T;
    try {
      value = this.#guard.inside(action);
    } finally {
      if (isWatched) hooks.remove(hook);
    }
    if (!this.#database.isTransaction) {
      throw replicaError(
        'refused',
        'SQLite rolled back the transaction, for example because of ON CONFLICT ROLLBACK: use ON CONFLICT ABORT, which undoes only the statement',
      );
    }
    if (isThenable(value)) {
      throw replicaError(
        'refused',
        'the function of a transaction returned a promise: it must be synchronous, because the database is locked while it runs',
      );
    }
    return value;
  }

  /** Returns the recorded changes. @throws the errors of {@link run} */
  finish({ capture, rows }: Recording): CaptureEntry[] {
    return this.#own(() => this.#entries(capture, rows));
  }

  /** Records changes that the replica itself makes in the open transaction. */
  repeat<T>(action: () => T): Recorded<T> {
    return this.#own(() => {
      const capture = this.#begin();
      this.#look();
      const value = action();
      return { value, entries: this.#entries(capture, new Map()) };
    });
  }

  /** Clears the recording after a commit. The next transaction uses the same sessions. */
  committed(): void {
    this.#capture?.forget();
  }

  /** Ends the recording after a rollback, or before changes that must not be recorded. */
  drop(): void {
    this.#capture?.close();
    this.#capture = undefined;
  }

  [Symbol.dispose](): void {
    this.#capture?.[Symbol.dispose]();
    this.#capture = undefined;
  }

  #begin(): Capture {
    this.#capture ??= this.#database.capture({
      rowid: true,
      filter: (table) => travels(table) && !this.#kept.isIndex(table),
    });
    return this.#capture;
  }

  /** Reads the schema. Returns whether any table has a key that can be NULL. */
  #look(): boolean {
    this.#kept = this.#schema.kept;
    return this.#schema.hasNullableKeys;
  }

  #own<T>(action: () => T): T {
    return this.#guard.own(action);
  }

  #entries(capture: Capture, rows: ReadonlyMap<string, ReadonlySet<bigint>>): CaptureEntry[] {
    let all: CaptureEntry[];
    try {
      all = capture.entries();
    } catch (error) {
      if (!(error instanceof SqliteError)) throw error;
      throw unrecordable(error.message, error);
    }
    const captured = all.filter(
      (entry) => entry.kind !== 'ddl' || schemaStatement(entry.sql).verb !== 'analyze',
    );
    const hasMade = changesSchema(captured);
    const entries: CaptureEntry[] = [];
    const kept = this.#keptIn(captured);
    for (const entry of captured) {
      if (entry.kind === 'ddl') {
        const why = refusedEntry(entry);
        if (why !== undefined) throw unrecordable(why);
        entries.push(entry);
        continue;
      }
      const bytes = kept.logical(entry.bytes);
      if (bytes.length === 0) continue;
      this.#refuseTables(bytes, hasMade);
      entries.push({ kind: 'changeset', bytes });
    }
    for (const [table, ids] of rows) this.#refuseNullKeys(table, ids);
    return entries;
  }

  /** The full-text tables that exist before, during or after a transaction with these entries. */
  #keptIn(entries: readonly CaptureEntry[]): Kept {
    const before = this.#kept;
    const after = this.#schema.kept;
    if (!changesSchema(entries)) return before;
    const all = new Kept([...before.names, ...after.names]);
    let hasMade = false;
    for (const entry of entries) {
      if (entry.kind !== 'ddl') continue;
      const { isVirtual, renames, name = '' } = schemaStatement(entry.sql);
      if (isVirtual) all.add(name);
      if (renames && hasMade) {
        throw unrecordable('it creates a full-text table and renames a table: use a transaction for each');
      }
      hasMade ||= isVirtual;
    }
    return all;
  }

  /** @param hasMade whether the transaction changes the schema; rows of new tables can be sent without a key */
  #refuseTables(bytes: Uint8Array, hasMade: boolean): void {
    const schema = this.#schema;
    const reader = new ChangesetReader(bytes, {
      onHead: ({ table: { name } }) => {
        const { kind, hasKey, columns } = schema.of(name);
        if (columns > maxColumns) {
          throw unrecordable(`${name} has more than ${maxColumns} columns, which SQLite cannot apply`);
        }
        if (kind === 'shadow') {
          throw unrecordable(`${name} belongs to a virtual table, and virtual tables are not replicated`);
        }
        if (kind === 'table' && !hasKey && !hasMade) {
          throw unrecordable(
            `${name} has no PRIMARY KEY, which must identify its rows in other copies: create the table with one`,
          );
        }
      },
    });
    while (reader.next());
    const [spelled] = collatedKeyChanges(bytes, (table) => schema.of(table).hasCollatedKey);
    if (spelled === undefined) return;
    throw unrecordable(
      `a key of ${spelled} was changed to one that its collation treats as equal: delete the row and insert it in two transactions`,
    );
  }

  #refuseNullKeys(table: string, ids: ReadonlySet<bigint>): void {
    const { nullableKey, rowid } = this.#schema.of(table);
    if (nullableKey.length === 0 || !travels(table) || isOwn(table)) return;
    const isNull = nullableKey.map((name) => `${quotedName(name)} IS NULL`).join(' OR ');
    const among = rowid !== undefined && ids.size <= maxRowids ? ` AND ${rowid} IN (${[...ids].join()})` : '';
    const found = query(
      connectionOf(this.#database),
      `SELECT 1 FROM main.${quotedName(table)} WHERE (${isNull})${among} LIMIT 1`,
    );
    if (found.length === 0) return;
    throw unrecordable(
      `a row of ${table} has NULL in its PRIMARY KEY, which must identify it in other copies: declare the key NOT NULL`,
    );
  }
}

function noteRow(rows: Map<string, Set<bigint>>, table: string, rowid: bigint): void {
  let ids = rows.get(table);
  if (!ids) {
    ids = new Set();
    rows.set(table, ids);
  }
  if (ids.size <= maxRowids) ids.add(rowid);
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function unrecordable(why: string, cause?: unknown): ReplicaError {
  return replicaError(
    'unrecordable',
    `the transaction cannot be replicated and was rolled back: ${why}`,
    cause,
  );
}
