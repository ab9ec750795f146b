/** The files of this package that are read at run time, also by a program that bundles its modules. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Undefined in a CommonJS bundle. */
const here: string | undefined = import.meta.url;

let folder: string | undefined;

/** Requires packages that are installed beside this one, or beside the bundle. */
export function requireHere(name: string): unknown {
  return createRequire(here ?? pathToFileURL(process.argv[1] ?? join(process.cwd(), 'index.js')).href)(name);
}

/**
 * The path of a file of the package, given as it is under `dist/`.
 *
 * @throws Error in a bundle, if the package is not installed where the bundle runs
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
    } catch {} // the next one
  }
  throw new Error(
    'cannot find the files of sqlite-wasm-run beside this bundle: mark sqlite-wasm-run as external, or install it where the bundle runs',
  );
}
