// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

/**
 * An answer.
 * # Variants
 *
 * ## `"allow"`
 *
 * The action is allowed (`SQLITE_OK`).
 * ## `"deny"`
 *
 * The statement is not compiled (`SQLITE_DENY`).
 * ## `"ignore"`
 *
 * The action is left out: a column reads as NULL, a row is not changed (`SQLITE_IGNORE`).
 */
export type Verdict = 'allow' | 'deny' | 'ignore';

export interface Functions {
  /**
   * Called for each thing a statement would do, while it is compiled. `action` is one of the authorizer
   * action codes, such as 18 for `SQLITE_INSERT`; they and the meaning of `first` and `second` are listed at
   * https://www.sqlite.org/c3ref/c_alter_table.html. `database` is "main", "temp" or an attached name;
   * `trigger` is the innermost trigger or view that the action comes from.
   *
   * A trap counts as deny. `spi`, `session` and `changeset` fail with code 21 (`SQLITE_MISUSE`) while it runs.
   *
   * C: the `xAuth` of `sqlite3_set_authorizer`.
   */
  authorize(action: number, first: string | undefined, second: string | undefined, database: string | undefined, trigger: string | undefined): Verdict;
}
