/**
 * `node transpile-program.js FOLDER < IN.wasm`: transpiles a component. A separate process is needed because loading is
 * synchronous.
 */

import { readFileSync } from 'node:fs';
import { transpileTo } from './transpile.js';

const [folder = ''] = process.argv.slice(2);
try {
  await transpileTo(new Uint8Array(readFileSync(0)), folder);
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
