/** The error class for SQLite's failures. Only this file creates its objects. */

import {
  SQLITE_ABORT_ROLLBACK,
  SQLITE_CONSTRAINT,
  SQLITE_CORRUPT,
  SQLITE_DONE,
  SQLITE_ROW,
} from './constants.js';

/**
 * The kind of a failure, so that callers need not parse messages. `refused`: an option of the call, such as of an apply
 * or a session, forbids it. `malformed`: the bytes are not a changeset, patchset or capture.
 */
export type ErrorReason = 'refused' | 'malformed';

/** Optional fields of an {@link SqliteError}. */
export interface ErrorDetails {
  /** The error's position in the SQL text, in bytes. */
  readonly offset?: number | undefined;
  readonly reason?: ErrorReason | undefined;
  /** The cause alone, without the operation that the message also names. */
  readonly detail?: string | undefined;
}

/**
 * An SQLite error, with the same fields as an error of `node:sqlite`.
 *
 * `errcode` is the extended result code (https://www.sqlite.org/rescode.html). `errstr` is SQLite's description of that
 * code. `message` describes this error.
 */
export class SqliteError extends Error {
  override readonly name = 'SqliteError';
  readonly code = 'ERR_SQLITE_ERROR';
  readonly errcode: number;
  readonly errstr: string;
  /** The error's position in the SQL text, in bytes. Undefined if SQLite does not report it. */
  readonly offset: number | undefined;
  /** The kind of failure, if callers distinguish it. */
  declare readonly reason?: ErrorReason;
  /** The cause alone, without the operation that `message` also names. Undefined if `message` names no operation. */
  declare readonly detail?: string;

  /** @internal Call {@link sqliteError} instead. */
  constructor(message: string, errcode: number, details: ErrorDetails = {}) {
    super(message);
    this.errcode = errcode;
    this.errstr = errorText(errcode);
    this.offset = details.offset;
    if (details.reason !== undefined) this.reason = details.reason;
    if (details.detail !== undefined) this.detail = details.detail;
  }
}

/** @param message describes the error; without it, the error has SQLite's description of the code */
export function sqliteError(code: number, message?: string, details?: ErrorDetails): SqliteError {
  return new SqliteError(message ?? errorText(code), code, details);
}

/** The error for something that the options of a call forbid. @param why begins with a small letter */
export function refusal(why: string): SqliteError {
  return sqliteError(SQLITE_CONSTRAINT, `refused: ${why}`, { reason: 'refused', detail: why });
}

/**
 * The error for bytes that are not a changeset, patchset or capture.
 *
 * @param offset the first wrong byte
 * @param what the operation that failed, if it is known
 */
export function malformed(reason: string, offset: number, what?: string): SqliteError {
  const detail = `malformed changeset: ${reason} at byte ${offset}`;
  const message = what === undefined ? detail : `${what}: ${detail}`;
  return sqliteError(SQLITE_CORRUPT, message, { reason: 'malformed', detail });
}

/** An error as plain fields, which can be sent to another thread. */
export interface PlainError extends ErrorDetails {
  readonly message: string;
  readonly errcode: number;
}

export function plainError({ message, errcode, offset, reason, detail }: SqliteError): PlainError {
  return { message, errcode, offset, reason, detail };
}

/** Makes an error from its plain fields. */
export function errorFrom({ message, errcode, ...details }: PlainError): SqliteError {
  return sqliteError(errcode, message, details);
}

/** Describes a result code as `sqlite3_errstr` does. Texts are repeated here, because not every thread runs SQLite. */
export function errorText(code: number): string {
  return special[code] ?? (texts[code & 0xff] || 'unknown error');
}

const special: Readonly<Record<number, string>> = {
  [SQLITE_ABORT_ROLLBACK]: 'abort due to ROLLBACK',
  [SQLITE_ROW]: 'another row available',
  [SQLITE_DONE]: 'no more rows available',
};

/** The texts by primary code, from 0. '' if SQLite has no text for a code. */
const texts: readonly string[] = [
  'not an error',
  'SQL logic error',
  '',
  'access permission denied',
  'query aborted',
  'database is locked',
  'database table is locked',
  'out of memory',
  'attempt to write a readonly database',
  'interrupted',
  'disk I/O error',
  'database disk image is malformed',
  'unknown operation',
  'database or disk is full',
  'unable to open database file',
  'locking protocol',
  '',
  'database schema has changed',
  'string or blob too big',
  'constraint failed',
  'datatype mismatch',
  'bad parameter or other API misuse',
  '',
  'authorization denied',
  '',
  'column index out of range',
  'file is not a database',
  'notification message',
  'warning message',
];
