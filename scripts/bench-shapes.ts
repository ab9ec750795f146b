/** Changesets of different shapes for the benchmark of the codec. */

import { join } from 'node:path';
import { dist } from './sources.js';

const { DatabaseSync } = (await import(join(dist, 'index.js'))) as {
  DatabaseSync: typeof import('sqlite-wasm-run').DatabaseSync;
};

/** The SQL that a changeset records. */
export interface Shape {
  readonly name: string;
  /** The SQL that runs before recording. */
  readonly before: string;
  readonly changes: string;
  readonly patchset?: boolean;
}

/** A subquery with the numbers from `first` to `last`. */
const series = (first: number, last: number): string =>
  `(WITH RECURSIVE c(x) AS (VALUES(${first}) UNION ALL SELECT x+1 FROM c WHERE x<${last}) SELECT x FROM c)`;

/** 100,000 INSERTs into a table with a key and these columns. */
const inserts = (name: string, ...expressions: string[]): Shape => ({
  name,
  before: `CREATE TABLE t(id INTEGER PRIMARY KEY, ${expressions.map((_, i) => `c${i}`).join()})`,
  changes: `INSERT INTO t SELECT x, ${expressions.join()} FROM ${series(1, 100_000)}`,
});

export const mixed: Shape = {
  name: 'mixed',
  before: `CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, amount REAL, count INT, note, data BLOB);
    INSERT INTO t SELECT x, 'name '||x, x*1.5, x*7, CASE WHEN x%3 THEN 'a note of some length '||x END, randomblob(12)
      FROM ${series(1, 60_000)}`,
  changes: `UPDATE t SET name='changed '||id, count=count+1 WHERE id<=30000; DELETE FROM t WHERE id>40000;
    INSERT INTO t SELECT x, 'name '||x, x*1.5, x*7, NULL, randomblob(12) FROM ${series(60_001, 110_000)}`,
};

const wide = Array.from({ length: 40 }, (_, i) => `c${i}`);

const names = Array.from({ length: 500 }, (_, i) => `table_${i}`);

export const shapes: readonly Shape[] = [
  mixed,
  { ...mixed, name: 'mixed, patchset', patchset: true },
  inserts('integers', 'x*3', '-x', 'x%100', 'x<<40', '(x*x)%9007'),
  inserts('reals', 'x*0.5', '-x/3.0', 'x*1e100', 'x+0.25', '1.0/x'),
  inserts('short text', `'name '||x`, `'city '||(x%500)`, `'ok'`, `hex(x)`),
  inserts('repeated text', `'active'`, `'berlin '||(x%50)`, `'EUR'`, `'user'`, `'2024-05-'||(10+x%20)`),
  inserts('text of 20 to 60', `printf('%020d', x)`, `printf('%060d', x)`, `printf('%040d', x)`),
  inserts('text of 1,000', `printf('%01000d', x)`),
  inserts('non-ASCII, short', `'Jürgen '||x`, `'Zürich'`, `'日本語'||x`),
  inserts('non-ASCII, long', `replace(printf('%050d', x), '0', 'жé')`),
  inserts('blobs of 16', 'randomblob(16)', 'randomblob(16)'),
  inserts('blobs of 1,000', 'randomblob(1000)'),
  {
    name: '40 columns, 2 updated',
    before: `CREATE TABLE t(id INTEGER PRIMARY KEY, ${wide.join()});
      INSERT INTO t SELECT x, ${wide.map((_, i) => (i % 2 ? `'v'||x` : 'x')).join()} FROM ${series(1, 100_000)}`,
    changes: `UPDATE t SET c3='new', c20=c20+1`,
  },
  {
    name: '20 columns, deleted',
    before: `CREATE TABLE t(id INTEGER PRIMARY KEY, ${wide.slice(0, 20).join()});
      INSERT INTO t SELECT x, ${wide
        .slice(0, 20)
        .map((_, i) => ['x', `'v'||x`, 'x*0.5', 'NULL'][i % 4])
        .join()} FROM ${series(1, 100_000)}`,
    changes: 'DELETE FROM t',
  },
  {
    name: '500 tables',
    before: names.map((name) => `CREATE TABLE ${name}(id INTEGER PRIMARY KEY, a, b TEXT)`).join(';'),
    changes: names
      .map((name) => `INSERT INTO ${name} SELECT x, x*2, 'text '||x FROM ${series(1, 200)}`)
      .join(';'),
  },
];

/** Returns the changeset of a shape, or of the SQL `then` that runs after it. */
export function captured(shape: Shape, then?: string): Uint8Array {
  const db = new DatabaseSync(':memory:');
  try {
    db.exec(shape.before);
    if (then !== undefined) db.exec(`BEGIN; ${shape.changes}; COMMIT`);
    const session = db.createSession();
    db.exec(`BEGIN; ${then ?? shape.changes}; COMMIT`);
    return shape.patchset ? session.patchset() : session.changeset();
  } finally {
    db.close();
  }
}
