/**
 * What the tables of a database looked like when a transaction was kept. A journal notes it with the first transaction
 * and with those before which it changed. If no statement of the journal's changed it, another program did, and
 * changesets from before and after it are not joined.
 */

import { createHash } from 'node:crypto';
import { connectionOf } from '../../api/connections.js';
import type { CaptureEntry, DatabaseSync } from '../../index.js';
import { query } from '../../kernel/query.js';
import { schemaVersion } from '../../kernel/schema.js';
import { type Boundary, statementsOf } from '../changeset/entries.js';
import { markers } from './format.js';

/** What tells the columns and key of each table from others, by its name. */
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

/** The tables that a note tells of, if it does. */
export function tablesIn(note: string): Tables | undefined {
  return note === '' ? undefined : (JSON.parse(note) as { readonly tables?: Tables }).tables;
}

/** The names of the tables that are not in both, or not the same. */
function differing(one: Tables, other: Tables): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => one[name] !== other[name]).sort();
}

/** Whether a table is gone or another, and not only a new one there. */
const isOther = (before: Tables, now: Tables): boolean =>
  Object.keys(before).some((name) => before[name] !== now[name]);

/** Tells what to note of the tables with each transaction. */
export class TableNotes {
  readonly #database: DatabaseSync;
  #noted: Tables | undefined;
  #version = -1n;
  /** The notes of the transaction that is about to commit, and the version of its schema. */
  #next: { readonly tables: Tables | undefined; readonly version: bigint } | undefined;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Goes on from what a journal noted last. */
  goOn(tables: Tables | undefined): void {
    this.#noted = tables;
  }

  /** The notes that the transaction about to commit must make; undefined if they are made already. */
  next(): Tables | undefined {
    this.#next = undefined;
    const version = schemaVersion(connectionOf(this.#database), 'main');
    if (version === this.#version) return undefined;
    const now = tablesOf(this.#database);
    const tables = this.#noted && differing(this.#noted, now).length === 0 ? undefined : now;
    this.#next = { tables, version };
    return tables;
  }

  /** The transaction was committed. */
  committed(): void {
    this.#noted = this.#next?.tables ?? this.#noted;
    this.#version = this.#next?.version ?? this.#version;
    this.#next = undefined;
  }
}

/** The tables as a journal noted them last. */
export function lastTables(kept: Iterable<Kept>): Tables | undefined {
  let last: Tables | undefined;
  for (const { note } of kept) last = tablesIn(note) ?? last;
  return last;
}

/** What transactions did, in order, with a boundary at each change of tables by another program. */
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
 * Says how the tables of a database differ from those that a journal noted last; undefined if they do not.
 *
 * @param name the database, as the user knows it
 */
export function schemaDifference(
  before: Tables | undefined,
  database: DatabaseSync,
  name: string,
  journal: string,
): string | undefined {
  const tables = before ? differing(before, tablesOf(database)) : [];
  if (tables.length === 0) return undefined;
  return `the schema of ${name} differs from the one at which ${journal} ended (${tables.join(', ')}), because another program changed it: that is not captured`;
}
