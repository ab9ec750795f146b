/** Tells whether files must be built again. */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Whether a source has changed since `built` was written, or `built` does not exist. @param sources files and folders */
export function isChanged(built: string, sources: readonly string[]): boolean {
  const since = statSync(built, { throwIfNoEntry: false })?.mtimeMs;
  if (since === undefined) return true;
  const paths = [...sources];
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const found = statSync(path);
    if (found.mtimeMs > since) return true; // a folder changes if a file in it is added or removed
    if (found.isDirectory()) for (const name of readdirSync(path)) paths.push(join(path, name));
  }
  return false;
}
