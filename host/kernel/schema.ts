/** What a table looks like to the session extension, and when it silently records or applies nothing. */

import type { Connection } from './connection.js';
import { numberPragma, query, quotedName } from './query.js';

/** A table as changesets see it. */
export interface TableShape {
  /** As written when the table was created. */
  readonly name: string;
  /** The stored columns: changesets do not have generated and hidden ones. */
  readonly columns: readonly string[];
  /** For each column 0, or its position in the PRIMARY KEY from 1. All 0 if there is none. */
  readonly key: readonly number[];
  readonly kind: 'table' | 'virtual' | 'shadow' | 'view';
  /** Whether a column is named `_rowid_`, so that nothing can tell the rowid by that name, as sessions do. */
  readonly hidesRowid: boolean;
}

/** Something that happened or will happen without an error, and that the user should know. */
export interface Warning {
  readonly kind:
    | 'missing-table'
    | 'no-key'
    | 'hidden-rowid'
    | 'null-key'
    | 'virtual-table'
    | 'fewer-columns'
    | 'more-columns'
    | 'different-key'
    | 'triggers'
    | 'schema-changed'
    | 'other-writer'
    | 'schema-edited'
    | 'key-collation'
    | 'too-many-columns'
    | 'lost';
  readonly table: string;
  /** A sentence. */
  readonly message: string;
}

/** More columns, the rowid of a table without a key included, make a condition that is too deep for SQLite. */
export const maxColumns = 998;

/** The shape of a table; undefined if it does not exist. */
export function tableShape(connection: Connection, database: string, table: string): TableShape | undefined {
  const found = query(
    connection,
    `SELECT type, name FROM pragma_table_list WHERE schema=?1 COLLATE NOCASE AND name=?2 COLLATE NOCASE`,
    database,
    table,
  );
  const kind = found[0]?.[0] as TableShape['kind'] | undefined;
  if (kind === undefined) return undefined;
  const all = query(
    connection,
    'SELECT name, pk, hidden FROM pragma_table_xinfo(?1, ?2) ORDER BY cid',
    table,
    database,
  );
  const rows = all.filter(([, , hidden]) => hidden === 0n);
  return {
    name: String(found[0]?.[1]),
    columns: rows.map((row) => String(row[0])),
    key: rows.map((row) => Number(row[1])),
    kind,
    hidesRowid: all.some(([name]) => String(name).toLowerCase() === '_rowid_'),
  };
}

/** A number that other connections change when they write to a database, and this one does not. */
export function dataVersion(connection: Connection, database: string): bigint {
  return numberPragma(connection, database, 'data_version');
}

/** A number that grows with every change of a database's schema; a rollback takes it back. */
export function schemaVersion(connection: Connection, database: string): bigint {
  return numberPragma(connection, database, 'schema_version');
}

/** How many columns each table of a database has. */
export function columnCounts(connection: Connection, database: string): Map<string, number> {
  const rows = query(
    connection,
    "SELECT lower(name), ncol FROM pragma_table_list WHERE schema=?1 COLLATE NOCASE AND type<>'view'",
    database,
  );
  return new Map(rows.map(([name, count]) => [String(name), Number(count)]));
}

/**
 * The tables of which a session can no longer make a changeset if it recorded them: those of `before` that are
 * gone or have fewer columns now. One is enough to make all of it fail.
 *
 * @param kept whether what was recorded before is kept
 */
export function schemaWarnings(
  connection: Connection,
  database: string,
  before: ReadonlyMap<string, number>,
  kept: boolean,
): Warning[] {
  const now = columnCounts(connection, database);
  const warnings: Warning[] = [];
  for (const [table, columns] of before) {
    const count = now.get(table);
    if (count !== undefined && count >= columns) continue;
    const what = count === undefined ? 'it was dropped or renamed' : `it lost ${columns - count} columns`;
    const rest = kept
      ? 'session_take (take() in code) returns what was recorded before that, and then the rest'
      : 'its recorded changes can no longer be read';
    const message = `${table}: ${what} since the session began; ${rest}`;
    warnings.push({ kind: 'schema-changed', table, message });
  }
  return warnings;
}

/**
 * The names of a table's columns as a changeset with `count` of them has them: with the rowid if the table has no
 * key. Undefined if the table is another.
 */
