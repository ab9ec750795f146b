/** Messages of components to the user: on standard error, marked with the component's name. */

import { platform } from '../core/platform.js';
import { shown } from '../core/shown.js';

/** Writes one line. A component cannot move the cursor or forge other components' lines. */
export function writeMarked(mark: string, text: string): void {
  platform().writeError(`${shown(mark)}: ${shown(text)}\n`);
}
