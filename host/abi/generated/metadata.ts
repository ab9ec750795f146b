// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

/**
 * A component's name and version.
 */
export interface Extension {
  /**
   * A short name in lower case, such as "session".
   */
  name: string;
  /**
   * The component's own version, in the format of https://semver.org, such as "1.2.0".
   */
  version: string;
}

export interface Functions {
  /**
   * Called once, before all other functions. Must not call the host.
   */
  describe(): Extension;
}
