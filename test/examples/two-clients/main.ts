/**
 * Two clients that work offline, and a server that decides. What the server decided comes back as a rebase buffer; a
 * client rebases its local changes on it, so that they fit what the server has now.
 */

import { Changeset, DatabaseSync } from 'sqlite-wasm-run';

const start = `CREATE TABLE note(id INTEGER PRIMARY KEY, text, stars INT);
  INSERT INTO note VALUES(1, 'milk', 0), (2, 'bread', 0), (3, 'salt', 0)`;
const opened = (): DatabaseSync => {
  const db = new DatabaseSync(':memory:');
  db.exec(start);
  return db;
};
const notes = (db: DatabaseSync): string =>
  db
    .prepare("SELECT id || ' ' || text || ' ' || stars AS line FROM note ORDER BY id")
    .all()
    .map(({ line }) => line)
    .join(', ');

const [server, anna, ben] = [opened(), opened(), opened()];

// Both work on their own.
const annas = anna.createSession();
anna.exec("UPDATE note SET text = 'oat milk' WHERE id = 1; INSERT INTO note VALUES(4, 'jam', 1)");
const bens = ben.createSession();
ben.exec(
  "UPDATE note SET text = 'soy milk' WHERE id = 1; UPDATE note SET stars = 5 WHERE id = 2; DELETE FROM note WHERE id = 3",
);

// Anna is first: her changes fit. Ben's change of note 1 conflicts, and what is there stays.
const fromAnna = annas.changeset();
server.apply(fromAnna);
const { conflicts } = server.apply(bens.changeset(), { policy: 'ours' });
console.log(conflicts.map(({ kind, table, key, found, wanted }) => ({ kind, table, key, found, wanted })));
console.log('server:', notes(server));

// Ben applies what the server has and he has not. Where both changed a row, the server's value wins; the rebase buffer
// says where that was.
const local = bens.take();
const { rebase } = ben.apply(fromAnna, { policy: 'theirs' });
const rebased = new Changeset(local).rebase(rebase);
console.log('ben:', notes(ben));

// Rebased, his changes fit a database that has Anna's already.
const later = opened();
later.apply(fromAnna);
const { applied } = later.apply(rebased);
console.log('rebased:', applied, notes(later));
