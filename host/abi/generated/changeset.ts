// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

export type SqlValue = import('./types.js').SqlValue;
export type SqliteError = import('./types.js').SqliteError;
/**
 * The number of a changeset that the host holds.
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
 * The column is not part of the change.
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
   * The operation.
   */
  op: Operation;
  /**
   * Whether a trigger or a foreign key action made the change.
   */
  indirect: boolean;
  /**
   * For each column, its position in the PRIMARY KEY from 1, or 0.
   */
  key: Uint8Array;
  /**
   * The old value of each column; empty for an INSERT.
   */
  old: Array<Field>;
  /**
   * The new value of each column; empty for a DELETE.
   */
  'new': Array<Field>;
}
/**
 * A page of changes.
 */
export interface Page {
  /**
   * The changes, in order.
   */
  changes: Array<Change>;
  /**
   * The position of the next page; none at the end.
   */
  next?: bigint;
}
/**
 * An error in the bytes of a changeset.
 */
export interface Fault {
  /**
   * The offset of the first wrong byte.
   */
  offset: bigint;
  /**
   * Describes the error.
   */
  reason: string;
}

export interface Functions {
  /**
   * Makes an empty changeset.
   */
  create(): Held;
  /**
   * Appends bytes.
   */
  append(changeset: Held, bytes: Uint8Array): void;
  /**
   * Returns the length in bytes.
   */
  size(changeset: Held): bigint;
  /**
   * Returns at most `length` bytes from `offset` on; fewer only at the end.
   */
  read(changeset: Held, offset: bigint, length: number): Uint8Array;
  /**
   * Frees the changeset.
   */
  drop(changeset: Held): void;
  /**
   * Returns the first error in the changeset; none if it is a complete changeset or patchset.
   */
  validate(changeset: Held): Fault | undefined;
  /**
   * Returns at most `max` changes. `position` is 0 or the `next` of the previous page. Fails with code 11
   * (`SQLITE_CORRUPT`) if the changeset is malformed.
   *
   * C: `sqlite3changeset_start_v2`, `sqlite3changeset_next` and related functions.
   */
  changes(changeset: Held, position: bigint, max: number): Page;
  /**
   * Returns the column names for a table in a changeset with `count` columns. They come from the connection's database
   * "main", without generated columns. If the table does not exist or has another number of columns, they are c1, c2
   * and so on.
   */
  columnNames(table: string, count: number): Array<string>;
  /**
   * Makes the changeset that undoes this one. Fails with code 11 (`SQLITE_CORRUPT`) for a patchset, which has no old
   * values.
   *
   * C: `sqlite3changeset_invert`.
   */
  invert(changeset: Held): Held;
  /**
   * Joins `changesets`, in order, into one. `schema` is the name of a database whose columns complete changesets that
   * were made before columns were added.
   *
   * C: `sqlite3changegroup_add`, `sqlite3changegroup_schema`, `sqlite3changegroup_output`.
   */
  concat(changesets: Uint32Array, schema: string | undefined): Held;
  /**
   * Makes a changeset or patchset from changes.
   *
   * C: `sqlite3changegroup_change_begin` and related functions.
   */
  build(changes: Array<Change>, patchset: boolean): Held;
  /**
   * Rebases local changes on changesets that were applied before them. `rebases` are the rebase buffers of those
   * applies, in order.
   *
   * C: `sqlite3rebaser_configure`, `sqlite3rebaser_rebase`.
   */
  rebase(changeset: Held, rebases: Array<Uint8Array>): Held;
  /**
   * Converts the changeset to a JSON document without loss. The documentation of the codec's `toJson` describes the
   * document.
   */
  toJson(changeset: Held): string;
  /**
   * Converts a document of `to-json` to a changeset.
   */
  fromJson(json: string): Held;
  /**
   * Returns SQL that makes the same changes. The column names come from the connection's schema.
   */
  toSql(changeset: Held): string;
  /**
   * Returns the number of changes of each table, as a JSON document.
   */
  statistics(changeset: Held): string;
  /**
   * Applies the changeset to a database of the connection, completely or not at all. `options` is a JSON object; "{}"
   * aborts on every conflict. The host documents its members, such as flags, a table filter, the conflict policy and
   * dry run. An unknown member is an error that names it. The result is a report as a JSON object, with the rebase
   * buffer as hex digits under "rebase". Options and report are JSON so that members can be added.
   *
   * Fails with code 21 (`SQLITE_MISUSE`) while a statement writes, and inside a hook, an authorizer, a collation or
   * `best-index`.
   *
   * C: `sqlite3changeset_apply_v3`.
   */
  apply(changeset: Held, options: string): string;
}
