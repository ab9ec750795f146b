/** The package as programs load it: import, require, TypeScript with and without a build, and a bundle. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import sqlite, { backup, constants, DatabaseSync, Session, StatementSync } from 'sqlite-wasm-run';
import { beforeAll, expect, test } from 'vitest';
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
