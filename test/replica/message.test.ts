/** The format of a message, and messages of a hostile publisher. */

import { Changeset, DatabaseSync, encodeCapture } from 'sqlite-wasm-run';
import { ReplicaError } from 'sqlite-wasm-run/replica';
import { describe, expect, test } from 'vitest';
import { decodeMessage, digestOf, encodeMessage, entriesOf, transactionsOf } from './internals.js';
import { Random } from './log.js';

const random = new Random(7);
const id = random.uuid();
const schema = digestOf(new Uint8Array(0));

function capture(
  sql: string,
  create = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)',
  patchset = false,
): Uint8Array {
  using database = new DatabaseSync(':memory:');
  database.exec(create);
  using recorded = database.capture({ patchset });
  database.exec(sql);
  return recorded.read();
}

const changes = capture("INSERT INTO t VALUES(1, 'x')");
const head = {
  id,
  prev: random.uuid(),
  copy: random.uuid(),
  time: 1,
  schema,
  transactions: [
    { id: random.uuid(), time: 1, size: changes.length, name: 'pay' },
    { id: random.uuid(), time: 2, size: changes.length },
  ],
};
const body = [changes, changes];

function outcome(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ReplicaError) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'read';
}

test('decoding reverses encoding', () => {
  const message = decodeMessage(encodeMessage(head, body));
  expect(message).toMatchObject(head);
  const transactions = transactionsOf(message, message.body);
  expect(transactions.map(({ entries }) => encodeCapture(entries))).toEqual(
    [...body].map((one) => new Uint8Array(one)),
  );
});

test('a message whose captures are in an object', () => {
  const all = new Uint8Array(Buffer.concat(body));
  const object = { digest: digestOf(all), size: all.length };
  const message = decodeMessage(encodeMessage({ ...head, object }, []));
  expect(transactionsOf(message, all).length).toBe(2);
  const other = all.slice();
  other[3] = (other[3] ?? 0) ^ 1;
  expect(outcome(() => transactionsOf(message, other))).toContain('forked');
  expect(outcome(() => decodeMessage(encodeMessage({ ...head, object }, body)))).toContain(
    'also contains captures',
  );
});

test('a newer format is neither read nor ignored', () => {
  const bytes = encodeMessage(head, body);
  bytes[4] = 2;
  expect(outcome(() => decodeMessage(bytes))).toMatch(/^format: .*install a newer version/);
  bytes[4] = 0;
  expect(outcome(() => decodeMessage(bytes))).toMatch(/^malformed/);
});

test('every cut and every flipped byte of the head is refused or read, and nothing else is thrown', () => {
  const bytes = encodeMessage(head, body);
  for (let length = 0; length < bytes.length; length++) {
    expect(outcome(() => decodeMessage(bytes.subarray(0, length)))).toMatch(/^malformed/);
  }
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 128]) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ bit;
      const found = outcome(() => {
        const message = decodeMessage(damaged);
        transactionsOf(message, message.body);
      });
      expect(found).toMatch(/^(?:read|malformed|refused|format)/);
    }
  }
});

