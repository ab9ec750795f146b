/** Builds dist/, which is published and which the tests and `npx` run. */

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { copyTranspiler, transpileShipped } from './build-extensions.js';
import { entryGroups } from './entries.js';
import { dist, root } from './sources.js';

rmSync(dist, { recursive: true, force: true });

const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
execFileSync(
  process.execPath,
  [
    join(typescript, 'bin/tsc'),
    '-p',
    join(root, 'tsconfig.build.json'),
    '--emitDeclarationOnly',
    '--outDir',
    dist,
  ],
  {
    stdio: 'inherit',
    cwd: root,
  },
);

// The modules are bundled, because each file adds half a millisecond to every start. They are not minified, because
// Node prints the source line of an uncaught error.
for (const entries of entryGroups) {
  await build({
    entryPoints: entries.map((name) => join(root, `host/${name}.ts`)),
    outbase: join(root, 'host'),
    outdir: dist,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    external: ['./program.js'],
    minifySyntax: true,
    sourcemap: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
}
copyFileSync(join(root, 'host/core/sqlite3.wasm'), join(dist, 'core/sqlite3.wasm'));
cpSync(join(root, 'host/cli/templates'), join(dist, 'cli/templates'), { recursive: true });
if (existsSync(join(dist, 'cli/main.js'))) chmodSync(join(dist, 'cli/main.js'), 0o755);

copyTranspiler();
await transpileShipped();
