/**
 * Builds dist/, which is published and which the tests and `npx` run. With --if-changed, does nothing if no source has
 * changed since the last build, because npm 10 runs `prepare` at every `npx` in a clone.
 */

import { execFileSync } from 'node:child_process';
import fs, { chmodSync, copyFileSync, cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { copyTranspiler, transpileShipped } from './build-extensions.js';
import { isChanged } from './changed.js';
import { buildComponents } from './components-script.js';
import { apart, type EntryGroup, entryGroups } from './entries.js';
import { dist, root } from './sources.js';

const inputs = [
  'host',
  'extensions',
  'wit',
  'scripts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
];
const lastBuilt = join(dist, 'extensions/shipped.json');
if (
  process.argv.includes('--if-changed') &&
  !isChanged(
    lastBuilt,
    inputs.map((name) => join(root, name)),
  )
) {
  process.exit(0);
}

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

/**
 * An import of node:fs makes Node load its promises and streams, which takes 2 ms. The functions that are used are taken
 * from the module instead.
 */
const files: Plugin = {
  name: 'node:fs',
  setup(plugins) {
    plugins.onResolve({ filter: /^node:fs$/ }, ({ path }) => ({ path, namespace: 'builtin' }));
    const names = Object.keys(fs).filter((name) => /^[a-z]\w+$/.test(name) && name !== 'promises');
    plugins.onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => ({
      contents: [
        `const all = process.getBuiltinModule('${path}');`,
        // Unused functions are left out, because a pure call without effect may be.
        ...names.map((name) => `export const ${name} = /* @__PURE__ */ Reflect.get(all, '${name}');`),
      ].join('\n'),
    }));
  },
};

/** Makes the other entries of a group, and modules that are imported on demand, import the `whole`. */
function joining({ entries, whole }: EntryGroup): Plugin {
  const source = (name: string): string => join(root, `host/${name}.ts`);
  const joined = new Set(
    whole ? entries.filter((name) => name !== whole && !apart.includes(name)).map(source) : [],
  );
  return {
    name: 'joining',
    setup(plugins) {
      if (!whole) return;
      plugins.onResolve({ filter: /^\./ }, ({ kind, resolveDir, path }) => {
        if (kind === 'dynamic-import') joined.add(join(resolveDir, path.replace(/\.js$/, '.ts')));
        return undefined;
      });
      plugins.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!joined.has(path)) return undefined;
        return {
          contents: `${readFileSync(path, 'utf8')}\nimport ${JSON.stringify(source(whole))};\n`,
          loader: 'ts',
        };
      });
    },
  };
}

// The modules are bundled, because each file adds half a millisecond to every start. They are not minified, because
// Node prints the source line of an uncaught error.
const options: BuildOptions = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  plugins: [files],
  minifySyntax: true,
  sourcemap: true,
  legalComments: 'none',
  logLevel: 'warning',
};
const sharedModules = await buildComponents(options);
for (const group of entryGroups) {
  await build({
    ...options,
    entryPoints: group.entries.map((name) => join(root, `host/${name}.ts`)),
    outbase: join(root, 'host'),
    outdir: dist,
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    plugins: [files, sharedModules, joining(group)],
    external: ['./program.js'],
  });
}
copyFileSync(join(root, 'host/core/sqlite3.wasm'), join(dist, 'core/sqlite3.wasm'));
cpSync(join(root, 'host/cli/templates'), join(dist, 'cli/templates'), { recursive: true });
if (existsSync(join(dist, 'cli/main.js'))) chmodSync(join(dist, 'cli/main.js'), 0o755);

copyTranspiler();
await transpileShipped();
