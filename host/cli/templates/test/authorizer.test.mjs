import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './open.mjs';

test('a log can be added to and read, not changed', () => {
  const db = open();
  db.exec("CREATE TABLE log_door(who); CREATE TABLE plain(a); INSERT INTO log_door VALUES ('ann')");
  assert.equal(db.prepare('SELECT count(*) AS n FROM log_door').get().n, 1);
  for (const sql of [
    "UPDATE log_door SET who = 'bob'",
    'DELETE FROM log_door',
    'DROP TABLE log_door',
    'ALTER TABLE log_door ADD COLUMN at',
  ]) {
    assert.throws(() => db.exec(sql), /not authorized/, sql);
  }
  db.exec('INSERT INTO plain VALUES (1); UPDATE plain SET a = 2; DELETE FROM plain; DROP TABLE plain');
  db.close();
});

test('a password reads as NULL', () => {
  const db = open();
  db.exec("CREATE TABLE person(name, password); INSERT INTO person VALUES ('ann', 'secret')");
  const { name, password } = db.prepare('SELECT name, password FROM person').get();
  assert.deepEqual([name, password], ['ann', null]);
  db.close();
});
