/** Writes messages of components to standard error, with the component's name in front. */

import { platform } from '../core/platform.js';
import { shown } from '../core/shown.js';

/** Writes one line. Control characters are escaped, so that a component cannot imitate the lines of others. */
export function writeMarked(mark: string, text: string): void {
  platform().writeError(`${shown(mark)}: ${shown(text)}\n`);
}
