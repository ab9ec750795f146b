/** The package as programs load it: import, require, TypeScript with and without a build, and a bundle. */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import sqlite, { backup, constants, DatabaseSync, Session, StatementSync } from 'sqlite-wasm-run';
import { beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../scripts/sources.js';
import { sharedFolder } from '../kit/folder.js';

const folder = sharedFolder('packaging');

beforeAll(() => {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/sqlite-wasm-run'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{}');
});

const work = `
const db = new DatabaseSync(':memory:', { allowExtension: true });
db.loadExtension('series');
db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY)");
const session = db.createSession();
db.exec('INSERT INTO t SELECT value FROM series(1, 3)');
console.log(session.changeset().length);
`;
const expected = '38\n';

function run(name: string, source: string, ...args: string[]): string {
  const file = join(folder, name);
  writeFileSync(file, source);
  return execFileSync(process.execPath, [...args, file], { cwd: folder, encoding: 'utf8' });
}

test('require works, in a file of CommonJS', () => {
  expect(run('a.cjs', `const { DatabaseSync } = require('sqlite-wasm-run');${work}`)).toBe(expected);
  expect(run('b.cjs', `const { DatabaseSync } = require('sqlite-wasm-run').default;${work}`)).toBe(expected);
});

test('import works, by name and by default', () => {
  expect(run('a.mjs', `import { DatabaseSync, backup } from 'sqlite-wasm-run';${work}`)).toBe(expected);
  expect(run('b.mjs', `import sqlite from 'sqlite-wasm-run'; const { DatabaseSync } = sqlite;${work}`)).toBe(
    expected,
  );
  expect(sqlite).toEqual({ backup, constants, DatabaseSync, Session, StatementSync });
});

test('a file of TypeScript runs by tsx in a package that does not say "module"', () => {
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const source = `import { DatabaseSync } from 'sqlite-wasm-run';${work}`;
  expect(run('a.ts', source, '--import', `file://${tsx}`)).toBe(expected);
});

test.each<[string, BuildOptions]>([
  ['out.mjs', { format: 'esm' }],
  ['out.cjs', { format: 'cjs' }],
  ['min.cjs', { format: 'cjs', minify: true }],
])('a bundle runs with the package installed: %s', async (name, options) => {
  const entry = join(folder, `${name}.ts`);
  writeFileSync(entry, `import { DatabaseSync } from 'sqlite-wasm-run';${work}`);
  const outfile = join(folder, name);
  await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    outfile,
    external: ['koffi', '@bytecodealliance/preview2-shim'],
    logLevel: 'error',
    logOverride: { 'empty-import-meta': 'silent' },
    preserveSymlinks: true,
    ...options,
  });
  expect(readFileSync(outfile, 'utf8')).not.toContain("from 'sqlite-wasm-run'");
  expect(execFileSync(process.execPath, [outfile], { cwd: dirname(outfile), encoding: 'utf8' })).toBe(
    expected,
  );
});

test('a bundle without the package installed explains what to do', async () => {
  const alone = mkdtempSync(join(tmpdir(), 'packaging-alone-'));
  try {
    const entry = join(folder, 'alone.ts');
    writeFileSync(entry, `import { DatabaseSync } from 'sqlite-wasm-run'; new DatabaseSync(':memory:')`);
    const outfile = join(alone, 'alone.cjs');
    await build({
      entryPoints: [entry],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile,
      external: ['koffi', '@bytecodealliance/preview2-shim'],
      logLevel: 'silent',
      preserveSymlinks: true,
    });
    const failed = (): unknown =>
      execFileSync(process.execPath, [outfile], { cwd: alone, encoding: 'utf8', stdio: 'pipe' });
    expect(failed).toThrow(
      'cannot find the files of sqlite-wasm-run next to this bundle: mark sqlite-wasm-run as external, or install it in the folder of the bundle',
    );
  } finally {
    rmSync(alone, { recursive: true, force: true });
  }
});

