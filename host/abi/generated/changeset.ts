// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * Names a changeset that the host holds.
 */
export type Held = number;
/**
 * An operation on a row.
 * # Variants
 *
 * ## `"insert"`
 *
 * ## `"update"`
 *
 * ## `"delete"`
 */
export type Operation = 'insert' | 'update' | 'delete';
/**
 * A value of a change.
 */
export type Field = FieldUndefined | FieldValue;
/**
 * Not part of the change.
 */
export interface FieldUndefined {
  tag: 'undefined';
}
/**
 * A value.
 */
export interface FieldValue {
  tag: 'value';
  val: SqlValue;
}
/**
 * One change of one row.
 */
export interface Change {
  /**
   * The table's name.
   */
  table: string;
  /**
   * What was done.
   */
  op: Operation;
  /**
   * Whether a trigger or a foreign key action did it.
   */
  indirect: boolean;
  /**
   * Per column: 0, or its place in the PRIMARY KEY, from 1.
   */
  key: Uint8Array;
  /**
   * Per column the old value; empty for an INSERT.
   */
  old: Array<Field>;
  /**
   * Per column the new value; empty for a DELETE.
   */
  'new': Array<Field>;
}
/**
 * Some changes.
 */
export interface Page {
  /**
   * The changes, in order.
   */
  changes: Array<Change>;
  /**
   * If the next ones begin; none at the end.
   */
  next?: bigint;
}
/**
 * What is wrong with the bytes of a changeset.
 */
export interface Fault {
  /**
   * The first wrong byte, from 0.
   */
  offset: bigint;
  /**
   * Why it is wrong: one sentence.
   */
  reason: string;
}

export interface Functions {
  /**
   * An empty changeset.
   */
  create(): Held;
  /**
   * Adds bytes at the end.
   */
  append(changeset: Held, bytes: Uint8Array): void;
  /**
   * Its length in bytes.
   */
  size(changeset: Held): bigint;
  /**
   * At most `length` bytes from `offset` on; fewer only at the end.
   */
  read(changeset: Held, offset: bigint, length: number): Uint8Array;
  /**
   * Frees it.
   */
  drop(changeset: Held): void;
  /**
   * What is wrong with it; none if it is a whole changeset or patchset.
   */
  validate(changeset: Held): Fault | undefined;
  /**
   * The changes from `position` on, which is 0 or what the page before gave; at most `max`. Fails with
   * code 11 (`SQLITE_CORRUPT`) if it is malformed.
   *
   * C: `sqlite3changeset_start_v2`, `sqlite3changeset_next` and what goes with them.
   */
  changes(changeset: Held, position: bigint, max: number): Page;
  /**
   * The names of a table's columns as a changeset of `count` columns has them: by the schema of the connection's
   * database "main", generated columns left out; c1, c2 and so on if the table is not there or has another
   * number of columns.
   */
  columnNames(table: string, count: number): Array<string>;
  /**
   * What undoes the changeset. Fails with code 11 (`SQLITE_CORRUPT`) for a patchset, which has no old values.
   *
   * C: `sqlite3changeset_invert`.
   */
  invert(changeset: Held): Held;
  /**
   * One changeset that does what `changesets` do one after another. With `schema`, the name of a database,
   * changesets that were made before columns were added are filled up as that database's tables are.
   *
   * C: `sqlite3changegroup_add`, `sqlite3changegroup_schema`, `sqlite3changegroup_output`.
   */
  concat(changesets: Uint32Array, schema: string | undefined): Held;
  /**
   * Makes a changeset, or a patchset, of changes.
   *
   * C: `sqlite3changegroup_change_begin` and what goes with it.
   */
  build(changes: Array<Change>, patchset: boolean): Held;
  /**
   * Makes local changes fit what others did first: `rebases` are the rebase buffers that applying the others'
   * changesets gave, in that order.
   *
   * C: `sqlite3rebaser_configure`, `sqlite3rebaser_rebase`.
   */
  rebase(changeset: Held, rebases: Array<Uint8Array>): Held;
  /**
   * The changeset as a JSON document without loss; the shape is described at the codec's `toJson`.
   */
  toJson(changeset: Held): string;
  /**
   * The changeset that `to-json` wrote.
   */
  fromJson(json: string): Held;
  /**
   * SQL text that makes the same changes. Column names come from the connection's schema.
   */
  toSql(changeset: Held): string;
  /**
   * Counts per table, as a JSON document.
   */
  statistics(changeset: Held): string;
  /**
   * Applies it to a database of the connection, whole or not at all. `options` is a JSON object; "{}"
   * aborts on every conflict. The host documents its members: flags, filter by table, the policy for
   * conflicts, dry run. Unknown ones are refused by name. The result is the report, a JSON object, with the
   * rebase buffer as hex digits under "rebase". JSON, so that options and report can grow.
   *
   * Fails with code 21 (`SQLITE_MISUSE`) while a statement writes, and under a hook, an authorizer, a collation
   * or `best-index`.
   *
   * C: `sqlite3changeset_apply_v3`.
   */
  apply(changeset: Held, options: string): string;
}
