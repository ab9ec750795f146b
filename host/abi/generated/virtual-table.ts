// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * The properties of a module.
 */
export interface ModuleFlags {
  /**
   * A table with the module's name exists without CREATE VIRTUAL TABLE; its arguments are empty.
   */
  eponymous?: boolean;
  /**
   * CREATE VIRTUAL TABLE name USING module(...) makes a table. If the module is also eponymous, `connect` is always
   * called with `connection-kind.connect`.
   */
  creatable?: boolean;
  /**
   * Cannot be used from triggers and views (`SQLITE_VTAB_DIRECTONLY`).
   */
  directOnly?: boolean;
  /**
   * Harmless even if the schema is not trusted (`SQLITE_VTAB_INNOCUOUS`).
   */
  innocuous?: boolean;
  /**
   * Accepts INSERT, UPDATE and DELETE. The component must also export `writable-table`.
   */
  writable?: boolean;
  /**
   * Takes part in transactions: `begin`, `sync`, `commit` and `rollback` of `writable-table` are called. A new table
   * takes part in the transaction that creates it without `begin`, so that `rollback` is called if the CREATE is
   * undone.
   */
  transactional?: boolean;
  /**
   * Also takes part in savepoints: `savepoint`, `release` and `rollback-to` are called.
   */
  savepoints?: boolean;
}
/**
 * A module.
 */
export interface ModuleSpec {
  /**
   * Identifies the module in calls of `connect`. Chosen by the component.
   */
  id: bigint;
  /**
   * The module's name. It must not be empty, contain U+0000, or be the name of another module of the component.
   */
  name: string;
  /**
   * The module's properties. It must be eponymous or creatable, or both.
   */
  options: ModuleFlags;
  /**
   * The suffixes of shadow tables, of letters, digits and underscores. For each suffix, the table T_SUFFIX holds
   * data of a table T of this module and is protected (https://www.sqlite.org/vtab.html#xshadowname).
   */
  shadowNames: Array<string>;
}
/**
 * Why a table is connected.
 * # Variants
 *
 * ## `"create"`
 *
 * For CREATE VIRTUAL TABLE. The component must create the table's permanent data.
 * ## `"connect"`
 *
 * The table already exists, or is eponymous.
 */
export type ConnectionKind = 'create' | 'connect';
/**
 * A connected table.
 */
export interface TableSchema {
  /**
   * The component's number for the table, valid until `disconnect` or `destroy`.
   */
  table: number;
  /**
   * A CREATE TABLE statement; its table name is ignored. A HIDDEN column is a parameter if the table is used as a
   * function. Rows have integer rowids; only a module that is not writable may use WITHOUT ROWID.
   */
  declaration: string;
}
/**
 * A term of a WHERE clause.
 */
export interface IndexConstraint {
  /**
   * The column, from 0; -1 is the rowid. Ignore it for LIMIT and OFFSET.
   */
  column: number;
  /**
   * An `SQLITE_INDEX_CONSTRAINT_` code, such as 2 for EQ (https://www.sqlite.org/c3ref/c_index_constraint_eq.html).
   */
  op: number;
  /**
   * Whether the plan can use the term. A term with another collation than that of its column is never usable.
   */
  usable: boolean;
  /**
   * Whether the term is `column IN (...)` and all its values can be passed at once; `op` is then EQ.
   */
  isIn: boolean;
  /**
   * The value on the right side, if it is already known.
   */
  value?: SqlValue;
}
/**
 * A term of ORDER BY.
 */
export interface IndexOrder {
  /**
   * The column, from 0; -1 is the rowid.
   */
  column: number;
  /**
   * Whether the order is descending.
   */
  descending: boolean;
}
/**
 * A query to plan.
 */
export interface IndexQuery {
  /**
   * The terms of WHERE, joined by AND.
   */
  constraints: Array<IndexConstraint>;
  /**
   * The terms of ORDER BY, most important first. Empty if there are none or the table cannot use them.
   */
  orderBy: Array<IndexOrder>;
  /**
   * The rows that SQLite needs: 0 all rows in order, 1 all rows in groups, 2 one row of each group, 3 one row of
   * each group in order (`sqlite3_vtab_distinct`).
   */
  distinct: number;
  /**
   * A bit for each used column. The lowest bit is column 0; the highest bit stands for all columns from 63 on.
   */
  columnsUsed: bigint;
}
/**
 * How the plan uses a constraint.
 */
