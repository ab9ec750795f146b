/**
 * An outbox: each transaction also writes its changes to a table, so a crash cannot lose only one of the two. Another
 * database applies the entries in order, and stores the number of the last entry in the transaction that applies it. So
 * each entry is applied once, however often it is sent.
 */

import { DatabaseSync } from 'sqlite-wasm-run';

const schema = 'CREATE TABLE IF NOT EXISTS item(id INTEGER PRIMARY KEY, name TEXT, price REAL)';

class Source {
  readonly #db: DatabaseSync;

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec(
      `${schema}; CREATE TABLE IF NOT EXISTS outbox(seq INTEGER PRIMARY KEY AUTOINCREMENT, changes BLOB)`,
    );
  }

  transaction(action: (db: DatabaseSync) => void): void {
    const db = this.#db;
    using session = db.createSession({ tables: ['item'] });
    db.exec('BEGIN IMMEDIATE');
    try {
      action(db);
      if (!session.isEmpty) db.prepare('INSERT INTO outbox(changes) VALUES(?)').run(session.changeset());
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }

  *since(seq: number): Generator<{ seq: number; changes: Uint8Array }> {
    const entries = this.#db.prepare('SELECT seq, changes FROM outbox WHERE seq > ? ORDER BY seq');
    for (const entry of entries.iterate(seq)) {
      yield { seq: Number(entry.seq), changes: entry.changes as Uint8Array };
    }
  }
}

class Target {
  readonly db: DatabaseSync;

  constructor(path: string) {
    this.db = new DatabaseSync(path);
    this.db.exec(`${schema}; CREATE TABLE IF NOT EXISTS inbox(one INTEGER PRIMARY KEY CHECK(one = 1), seq INT);
      INSERT OR IGNORE INTO inbox VALUES(1, 0)`);
  }

  get position(): number {
    return Number(this.db.prepare('SELECT seq FROM inbox').get()?.seq);
  }

  receive(seq: number, changes: Uint8Array): void {
    this.db.exec('BEGIN IMMEDIATE');
    try {
      if (seq > this.position) {
        const report = this.db.apply(changes, { triggers: false, fkNoAction: true, refuse: true });
        if (!report.applied)
          throw new Error(`entry ${seq} does not fit: ${JSON.stringify(report.conflicts)}`);
        this.db.prepare('UPDATE inbox SET seq = ?').run(seq);
      }
      this.db.exec('COMMIT');
    } catch (error) {
      this.db.exec('ROLLBACK');
      throw error;
    }
  }
}

const source = new Source(':memory:');
const target = new Target(':memory:');
source.transaction((db) => db.exec("INSERT INTO item(name, price) VALUES('tea', 2.5), ('cup', 7)"));
source.transaction((db) =>
  db.exec("UPDATE item SET price = 3 WHERE name = 'tea'; DELETE FROM item WHERE name = 'cup'"),
);
for (const { seq, changes } of source.since(target.position)) {
  target.receive(seq, changes);
  target.receive(seq, changes); // as after a lost acknowledgement
}
console.log(target.position, target.db.prepare('SELECT id, name, price FROM item').all());
