/** The schema, transactions and invariants of torture-replica.ts. */

import type { DatabaseSync } from 'sqlite-wasm-run';
import type { RegisteredFunction } from 'sqlite-wasm-run/replica';

export const accounts = 20;
export const total = accounts * 1000;

/** The schema and rows of the first copy. */
export const schema = `
CREATE TABLE mark(id TEXT PRIMARY KEY NOT NULL, copy TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK(balance>=0));
CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT);
CREATE TABLE item(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, data BLOB);
CREATE INDEX item_size ON item(length(data));
CREATE TRIGGER item_in AFTER INSERT ON item BEGIN INSERT INTO audit(what) VALUES('+'||new.name); END;
CREATE TRIGGER item_out AFTER DELETE ON item BEGIN INSERT INTO audit(what) VALUES('-'||old.name); END;
CREATE VIRTUAL TABLE word USING fts5(name, note UNINDEXED, prefix=2);
CREATE TRIGGER item_word AFTER INSERT ON item BEGIN INSERT INTO word(rowid, name) VALUES(new.id, new.name); END;
CREATE TRIGGER item_no_word AFTER DELETE ON item BEGIN DELETE FROM word WHERE rowid=old.id; END;
CREATE TABLE parent(id TEXT PRIMARY KEY NOT NULL, n INTEGER);
CREATE TABLE child(id TEXT PRIMARY KEY NOT NULL,
  parent TEXT NOT NULL REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, n);
CREATE INDEX child_parent ON child(parent);
CREATE TABLE pair(k TEXT, n INTEGER, v, PRIMARY KEY(k, n)) WITHOUT ROWID;
CREATE TABLE doctor(name TEXT PRIMARY KEY NOT NULL, on_call INTEGER NOT NULL);
CREATE TABLE changed(n INTEGER PRIMARY KEY);
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c LIMIT ${accounts})
  INSERT INTO account SELECT n, 1000 FROM c;
INSERT INTO doctor VALUES('ada', 1), ('bob', 1), ('cyd', 1);
`;

const run = (database: DatabaseSync, sql: string, ...params: (string | number | null)[]): void => {
  database.prepare(sql).run(...params);
};
const numberOf = (database: DatabaseSync, sql: string): number =>
  Number(Object.values(database.prepare(sql).get() ?? {})[0]);

/** A transaction function. It receives the database and random numbers. */
type Work = (database: DatabaseSync, ...numbers: number[]) => void;

const work: Readonly<Record<string, Work>> = {
  transfer(database, from, to, amount) {
    run(database, 'UPDATE account SET balance=balance-? WHERE id=?', amount ?? 0, from ?? 0);
    run(database, 'UPDATE account SET balance=balance+? WHERE id=?', amount ?? 0, to ?? 0);
  },
  store(database, number, size) {
    run(
      database,
      'INSERT INTO item(name, data) VALUES(?, zeroblob(?)) ON CONFLICT(name) DO UPDATE SET data=excluded.data',
      `item ${number}`,
      size ?? 0,
    );
  },
  replace(database, number) {
    run(database, 'INSERT OR REPLACE INTO item(name, data) VALUES(?, ?)', `item ${number}`, `${number}`);
  },
  discard(database, number) {
    run(database, 'DELETE FROM item WHERE name=?', `item ${number}`);
  },
  say(database, number, other) {
    run(
      database,
      'INSERT INTO word(rowid, name, note) SELECT max(1000000, max(rowid))+1, ?, ? FROM word',
      `said ${number} ${other}`,
      number ?? 0,
    );
    run(
      database,
      "UPDATE word SET name=name||' again' WHERE word MATCH ? AND note<?",
      `said AND ${other}`,
      10,
    );
    run(database, 'DELETE FROM word WHERE word MATCH ?', 'again AND said AND 7');
  },
  beget(database, parent, child) {
    run(database, 'INSERT OR IGNORE INTO parent VALUES(?, ?)', `p${parent}`, parent ?? 0);
    run(database, 'INSERT OR REPLACE INTO child VALUES(?, ?, ?)', `c${child}`, `p${parent}`, child ?? 0);
  },
  rename(database, parent, other) {
    run(database, 'UPDATE OR IGNORE parent SET id=? WHERE id=?', `p${other}`, `p${parent}`);
  },
  bury(database, parent) {
    run(database, 'DELETE FROM parent WHERE id=?', `p${parent}`);
  },
  pair(database, k, n, v) {
    run(
      database,
      "INSERT INTO pair VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET v=coalesce(v, '')||excluded.v",
      `k${k}`,
      n ?? 0,
      `${v}`,
    );
    run(database, "DELETE FROM pair WHERE length(v)>60 OR (k='k0' AND n>?)", n ?? 0);
  },
  crowd(database, first, count) {
    const statement = database.prepare('INSERT OR REPLACE INTO pair VALUES(?, ?, ?)');
    for (let i = 0; i < (count ?? 0); i++) statement.run(`many${first}`, i, i);
  },
};

