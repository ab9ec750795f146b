// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

/**
 * An SQL value (https://www.sqlite.org/datatype3.html).
 *
 * Values are copied between host and component.
 */
export type SqlValue = SqlValueNull | SqlValueInteger | SqlValueReal | SqlValueText | SqlValueBlob;
/**
 * SQL NULL.
 */
export interface SqlValueNull {
  tag: 'null';
}
/**
 * A 64-bit signed integer (`SQLITE_INTEGER`).
 */
export interface SqlValueInteger {
  tag: 'integer';
  val: bigint;
}
/**
 * A 64-bit IEEE 754 number (`SQLITE_FLOAT`). SQLite stores NaN as NULL.
 */
export interface SqlValueReal {
  tag: 'real';
  val: number;
}
/**
 * Text in UTF-8 (`SQLITE_TEXT`). May contain U+0000.
 */
export interface SqlValueText {
  tag: 'text';
  val: string;
}
/**
 * Bytes (`SQLITE_BLOB`). The empty blob is not NULL.
 */
export interface SqlValueBlob {
  tag: 'blob';
  val: Uint8Array;
}
/**
 * The error of a failed call.
 */
export interface SqliteError {
  /**
   * The primary result code, such as 1 for `SQLITE_ERROR`
   * (https://www.sqlite.org/rescode.html).
   */
  code: number;
  /**
   * The extended result code, such as 2067 for `SQLITE_CONSTRAINT_UNIQUE`; equal to `code` if there is no extended
   * code.
   */
  extendedCode: number;
  /**
   * A message in English. It explains what was wrong and what was expected.
   */
  message: string;
}
