/** The WIT of this package as text: jco's own readers find no files on disk. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.js';

export const witFolder = join(root, 'wit/1.0.0');
const header = 'package sqlite:extension@1.0.0;';

/** The package as one file. Behind another package, `main`, its text is nested in a block. */
export function witText(main?: string): string {
  const body = readdirSync(witFolder)
    .filter((name) => name.endsWith('.wit'))
    .sort()
    .map((name) => readFileSync(join(witFolder, name), 'utf8').replace(header, ''))
    .join('');
  return main === undefined ? header + body : `${main}\n${header.replace(';', '')} {${body}}\n`;
}
