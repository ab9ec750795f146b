/** Counts the changes of a changeset. */

import { opDelete, opInsert } from './format.js';
import { ChangesetReader } from './reader.js';

/** The counts of one table. */
export interface TableStatistics {
  table: string;
  inserts: number;
  updates: number;
  deletes: number;
  /** How many of them are indirect. */
  indirect: number;
  /** How many values the UPDATEs changed. */
  values: number;
  /** Of the changeset: of all tables together, its size. */
  bytes: number;
}

/**
 * Counts per table, in the order in which tables appear; including those without changes.
 *
 * @throws ChangesetError if it is malformed
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
    if (!counts) break; // not without a table
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
