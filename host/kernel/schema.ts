/** Describes tables as the session extension sees them, and warns of changes that it silently skips. */

import { SQLITE_LOCKED } from '../core/constants.js';
import { SqliteError, sqliteError } from '../core/errors.js';
import type { Connection } from './connection.js';
import { numberPragma, query, quotedName } from './query.js';

/** A table as changesets see it. */
export interface TableShape {
  /** The name as it was written when the table was created. */
  readonly name: string;
  /** The stored columns. Changesets do not contain generated and hidden columns. */
  readonly columns: readonly string[];
  /** For each column, its position in the PRIMARY KEY from 1, or 0 if it is not in the key. */
  readonly key: readonly number[];
  readonly kind: 'table' | 'virtual' | 'shadow' | 'view';
  /** Whether a column is named `_rowid_`. It hides the rowid, which sessions read by that name. */
  readonly hidesRowid: boolean;
}

/** A condition that is not an error but that the user should know about. */
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
  /** Describes the condition. */
  readonly message: string;
}

/**
 * The most columns of a table whose changes SQLite can apply, with the rowid of a table without a key. More would
 * exceed SQLite's limit on the depth of an expression.
 */
export const maxColumns = 998;

/** Returns the shape of a table; undefined if it does not exist. */
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

/** A number that changes when another connection has written to the database. */
export function dataVersion(connection: Connection, database: string): bigint {
  return numberPragma(connection, database, 'data_version');
}

/** A number that increases with every change of a database's schema. A rollback restores it. */
export function schemaVersion(connection: Connection, database: string): bigint {
  try {
    return numberPragma(connection, database, 'schema_version');
  } catch (error) {
    // While something records, the core refuses the pragma within a statement that writes: it may change the schema.
    if (!(error instanceof SqliteError) || error.errcode !== SQLITE_LOCKED) throw error;
    throw sqliteError(
      SQLITE_LOCKED,
      'an operation that reads the schema version, such as a capture, is impossible within a statement that writes while a session or capture is recording: call it before or after the statement',
    );
  }
}

export function columnCounts(connection: Connection, database: string): Map<string, number> {
  const rows = query(
    connection,
    "SELECT lower(name), ncol FROM pragma_table_list WHERE schema=?1 COLLATE NOCASE AND type<>'view'",
    database,
  );
  return new Map(rows.map(([name, count]) => [String(name), Number(count)]));
}

/**
 * Warns of the tables of `before` that no longer exist or have fewer columns now. If a session recorded such a table,
 * SQLite cannot make a changeset of the session.
 *
 * @param kept whether the changes recorded before the schema change are kept
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
      ? 'session_take (take() in code) returns the changes recorded before that, and then the others'
      : 'its recorded changes can no longer be read';
    const message = `${table}: ${what} since the session began; ${rest}`;
    warnings.push({ kind: 'schema-changed', table, message });
  }
  return warnings;
}

/**
 * The column names for a table in a changeset with `count` columns. If the table has no key, the rowid is the first
 * column. Undefined if the table does not match.
 */
export function changesetColumns(
  shape: TableShape | undefined,
  count: number,
): readonly string[] | undefined {
  if (!shape) return undefined;
  const names = shape.key.some((place) => place > 0) ? shape.columns : ['_rowid_', ...shape.columns];
  return names.length === count ? names : undefined;
}

/** Whether a table has a declared key, or is sqlite_stat1, whose key the session extension knows. */
export function hasKey(table: string, shape: TableShape): boolean {
  return table.toLowerCase() === 'sqlite_stat1' || shape.key.some((place) => place > 0);
}

/** Why a table without a key and with a column named _rowid_ is not recorded. */
export const hiddenRowid = 'it has no PRIMARY KEY, and its column _rowid_ hides the rowid';

/** Whether a virtual table stores its rows in shadow tables, which are recorded. */
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

/** Warns of changes that are silently not recorded. @param table the table, or null for all tables */
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

/** Whether the PRIMARY KEY of a table can contain NULL. SQLite allows that unless the key is the rowid or NOT NULL. */
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
