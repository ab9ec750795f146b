/**
 * Captures SQLite migrations of drizzle-kit, knex, TypeORM and Django, and replays them on a copy with rows, with
 * foreign keys on and off. Installs the tools first, for which it needs npm and Python with pip.
 *
 *     npm run test:migrations
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { differences } from '../../test/kit/migration-replay.js';
import { cache, sha256 } from '../sources.js';
import { django, djangoVersion } from './django.js';
import { drizzle } from './drizzle.js';
import { knex } from './knex.js';
import { typeorm } from './typeorm.js';

const packages = {
  'drizzle-kit': '0.31.11',
  'drizzle-orm': '0.45.4',
  knex: '3.3.0',
  typeorm: '0.3.31',
};

/** Installs missing tools and returns their folder. */
function install(): string {
  const folder = join(cache, 'migrations', sha256(JSON.stringify([packages, djangoVersion])).slice(0, 16));
  const done = join(folder, 'done');
  if (existsSync(done)) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: packages }));
  console.error('installing the tools');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  execFileSync('python3', ['-m', 'venv', 'python'], { cwd: folder, stdio: 'inherit' });
  execFileSync('python/bin/pip', ['install', '--quiet', `django==${djangoVersion}`], {
    cwd: folder,
    stdio: 'inherit',
  });
  writeFileSync(done, '');
  return folder;
}

const folder = install();
let wrong = 0;
for (const tool of [drizzle, knex, typeorm, django]) {
  for (const [name, migration] of Object.entries(await tool(folder))) {
    const found = await differences(migration);
    console.log(`${name}: ${found.length === 0 ? 'equal in 8 ways' : found.join('\n  ')}`);
    wrong += found.length;
  }
}
process.exitCode = wrong > 0 ? 1 : 0;
