// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * What a module is.
 */
export interface ModuleFlags {
  /**
   * A table of the module's name is there without CREATE VIRTUAL TABLE; the arguments are then empty.
   */
  eponymous?: boolean;
  /**
   * CREATE VIRTUAL TABLE name USING module(...) makes one. Of a module that is eponymous too, every table is
   * connected, none is created.
   */
  creatable?: boolean;
  /**
   * Not usable from triggers and views (`SQLITE_VTAB_DIRECTONLY`).
   */
  directOnly?: boolean;
  /**
   * Harmless even if the schema is not trusted (`SQLITE_VTAB_INNOCUOUS`).
   */
  innocuous?: boolean;
  /**
   * Changed by INSERT, UPDATE and DELETE: the component exports `writable-table` too.
   */
  writable?: boolean;
  /**
   * Takes part in transactions: `begin`, `sync`, `commit` and `rollback` of `writable-table` are called. A table
   * that is created takes part in that transaction at once, without `begin`, so that `rollback` tells of a CREATE
   * undone.
   */
  transactional?: boolean;
  /**
   * Takes part in savepoints too: `savepoint`, `release` and `rollback-to` are called.
   */
  savepoints?: boolean;
}
/**
 * One module.
 */
export interface ModuleSpec {
  /**
   * What `connect` receives to say which one is meant. Chosen by the component.
   */
  id: bigint;
  /**
   * The module's name. Not empty, without U+0000, and of no other module of the component.
   */
  name: string;
  /**
   * What it is: eponymous or creatable or both.
   */
  options: ModuleFlags;
  /**
   * Tables named T_SUFFIX hold the data of a table T of this module, for each suffix here: they are
   * protected as shadow tables (https://www.sqlite.org/vtab.html#xshadowname). Letters, digits and underscores.
   */
  shadowNames: Array<string>;
}
/**
 * Why a table is connected.
 * # Variants
 *
 * ## `"create"`
 *
 * CREATE VIRTUAL TABLE runs: make what lasts.
 * ## `"connect"`
 *
 * The table is there already, or is eponymous.
 */
export type ConnectionKind = 'create' | 'connect';
/**
 * A table that was connected.
 */
export interface TableSchema {
  /**
   * The number by which the component knows the table, until `disconnect` or `destroy`.
   */
  table: number;
  /**
   * A CREATE TABLE statement, whose table name is not used. A HIDDEN column is a parameter of the table
   * as a function. Rows have integer rowids; WITHOUT ROWID is for modules that are not writable.
   */
  declaration: string;
}
/**
 * One term of a WHERE clause.
 */
export interface IndexConstraint {
  /**
   * The column, from 0; -1 is the rowid. Of no meaning for LIMIT and OFFSET.
   */
  column: number;
  /**
   * One of the `SQLITE_INDEX_CONSTRAINT_` codes, such as 2 for EQ
   * (https://www.sqlite.org/c3ref/c_index_constraint_eq.html).
   */
  op: number;
  /**
   * Whether the term can be used in this plan. One that compares by another collation than its column is declared
   * with never can.
   */
  usable: boolean;
  /**
   * Whether it is `column IN (...)` whose values can be had all at once; `op` is then EQ.
   */
  isIn: boolean;
  /**
   * The right side, if it is known already.
   */
  value?: SqlValue;
}
/**
 * One term of ORDER BY.
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
 * What SQLite asks for.
 */
export interface IndexQuery {
  /**
   * The terms of WHERE, joined by AND.
   */
  constraints: Array<IndexConstraint>;
  /**
   * The terms of ORDER BY, most important first. Empty if there are none or they cannot be used.
   */
  orderBy: Array<IndexOrder>;
  /**
   * Which rows matter: 0 all and in order, 1 grouped, 2 one of each group, 3 one of each group and in order
   * (`sqlite3_vtab_distinct`).
   */
  distinct: number;
  /**
   * A bit per column that is used, column 0 the lowest; the highest bit stands for all columns from 63 on.
   */
  columnsUsed: bigint;
}
/**
 * How one constraint is used.
 */
