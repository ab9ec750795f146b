/** What a generated folder depends on: the place from which npm installed this program. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { installedFrom } from '../../host/cli/installed-from.js';
import { testFolder } from '../kit/folder.js';

let folder: string;
let app: string;
beforeEach(() => {
  folder = testFolder('installed');
  app = join(folder, 'app');
});

/** Installs it as npm does, below `path`, and records where it is from. Returns its folder. */
function installed(resolved: string | undefined, path = 'node_modules/sqlite-wasm-run'): string {
  mkdirSync(join(app, path), { recursive: true });
  const packages = { [path]: { version: '0.1.0', ...(resolved !== undefined && { resolved }) } };
  writeFileSync(join(app, 'node_modules/.package-lock.json'), JSON.stringify({ packages }));
  return join(app, path);
}

const from = (root: string, name = 'app/greeting'): string =>
  installedFrom(root, '0.1.0', join(folder, name));

test('from a registry: the version; from git: that', () => {
  const registry = 'https://registry.npmjs.org/sqlite-wasm-run/-/sqlite-wasm-run-0.1.0.tgz';
  expect(from(installed(registry))).toBe('^0.1.0');
  expect(from(installed(registry, 'node_modules/a/node_modules/sqlite-wasm-run'))).toBe('^0.1.0');
  const git = 'git+ssh://git@example.org/sqlite-wasm-run.git#0123456789';
  expect(from(installed(git))).toBe(git);
});

test('from a tarball: the tarball, also for a package within another, and with # in its path', () => {
  writeFileSync(join(folder, 'own.tgz'), '');
  expect(from(installed('file:../own.tgz'))).toBe('file:../../own.tgz');
  expect(from(installed('file:../own.tgz', 'node_modules/a/node_modules/sqlite-wasm-run'))).toBe(
    'file:../../own.tgz',
  );
  writeFileSync(join(folder, 'a#b.tgz'), '');
  expect(from(installed('file:../a%23b.tgz'), 'greeting')).toBe('file:../a%23b.tgz');
});

test('if that is gone or unknown, or it runs from a clone: its folder', () => {
  const gone = installed('file:../gone.tgz');
  expect(from(gone)).toBe('file:../node_modules/sqlite-wasm-run');
  expect(from(installed(undefined))).toBe('file:../node_modules/sqlite-wasm-run');
  writeFileSync(join(app, 'node_modules/.package-lock.json'), 'not JSON');
  expect(from(gone)).toBe('file:../node_modules/sqlite-wasm-run');
  expect(from(join(folder, 'clone'))).toBe('file:../../clone');
});
