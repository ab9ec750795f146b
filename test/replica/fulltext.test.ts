/**
 * Full-text tables: their rows are replicated, undone and redone as in other tables, and each copy builds its own
 * index.
 */

import { DatabaseSync } from 'sqlite-wasm-run';
import { ReplicaError, type ReplicaPolicy } from 'sqlite-wasm-run/replica';
import { expect, test } from 'vitest';
import type { Copy } from '../../dist/replica/copy.js';
import { contents, identity, openCopy, pull, push, schema, settle, stream } from './copies.js';
import { decodeMessage, encodeMessage, makeCopy, transactionsOf } from './internals.js';
import { Random } from './log.js';

const table =
  "CREATE VIRTUAL TABLE text USING fts5(title, body, [note] UNINDEXED, tokenize='porter', prefix='2 3')";

function two(sql: string, policy: ReplicaPolicy = 'rerun') {
  const random = new Random(1);
  const history = stream();
  const a = openCopy(':memory:', random, policy);
  const b = openCopy(':memory:', random, policy);
  schema(history, [a, b], sql);
  return { history, a, b };
}

const run = (copy: Copy, sql: string): void => void copy.transact((database) => database.exec(sql));
const all = (copy: Copy, sql: string): unknown => copy.database.prepare(sql, { returnArrays: true }).all();
const found = (copy: Copy, words: string): unknown =>
  all(copy, `SELECT rowid FROM text('${words}') ORDER BY rowid`);

function reason(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ReplicaError) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'none';
}

function expectEqual(...copies: Copy[]): void {
  const [first] = copies;
  for (const copy of copies) {
    expect(contents(copy.database)).toEqual(contents((first as Copy).database));
    expect(all(copy, 'PRAGMA integrity_check')).toEqual([['ok']]);
  }
}

test('rows of a full-text table are sent, and are found in the other copy', () => {
  const { history, a, b } = two(table);
  run(a, "INSERT INTO text VALUES('one', 'running fast', 1), ('two', 'walks', 2), ('three', x'00ff', NULL)");
  run(a, "UPDATE text SET body='runs slowly' WHERE title='two'");
  run(a, "DELETE FROM text WHERE title='one'");
  settle(history, a, b);
  expectEqual(a, b);
  expect(found(b, 'run')).toEqual([[2]]);
  expect(found(b, 'walks')).toEqual([]);
});

test('a message names the full-text table, and none of its shadow tables', () => {
  const { history, a, b } = two(table);
  run(a, "INSERT INTO text(rowid, title) VALUES(7, 'seven')");
  run(a, "INSERT INTO text(text) VALUES('optimize')");
  settle(history, a, b);
  expect(history.last).toBe(2);
  const message = decodeMessage(history.messages.get(2) as Uint8Array);
  const text = Buffer.from(message.body).toString('latin1');
  expect(text).toMatch(/text\0/);
  expect(text).not.toMatch(/text_/);
});

test('commands to the index of one copy are not transactions', () => {
  const { a } = two(table);
  expect(
    a.transact((database) => database.exec("INSERT INTO text(text) VALUES('rebuild')")).transaction,
  ).toBeUndefined();
});

test.each<ReplicaPolicy>(['rerun', 'reject', 'ours', 'theirs'])(
  '%s: conflicting transactions are undone and rebased',
  (policy) => {
    const { history, a, b } = two(table, policy);
    run(a, "INSERT INTO text(rowid, title, body) VALUES(1, 'first', 'of all'), (2, 'second', 'x')");
    settle(history, a, b);
    run(a, "UPDATE text SET title='changed by a' WHERE rowid=1");
    run(b, "UPDATE text SET title='changed by b', body='too' WHERE rowid=1");
    run(b, "INSERT INTO text(title) VALUES('new from b')");
    run(a, "INSERT INTO text(title) VALUES('new from a')");
    run(a, 'DELETE FROM text WHERE rowid=2');
    push(a, history);
    const { refused } = pull(b, history);
    settle(history, a, b);
    expectEqual(a, b);
    const winner = policy === 'rerun' || policy === 'theirs' ? 'b' : 'a';
    expect(found(a, `changed AND ${winner}`)).toEqual([[1]]);
    expect(found(b, 'changed')).toEqual([[1]]);
    // The second new row has the rowid of the first.
    expect(refused.length).toBe(policy === 'reject' || policy === 'ours' ? 2 : 0);
  },
);