export interface ConstraintUsage {
  /**
   * The place of its right side among the arguments of `filter`, from 1; 0 if it is not used.
   */
  argument: number;
  /**
   * Whether SQLite need not check the term again.
   */
  omit: boolean;
  /**
   * For an `is-in` term: whether its values come all at once.
   */
  allAtOnce: boolean;
}
/**
 * A way to scan.
 */
export interface IndexPlan {
  /**
   * One for each constraint, in the same order. If there are fewer, the others are not used.
   */
  usages: Array<ConstraintUsage>;
  /**
   * Passed on to `filter`.
   */
  number: number;
  /**
   * Passed on to `filter`. Without U+0000.
   */
  text: string;
  /**
   * Whether rows come in the order that was asked for.
   */
  ordered: boolean;
  /**
   * The cost, in rows read from disk, as an estimate.
   */
  cost: number;
  /**
   * The number of rows, as an estimate.
   */
  rows: bigint;
  /**
   * Whether there is at most one row. An UPDATE or DELETE then changes it while the scan stands on it.
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
 * The values of an IN that come all at once.
 */
export interface ArgumentValues {
  tag: 'values';
  val: Array<SqlValue>;
}
/**
 * Some rows.
 */
export interface Batch {
  /**
   * The rowid of each row.
   */
  rowids: BigInt64Array;
  /**
   * The values of each row after one another, as many as the table has declared columns. Columns that are not
   * among the query's `columns-used` may be null.
   */
  values: Array<SqlValue>;
  /**
   * Whether these are the last rows. A batch without rows must say so.
   */
  done: boolean;
}

export interface Functions {
  /**
   * The modules to register. Called once, when the component is loaded. Does not call the host.
   */
  describe(): Array<ModuleSpec>;
  /**
   * Makes or connects a table. `args` are the database, the table's name, and the arguments of CREATE VIRTUAL
   * TABLE as they were written.
   *
   * C: `xCreate`, `xConnect`.
   */
  connect(module: bigint, kind: ConnectionKind, args: Array<string>): TableSchema;
  /**
   * Lets go of a table. What lasts, stays. Called at the end of the connection and whenever SQLite reads the
   * schema again: after a ROLLBACK of other tables' CREATE, VACUUM, a failed ATTACH, another process's changes. A
   * CREATE that is rolled back ends here too, not with `destroy`. `spi`, `session` and `changeset` fail with code 21
   * (`SQLITE_MISUSE`) while it runs.
   *
   * C: `xDisconnect`.
   */
  disconnect(table: number): void;
  /**
   * Ends a table, for DROP TABLE, and lets go of it. On an error it stays connected. If the DROP is rolled back,
   * `connect` follows: the schema has the table again.
   *
   * C: `xDestroy`.
   */
  destroy(table: number): void;
  /**
   * Says how to answer a query: none if it cannot be done (`SQLITE_CONSTRAINT`). `spi`, `session` and
   * `changeset` fail with code 21 (`SQLITE_MISUSE`) while it runs.
   *
   * C: `xBestIndex`.
   */
  bestIndex(table: number, query: IndexQuery): IndexPlan | undefined;
  /**
   * Starts a scan.
   *
   * C: `xOpen`.
   */
  open(table: number): number;
  /**
   * Ends a scan.
   *
   * C: `xClose`.
   */
  close(cursor: number): void;
  /**
   * Begins a scan again by a plan of `best-index`, and returns the first rows, at most `max-rows`.
   *
   * C: `xFilter`.
   */
  filter(cursor: number, number: number, text: string, args: Array<Argument>, maxRows: number): Batch;
  /**
   * The rows that follow, at most `max-rows`. Not called after a batch that was done.
   *
   * C: `xNext`.
   */
  fetch(cursor: number, maxRows: number): Batch;
}
