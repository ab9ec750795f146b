// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

/**
 * A collation.
 */
export interface CollationSpec {
  /**
   * Identifies the collation in calls of `compare`. Chosen by the component.
   */
  id: bigint;
  /**
   * The name of the collation in SQL.
   */
  name: string;
}

export interface Functions {
  /**
   * Returns the collations to register. Called once, when the component is loaded. Must not call the host.
   */
  describe(): Array<CollationSpec>;
  /**
   * Returns a number below 0 if `a` comes before `b`, 0 if they are equal, and above 0 if `a` comes after `b`.
   *
   * The order must be total and must never change, because indexes depend on it. `compare` cannot return an error. If
   * it traps, the connection refuses every commit until the transaction is rolled back. While `compare` runs, `spi`,
   * `session` and `changeset` fail with code 21 (`SQLITE_MISUSE`).
   *
   * C: the `xCompare` of `sqlite3_create_collation_v2`.
   */
  compare(id: bigint, a: string, b: string): number;
}
