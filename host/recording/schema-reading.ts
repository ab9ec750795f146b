/** What a capture reads from a database before and after a statement that changes the schema. */

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

/** How many rows a table has; undefined if there is no such table, or if it is virtual. */
export function rowCount(connection: Connection, database: string, table: string): number | undefined {
  const kind = tableShape(connection, database, table)?.kind;
  if (kind !== 'table' && kind !== 'shadow') return undefined;
  const rows = query(connection, `SELECT count(*) FROM ${quotedName(database)}.${quotedName(table)}`);
  return Number(rows[0]?.[0]);
}

/** All of the schema as one text, which differs whenever the schema does. */
export function schemaText(connection: Connection, database: string): string {
  const rows = query(
    connection,
    `SELECT quote(type), quote(name), quote(tbl_name), quote(sql) FROM ${inSchema(database)} ORDER BY rowid`,
  );
  return rows.map((row) => row.join()).join('\n');
}

/** Whether a statement can currently be compiled. */
export function compiles(connection: Connection, sql: string): boolean {
  try {
    return isOneStatement(connection, sql);
  } catch {
    return false;
  }
}

/** The statement that creates a table as it is now. */
export function createdText(connection: Connection, database: string, table: string): string {
  const sql = `SELECT sql FROM ${inSchema(database)} WHERE type='table' AND name=?1 COLLATE NOCASE`;
  return String(query(connection, sql, table)[0]?.[0]);
}

/** A changeset, or patchset, that inserts all rows of a table without a PRIMARY KEY, by rowid. */
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