test('changes that triggers make to a full-text table are sent, and triggers do not run twice', () => {
  const { history, a, b } = two(`CREATE TABLE page(id INTEGER PRIMARY KEY, body);
    CREATE VIRTUAL TABLE text USING fts5(body);
    CREATE TRIGGER page_in AFTER INSERT ON page BEGIN INSERT INTO text(rowid, body) VALUES(new.id, new.body); END;
    CREATE TRIGGER page_out AFTER DELETE ON page BEGIN DELETE FROM text WHERE rowid=old.id; END;`);
  for (const [i, copy] of [a, b, a, b].entries()) run(copy, `INSERT INTO page(body) VALUES('page ${i}')`);
  settle(history, a, b);
  expectEqual(a, b);
  expect(found(b, 'page')).toEqual([[1], [2], [3], [4]]);
  run(b, 'DELETE FROM page WHERE id>2');
  settle(history, a, b);
  expectEqual(a, b);
  expect(found(a, 'page')).toEqual([[1], [2]]);
});

test('full-text tables are created, filled, renamed and dropped by schema changes', () => {
  const { history, a, b } = two('CREATE TABLE t(a INTEGER PRIMARY KEY)');
  schema(history, [a, b], `${table}; INSERT INTO text(title) VALUES('made with it'); CREATE TABLE u(a)`);
  expectEqual(a, b);
  expect(found(b, 'made')).toEqual([[1]]);
  schema(
    history,
    [a, b],
    "UPDATE text SET title='before'; ALTER TABLE text RENAME TO words; INSERT INTO words(title) VALUES('after')",
  );
  expectEqual(a, b);
  expect(all(b, "SELECT rowid FROM words('before OR after')")).toEqual([[1], [2]]);
  schema(
    history,
    [a, b],
    "INSERT INTO words(title) VALUES('last'); DROP TABLE words; CREATE VIRTUAL TABLE text USING fts5(x); DROP TABLE text",
  );
  expectEqual(a, b);
  expect(() => schema(history, [a, b], `${table}; ALTER TABLE text RENAME TO other`)).toThrow(
    /use a transaction for each/,
  );
});

test.each([
  ["CREATE VIRTUAL TABLE x USING fts5(a, content='')", /with the option content/],
  ['CREATE VIRTUAL TABLE x USING fts5(a, cont = t)', /with the option cont/],
  ['CREATE VIRTUAL TABLE x USING fts5(a, /* , */ locale=1)', /with the option locale/],
  ['CREATE VIRTUAL TABLE x USING fts5(_rowid_, b)', /_rowid_ hides/],
  ['CREATE VIRTUAL TABLE x USING rtree(id, a, b)', /not tables of rtree/],
  ['CREATE VIRTUAL TABLE x USING fts5vocab(text, row)', /not tables of fts5vocab/],
])('refused: %s', (sql, why) => {
  const { a } = two(table);
  expect(reason(() => a.speculate((database) => database.exec(sql)))).toMatch(why);
  expect(() => run(a, "INSERT INTO text_data VALUES(9, x'')")).toThrow('may not be modified');
});

test('a database with full-text tables becomes the first copy; one with others is refused', () => {
  const fine = new DatabaseSync(':memory:');
  fine.exec(`${table}; INSERT INTO text(title) VALUES('x')`);
  makeCopy(fine, identity, new Random(1).uuid());
  for (const [sql, why] of [
    ['CREATE VIRTUAL TABLE r USING rtree(id, a, b)', /module rtree/],
    ["CREATE TABLE t(a); CREATE VIRTUAL TABLE x USING fts5(a, content='t')", /option content/],
  ] as const) {
    const other = new DatabaseSync(':memory:');
    other.exec(sql);
    expect(reason(() => makeCopy(other, identity, new Random(1).uuid()))).toMatch(why);
    other.close();
  }
  fine.close();
});

test('a message that changes the tables of a full-text table is not applied', () => {
  const { history, a, b } = two(table);
  run(a, "INSERT INTO text(title) VALUES('one')");
  const message = a.outgoing(history.maxMessage);
  if (!message) throw new Error('nothing is pending');
  const head = decodeMessage(message.bytes);
  const [transaction] = head.transactions;
  if (!transaction) throw new Error('it is empty');
  // The same changes under the name of the table that has the rows.
  const body = Buffer.from(head.body);
  const at = body.indexOf('text\0');
  const forged = new Uint8Array(
    Buffer.concat([body.subarray(0, at), Buffer.from('text_content'), body.subarray(at + 4)]),
  );
  const { body: _, ...rest } = head;
  const bytes = encodeMessage({ ...rest, transactions: [{ ...transaction, size: forged.length }] }, [forged]);
  expect(transactionsOf(decodeMessage(bytes), forged)).toHaveLength(1);
  history.store(bytes, history.last);
  expect(reason(() => pull(b, history))).toMatch(/diverged: .*text_content .*belongs to a virtual table/);
  expect(all(b, 'SELECT count(*) FROM text')).toEqual([[0]]);
});
