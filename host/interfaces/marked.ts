/** What components say to the person who runs the host: on standard error, marked with who says it. */

import { shown } from '../core/shown.js';

/** Writes one line. A component may not move the cursor or forge lines of others. */
export function writeMarked(mark: string, text: string): void {
  process.stderr.write(`${shown(mark)}: ${shown(text)}\n`);
}
