/**
 * `node transpile-program.js FILE < IN.wasm`: transpiles a component, writes an entry of the cache, and writes what was
 * made to standard output. A separate process is needed because loading is synchronous.
 */

import { readFileSync } from 'node:fs';
import { writeEntry } from '../node/cache-entry.js';
import { pack } from './packed.js';
import { transpile } from './transpile.js';

const [file = ''] = process.argv.slice(2);
try {
  const component = new Uint8Array(readFileSync(0));
  const made = pack(await transpile(component), component);
  writeEntry(file, made, component);
  process.stdout.write(made);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(
    message
      .replace(/\s*Caused by:\s*/g, ': ')
      .replace(/\s+/g, ' ')
      .trim(),
  );
  process.exitCode = 1;
}
