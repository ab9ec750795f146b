import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './open.mjs';

const rows = (db) => db.prepare('SELECT rowid, * FROM temp.t').all().map((row) => Object.values(row));

function openWithTable() {
  const db = open();
  db.exec("CREATE VIRTUAL TABLE temp.t USING scratch(name, price); INSERT INTO t VALUES ('tea', 2.5), ('milk', 1)");
  return db;
}

test('rows are added, changed and deleted', () => {
  const db = openWithTable();
  assert.deepEqual(rows(db), [[1, 'tea', 2.5], [2, 'milk', 1]]);
  db.exec("UPDATE t SET price = NULL WHERE name = 'tea'; INSERT INTO t(rowid, name) VALUES (7, x'00ff')");
  assert.deepEqual(rows(db), [[1, 'tea', null], [2, 'milk', 1], [7, new Uint8Array([0, 255]), null]]);
  db.exec('DELETE FROM t WHERE rowid > 1; UPDATE t SET rowid = 9');
  assert.deepEqual(rows(db), [[9, 'tea', null]]);
  assert.throws(() => db.exec("INSERT INTO t(rowid, name) VALUES (9, 'x')"), /a row with this rowid exists already/);
  db.exec("REPLACE INTO t(rowid, name) VALUES (9, 'x')");
  assert.deepEqual(rows(db), [[9, 'x', null]]);
  db.close();
});

test('a rollback brings the rows back, of a transaction, a savepoint and a failed statement', () => {
  const db = openWithTable();
  const before = rows(db);
  db.exec('BEGIN; DELETE FROM t; ROLLBACK');
  assert.deepEqual(rows(db), before);
  db.exec('BEGIN; SAVEPOINT a; UPDATE t SET price = 0; ROLLBACK TO a; DELETE FROM t WHERE rowid = 2; COMMIT');
  assert.deepEqual(rows(db), [[1, 'tea', 2.5]]);
  assert.throws(() => db.exec("INSERT INTO t(rowid, name) VALUES (5, 'x'), (1, 'y')"));
  assert.deepEqual(rows(db), [[1, 'tea', 2.5]]);
  db.close();
});

test('a table lasts until it is dropped, even if SQLite reads the schema again', () => {
  const db = openWithTable();
  db.exec('CREATE TABLE other(a); BEGIN; CREATE TABLE gone(a); ROLLBACK; VACUUM; ALTER TABLE temp.t RENAME TO u');
  assert.equal(db.prepare('SELECT count(*) AS n FROM u').get().n, 2);
  db.exec('BEGIN; DROP TABLE u; ROLLBACK');
  assert.equal(db.prepare('SELECT count(*) AS n FROM u').get().n, 2);
  db.exec('DROP TABLE u; CREATE VIRTUAL TABLE temp.u USING scratch(a)');
  assert.equal(db.prepare('SELECT count(*) AS n FROM u').get().n, 0);
  assert.throws(() => db.exec('CREATE VIRTUAL TABLE temp.v USING scratch'), /name the columns/);
  db.close();
});
