/** `node transpile-program.js IN.wasm FOLDER`: transpiles in a process of its own, because loading is synchronous. */

import { readFileSync } from 'node:fs';
import { transpileTo } from './transpile.js';

const [input = '', folder = ''] = process.argv.slice(2);
try {
  await transpileTo(new Uint8Array(readFileSync(input)), folder);
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