export interface ConstraintUsage {
  /**
   * The position of its right side in the arguments of `filter`, from 1; 0 if the plan does not use it.
   */
  argument: number;
  /**
   * Whether SQLite can skip checking the term.
   */
  omit: boolean;
  /**
   * For an `is-in` term: whether to pass all its values at once.
   */
  allAtOnce: boolean;
}
/**
 * A plan for a scan.
 */
export interface IndexPlan {
  /**
   * The use of each constraint, in the same order. Constraints without an entry are not used.
   */
  usages: Array<ConstraintUsage>;
  /**
   * A number that is passed to `filter`.
   */
  number: number;
  /**
   * A text that is passed to `filter`. It must not contain U+0000.
   */
  text: string;
  /**
   * Whether the scan returns rows in the requested order.
   */
  ordered: boolean;
  /**
   * The estimated cost, in rows read from disk.
   */
  cost: number;
  /**
   * The estimated number of rows.
   */
  rows: bigint;
  /**
   * Whether the scan returns at most one row. An UPDATE or DELETE then changes the row during the scan.
   */
  unique: boolean;
}
/**
 * An argument of `filter`.
 */
export type Argument = ArgumentValue | ArgumentValues;
/**
 * One value.
 */
export interface ArgumentValue {
  tag: 'value';
  val: SqlValue;
}
/**
 * All values of an IN.
 */
export interface ArgumentValues {
  tag: 'values';
  val: Array<SqlValue>;
}
/**
 * A batch of rows.
 */
export interface Batch {
  /**
   * The rowid of each row.
   */
  rowids: BigInt64Array;
  /**
   * The values of all rows, row after row, with a value for each declared column. A column that is not in
   * `columns-used` may be null.
   */
  values: Array<SqlValue>;
  /**
   * Whether these are the last rows. Must be true for a batch without rows.
   */
  done: boolean;
}

export interface Functions {
  /**
   * Returns the modules to register. Called once, when the component is loaded. Must not call the host.
   */
  describe(): Array<ModuleSpec>;
  /**
   * Creates or connects a table. `args` are the name of the database, the name of the table, and the arguments of
   * CREATE VIRTUAL TABLE as written.
   *
   * C: `xCreate`, `xConnect`.
   */
  connect(module: bigint, kind: ConnectionKind, args: Array<string>): TableSchema;
  /**
   * Disconnects a table, whose permanent data stays. Called when the connection closes and whenever SQLite reads the
   * schema again: after a ROLLBACK that undoes the CREATE of another table, a VACUUM, a failed ATTACH, or a schema
   * change by another process. If the CREATE of the table is rolled back, `disconnect` is called, not `destroy`. While
   * this function runs, `spi`, `session` and `changeset` fail with code 21 (`SQLITE_MISUSE`).
   *
   * C: `xDisconnect`.
   */
  disconnect(table: number): void;
  /**
   * Deletes a table for DROP TABLE, and disconnects it. On an error it stays connected. If the DROP is rolled back,
   * `connect` is called for the table again.
   *
   * C: `xDestroy`.
   */
  destroy(table: number): void;
  /**
   * Returns a plan for a query; none if no scan is possible (`SQLITE_CONSTRAINT`). While this function runs, `spi`,
   * `session` and `changeset` fail with code 21 (`SQLITE_MISUSE`).
   *
   * C: `xBestIndex`.
   */
  bestIndex(table: number, query: IndexQuery): IndexPlan | undefined;
  /**
   * Opens a cursor and returns its number.
   *
   * C: `xOpen`.
   */
  open(table: number): number;
  /**
   * Closes a cursor.
   *
   * C: `xClose`.
   */
  close(cursor: number): void;
  /**
   * Starts or restarts the scan of a cursor with a plan of `best-index`. Returns the first rows, at most `max-rows`.
   *
   * C: `xFilter`.
   */
  filter(cursor: number, number: number, text: string, args: Array<Argument>, maxRows: number): Batch;
  /**
   * Returns the next rows, at most `max-rows`. Not called after a batch with `done`.
   *
   * C: `xNext`.
   */
  fetch(cursor: number, maxRows: number): Batch;
}
