/** The one error that SQLite's failures become, and the one place that makes it. */

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
  /** Where in the SQL text the error is, in bytes from its start. Undefined where SQLite does not say. */
  readonly offset: number | undefined;

  constructor(message: string, errcode: number, errstr: string, offset?: number) {
    super(message);
    this.errcode = errcode;
    this.errstr = errstr;
    this.offset = offset;
  }
}
