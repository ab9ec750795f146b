/** Finds damage in a database and rows that violate a foreign key. */

import type { Connection } from '../kernel/connection.js';
import { query, quotedName } from '../kernel/query.js';

/**
 * Returns the errors that integrity checks of virtual tables find after their shadow tables changed. The index can be
 * damaged even if all changes were applied.
 */
export function damagedIndexes(connection: Connection, shadows: readonly string[]): string[] {
  if (shadows.length === 0) return [];
  const virtual = query(
    connection,
    "SELECT name FROM pragma_table_list WHERE schema='main' AND type='virtual'",
  ).map(([name]) => String(name));
  const owners = virtual.filter((name) =>
    shadows.some((shadow) => shadow.toLowerCase().startsWith(`${name.toLowerCase()}_`)),
  );
  return owners.flatMap((name) =>
    query(connection, `PRAGMA main.integrity_check(${quotedName(name)})`)
      .map(([text]) => String(text))
      .filter((text) => text !== 'ok'),
  );
}

/** Returns the errors that integrity_check and foreign_key_check find in `main`. */
export function problems(connection: Connection): string[] {
  const found = query(connection, 'PRAGMA main.integrity_check')
    .map((row) => String(row[0]))
    .filter((text) => text !== 'ok');
  found.push(...orphanRows(connection));
  return found;
}

/** The number of rows that violate a foreign key, by table, referenced table and values. */
export type Violations = ReadonlyMap<string, number>;

/** Finds the rows of `main` that violate a foreign key. C: PRAGMA foreign_key_check. */
export function violations(connection: Connection): Violations {
  const found = new Map<string, number>();
  const children = query(
    connection,
    "SELECT DISTINCT m.name FROM main.sqlite_schema m, pragma_foreign_key_list(m.name, 'main') WHERE m.type='table'",
  );
  for (const [child] of children) {
    for (const row of violationsOf(connection, String(child))) {
      found.set(row, (found.get(row) ?? 0) + 1);
    }
  }
  return found;
}

/** The number of rows that violate a foreign key in `after` but not in `before`. */
export function added(before: Violations, after: Violations): number {
  let count = 0;
  for (const [row, now] of after) count += Math.max(0, now - (before.get(row) ?? 0));
  return count;
}

function violationsOf(connection: Connection, child: string): string[] {
  let rows: ReturnType<typeof query>;
  try {
    rows = query(connection, `PRAGMA main.foreign_key_check(${quotedName(child)})`);
  } catch {
    return []; // the referenced table has no such key; SQLite then refuses every change of this table
  }
  const columns = new Map<string, string>();
  return rows.map(([, rowid, parent, key]) => {
    const where = `${child.toLowerCase()} ${String(parent).toLowerCase()}`;
    if (rowid === null) return where; // rows of a WITHOUT ROWID table are not distinguished
    const id = String(key);
    let list = columns.get(id);
    if (list === undefined) {
      const names = query(
        connection,
        `SELECT "from" FROM pragma_foreign_key_list(?1, 'main') WHERE id=?2 ORDER BY seq`,
        child,
        key as bigint,
      );
      list = names.map(([name]) => `quote(${quotedName(String(name))})`).join(" || ',' || ");
      columns.set(id, list);
    }
    const from = `main.${quotedName(child)}`;
    const [values] = query(connection, `SELECT ${list} FROM ${from} WHERE rowid=?1`, rowid as bigint);
    return `${where} ${values?.[0]}`;
  });
}

/** Describes the rows that violate a foreign key. */
export function orphanRows(connection: Connection): string[] {
  return query(connection, 'PRAGMA main.foreign_key_check').map(
    ([table, rowid, parent]) =>
      `${rowid === null ? 'a row' : `row ${rowid}`} of ${quotedName(String(table))} refers to no row of ${quotedName(String(parent))}`,
  );
}
