/** The WIT of this package as text: jco's own readers find no files on disk. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.js';

/** The newest contract: what bindings are generated from and guests are built for. */
export const contractVersion = '1.1.0';

export const witFolder = (version = contractVersion): string => join(root, 'wit', version);

/** A release of the package as one file. Behind another package, `main`, its text is nested in a block. */
export function witText(main?: string, version = contractVersion): string {
  const header = `package sqlite:extension@${version};`;
  const body = readdirSync(witFolder(version))
    .filter((name) => name.endsWith('.wit'))
    .sort()
    .map((name) => readFileSync(join(witFolder(version), name), 'utf8').replace(header, ''))
    .join('');
  return main === undefined ? header + body : `${main}\n${header.replace(';', '')} {${body}}\n`;
}
