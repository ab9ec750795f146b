/** The error class for SQLite's failures, and the only place that makes it. */

import {
  SQLITE_ABORT_ROLLBACK,
  SQLITE_CONSTRAINT,
  SQLITE_CORRUPT,
  SQLITE_DONE,
  SQLITE_ROW,
} from './constants.js';

/**
 * What callers tell apart, so that none takes a message to pieces: `refused`, what the options of a call forbid, such
 * as those of an apply or a session; `malformed`, bytes that are not a changeset, patchset or capture.
 */
export type ErrorReason = 'refused' | 'malformed';

/** What more there is to say of an error. */
export interface ErrorDetails {
  /** Where in the SQL text the error is, in bytes from its start. */
  readonly offset?: number | undefined;
  readonly reason?: ErrorReason | undefined;
  /** What is wrong, without the words in the message that say what was being done. */
  readonly detail?: string | undefined;
}

/**
 * A failure of SQLite, with the fields that errors of `node:sqlite` have.
 *
 * `errcode` is the extended result code (https://www.sqlite.org/rescode.html), `errstr` its general meaning;
 * `message` says what happened here.
 */
export class SqliteError extends Error {
  override readonly name = 'SqliteError';
  readonly code = 'ERR_SQLITE_ERROR';
  readonly errcode: number;
  readonly errstr: string;
  /** Where in the SQL text the error is, in bytes from its start. Undefined if SQLite does not know. */
  readonly offset: number | undefined;
  /** The kind of failure, if callers distinguish it. */
  declare readonly reason?: ErrorReason;
  /** What is wrong, without the words that say what was being done; undefined if the message is that. */
  declare readonly detail?: string;

  /** @internal {@link sqliteError} makes them */
  constructor(message: string, errcode: number, details: ErrorDetails = {}) {
    super(message);
    this.errcode = errcode;
    this.errstr = errorText(errcode);
    this.offset = details.offset;
    if (details.reason !== undefined) this.reason = details.reason;
    if (details.detail !== undefined) this.detail = details.detail;
  }
}

/** @param message what happened; without it what SQLite says of the code in general */
export function sqliteError(code: number, message?: string, details?: ErrorDetails): SqliteError {
  return new SqliteError(message ?? errorText(code), code, details);
}

/** The error for what the options of a call forbid. @param why begins small */
export function refusal(why: string): SqliteError {
  return sqliteError(SQLITE_CONSTRAINT, `refused: ${why}`, { reason: 'refused', detail: why });
}

/**
 * The error for bytes that are not a changeset, patchset or capture.
 *
 * @param offset the first wrong byte
 * @param what was being done, if it is known
 */
export function malformed(reason: string, offset: number, what?: string): SqliteError {
  const detail = `malformed changeset: ${reason} at byte ${offset}`;
  const message = what === undefined ? detail : `${what}: ${detail}`;
  return sqliteError(SQLITE_CORRUPT, message, { reason: 'malformed', detail });
}

/** An error as plain fields, which go from thread to thread. */
export interface PlainError extends ErrorDetails {
  readonly message: string;
  readonly errcode: number;
}

export function plainError({ message, errcode, offset, reason, detail }: SqliteError): PlainError {
  return { message, errcode, offset, reason, detail };
}

/** The error whose fields these are. */
export function errorFrom({ message, errcode, ...details }: PlainError): SqliteError {
  return sqliteError(errcode, message, details);
}

/** `sqlite3_errstr`: what a result code means. As text here too, because not every thread has an SQLite. */
export function errorText(code: number): string {
  return special[code] ?? (texts[code & 0xff] || 'unknown error');
}

const special: Readonly<Record<number, string>> = {
  [SQLITE_ABORT_ROLLBACK]: 'abort due to ROLLBACK',
  [SQLITE_ROW]: 'another row available',
  [SQLITE_DONE]: 'no more rows available',
};

/** By the primary code, from 0; '' for those that SQLite has no text for. */
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
