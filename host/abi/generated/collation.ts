// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

/**
 * One collation.
 */
export interface CollationSpec {
  /**
   * What `compare` receives to say which one is meant. Chosen by the component.
   */
  id: bigint;
  /**
   * The name after COLLATE.
   */
  name: string;
}

export interface Functions {
  /**
   * The collations to register. Called once, when the component is loaded. Does not call the host.
   */
  describe(): Array<CollationSpec>;
  /**
   * Less than 0 if `a` comes before `b`, 0 if they are equal, more than 0 if it comes after.
   *
   * Must be a total order that never changes: indexes are kept in it. It cannot fail; a component that traps
   * here makes the connection refuse every commit until the transaction is rolled back. `spi`, `session` and
   * `changeset` fail with code 21 (`SQLITE_MISUSE`) while it runs.
   *
   * C: the `xCompare` of `sqlite3_create_collation_v2`.
   */
  compare(id: bigint, a: string, b: string): number;
}