export function changesetColumns(
  shape: TableShape | undefined,
  count: number,
): readonly string[] | undefined {
  if (!shape) return undefined;
  const names = shape.key.some((place) => place > 0) ? shape.columns : ['_rowid_', ...shape.columns];
  return names.length === count ? names : undefined;
}

/** Whether a table has a declared key; sqlite_stat1 counts as one, whose key the session extension knows. */
export function hasKey(table: string, shape: TableShape): boolean {
  return table.toLowerCase() === 'sqlite_stat1' || shape.key.some((place) => place > 0);
}

/** Why a table's rows cannot be recorded that has no key, and a column that hides the rowid. */
export const hiddenRowid = 'it has no PRIMARY KEY, and its column _rowid_ hides the rowid';

/** Whether what a virtual table holds is in tables of its own, which are recorded. */
function hasShadows(connection: Connection, database: string, table: string): boolean {
  const found = query(
    connection,
    `SELECT 1 FROM pragma_table_list WHERE schema=?1 COLLATE NOCASE AND type='shadow'
       AND substr(lower(name), 1, length(?2) + 1) = lower(?2) || '_' LIMIT 1`,
    database,
    table,
  );
  return found.length > 0;
}

/** What recording a table, or all if it is null, silently leaves out. */
export function recordingWarnings(
  connection: Connection,
  database: string,
  table: string | null,
  rowid: boolean,
): Warning[] {
  const names =
    table !== null
      ? [table]
      : query(
          connection,
          "SELECT name FROM pragma_table_list WHERE schema=?1 COLLATE NOCASE AND type<>'view' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'",
          database,
        ).map((row) => String(row[0]));
  const warnings: Warning[] = [];
  for (const name of names) {
    const warn = (kind: Warning['kind'], text: string): void => {
      warnings.push({ kind, table: name, message: `${name}: ${text}` });
    };
    const shape = tableShape(connection, database, name);
    const columns = (shape?.columns.length ?? 0) + (shape && hasKey(name, shape) ? 0 : 1);
    if (shape?.kind === 'table' && columns > maxColumns) {
      warn('too-many-columns', `SQLite cannot apply changes of more than ${maxColumns} columns`);
    }
    if (!shape || shape.kind === 'view') {
      warn('missing-table', 'the table does not exist yet; it is recorded once it is created');
    } else if (shape.kind === 'virtual') {
      if (!hasShadows(connection, database, name)) warn('virtual-table', 'a virtual table is not recorded');
    } else if (!hasKey(name, shape)) {
      if (shape.hidesRowid) warn('hidden-rowid', `${hiddenRowid}, so it is not recorded`);
      else if (!rowid)
        warn(
          'no-key',
          'a table without a PRIMARY KEY is not recorded; create the session with the option rowid',
        );
    } else if (shape.key.filter((place) => place > 0).length > 0) {
      const nulls = nullKeys(connection, database, name, shape);
      if (nulls > 0n)
        warn('null-key', `changes of ${nulls} rows whose PRIMARY KEY holds a NULL are not recorded`);
    }
  }
  return warnings;
}

/** How many rows have a NULL in their key, which SQLite allows in rowid tables. */

/** Whether the PRIMARY KEY of a table can hold a NULL: SQLite allows that, unless it is the rowid or NOT NULL. */
export function hasNullableKey(connection: Connection, database: string, table: string): boolean {
  const found = query(
    connection,
    `SELECT 1 FROM pragma_index_list(?1, ?2) WHERE origin='pk'
       AND EXISTS (SELECT 1 FROM pragma_table_xinfo(?1, ?2) WHERE pk AND NOT "notnull")`,
    table,
    database,
  );
  return found.length > 0;
}

export function nullKeys(connection: Connection, database: string, table: string, shape: TableShape): bigint {
  const nullable = query(
    connection,
    'SELECT count(*) FROM pragma_table_xinfo(?1, ?2) WHERE pk AND NOT "notnull"',
    table,
    database,
  );
  const key = shape.columns.filter((_, i) => (shape.key[i] ?? 0) > 0);
  if (!nullable[0]?.[0] || key.length === 0) return 0n;
  const condition = key.map((name) => `${quotedName(name)} IS NULL`).join(' OR ');
  const from = `${quotedName(database)}.${quotedName(table)}`;
  return (query(connection, `SELECT count(*) FROM ${from} WHERE ${condition}`)[0]?.[0] ?? 0n) as bigint;
}
