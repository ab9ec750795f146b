/**
 * CREATE VIRTUAL TABLE temp.t USING scratch(column, ...): a table in memory, which exists until the connection is
 * closed.
 */

import { fail } from './errors.js';
import type { SqlValue } from './types/types.js';
import type { Functions as VirtualTable } from './types/virtual-table.js';
import type { Functions as WritableTable } from './types/writable-table.js';

/** The rows by rowid. The arrays of values are never modified. */
type Rows = Map<number, readonly SqlValue[]>;

interface Table {
  database: string;
  name: string;
  rows: Rows;
  /** The rows at the beginning of each savepoint, and of the transaction with the number -1. */
  saved: { number: number; rows: Rows }[];
}

/**
 * The tables. Their data is kept by name, because SQLite disconnects a table and connects it again whenever it reads
 * the schema again.
 */
const tables = new Map<number, Table>();
const cursors = new Map<number, { table: Table; left: number[] }>();
let last = 0;

function tableOf(number: number): Table {
  return tables.get(number) ?? fail(1, `scratch: unknown table ${number}`);
}

function forget(table: Table, savepoint: number): void {
  table.saved = table.saved.filter(({ number }) => number < savepoint);
}

export const virtualTable: VirtualTable = {
  describe: () => [
    {
      id: 0,
      name: 'scratch',
      options: { creatable: true, writable: true, transactional: true, savepoints: true },
      shadowNames: [],
    },
  ],

  connect(_module, kind, [database = '', name = '', ...columns]) {
    if (columns.length === 0) fail(1, 'scratch: name the columns, as in USING scratch(name, price)');
    const declaration = `CREATE TABLE x(${columns.join(',')})`;
    for (const [number, table] of tables) {
      if (table.database !== database || table.name !== name) continue;
      if (kind === 'connect') return { table: number, declaration };
      tables.delete(number); // its CREATE was rolled back, or it was dropped
    }
    last += 1;
    tables.set(last, { database, name, rows: new Map(), saved: [] });
    return { table: last, declaration };
  },

  disconnect() {},

  destroy() {}, // kept, because the table is connected again if the DROP is rolled back

  /** The plan always returns all rows, and SQLite checks the constraints itself. */
  bestIndex(number) {
    const { size } = tableOf(number).rows;
    return { usages: [], number: 0, text: '', ordered: false, cost: size, rows: size, unique: false };
  },

  open(number) {
    last += 1;
    cursors.set(last, { table: tableOf(number), left: [] });
    return last;
  },

  close(cursor) {
    cursors.delete(cursor);
  },

  filter(number, _number, _text, _args, maxRows) {
    const cursor = cursors.get(number) ?? fail(1, `scratch: unknown scan ${number}`);
    cursor.left = [...cursor.table.rows.keys()].sort((a, b) => b - a);
    return virtualTable.fetch(number, maxRows);
  },

  fetch(number, maxRows) {
    const { table, left } = cursors.get(number) ?? fail(1, `scratch: unknown scan ${number}`);
    const rowids: number[] = [];
    const values: SqlValue[] = [];
    while (rowids.length < maxRows && left.length > 0) {
      const rowid = left.pop() ?? 0;
      const row = table.rows.get(rowid);
      if (!row) continue; // deleted meanwhile
      rowids.push(rowid);
      values.push(...row);
    }
    return { rowids, values, done: left.length === 0 };
  },
};

export const writableTable: WritableTable = {
  insert(number, rowid, values, mode) {
    const { rows } = tableOf(number);
    const chosen = rowid ?? Math.max(0, ...rows.keys()) + 1;
    if (rows.has(chosen) && mode !== 'replace') {
      fail(19, 'scratch: a row with this rowid exists already');
    }
    rows.set(chosen, values);
    return chosen;
  },

  update(number, rowid, newRowid, values, mode) {
    const { rows } = tableOf(number);
    if (newRowid !== rowid && rows.has(newRowid) && mode !== 'replace') {
      fail(19, 'scratch: a row with this rowid exists already');
    }
    const old = rows.get(rowid) ?? [];
    rows.delete(rowid);
    rows.set(
      newRowid,
      values.map((value, column) => value ?? old[column] ?? { tag: 'null' }),
    );
  },

  delete(number, rowid) {
    tableOf(number).rows.delete(rowid);
  },

  begin: (number) => writableTable.savepoint(number, -1),
  sync() {},
  commit: (number) => forget(tableOf(number), -1),
  rollback(number) {
    writableTable.rollbackTo(number, -1);
    forget(tableOf(number), -1);
  },

  savepoint(number, savepoint) {
    const table = tableOf(number);
    forget(table, savepoint);
    table.saved.push({ number: savepoint, rows: new Map(table.rows) });
  },

  release: (number, savepoint) => forget(tableOf(number), savepoint),

  rollbackTo(number, savepoint) {
    const table = tableOf(number);
    // A savepoint before the table's first change is unknown. Its rows are the rows at the beginning of the
    // transaction.
    const kept = table.saved.findLast((saved) => saved.number <= savepoint) ?? table.saved[0];
    if (!kept) return;
    forget(table, kept.number + 1);
    table.rows = new Map(kept.rows);
  },

  rename(number, newName) {
    tableOf(number).name = newName;
  },

  integrity: () => null,
};
