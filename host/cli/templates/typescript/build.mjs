/** Builds EXTENSION_NAME.wasm: tsc checks src/ and compiles it to JavaScript, which QuickJS runs in the component. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { componentize } from 'componentize-qjs';

const here = import.meta.dirname;
const require = createRequire(import.meta.url);

const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
try {
  execFileSync(process.execPath, [tsc], { cwd: here, stdio: 'inherit' });
} catch {
  process.exit(1); // tsc has printed the errors
}

const entry = join(here, 'build/index.js');
const { component } = await componentize({
  witPath: join(here, 'wit'),
  world: 'extension',
  jsSource: readFileSync(entry, 'utf8'),
  jsPath: entry,
  moduleRoot: join(here, 'build'),
  optSize: true, // 1.1 MB instead of 1.7, about as fast
  sync: true, // functions do not return promises
  stubWasi: true, // needs no grants: a call of WASI traps
});
writeFileSync(join(here, 'EXTENSION_NAME.wasm'), component);
console.log(`EXTENSION_NAME.wasm: ${component.length} bytes`);
