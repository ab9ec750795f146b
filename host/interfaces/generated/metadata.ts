// Generated from the WIT by scripts/bindings.ts: do not edit.

/**
 * A component's name and version.
 */
export interface Extension {
  /**
   * A short name, in lower case: "session".
   */
  name: string;
  /**
   * The component's own version, as in https://semver.org: "1.2.0".
   */
  version: string;
}

export interface Functions {
  /**
   * Called once, before anything else. Does not call the host.
   */
  describe(): Extension;
}
