import { opDelete, opInsert } from './format.js';
import { ChangesetReader } from './reader.js';

/** The number of changes of one table. */
export interface TableStatistics {
  table: string;
  inserts: number;
  updates: number;
  deletes: number;
  /** The number of indirect changes. */
  indirect: number;
  /** The number of values that UPDATEs changed. */
  values: number;
  /** The size of the table's part of the changeset. */
  bytes: number;
}

/**
 * Counts the changes of each table, in the order in which the tables appear. Includes tables without changes.
 *
 * @throws ChangesetError if the changeset is malformed
 */
export function statistics(bytes: Uint8Array): TableStatistics[] {
  const tables = new Map<string, TableStatistics>();
  let counts: TableStatistics | undefined;
  const reader = new ChangesetReader(bytes, {
    onHead: ({ table: { name: table }, start, end }) => {
      counts = tables.get(table);
      if (!counts) {
        counts = { table, inserts: 0, updates: 0, deletes: 0, indirect: 0, values: 0, bytes: 0 };
        tables.set(table, counts);
      }
      counts.bytes += end - start;
    },
  });
  while (reader.next()) {
    if (!counts) break; // there is no change before the first table
    if (reader.op === opInsert) counts.inserts += 1;
    else if (reader.op === opDelete) counts.deletes += 1;
    else {
      counts.updates += 1;
      for (let i = 0; i < reader.columns; i++) if (reader.newAt(i) >= 0) counts.values += 1;
    }
    if (reader.indirect) counts.indirect += 1;
    counts.bytes += reader.end - (reader.start - 2);
  }
  return [...tables.values()];
}
