/**
 * Full-text tables (FTS5): their rows travel, not the tables in which SQLite keeps them, because the segments of two copies
 * differ. What is recorded of the table that holds the rows is given the name of the full-text table, and copies
 * change the rows through it, which indexes them.
 */

import type { Head } from '../changeset/format.js';
import { ChangesetReader } from '../changeset/reader.js';
import type { Connection } from '../kernel/connection.js';
import { query } from '../kernel/query.js';
import { unquoted, virtualTable } from '../recording/ddl.js';

/** The options of FTS5 under which it keeps its rows itself, as they were given. */
const options = new Set(['prefix', 'tokenize', 'columnsize', 'detail', 'tokendata']);
/** The tables that FTS5 makes for itself, beside the one that has the rows. */
const indexes = ['data', 'idx', 'docsize', 'config'];

/** Why a virtual table cannot be replicated that a statement makes; undefined if it can. Every copy must answer alike. */
export function refusedVirtual(sql: string): string | undefined {
  const found = virtualTable(sql);
  if (found?.module !== 'fts5') {
    return `virtual tables of the module ${found?.module} are not replicated, only those of fts5`;
  }
  for (const [first = '', equals] of found.args) {
    // FTS5 takes the beginning of an option's name for the option.
    if (equals === '=' && !options.has(first.toLowerCase())) {
      return `full-text tables with the option ${first} are not replicated: let it keep its rows itself`;
    }
    if (unquoted(first).toLowerCase() === '_rowid_') return 'its column _rowid_ hides the rowid';
  }
  return undefined;
}

/** Whether a virtual table is one whose rows travel. */
export function isFullText(connection: Connection, table: string): boolean {
  const [row] = query(
    connection,
    "SELECT sql FROM main.sqlite_schema WHERE type='table' AND name=?1 COLLATE NOCASE",
    table,
  );
  return row !== undefined && refusedVirtual(String(row[0])) === undefined;
}

/** The full-text tables of a database. */
export function fullTextTables(connection: Connection): string[] {
  const found = query(
    connection,
    "SELECT name, sql FROM main.sqlite_schema WHERE type='table' AND rootpage=0 ORDER BY name",
  );
  return found.filter(([, sql]) => refusedVirtual(String(sql)) === undefined).map(([name]) => String(name));
}

/** The tables in which full-text tables are kept. */
export class Kept {
  /** The full-text tables by the tables that have their rows. */
  readonly #rows = new Map<string, string>();
  readonly #indexes = new Set<string>();

  constructor(fullTexts: readonly string[] = []) {
    for (const name of fullTexts) this.add(name);
  }

  /** The full-text tables. */
  get names(): string[] {
    return [...this.#rows.values()];
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  add(fullText: string): void {
    const name = fullText.toLowerCase();
    this.#rows.set(`${name}_content`, fullText);
    for (const index of indexes) this.#indexes.add(`${name}_${index}`);
  }

  /** Whether a table is made out of the rows of a full-text table. */
  isIndex(table: string): boolean {
    return this.#indexes.has(table.toLowerCase());
  }

  /** A changeset with changes of full-text tables in place of those of the tables in which they are kept. */
  logical(changeset: Uint8Array): Uint8Array {
    if (this.isEmpty) return changeset;
    const heads: Head[] = [];
    const reader = new ChangesetReader(changeset, { onHead: (head) => heads.push(head) });
    while (reader.next());
    const pieces = heads.flatMap(({ table: { name }, name: bytes, start, end }, i) => {
      if (this.isIndex(name)) return [];
      const rest = heads[i + 1]?.start ?? changeset.length;
      const fullText = this.#rows.get(name.toLowerCase());
      if (fullText === undefined) return [changeset.subarray(start, rest)];
      const before = changeset.subarray(start, end - 1 - bytes.length);
      return [before, new TextEncoder().encode(fullText), changeset.subarray(end - 1, rest)];
    });
    return new Uint8Array(Buffer.concat(pieces));
  }
}