describe('the code for components', () => {
  /** A copy of the package whose script is changed by `change`; returns the error of a load. */
  function loadError(name: string, change: (script: string) => void): string {
    const copy = join(folder, name);
    cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
    writeFileSync(join(copy, 'package.json'), '{ "name": "sqlite-wasm-run", "type": "module" }');
    const components = join(copy, 'dist/components');
    const script = readdirSync(components).find((file) => file.endsWith('.cjs')) ?? '';
    change(join(components, script));
    const program = `import { DatabaseSync } from './${name}/dist/index.js';
      const db = new DatabaseSync(':memory:', { allowExtension: true });
      for (const _ of [1, 2]) {
        try { db.loadExtension('hash') } catch ({ message }) { console.log(message) }
      }`;
    const [first = '', second] = run(`${name}.mjs`, program).trim().split('\n');
    expect(second).toBe(first);
    expect(first).toContain(join(components, script));
    return first;
  }

  test.each<[string, (script: string) => void, string]>([
    ['absent', (script) => rmSync(script), 'no such file or directory'],
    ['empty', (script) => writeFileSync(script, ''), 'is not a function'],
    ['cut', (script) => truncateSync(script, 100_000), 'Unexpected end of input'],
    ['idle', (script) => writeFileSync(script, '() => {}'), 'it is damaged'],
  ])('%s: the error says what to do', (name, change, why) => {
    const message = loadError(name, change);
    expect(message).toContain(why);
    expect(message).toContain('install the version of sqlite-wasm-run that this program started with');
  });

  test('in another context, throws the errors of that context', () => {
    const program = `import { readFileSync } from 'node:fs';
      import { createContext, runInContext, SourceTextModule, SyntheticModule } from 'node:vm';
      import { pathToFileURL } from 'node:url';
      // Every global of Node that another context does not have.
      const context = createContext();
      const isAbsent = (name) => runInContext('typeof ' + name, context) === 'undefined';
      for (const name of Object.getOwnPropertyNames(globalThis).filter(isAbsent)) context[name] = globalThis[name];
      // Node 20 and 22 define this symbol in the main context only.
      runInContext('(dispose) => Object.defineProperty(Symbol, "dispose", { value: dispose })', context)(Symbol.dispose);
      const known = new Map();
      async function link(name, from) {
        if (!name.startsWith('.')) {
          const builtin = await import(name);
          const names = Object.keys(builtin);
          return new SyntheticModule(names, function () {
            for (const one of names) this.setExport(one, builtin[one]);
          }, { context });
        }
        const url = new URL(name, from).href;
        if (!known.has(url)) known.set(url, made(readFileSync(new URL(url), 'utf8'), url));
        return known.get(url);
      }
      const made = (source, identifier) => new SourceTextModule(source, {
        context, identifier, initializeImportMeta(meta) { meta.url = identifier },
      });
      const main = made(\`import { DatabaseSync, hostInterfaces } from './index.js';
        const db = new DatabaseSync(':memory:', { allowExtension: true });
        try { db.loadExtension('none') } catch (error) { process.stdout.write(error.message.slice(0, 18)) }
        try { hostInterfaces(db).session.changeset(5n) } catch (error) {
          process.stdout.write(String(error instanceof Error));
        }\`, ${JSON.stringify(pathToFileURL(join(root, 'dist/main.js')).href)});
      await main.link((name, { identifier }) => link(name, identifier));
      await main.evaluate();`;
    expect(run('context.mjs', program, '--experimental-vm-modules', '--no-warnings')).toBe(
      'no such file: nonetrue',
    );
  });
});

test('the types need only those of Node, not the library "dom"', () => {
  const file = join(folder, 'types.mts');
  writeFileSync(
    file,
    `import { DatabaseSync } from 'sqlite-wasm-run';
     import { sqlStatements } from 'sqlite-wasm-run/changeset';
     import { hostInterfaces } from 'sqlite-wasm-run/host';
     import { feed } from 'sqlite-wasm-run/replica';
     const db = new DatabaseSync(':memory:');
     for (const { inserted } of db.apply([]).tables) void (inserted satisfies number);
     // @ts-expect-error: not a policy
     db.apply([], { policy: 'mine' });
     export const all = [sqlStatements, hostInterfaces, feed];`,
  );
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  const options = '--strict --noEmit --module nodenext --target es2022 --lib es2022 --types node'.split(' ');
  const typeRoots = join(root, 'node_modules/@types');
  const found = spawnSync(process.execPath, [tsc, ...options, '--typeRoots', typeRoots, file], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(found.stdout).toBe('');
  expect(found.status).toBe(0);
});
