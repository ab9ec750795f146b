/** What is measured: the build in dist/, or in the folder that SQLITE_WASM_RUN_DIST names. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync as Database } from 'sqlite-wasm-run';
import { dist, root } from '../sources.js';

export const { DatabaseSync } = (await import(join(dist, 'index.js'))) as typeof import('sqlite-wasm-run');

export const shell = join(dist, 'cli/main.js');

/** A component that the tests made, or one of ours. */
export const guest = (name: string): string => join(root, 'test/guests', `${name}.wasm`);

/** A folder for files of this run, which is gone when the process ends. */
export const folder = mkdtempSync(join(tmpdir(), 'bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
/** Where components are kept once they are prepared. */
export const componentCache = join(folder, 'cache');
process.env.SQLITE_WASM_RUN_CACHE = componentCache;

/** A database in memory with components that are called directly, or through jco's wrappers. */
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

/** An action that runs one query, prepared once. */
export function query(db: Database, sql: string): () => void {
  const statement = db.prepare(sql);
  return () => void statement.get();
}

/** A query of `count` numbers as g(value). */
export const numbers = (count: number): string =>
  `WITH RECURSIVE g(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM g LIMIT ${count})`;
