/** Finds the files of this package at run time, even in a program that bundles its modules. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The URL of this module; undefined in a CommonJS bundle. */
const here: string | undefined = import.meta.url;

let folder: string | undefined;

/** Requires a package that is installed next to this package or next to the bundle. */
export function requireHere(name: string): unknown {
  return createRequire(here ?? pathToFileURL(process.argv[1] ?? join(process.cwd(), 'index.js')).href)(name);
}

/**
 * Returns the path of a file of the package.
 *
 * @param path the path relative to `dist/`
 * @throws Error in a bundle if the package is not installed in the bundle's folder or the current one
 */
export function ownFile(path: string): string {
  folder ??= ownFolder();
  return join(folder, path);
}

function ownFolder(): string {
  const beside = here === undefined ? undefined : fileURLToPath(new URL('..', here));
  if (beside !== undefined && existsSync(join(beside, 'core/sqlite3.wasm'))) return beside;
  for (const from of [here, process.argv[1], join(process.cwd(), 'index.js')]) {
    if (from === undefined) continue;
    try {
      return dirname(createRequire(from).resolve('sqlite-wasm-run'));
    } catch {} // try the next folder
  }
  throw new Error(
    'cannot find the files of sqlite-wasm-run next to this bundle: mark sqlite-wasm-run as external, or install it in the folder of the bundle',
  );
}
