/**
 * Updates the package that contains SQLite's amalgamation.
 *
 *     npm run update:sqlite -- better-sqlite3@13.2.0
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { amalgamation, root } from './sources.js';

const [spec] = process.argv.slice(2);
if (!spec || !/^[^@]+@\d+\.\d+\.\d+$/.test(spec)) {
  console.error('usage: npm run update:sqlite -- PACKAGE@VERSION, such as better-sqlite3@13.2.0');
  process.exit(1);
}

const run = (...parts: string[]): void => {
  console.error(`== npm ${parts.join(' ')}`);
  execFileSync('npm', parts, { stdio: 'inherit', cwd: root });
};

const integrity = execFileSync('npm', ['view', spec, 'dist.integrity'], {
  encoding: 'utf8',
  cwd: root,
}).trim();
if (!integrity) throw new Error(`${spec} is not in the registry`);
const path = join(root, 'scripts/sources.ts');
const text = readFileSync(path, 'utf8');
writeFileSync(path, text.replace(amalgamation.spec, spec).replace(amalgamation.integrity, integrity));

run('run', 'build:tables');
run('run', 'build:core');
run('run', 'build');
execFileSync('npx', ['vitest', 'run', 'test/components/confinement.test.ts'], {
  stdio: 'inherit',
  cwd: root,
});