describe('heads that are refused', () => {
  const transaction = { id: random.uuid(), time: 1, size: 1 };
  test.each<[string, unknown]>([
    ['an unknown member', { ...head, more: 1 }],
    ['no id', { ...head, id: undefined }],
    ['an id that is not a UUID', { ...head, id: 'x' }],
    ['a UUID in capitals', { ...head, id: id.toUpperCase() }],
    ['a time that is not a number', { ...head, time: '1' }],
    ['a negative time', { ...head, time: -1 }],
    ['a fraction', { ...head, time: 1.5 }],
    ['an invalid digest', { ...head, schema: 'f' }],
    ['no transactions', { ...head, transactions: [] }],
    ['transactions that are not a list', { ...head, transactions: {} }],
    ['a transaction twice', { ...head, transactions: [head.transactions[0], head.transactions[0]] }],
    ['a size of 0', { ...head, transactions: [{ ...transaction, size: 0 }] }],
    ['a size that is not that of the body', { ...head, transactions: [transaction] }],
    ['a huge size', { ...head, transactions: [{ ...transaction, size: 2 ** 40 }] }],
    ['an unknown member of a transaction', { ...head, transactions: [{ ...transaction, args: [] }] }],
    ['a name that is too long', { ...head, transactions: [{ ...transaction, name: 'x'.repeat(201) }] }],
    ['an invalid object', { ...head, object: 1 }],
    ['an object without a digest', { ...head, object: { size: 1 } }],
    ['null', null],
    ['a list', []],
  ])('%s', (_, value) => {
    const json = Buffer.from(JSON.stringify(value));
    const bytes = Buffer.concat([Buffer.from('SWRM\x01\0\0\0\0'), json, ...body]);
    bytes.writeUInt32BE(json.length, 5);
    expect(outcome(() => decodeMessage(bytes))).toMatch(/^malformed/);
  });
});

describe('transactions that are refused', () => {
  const ddl = (sql: string): Uint8Array => encodeCapture([{ kind: 'ddl', sql }]);
  const own = (name: string): Uint8Array =>
    capture(`INSERT INTO ${name} VALUES(1, 2)`, `CREATE TABLE ${name}(a INTEGER PRIMARY KEY, b)`);
  const renamed = (name: string): Uint8Array => {
    const bytes = Buffer.from(
      capture('INSERT INTO t234567 VALUES(1, 2)', 'CREATE TABLE t234567(a INTEGER PRIMARY KEY, b)'),
    );
    bytes.write(name, bytes.indexOf('t234567'), 'latin1');
    return bytes;
  };
  test.each<[string, Uint8Array]>([
    ['a patchset', capture('INSERT INTO t VALUES(1, 2)', undefined, true)],
    ['changes of the state', own('_sqlite_wasm_run_replica')],
    ['changes of pending transactions', own('_SQLITE_wasm_run_replica_pending')],
    ['changes of a table of SQLite', renamed('sqlite_')],
    ['a statement that changes rows', ddl('DELETE FROM t')],
    ['a statement that drops the state', ddl('DROP TABLE _sqlite_wasm_run_replica')],
    ['the same with a database and quotes', ddl('DROP TABLE main . "_sqlite_wasm_run_replica"')],
    [
      'a trigger on the state',
      ddl('CREATE TRIGGER x AFTER INSERT ON _sqlite_wasm_run_replica BEGIN SELECT 1; END'),
    ],
    [
      'a trigger that writes to the state',
      ddl('CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM _sqlite_wasm_run_replica_pending; END'),
    ],
    ['a rename to the state', ddl('ALTER TABLE t RENAME TO _sqlite_wasm_run_replica_x')],
    ['a virtual table', ddl('CREATE /* */ VIRTUAL TABLE f USING rtree(x, a, b)')],
    ['a temporary table', ddl('CREATE TEMP TABLE f(x)')],
    ['ANALYZE', ddl('ANALYZE')],
    ['ATTACH', ddl("ATTACH 'x' AS y")],
    ['a pragma that is not captured', ddl('PRAGMA writable_schema=ON')],
    ['no statement', ddl('-- nothing')],
  ])('%s', (_, bytes) => {
    expect(outcome(() => entriesOf(bytes))).toMatch(/^refused: a transaction is refused because /);
  });

  test('bytes that are not a capture', () => {
    expect(outcome(() => entriesOf(new Uint8Array([1, 2, 3])))).toMatch(/^malformed/);
  });

  test('a changeset that SQLite would read only up to its first error', () => {
    const bytes = capture('INSERT INTO t VALUES(1, 2); INSERT INTO t VALUES(2, 3)');
    expect([...new Changeset(bytes)].length).toBe(2);
    const damaged = bytes.slice(0, -3);
    expect(outcome(() => entriesOf(damaged))).toMatch(/^refused: .*malformed/);
  });
});
