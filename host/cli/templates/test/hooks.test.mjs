import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './open.mjs';

const insert = (count) =>
  `INSERT INTO guarded WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n`;

test('a transaction may change a thousand rows and no more', () => {
  const db = open();
  const count = () => db.prepare('SELECT count(*) AS n FROM guarded').get().n;
  db.exec('CREATE TABLE guarded(a)');
  db.exec(insert(1000));
  assert.equal(count(), 1000);
  assert.throws(() => db.exec(insert(1001)), { errcode: 531 }); // SQLITE_CONSTRAINT_COMMITHOOK
  assert.equal(count(), 1000);
  db.exec('UPDATE guarded SET a = -a'); // counted from the start
  db.exec('BEGIN');
  db.exec('UPDATE guarded SET a = -a');
  db.exec('INSERT INTO guarded VALUES (0)');
  assert.throws(() => db.exec('COMMIT'), { errcode: 531 });
  assert.equal(count(), 1000);
  db.close();
});
