/** Where a copy gets what differs each time: tests replace it. */
export interface Chance {
  /** In ms since 1970. */
  now(): number;
  uuid(): string;
}
