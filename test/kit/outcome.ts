/** Converts the outcome of a call and the content of a database to text for comparison. */

import type { DatabaseSync } from 'sqlite-wasm-run';

/** The message of an action's exception. */
export function failure(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

/** The schema, user_version and the rows of all tables except SQLite's own. */
export function contentOf(db: DatabaseSync): string {
  const objects = db
    .prepare(
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2",
    )
    .all();
  const tables = objects.filter(({ type }) => type === 'table').map(({ name }) => String(name));
  const rows = tables.map((name) => {
    const all = db.prepare(`SELECT * FROM "${name}"`, { readBigInts: true, returnArrays: true }).all();
    const texts = all.map((row) =>
      JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)),
    );
    return `${name}: ${texts.sort().join('\n  ')}`;
  });
  const version = db.prepare('PRAGMA user_version').get();
  return [version, ...objects]
    .map((row) => JSON.stringify(row))
    .concat(rows)
    .join('\n');
}
