/**
 * The columns and keys of a database's tables when a transaction was stored. A journal notes them with the first
 * transaction and after each change. If they changed without a statement in the journal, another program changed them,
 * and changesets from before and after the change are not joined.
 */

import { createHash } from 'node:crypto';
import { connectionOf } from '../../api/connections.js';
import type { CaptureEntry, DatabaseSync } from '../../index.js';
import { query } from '../../kernel/query.js';
import { schemaVersion } from '../../kernel/schema.js';
import { type Boundary, statementsOf } from '../changeset/entries.js';
import { markers } from './format.js';

/** A string for each table that describes its columns and key, by table name. */
export type Tables = Readonly<Record<string, string>>;

/** A transaction of a journal. */
export interface Kept {
  readonly entries: readonly CaptureEntry[];
  readonly note: string;
}

export function tablesOf(database: DatabaseSync): Tables {
  const rows = query(
    connectionOf(database),
    `SELECT t.name, json_group_array(json_array(c.name, c.pk) ORDER BY c.cid)
       FROM pragma_table_list AS t, pragma_table_xinfo(t.name, 'main') AS c
       WHERE t.schema='main' AND t.type IN ('table', 'shadow') AND c.hidden=0
         AND t.name NOT LIKE 'sqlite~_%' ESCAPE '~' AND t.name<>?1
       GROUP BY t.name`,
    markers,
  );
  return Object.fromEntries(
    rows.map(([name, columns]) => [
      String(name),
      createHash('sha256').update(String(columns)).digest('hex').slice(0, 16),
    ]),
  );
}

/** Reads the tables in a note; undefined if the note has none. */
export function tablesIn(note: string): Tables | undefined {
  return note === '' ? undefined : (JSON.parse(note) as { readonly tables?: Tables }).tables;
}

/** Returns the names of tables that differ or are missing in one of the two. */
function differing(one: Tables, other: Tables): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => one[name] !== other[name]).sort();
}

/** Whether a table was removed or changed. New tables do not count. */
const isOther = (before: Tables, now: Tables): boolean =>
  Object.keys(before).some((name) => before[name] !== now[name]);

/** Decides for each transaction whether its note must contain the tables. */
export class TableNotes {
  readonly #database: DatabaseSync;
  #noted: Tables | undefined;
  #version = -1n;
  /** The tables to note for the transaction that is about to commit, and its schema version. */
  #next: { readonly tables: Tables | undefined; readonly version: bigint } | undefined;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Sets the tables that a continued journal noted last. */
  goOn(tables: Tables | undefined): void {
    this.#noted = tables;
  }

  /** Returns the tables to note with the transaction that is about to commit; undefined if they have not changed. */
  next(): Tables | undefined {
    this.#next = undefined;
    const version = schemaVersion(connectionOf(this.#database), 'main');
    if (version === this.#version) return undefined;
    const now = tablesOf(this.#database);
    const tables = this.#noted && differing(this.#noted, now).length === 0 ? undefined : now;
    this.#next = { tables, version };
    return tables;
  }

  /** Called after the commit. */
  committed(): void {
    this.#noted = this.#next?.tables ?? this.#noted;
    this.#version = this.#next?.version ?? this.#version;
    this.#next = undefined;
  }
}

/** Returns the tables that a journal noted last. */
export function lastTables(kept: Iterable<Kept>): Tables | undefined {
  let last: Tables | undefined;
  for (const { note } of kept) last = tablesIn(note) ?? last;
  return last;
}

/** Yields the entries of transactions in order, with a boundary wherever another program changed tables. */
export function* parted(kept: Iterable<Kept>): Generator<CaptureEntry | Boundary, void, void> {
  let tables: Tables | undefined;
  for (const { entries, note } of kept) {
    const now = tablesIn(note);
    if (now && tables && statementsOf(entries).length === 0 && isOther(tables, now)) {
      yield { kind: 'boundary' };
    }
    tables = now ?? tables;
    yield* entries;
  }
}

/**
 * Returns a message that says how the tables of a database differ from those that a journal noted last; undefined if
 * they do not.
 *
 * @param name the path of the database, for messages
 */
export function schemaDifference(
  before: Tables | undefined,
  database: DatabaseSync,
  name: string,
  journal: string,
): string | undefined {
  const tables = before ? differing(before, tablesOf(database)) : [];
  if (tables.length === 0) return undefined;
  return `the schema of ${name} differs from the schema at the end of ${journal} (${tables.join(', ')}), because another program changed it; that change is not captured`;
}
