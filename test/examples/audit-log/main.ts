/** An audit log with the author of every transaction and all values that it changed. */

import { DatabaseSync } from 'sqlite-wasm-run';
import { changes } from 'sqlite-wasm-run/changeset';

const db = new DatabaseSync(':memory:');
db.exec(`
  CREATE TABLE account(id INTEGER PRIMARY KEY, owner TEXT, balance INT);
  INSERT INTO account VALUES(1, 'ann', 100), (2, 'bob', 50);
  CREATE TABLE audit(id INTEGER PRIMARY KEY, at TEXT, who TEXT, tbl TEXT, op TEXT, pk, col TEXT, old, new);
`);

/** Runs `action` as `who` and logs its changes in the same transaction. */
function audited(who: string, action: () => void): void {
  using session = db.createSession({ filter: ['!audit'] });
  const log = db.prepare(
    "INSERT INTO audit(at, who, tbl, op, pk, col, old, new) VALUES(datetime('now'),?,?,?,?,?,?,?)",
  );
  const names = db.prepare('SELECT name FROM pragma_table_info(?) ORDER BY cid', { returnArrays: true });
  db.exec('BEGIN IMMEDIATE');
  try {
    action();
    for (const { table, key, op, old, new: values } of changes(session.changeset())) {
      const columns = (names.all(table) as unknown as [string][]).map(([name]) => name);
      const pk = key.indexOf(1);
      columns.forEach((column, i) => {
        if (op !== 'insert' && i === pk && op !== 'delete') return;
        if (old[i] === undefined && values[i] === undefined) return;
        log.run(who, table, op, (old[pk] ?? values[pk]) as bigint, column, old[i] as null, values[i] as null);
      });
    }
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

audited('teller', () => {
  db.exec('UPDATE account SET balance = balance - 30 WHERE id = 1');
  db.exec('UPDATE account SET balance = balance + 30 WHERE id = 2');
});
audited('manager', () => db.exec('DELETE FROM account WHERE id = 1'));
for (const { who, op, pk, col, old, new: value } of db.prepare('SELECT * FROM audit ORDER BY id').iterate()) {
  console.log(`${who} ${op} account ${pk}: ${col} ${old} -> ${value}`);
}
