// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

/**
 * The answer of an authorizer.
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
 * The action is skipped: a column reads as NULL, a row is not changed (`SQLITE_IGNORE`).
 */
export type Verdict = 'allow' | 'deny' | 'ignore';

export interface Functions {
  /**
   * Called for each action of a statement, while SQLite compiles the statement. `action` is an authorizer action code,
   * such as 18 for `SQLITE_INSERT`. https://www.sqlite.org/c3ref/c_alter_table.html lists the codes and the meaning of
   * `first` and `second`. `database` is "main", "temp" or the name of an attached database. `trigger` is the innermost
   * trigger or view that causes the action.
   *
   * A trap counts as deny. While this function runs, `spi`, `session` and `changeset` fail with code 21
   * (`SQLITE_MISUSE`).
   *
   * C: the `xAuth` of `sqlite3_set_authorizer`.
   */
  authorize(action: number, first: string | undefined, second: string | undefined, database: string | undefined, trigger: string | undefined): Verdict;
}