/** Takes a doctor off call if another one is on call. This holds only if the transaction waits to be ordered. */
const onCall: Work = (database, doctor) => {
  const name = ['ada', 'bob', 'cyd'][(doctor ?? 0) % 3] ?? '';
  const isOn = numberOf(database, `SELECT on_call FROM doctor WHERE name='${name}'`) === 1;
  if (isOn && numberOf(database, 'SELECT sum(on_call) FROM doctor') < 2) return;
  run(database, 'UPDATE doctor SET on_call=1-on_call WHERE name=?', name);
};

/** Changes the schema: adds and drops columns, indexes, tables and triggers. */
const change: Work = (database, number = 0) => {
  const n = numberOf(database, 'SELECT coalesce(max(n), 0)+1 FROM changed');
  run(database, 'INSERT INTO changed VALUES(?)', n);
  const columns = database
    .prepare("SELECT name FROM pragma_table_info('item') WHERE name LIKE 'extra%'")
    .all();
  const [column] = columns;
  switch (number % 5) {
    case 0:
      if (column && columns.length > 3) database.exec(`ALTER TABLE item DROP COLUMN ${column['name']}`);
      else database.exec(`ALTER TABLE item ADD COLUMN extra${n} DEFAULT ${n}`);
      break;
    case 1:
      database.exec(
        `CREATE TABLE made${n}(id INTEGER PRIMARY KEY, v); INSERT INTO made${n}(v) VALUES(${n}), (NULL)`,
      );
      break;
    case 2:
      database.exec(`CREATE TABLE copied${n} AS SELECT id, balance FROM account`);
      break;
    case 3:
      database.exec('DROP INDEX IF EXISTS item_size; CREATE INDEX item_size ON item(length(data), name)');
      break;
    default:
      database.exec(`DROP TRIGGER item_out;
        CREATE TRIGGER item_out AFTER DELETE ON item BEGIN INSERT INTO audit(what) VALUES('-${n} '||old.name); END`);
  }
};

const marked =
  (action: Work): RegisteredFunction =>
  (database: DatabaseSync, ...args: never[]) => {
    const [id, copy, ...numbers] = args as readonly (string | number)[];
    run(database, 'INSERT INTO mark VALUES(?, ?)', String(id), String(copy));
    action(database, ...(numbers as number[]));
  };

/** All functions by name. */
export const functions: Readonly<Record<string, RegisteredFunction>> = Object.fromEntries(
  Object.entries({ ...work, onCall, change }).map(([name, action]) => [name, marked(action)]),
);

/** Draws a transaction at random: its name, its numbers, and whether it waits to be ordered. */
export function drawn(below: (n: number) => number): { name: string; numbers: number[]; wait: boolean } {
  const kind = below(100);
  const pick = (name: string, ...numbers: number[]) => ({ name, numbers, wait: false });
  if (kind < 30) return pick('transfer', 1 + below(accounts), 1 + below(accounts), 1 + below(300));
  if (kind < 45) return pick('store', below(60), below(2000));
  if (kind < 46) return pick('store', below(60), 1_500_000);
  if (kind < 52) return pick('replace', below(60));
  if (kind < 60) return pick('discard', below(60));
  if (kind < 64) return pick('say', below(30), below(30));
  if (kind < 72) return pick('beget', below(15), below(80));
  if (kind < 78) return pick('rename', below(15), below(15));
  if (kind < 82) return pick('bury', below(15));
  if (kind < 94) return pick('pair', below(5), below(20), below(10));
  if (kind < 96) return pick('crowd', below(3), 100 + below(400));
  if (kind < 99) return { ...pick('onCall', below(3)), wait: true };
  return { ...pick('change', below(5)), wait: true };
}

/** Returns the violated invariants of a copy. */
export function faultsOf(database: DatabaseSync): string[] {
  const faults: string[] = [];
  const sum = numberOf(database, 'SELECT sum(balance) FROM account');
  if (sum !== total) faults.push(`the accounts hold ${sum}, not ${total}`);
  const calls = numberOf(database, 'SELECT sum(on_call) FROM doctor');
  if (calls < 1) faults.push('no doctor is on call');
  const [found, scanned] = ["word MATCH 'said OR item'", "name LIKE 'said%' OR name LIKE 'item%'"].map(
    (where) => numberOf(database, `SELECT coalesce(sum(rowid), 0) FROM word WHERE ${where}`),
  );
  if (found !== scanned) faults.push(`the words that are found have the sum ${found}, not ${scanned}`);
  const dangling = database.prepare('PRAGMA foreign_key_check').all().length;
  if (dangling > 0) faults.push(`${dangling} references dangle`);
  return faults;
}
