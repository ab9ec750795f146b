// Generated from the WIT by scripts/bindings.ts: do not edit.
// WIT sha256: 728bddc7563b5ccc63656fb69acfa13f5c1a694df81e1bb74ee0775d405be6e9

/**
 * How much a message matters.
 * # Variants
 *
 * ## `"debug"`
 *
 * Of use to the component's author.
 * ## `"info"`
 *
 * Of use to know.
 * ## `"warning"`
 *
 * Something that should be looked at.
 * ## `"error"`
 *
 * Something that failed.
 */
export type Level = 'debug' | 'info' | 'warning' | 'error';

export interface Functions {
  /**
   * Hands over one message, without a line end. The host may drop it.
   *
   * C: `sqlite3_log` is the nearest.
   */
  log(level: Level, message: string): void;
}
