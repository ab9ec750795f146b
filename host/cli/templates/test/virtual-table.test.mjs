import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, value } from './open.mjs';

test('words of a text', () => {
  const db = open();
  const words = db.prepare('SELECT word, position FROM words(?)').all('One, two:\nthree');
  assert.deepEqual(words.map(({ word, position }) => [word, position]), [['One', 1], ['two', 2], ['three', 3]]);
  assert.equal(value(db, "SELECT count(*) FROM words('')"), 0);
  assert.equal(value(db, 'SELECT count(*) FROM words(NULL)'), 0);
  assert.throws(() => value(db, 'SELECT * FROM words(5)'), { message: 'words: the argument must be text' });
  assert.throws(() => value(db, 'SELECT * FROM words'), /no query solution/);
  db.close();
});

test('splits each row of another table, and a text into more words than one batch holds', () => {
  const db = open();
  db.exec("CREATE TABLE line(id INTEGER PRIMARY KEY, text); INSERT INTO line VALUES (1, 'a b'), (2, 'b c')");
  const twice = db.prepare(
    'SELECT word FROM line JOIN words(line.text) GROUP BY word HAVING count(*) > 1 ORDER BY word',
  );
  assert.deepEqual(twice.all().map(({ word }) => word), ['b']);
  assert.equal(value(db, "SELECT sum(position) FROM words(replace(hex(zeroblob(5000)), '00', 'w '))"), 12502500);
  db.close();
});
