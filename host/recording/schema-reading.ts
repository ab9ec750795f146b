/** Reads the schema and tables for captures, before and after a statement that changes the schema. */

import { encode } from '../changeset/index.js';
import { SQLITE_ERROR } from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { isOneStatement, query, quotedName } from '../kernel/query.js';
import { hiddenRowid, tableShape } from '../kernel/schema.js';
import type { ChangesetKind } from './c-session.js';

const inSchema = (database: string): string => `${quotedName(database)}.sqlite_schema`;

/** The names of all tables except virtual ones, in lower case. */
export function tableNames(connection: Connection, database: string): ReadonlySet<string> {
  const rows = query(
    connection,
    `SELECT lower(name) FROM ${inSchema(database)} WHERE type='table' AND rootpage>0`,
  );
  return new Set(rows.map(([name]) => String(name)));
}

/** The number of rows of a table; undefined if the table does not exist or is virtual. */
export function rowCount(connection: Connection, database: string, table: string): number | undefined {
  const kind = tableShape(connection, database, table)?.kind;
  if (kind !== 'table' && kind !== 'shadow') return undefined;
  const rows = query(connection, `SELECT count(*) FROM ${quotedName(database)}.${quotedName(table)}`);
  return Number(rows[0]?.[0]);
}

export function schemaText(connection: Connection, database: string): string {
  const rows = query(
    connection,
    `SELECT quote(type), quote(name), quote(tbl_name), quote(sql) FROM ${inSchema(database)} ORDER BY rowid`,
  );
  return rows.map((row) => row.join()).join('\n');
}

/** Whether SQLite can currently compile a statement. */
export function compiles(connection: Connection, sql: string): boolean {
  try {
    return isOneStatement(connection, sql);
  } catch {
    return false;
  }
}

/** The CREATE TABLE statement of a table. */
export function createdText(connection: Connection, database: string, table: string): string {
  const sql = `SELECT sql FROM ${inSchema(database)} WHERE type='table' AND name=?1 COLLATE NOCASE`;
  return String(query(connection, sql, table)[0]?.[0]);
}

/** Makes a changeset or patchset that inserts all rows of a table without a PRIMARY KEY, with their rowids. */
export function wholeTable(
  connection: Connection,
  database: string,
  table: string,
  kind: ChangesetKind,
): Uint8Array {
  const shape = tableShape(connection, database, table);
  const columns = shape?.columns ?? [];
  if (!shape || shape.hidesRowid) {
    throw sqliteError(SQLITE_ERROR, `the rows of ${table} cannot be recorded: ${hiddenRowid}`);
  }
  const rows = query(connection, `SELECT _rowid_, * FROM ${quotedName(database)}.${quotedName(table)}`);
  const inserted = {
    table: shape.name,
    op: 'insert',
    indirect: false,
    key: [1, ...columns.map(() => 0)],
    patchset: kind === 'patchset',
    old: [],
  } as const;
  return encode(rows.map((values) => ({ ...inserted, new: values })));
}
