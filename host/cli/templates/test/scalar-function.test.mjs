import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, value } from './open.mjs';

test('slug', () => {
  const db = open();
  assert.equal(value(db, "SELECT slug('Hello, World!')"), 'hello-world');
  assert.equal(value(db, "SELECT slug('  Crème Brûlée 2 ')"), 'crème-brûlée-2');
  assert.equal(value(db, "SELECT slug('!?')"), '');
  assert.equal(value(db, 'SELECT slug(NULL)'), null);
  assert.throws(() => value(db, 'SELECT slug(5)'), { message: 'slug: the argument must be text' });
  db.close();
});

test('slug can be used in an index, because it is deterministic', () => {
  const db = open();
  db.exec("CREATE TABLE page(title); CREATE UNIQUE INDEX address ON page(slug(title)); INSERT INTO page VALUES ('A b')");
  assert.throws(() => db.exec("INSERT INTO page VALUES ('a, B')"), /UNIQUE constraint failed/);
  db.close();
});
