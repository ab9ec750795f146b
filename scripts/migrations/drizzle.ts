/** Gets the SQL that drizzle-kit writes for the difference between two versions of a schema. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Migration, sqlMigration } from '../../test/kit/migration-replay.js';

const head = "import { sqliteTable, integer, text } from 'drizzle-orm/sqlite-core';\n";
const before = `${head}
export const users = sqliteTable('users', { id: integer('id').primaryKey(), name: text('name') });
export const posts = sqliteTable('posts', {
  id: integer('id').primaryKey(),
  author: integer('author').references(() => users.id, { onDelete: 'cascade' }),
  title: text('title'),
});`;
const after = `${head}
export const users = sqliteTable('users', { id: integer('id').primaryKey(), name: text('name').notNull().default('x'), age: integer('age') });
export const posts = sqliteTable('posts', {
  id: integer('id').primaryKey(),
  author: integer('author').references(() => users.id, { onDelete: 'set null' }),
  title: text('title').notNull(),
});`;
const rows = `INSERT INTO users VALUES(1,'ann'),(2,'bob'); INSERT INTO posts VALUES(10,1,'a'),(11,2,'b'),(12,NULL,'c');`;

export function drizzle(tools: string): Record<string, Migration> {
  const work = mkdtempSync(join(tools, 'drizzle-'));
  try {
    const migration = (schema: string): string => {
      writeFileSync(join(work, 'schema.mjs'), schema);
      const args = [
        'drizzle-kit',
        'generate',
        '--dialect',
        'sqlite',
        '--schema',
        './schema.mjs',
        '--out',
        './out',
      ];
      execFileSync('npx', args, { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
      const last =
        readdirSync(join(work, 'out'))
          .filter((name) => name.endsWith('.sql'))
          .sort()
          .at(-1) ?? '';
      // drizzle runs the statements between these markers one by one.
      return readFileSync(join(work, 'out', last), 'utf8').replaceAll('--> statement-breakpoint', '\n');
    };
    const setup = migration(before) + rows;
    // A bug of drizzle-kit 0.31: it reads added columns from the old table, which does not have them.
    const sql = migration(after).replaceAll(
      /"age"\) SELECT "id", "name", "age"/g,
      '"age") SELECT "id", "name", NULL',
    );
    return { 'drizzle-kit generate': sqlMigration(setup, sql) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
