/** Runs changes of knex, which alters SQLite tables by rebuilding them. */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DatabaseSync } from 'sqlite-wasm-run';
import type { Migration } from '../../test/kit/migration-replay.js';
import { betterSqlite3 } from './better-sqlite3.js';

interface Column {
  notNullable(): Column;
  nullable(): Column;
  defaultTo(value: unknown): Column;
  references(column: string): Column;
  inTable(table: string): Column;
  onDelete(action: string): Column;
  alter(): Column;
}
interface Table {
  string(name: string): Column;
  integer(name: string): Column;
  dropColumn(name: string): void;
  foreign(name: string): Column;
  renameColumn(from: string, to: string): void;
}
interface Knex {
  readonly schema: { alterTable(name: string, change: (table: Table) => void): Promise<void> };
  destroy(): Promise<void>;
}

const setup = `CREATE TABLE users(id integer primary key autoincrement not null, name varchar(255), age integer);
  CREATE TABLE posts(id integer primary key autoincrement not null, title varchar(255), author integer,
    foreign key(author) references users(id) on delete cascade);
  INSERT INTO users VALUES(1,'ann',4),(2,'bob',5); INSERT INTO posts VALUES(10,'a',1),(11,'b',2),(12,'c',NULL)`;

export function knex(tools: string): Record<string, Migration> {
  const require = createRequire(join(tools, 'package.json'));
  const make = require('knex') as (config: object) => Knex;
  const Client = require('knex/lib/dialects/better-sqlite3/index.js') as new (config: object) => object;
  const migration = (change: (knex: Knex) => Promise<void>): Migration => ({
    setup,
    async run(db: DatabaseSync) {
      class OwnClient extends Client {
        _driver(): unknown {
          return betterSqlite3(db);
        }
      }
      const own = make({ client: OwnClient, connection: { filename: ':memory:' }, useNullAsDefault: true });
      try {
        await change(own);
      } finally {
        await own.destroy();
      }
    },
  });
  return {
    'knex alter column': migration((own) =>
      own.schema.alterTable('users', (table) => {
        table.string('name').notNullable().defaultTo('x').alter();
      }),
    ),
    'knex drop column': migration((own) =>
      own.schema.alterTable('users', (table) => table.dropColumn('age')),
    ),
    'knex add foreign key': migration((own) =>
      own.schema.alterTable('posts', (table) => {
        table.foreign('id').references('id').inTable('posts');
      }),
    ),
    'knex rename column': migration((own) =>
      own.schema.alterTable('posts', (table) => table.renameColumn('title', 'heading')),
    ),
  };
}
