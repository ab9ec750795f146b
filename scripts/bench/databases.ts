/** Imports the build to measure: dist/, or the folder in SQLITE_WASM_RUN_DIST. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync as Database } from 'sqlite-wasm-run';
import { dist, root } from '../sources.js';

export const { DatabaseSync } = (await import(join(dist, 'index.js'))) as typeof import('sqlite-wasm-run');

export const shell = join(dist, 'cli/main.js');

/** The path of a component of the tests. */
export const guest = (name: string): string => join(root, 'test/guests', `${name}.wasm`);

/** A folder for the files of this run. It is deleted when the process ends. */
export const folder = mkdtempSync(join(tmpdir(), 'bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
/** The cache folder for transpiled components. */
export const componentCache = join(folder, 'cache');
process.env.SQLITE_WASM_RUN_CACHE = componentCache;

/** Opens an in-memory database with components that are called directly or through jco's wrappers. */
export function open(calls: 'direct' | 'wrapped', ...components: string[]): Database {
  const before = process.env.SQLITE_WASM_RUN_CALLS;
  process.env.SQLITE_WASM_RUN_CALLS = calls;
  try {
    const db = new DatabaseSync(':memory:', { allowExtension: true, grants: { sql: 'rw' } });
    for (const component of components) db.loadExtension(component);
    return db;
  } finally {
    if (before === undefined) delete process.env.SQLITE_WASM_RUN_CALLS;
    else process.env.SQLITE_WASM_RUN_CALLS = before;
  }
}

/** Prepares a query and returns a function that runs it. */
export function query(db: Database, sql: string): () => void {
  const statement = db.prepare(sql);
  return () => void statement.get();
}

/** A WITH clause for a table g(value) with `count` numbers. */
export const numbers = (count: number): string =>
  `WITH RECURSIVE g(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM g LIMIT ${count})`;
