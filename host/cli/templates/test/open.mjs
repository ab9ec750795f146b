import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'sqlite-wasm-run';

/** A new database in memory with the extension loaded. */
export function open() {
  const db = new DatabaseSync(':memory:', { allowExtension: true });
  db.loadExtension(fileURLToPath(new URL('../EXTENSION_NAME.wasm', import.meta.url)));
  return db;
}

/** The first value of the first row. */
export function value(db, sql) {
  return Object.values(db.prepare(sql).get() ?? {})[0];
}
