/**
 * Two clients that work offline, and a server that resolves conflicts. The server returns a rebase buffer. A client
 * rebases its local changes with it, so that they can be applied to the server's current data.
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

// Both clients change their copies.
const annas = anna.createSession();
anna.exec("UPDATE note SET text = 'oat milk' WHERE id = 1; INSERT INTO note VALUES(4, 'jam', 1)");
const bens = ben.createSession();
ben.exec(
  "UPDATE note SET text = 'soy milk' WHERE id = 1; UPDATE note SET stars = 5 WHERE id = 2; DELETE FROM note WHERE id = 3",
);

// Anna's changes are applied first. Ben's change of note 1 conflicts, so the server keeps its value.
const fromAnna = annas.changeset();
server.apply(fromAnna);
const { conflicts } = server.apply(bens.changeset(), { policy: 'ours' });
console.log(conflicts.map(({ kind, table, key, found, wanted }) => ({ kind, table, key, found, wanted })));
console.log('server:', notes(server));

// Ben applies the changes that he does not have. If both changed a row, the server's value wins, and the rebase buffer
// records this.
const local = bens.take();
const { rebase } = ben.apply(fromAnna, { policy: 'theirs' });
const rebased = new Changeset(local).rebase(rebase);
console.log('ben:', notes(ben));

// The rebased changes can be applied to a database that already has Anna's changes.
const later = opened();
later.apply(fromAnna);
const { applied } = later.apply(rebased);
console.log('rebased:', applied, notes(later));
