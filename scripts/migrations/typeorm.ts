/** Runs changes of TypeORM, whose query runner rebuilds a table for most changes. */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DatabaseSync } from 'sqlite-wasm-run';
import type { Migration } from '../../test/kit/migration-replay.js';
import { betterSqlite3 } from './better-sqlite3.js';

interface Column {
  isNullable: boolean;
  default?: unknown;
  clone(): Column;
}
interface Runner {
  getTable(name: string): Promise<{ findColumnByName(name: string): Column } | undefined>;
  changeColumn(table: string, old: Column, fresh: Column): Promise<void>;
  dropColumn(table: string, column: string): Promise<void>;
  addColumn(table: string, column: object): Promise<void>;
  renameTable(old: string, fresh: string): Promise<void>;
  startTransaction(): Promise<void>;
  commitTransaction(): Promise<void>;
  release(): Promise<void>;
}
interface DataSource {
  initialize(): Promise<void>;
  destroy(): Promise<void>;
  createQueryRunner(): Runner;
}

const setup = `CREATE TABLE "users"("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "name" varchar, "age" integer);
  CREATE TABLE "posts"("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "title" varchar, "author" integer,
    CONSTRAINT "fk" FOREIGN KEY ("author") REFERENCES "users" ("id") ON DELETE CASCADE);
  INSERT INTO users VALUES(1,'ann',4),(2,'bob',5); INSERT INTO posts VALUES(10,'a',1),(11,'b',2),(12,'c',NULL)`;

export function typeorm(tools: string): Record<string, Migration> {
  const { DataSource, TableColumn } = createRequire(join(tools, 'package.json'))('typeorm') as {
    DataSource: new (options: object) => DataSource;
    TableColumn: new (options: object) => object;
  };
  const migration = (change: (runner: Runner) => Promise<void>): Migration => ({
    setup,
    async run(db: DatabaseSync) {
      // TypeORM turns foreign keys on, but the test sets them.
      const keys = db.prepare('PRAGMA foreign_keys').get()?.foreign_keys;
      const source = new DataSource({
        type: 'better-sqlite3',
        database: ':memory:',
        driver: betterSqlite3(db),
      });
      await source.initialize();
      db.exec(`PRAGMA foreign_keys=${keys}`);
      const runner = source.createQueryRunner();
      try {
        await change(runner);
      } finally {
        await runner.release();
        await source.destroy();
      }
    },
  });
  return {
    'TypeORM change column': migration(async (runner) => {
      const column = (await runner.getTable('users'))?.findColumnByName('name');
      if (!column) throw new Error('TypeORM found no column "name"');
      const fresh = column.clone();
      fresh.isNullable = false;
      fresh.default = "'x'";
      await runner.changeColumn('users', column, fresh);
    }),
    'TypeORM drop column, in a transaction': migration(async (runner) => {
      await runner.startTransaction();
      await runner.dropColumn('users', 'age');
      await runner.commitTransaction();
    }),
    'TypeORM add column and rename table': migration(async (runner) => {
      await runner.addColumn('posts', new TableColumn({ name: 'likes', type: 'integer', default: 0 }));
      await runner.renameTable('users', 'people');
    }),
  };
}
