/**
 * Finds changes of keys to keys that their collation treats as equal, such as 'Ab' and 'AB' with NOCASE.
 * The session extension identifies rows by the bytes of their keys, and SQLite by the collation. So a changeset that
 * changes only the spelling of a key cannot be applied.
 */

import { opUpdate } from '../changeset/format.js';
import { ChangesetReader } from '../changeset/index.js';
import type { Connection } from '../kernel/connection.js';
import { query } from '../kernel/query.js';
import type { Warning } from '../kernel/schema.js';

/** Whether a column of a table's key has a collation other than BINARY. */
export function hasCollatedKey(connection: Connection, database: string, table: string): boolean {
  const found = query(
    connection,
    `SELECT 1 FROM pragma_index_list(?1, ?2) AS i, pragma_index_xinfo(i.name, ?2) AS c
       WHERE i.origin='pk' AND c.key AND c.coll<>'BINARY' COLLATE NOCASE LIMIT 1`,
    table,
    database,
  );
  return found.length > 0;
}

/** The warning for a table in which only the spelling of a key changed. */
export function spelledOtherwise(table: string): Warning {
  const message = `${table}: a key was changed to one that its collation treats as equal; SQLite cannot apply such a change`;
  return { kind: 'key-collation', table, message };
}

/**
 * Returns the tables of a changeset in which only the spelling of a key changed. In a changeset, only such a change is
 * an UPDATE of a key.
 */
export function collatedKeyChanges(
  changeset: Uint8Array,
  isCollated: (table: string) => boolean,
): Set<string> {
  const found = new Set<string>();
  const reader = new ChangesetReader(changeset);
  let table: unknown;
  let looked = false;
  while (reader.next()) {
    if (reader.table !== table) {
      table = reader.table;
      looked = !found.has(reader.table.name) && isCollated(reader.table.name);
    }
    if (!looked || reader.op !== opUpdate) continue;
    if (reader.table.key.some((place, i) => place > 0 && reader.newAt(i) >= 0)) {
      found.add(reader.table.name);
      looked = false;
    }
  }
  return found;
}
