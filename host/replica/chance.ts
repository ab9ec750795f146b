/** The source of times and UUIDs. Tests replace it. */
export interface Chance {
  /** The time in ms since 1970. */
  now(): number;
  uuid(): string;
}
