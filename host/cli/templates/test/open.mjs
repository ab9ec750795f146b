import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'sqlite-wasm-run';

/** Opens a new database in memory and loads the extension. */
export function open() {
  const db = new DatabaseSync(':memory:', { allowExtension: true });
  db.loadExtension(fileURLToPath(new URL('../EXTENSION_NAME.wasm', import.meta.url)));
  return db;
}

/** Returns the first value of the first row. */
export function value(db, sql) {
  return Object.values(db.prepare(sql).get() ?? {})[0];
}
