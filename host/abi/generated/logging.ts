// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

/**
 * The importance of a message.
 * # Variants
 *
 * ## `"debug"`
 *
 * Useful to the component's author.
 * ## `"info"`
 *
 * Useful information.
 * ## `"warning"`
 *
 * Something that the user should check.
 * ## `"error"`
 *
 * Something that failed.
 */
export type Level = 'debug' | 'info' | 'warning' | 'error';

export interface Functions {
  /**
   * Sends a message, without a line end. The host may discard it.
   *
   * C: similar to `sqlite3_log`.
   */
  log(level: Level, message: string): void;
}
