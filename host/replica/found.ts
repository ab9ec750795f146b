import { connectionOf } from '../api/connections.js';
import type { DatabaseSync } from '../api/database.js';
import { writeTransaction } from '../api/write-transaction.js';
import { numberPragma, query, quotedName } from '../kernel/query.js';
import { nullKeys, tableShape } from '../kernel/schema.js';
import { isOwn, travels } from './allowed.js';
import { replicaError } from './errors.js';
import { refusedVirtual } from './fulltext.js';
import { changeCounter } from './ownership.js';
import { StateTables } from './state.js';

/** Whether the schema of a database is empty. */
export function isEmpty(database: DatabaseSync): boolean {
  return query(connectionOf(database), 'SELECT count(*) FROM main.sqlite_schema')[0]?.[0] === 0n;
}

/** Whether a database is a copy of a history. @throws ReplicaError (`format`) if a newer version made the copy */
export function isCopy(database: DatabaseSync): boolean {
  return new StateTables(database).exist();
}

/**
 * Makes a database the first copy of a new history.
 *
 * @param history the identity of the log
 * @param copy the UUID of the copy
 * @throws ReplicaError (`unrecordable`) if the database holds rows that cannot be identified in other copies
 */
export function makeCopy(database: DatabaseSync, history: string, copy: string): void {
  refuseRows(database);
  const tables = new StateTables(database);
  try {
    writeTransaction(database, () => {
      const counter = changeCounter(connectionOf(database)) + 1;
      tables.make({ history, copy, sequence: 0, head: history, mark: '', counter, lease: '' });
    });
  } finally {
    tables.close();
  }
}

/** @throws ReplicaError (`unrecordable`) if the database holds rows that cannot be identified in other copies */
export function refuseRows(database: DatabaseSync): void {
  const connection = connectionOf(database);
  const names = query(
    connection,
    "SELECT l.name, l.type, s.sql FROM pragma_table_list l LEFT JOIN main.sqlite_schema s ON s.name=l.name AND s.type='table' WHERE l.schema='main' AND l.type NOT IN ('view', 'shadow')",
  );
  for (const [name, kind, sql] of names) {
    const table = String(name);
    if (!travels(table)) continue;
    const why = kind === 'virtual' ? refusedVirtual(String(sql)) : undefined;
    if (why !== undefined) {
      throw replicaError('unrecordable', `${table} is a virtual table: ${why}; drop it`);
    }
    const shape = tableShape(connection, 'main', table);
    if (!shape) continue;
    const rows = nullKeys(connection, 'main', table, shape);
    if (rows === 0n) continue;
    throw replicaError(
      'unrecordable',
      `${rows} rows of ${quotedName(table)} have NULL in their PRIMARY KEY, which must identify them in other copies: give them a key`,
    );
  }
}

/** Whether a copy contains only its own state tables, so that a new copy can begin with an empty file. */
export function isPlain(database: DatabaseSync): boolean {
  const others = query(
    connectionOf(database),
    "SELECT name, tbl_name FROM main.sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  ).filter(([, table]) => !isOwn(String(table)));
  const header = ['user_version', 'application_id'].map((name) =>
    numberPragma(connectionOf(database), 'main', name),
  );
  return others.length === 0 && header.every((value) => value === 0n);
}
