import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, value } from './open.mjs';

test('median of groups', () => {
  const db = open();
  assert.equal(value(db, 'WITH t(x) AS (VALUES (3), (1), (2.5)) SELECT middle(x) FROM t'), 2.5);
  assert.equal(value(db, 'WITH t(x) AS (VALUES (4), (NULL), (1)) SELECT middle(x) FROM t'), 2.5);
  assert.equal(value(db, 'SELECT middle(1) WHERE 0'), null);
  assert.throws(() => value(db, "SELECT middle('x')"), { message: 'middle: the argument must be a number' });
  const groups = db.prepare(
    'WITH t(k, x) AS (VALUES (1, 1), (2, 10), (1, 3), (2, 20)) SELECT middle(x) AS m FROM t GROUP BY k',
  );
  assert.deepEqual(groups.all().map(({ m }) => m), [2, 15]);
  db.close();
});

test('median of a window', () => {
  const db = open();
  const moving = db.prepare(
    `WITH t(i, x) AS (VALUES (1, 5), (2, 1), (3, 9), (4, 9))
     SELECT middle(x) OVER (ORDER BY i ROWS 1 PRECEDING) AS m FROM t`,
  );
  assert.deepEqual(moving.all().map(({ m }) => m), [5, 3, 5, 9]);
  db.close();
});
