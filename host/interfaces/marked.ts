/** What components say to the person who runs the host: on standard error, marked with who says it. */

/** The most characters of one line. */
export const longestLine = 4096;

/** Writes one line. A component may not move the cursor or forge lines of others. */
export function writeMarked(mark: string, text: string): void {
  process.stderr.write(`${mark}: ${text.slice(0, longestLine).replace(/\p{Cc}+/gu, ' ')}\n`);
}
