import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './open.mjs';

test('natsort orders numbers by their size', () => {
  const db = open();
  db.exec("CREATE TABLE file(name COLLATE natsort); INSERT INTO file VALUES ('f10'), ('f2'), ('f'), ('f02'), ('g1')");
  const names = db.prepare('SELECT name FROM file ORDER BY name').all().map(({ name }) => name);
  assert.deepEqual(names, ['f', 'f02', 'f2', 'f10', 'g1']);
  db.close();
});

test('natsort keeps an index, and only the same text is equal', () => {
  const db = open();
  db.exec('CREATE TABLE file(name COLLATE natsort PRIMARY KEY)');
  db.exec("INSERT INTO file VALUES ('a1'), ('a01'), ('a10'), ('a2')");
  assert.equal(db.prepare("SELECT count(*) AS n FROM file WHERE name = 'a1'").get().n, 1);
  assert.equal(db.prepare("SELECT count(*) AS n FROM file WHERE name > 'a2'").get().n, 1);
  assert.equal(db.prepare('PRAGMA integrity_check').get().integrity_check, 'ok');
  db.close();
});
