/** Captures and replays the statements with which migration tools rebuild tables. */

import { expect, test } from 'vitest';
import { differences, sqlMigration } from '../kit/migration-replay.js';

const blog = (users: string, posts: string, key: string, name: string): string => `
  CREATE TABLE "${users}" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "${name}" TEXT, "age" INTEGER);
  CREATE TABLE "${posts}" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "title" TEXT,
    "${key}" INTEGER, FOREIGN KEY ("${key}") REFERENCES "${users}" ("id") ON DELETE CASCADE ON UPDATE CASCADE);
  CREATE UNIQUE INDEX "${users}_${name}" ON "${users}" ("${name}");
  INSERT INTO "${users}" VALUES (1,'ann',40),(2,'bob',NULL),(7,'cy',3);
  INSERT INTO "${posts}" VALUES (1,'one',1),(2,'two',1),(5,'five',7),(6,'none',NULL);`;

const prisma = `-- RedefineTables
PRAGMA defer_foreign_keys=ON;
PRAGMA foreign_keys=OFF;
CREATE TABLE "new_User" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "email" TEXT NOT NULL,
    "age" INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "new_User" ("age", "email", "id") SELECT coalesce("age", 0) AS "age", "email", "id" FROM "User";
DROP TABLE "User";
ALTER TABLE "new_User" RENAME TO "User";
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
PRAGMA foreign_keys=ON;
PRAGMA defer_foreign_keys=OFF;`;

const efCore = `BEGIN TRANSACTION;
CREATE TABLE "ef_temp_Blogs" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_Blogs" PRIMARY KEY AUTOINCREMENT,
    "Url" TEXT NOT NULL,
    "age" INTEGER NULL
);
INSERT INTO "ef_temp_Blogs" ("id", "Url", "age") SELECT "id", IFNULL("Url", ''), "age" FROM "Blogs";
COMMIT;
PRAGMA foreign_keys = 0;
BEGIN TRANSACTION;
DROP TABLE "Blogs";
ALTER TABLE "ef_temp_Blogs" RENAME TO "Blogs";
COMMIT;
PRAGMA foreign_keys = 1;
BEGIN TRANSACTION;
CREATE INDEX "IX_Posts_BlogId" ON "Posts" ("BlogId");
COMMIT;`;

const rails = `PRAGMA foreign_keys = OFF;
BEGIN;
CREATE TEMPORARY TABLE "aposts" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "title" varchar, "user_id" integer);
INSERT INTO "aposts" ("id","title","user_id") SELECT "id","title","user_id" FROM "posts";
DROP TABLE "posts";
CREATE TABLE "posts" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "title" varchar DEFAULT 'x' NOT NULL, "user_id" integer);
INSERT INTO "posts" ("id","title","user_id") SELECT "id",coalesce("title",''),"user_id" FROM "aposts";
DROP TABLE "aposts";
COMMIT;
PRAGMA foreign_keys = ON;`;

test.each([
  ['Prisma', sqlMigration(blog('User', 'Post', 'authorId', 'email'), prisma)],
  ['Entity Framework Core', sqlMigration(blog('Blogs', 'Posts', 'BlogId', 'Url'), efCore)],
  ['Rails', sqlMigration(blog('users', 'posts', 'user_id', 'name'), rails)],
])('%s: a table that is rebuilt is the same on a copy', async (_, migration) => {
  expect(await differences(migration)).toEqual([]);
});
