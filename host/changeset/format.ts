/**
 * The bytes of changesets and patchsets, as SQLite's session extension writes them: its description is at the head
 * of sqlite3session.c.
 */

/** What the bytes of a changeset are not. */
export class ChangesetError extends Error {
  override readonly name = 'ChangesetError';
  /** The first wrong byte, from 0; undefined where no bytes are to blame. */
  readonly offset: number | undefined;

  constructor(reason: string, offset?: number) {
    super(offset === undefined ? reason : `${reason} at byte ${offset}`);
    this.offset = offset;
  }
}

/** `T` begins the changes of a table in a changeset, `P` in a patchset. */
export const changesetMark = 0x54;
export const patchsetMark = 0x50;

export const opDelete = 9;
export const opInsert = 18;
export const opUpdate = 23;

/** The first byte of a value. */
export const typeUndefined = 0;
export const typeInteger = 1;
export const typeReal = 2;
export const typeText = 3;
export const typeBlob = 4;
export const typeNull = 5;

/** More columns than SQLite allows any table; the C library refuses more too. */
export const maxColumns = 65_536;

/** An operation on a row. */
export type Operation = 'insert' | 'update' | 'delete';

export const operationOf = (op: number): Operation =>
  op === opInsert ? 'insert' : op === opUpdate ? 'update' : 'delete';

export const codeOf = (op: Operation): number =>
  op === 'insert' ? opInsert : op === 'update' ? opUpdate : opDelete;

/** A value: INTEGER is a bigint, REAL a number. */
export type Value = null | bigint | number | string | Uint8Array;

/** The values of a row by column; undefined where the change has none. */
export type Values = readonly (Value | undefined)[];

/** The head of a table's changes. */
export interface Table {
  readonly name: string;
  /** Per column 0, or its place in the PRIMARY KEY from 1. */
  readonly key: readonly number[];
  /** Whether the changes come without old values. */
  readonly patchset: boolean;
}

/** One change of one row. Of a patchset, UPDATE and DELETE have the key as old values, and no more. */
export interface Change {
  readonly table: Table;
  readonly op: Operation;
  /** Whether a trigger or a foreign key action did it. */
  readonly indirect: boolean;
  /** Whole for a DELETE, key and changed columns for an UPDATE, empty for an INSERT. */
  readonly old: Values;
  /** Whole for an INSERT, changed columns for an UPDATE, empty for a DELETE. */
  readonly new: Values;
}

/** A value as its bytes, for what no JavaScript value stands for: TEXT that is not UTF-8, a NaN of a certain kind. */
export class Raw {
  readonly bytes: Uint8Array;

  constructor(type: number, content: Uint8Array) {
    this.bytes = Uint8Array.from([type, ...content]);
  }
}

/** A change that can be written. */
export interface WrittenChange extends Omit<Change, 'old' | 'new'> {
  readonly old: readonly (Value | Raw | undefined)[];
  readonly new: readonly (Value | Raw | undefined)[];
}
