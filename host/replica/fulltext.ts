/**
 * Replicates full-text tables (FTS5). Only the rows of a full-text table are sent, not its shadow tables, because the
 * index segments of two copies differ. The changes of the shadow table that holds the rows are renamed to the full-text
 * table. Other copies apply them to the full-text table, which updates the index.
 */

import type { Head } from '../changeset/format.js';
import { ChangesetReader } from '../changeset/reader.js';
import type { Connection } from '../kernel/connection.js';
import { query } from '../kernel/query.js';
import { unquoted } from '../kernel/tokens.js';
import { virtualTable } from '../recording/ddl.js';

/** The allowed FTS5 options. With others, such as `content`, the table does not store its rows itself. */
const options = new Set(['prefix', 'tokenize', 'columnsize', 'detail', 'tokendata']);
/** The suffixes of the FTS5 shadow tables that hold the index. */
const indexes = ['data', 'idx', 'docsize', 'config'];

/**
 * The reason why the virtual table that a statement creates cannot be replicated; undefined if it can. All copies must
 * decide in the same way.
 */
export function refusedVirtual(sql: string): string | undefined {
  const found = virtualTable(sql);
  if (found?.module !== 'fts5') {
    return `virtual tables of the module ${found?.module} are not replicated; only fts5 tables are`;
  }
  for (const [first = '', equals] of found.args) {
    // FTS5 also accepts an abbreviated option name, which is refused here.
    if (equals === '=' && !options.has(first.toLowerCase())) {
      return `full-text tables with the option ${first} are not replicated: leave the option out`;
    }
    if (unquoted(first).toLowerCase() === '_rowid_') return 'its column _rowid_ hides the rowid';
  }
  return undefined;
}

/** Whether a table is a full-text table whose rows are replicated. */
export function isFullText(connection: Connection, table: string): boolean {
  const [row] = query(
    connection,
    "SELECT sql FROM main.sqlite_schema WHERE type='table' AND name=?1 COLLATE NOCASE",
    table,
  );
  return row !== undefined && refusedVirtual(String(row[0])) === undefined;
}

/** The full-text tables of a database that are replicated. */
export function fullTextTables(connection: Connection): string[] {
  const found = query(
    connection,
    "SELECT name, sql FROM main.sqlite_schema WHERE type='table' AND rootpage=0 ORDER BY name",
  );
  return found.filter(([, sql]) => refusedVirtual(String(sql)) === undefined).map(([name]) => String(name));
}

/** The shadow tables of full-text tables. */
export class Kept {
  /** Maps the shadow table that holds the rows to its full-text table. */
  readonly #rows = new Map<string, string>();
  readonly #indexes = new Set<string>();

  constructor(fullTexts: readonly string[] = []) {
    for (const name of fullTexts) this.add(name);
  }

  /** The names of the full-text tables. */
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

  /** Whether a table is a shadow table that holds an index. */
  isIndex(table: string): boolean {
    return this.#indexes.has(table.toLowerCase());
  }

  /** Replaces the changes of shadow tables in a changeset by changes of their full-text tables. */
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
