/**
 * Builds dist/components/all-HASH.cjs: what the host does for components, which host/components/deferred.ts loads when it
 * is needed. What an import of the package loads anyway is not in it: the bundle passes that. The hash is that of the
 * content, so that a bundle cannot load the script of another build.
 */

import { basename, dirname, join, relative } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { dist, root } from './sources.js';

const host = join(root, 'host');
const entry = join(host, 'components/all.ts');

/** The modules that are shared, by their paths in host/ without `.ts`, and the names that the script uses. */
type Shared = ReadonlyMap<string, readonly string[]>;

/** The files that an import of the package loads. */
async function loadedFiles(options: BuildOptions): Promise<ReadonlySet<string>> {
  const { metafile } = await build({
    ...options,
    entryPoints: [join(host, 'index.ts')],
    outdir: dist,
    write: false,
    metafile: true,
  });
  const files = new Set(Object.keys(metafile.inputs).map((path) => join(process.cwd(), path)));
  files.delete(join(host, 'core/constants.ts')); // has no state, and the script uses few of its names
  return files;
}

/** Resolves imports of files that are loaded anyway to modules of a namespace. */
function resolving(loaded: ReadonlySet<string>, external: boolean): Plugin {
  return {
    name: 'shared modules',
    setup(plugins) {
      plugins.onResolve({ filter: /^\.\.?\// }, ({ resolveDir, path }) => {
        const file = join(resolveDir, path.replace(/\.js$/, '.ts'));
        if (!loaded.has(file)) return undefined;
        const name = relative(host, file).replace(/\.ts$/, '');
        return external ? { path: `shared:${name}`, external } : { path: name, namespace: 'shared' };
      });
    },
  };
}

/** Finds what the script would import, if it were a module. */
async function findShared(options: BuildOptions, loaded: ReadonlySet<string>): Promise<Shared> {
  const { outputFiles } = await build({
    ...options,
    entryPoints: [entry],
    outdir: dist,
    write: false,
    sourcemap: false,
    plugins: [resolving(loaded, true), ...(options.plugins ?? [])],
  });
  const shared = new Map<string, string[]>();
  const statements = /^import ([^;]*?) from "shared:([^"]*)";/gm;
  for (const [statement, clause = '', path = ''] of (outputFiles[0]?.text ?? '').matchAll(statements)) {
    const [, names] = /^\{([^}]*)\}$/.exec(clause) ?? [];
    if (names === undefined) throw new Error(`the components cannot share this import: ${statement}`);
    const found = names.split(',').map((name) => name.trim().replace(/ as .*/, ''));
    shared.set(path, [...new Set([...(shared.get(path) ?? []), ...found])].sort());
  }
  return shared;
}

/**
 * Builds the script.
 *
 * @returns a plugin for the bundles that load the script, which fills in what they pass to it
 */
export async function buildComponents(options: BuildOptions): Promise<Plugin> {
  const loaded = await loadedFiles(options);
  const shared = await findShared(options, loaded);
  const passed: Plugin = {
    name: 'passed modules',
    setup(plugins) {
      plugins.onLoad({ filter: /^/, namespace: 'shared' }, ({ path }) => {
        const names = (shared.get(path) ?? []).join(', ');
        return { contents: `const { ${names} } = shared['${path}']; export { ${names} };` };
      });
    },
  };
  const { metafile } = await build({
    ...options,
    entryPoints: [entry],
    outdir: join(dist, 'components'),
    entryNames: '[name]-[hash]',
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    sourcemap: false, // Node reads none for a script
    metafile: true,
    logOverride: { 'import-is-undefined': 'error' },
    banner: { js: '(function (shared, module, require, Error, TypeError, RangeError, Uint8Array) {' },
    footer: { js: '})' },
    plugins: [resolving(loaded, false), passed, ...(options.plugins ?? [])],
  });
  const scriptFile = basename(Object.keys(metafile.outputs)[0] ?? '');
  return {
    name: 'sharing modules',
    setup(plugins) {
      plugins.onLoad({ filter: /shared-modules\.ts$/ }, ({ path }) => {
        const modules = [...shared].map(([name, names], i) => ({ name, names, prefix: `shared${i}_` }));
        const contents = [
          ...modules.map(({ name, names, prefix }) => {
            return `import { ${names.map((one) => `${one} as ${prefix}${one}`).join(', ')} } from '../${name}.js';`;
          }),
          'export const sharedModules = {',
          ...modules.map(({ name, names, prefix }) => {
            return `'${name}': { ${names.map((one) => `${one}: ${prefix}${one}`).join(', ')} },`;
          }),
          '};',
          `export const scriptFile = '${scriptFile}';`,
        ].join('\n');
        return { contents, loader: 'ts', resolveDir: dirname(path) };
      });
    },
  };
}
