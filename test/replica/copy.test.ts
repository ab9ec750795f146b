/** Copies of a database: pending transactions, messages of the history, and conflicts between them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Changeset, DatabaseSync } from 'sqlite-wasm-run';
import { ReplicaError, type ReplicaPolicy } from 'sqlite-wasm-run/replica';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Copy } from '../../dist/replica/copy.js';
import { contents, identity, openCopy, pull, push, schema, settle, stream } from './copies.js';
import { Copy as CopyClass, encodeMessage, makeCopy } from './internals.js';
import { Random } from './log.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'replica-copy-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The reason of an error. */
function reason(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ReplicaError) return error.reason;
    throw error;
  }
  return 'none';
}

function copies(count: number, sql: string, policy: ReplicaPolicy = 'rerun', seed = 1) {
  const random = new Random(seed);
  const history = stream();
  const all = Array.from({ length: count }, () => openCopy(':memory:', random, policy));
  schema(history, all, sql);
  const [a, b] = all;
  if (!a || !b) throw new Error('too few');
  return { history, all, a, b };
}

/** A disk that can be full. Set up before the package is loaded, because it keeps the functions of node:fs that it uses. */
const disk = vi.hoisted(() => {
  const fs = process.getBuiltinModule('node:fs');
  const { writeSync } = fs;
  const state = { full: false };
  const write = (...args: [fd: number, bytes: Uint8Array, ...place: number[]]): number => {
    const [fd, bytes, , length = bytes.length, position = 0] = args;
    if (state.full && position + length > fs.fstatSync(fd).size) {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
        code: 'ENOSPC',
        errno: -28,
      });
    }
    return Reflect.apply(writeSync, fs, args);
  };
  fs.writeSync = write as typeof writeSync;
  return state;
});

/** Runs `action` while no file can grow. */
function withoutRoom(action: () => void): void {
  disk.full = true;
  try {
    action();
  } finally {
    disk.full = false;
  }
}

const run = (copy: Copy, sql: string): void => void copy.transact((database) => database.exec(sql));
const rows = (copy: Copy, sql: string): unknown => copy.database.prepare(sql, { returnArrays: true }).all();

test('a transaction is committed at once, and pending until it has a sequence number', () => {
  const { history, a, b } = copies(2, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  const { value, transaction } = a.transact((database) => {
    database.exec("INSERT INTO t VALUES(1, 'x')");
    return 7;
  });
  expect(value).toBe(7);
  expect(a.pending).toEqual([transaction]);
  expect(rows(a, 'SELECT * FROM t')).toEqual([[1, 'x']]);
  expect(push(a, history)).toBe(true);
  expect(a.pending).toEqual([]);
  const { applied } = pull(b, history);
  expect(applied.flatMap(({ transactions }) => transactions.map(({ id }) => id))).toEqual([transaction?.id]);
  expect(contents(b.database)).toEqual(contents(a.database));
});

test('a transaction contains its own changes, and not those of the history before it', () => {
  const { history, a, b } = copies(2, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  run(a, 'INSERT INTO t VALUES(1, 1)');
  run(b, 'SELECT 1');
  push(a, history);
  pull(b, history);
  const { transaction } = b.transact((database) => database.exec('INSERT INTO t VALUES(2, 2)'));
  expect([...new Changeset(transaction?.changes ?? new Uint8Array(0))].map((one) => one.new[0])).toEqual([
    2n,
  ]);
});

test('many pending transactions go in one message, as many as fit', () => {
  const { history, a, b } = copies(2, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  for (let i = 0; i < 100; i++) run(a, `INSERT INTO t VALUES(${i}, '${'x'.repeat(50)}')`);
  const before = history.last;
  settle(history, a, b);
  const messages = [...history.messages]
    .filter(([sequence]) => sequence > before)
    .map(([, bytes]) => bytes.length);
  expect(messages.length).toBeGreaterThan(3);
  expect(messages.length).toBeLessThan(20);
  expect(Math.max(...messages)).toBeLessThanOrEqual(history.maxMessage);
  expect(contents(b.database)).toEqual(contents(a.database));
});

test('the effects of triggers and cascades are replicated, and not repeated', () => {
  const { history, a, b } = copies(
    2,
    `CREATE TABLE p(id INTEGER PRIMARY KEY, n);
     CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p(id) ON DELETE CASCADE);
     CREATE TABLE log(id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT);
     CREATE TRIGGER tr AFTER DELETE ON c BEGIN INSERT INTO log(what) VALUES('gone ' || old.id); END`,
  );
  run(a, 'INSERT INTO p VALUES(1, 1), (2, 2); INSERT INTO c VALUES(10, 1), (11, 1), (12, 2)');
  run(a, 'DELETE FROM p WHERE id=1');
  settle(history, a, b);
  expect(rows(b, 'SELECT * FROM log')).toEqual([
    [1, 'gone 10'],
    [2, 'gone 11'],
  ]);
  expect(contents(b.database)).toEqual(contents(a.database));
});

describe('two copies that change the same rows', () => {
  const both = (policy: ReplicaPolicy) => {
    const made = copies(
      2,
      'CREATE TABLE t(id INTEGER PRIMARY KEY, n); CREATE TABLE u(id INTEGER PRIMARY KEY, n UNIQUE)',
      policy,
    );
    run(made.a, 'INSERT INTO t VALUES(1, 10), (2, 10)');
    settle(made.history, made.a, made.b);
    return made;
  };
  const meet = (policy: ReplicaPolicy) => {
    const { history, a, b } = both(policy);
    run(a, 'UPDATE t SET n=n-1 WHERE id=1');
    run(b, 'UPDATE t SET n=n-1 WHERE id=1');
    run(b, 'UPDATE t SET n=n-1 WHERE id=2');
    push(a, history);
    const { redone, refused } = pull(b, history);
    settle(history, a, b);
    expect(contents(b.database)).toEqual(contents(a.database));
    return {
      n: rows(a, 'SELECT n FROM t ORDER BY id'),
      redone: redone.map(({ reran, conflicts }) => [reran, conflicts]),
      refused: refused.map(({ kind }) => kind),
    };
  };

  test('rerun: both take effect', () => {
    expect(meet('rerun')).toEqual({
      n: [[8], [9]],
      redone: [
        [true, 0],
        [true, 0],
      ],
      refused: [],
    });
  });
  test('reject: the later one is rejected', () => {
    expect(meet('reject')).toEqual({ n: [[9], [9]], redone: [[false, 0]], refused: ['conflict'] });
  });
  test('ours: the history’s values stay, and a transaction without remaining changes is rejected', () => {
    expect(meet('ours')).toEqual({ n: [[9], [9]], redone: [[false, 0]], refused: ['conflict'] });
  });
  test('theirs: the row wins, and one of the two subtractions is lost', () => {
    expect(meet('theirs').n).toEqual([[9], [9]]);
  });

  test('transactions that build on a rejected transaction are rejected too', () => {
    const { history, a, b } = both('reject');
    run(a, 'UPDATE t SET n=100 WHERE id=1');
    run(b, 'UPDATE t SET n=1 WHERE id=1; UPDATE t SET n=1 WHERE id=2');
    run(b, 'UPDATE t SET n=10 WHERE id=2'); // it would fit: the row is 10 here and in the history
    run(b, 'INSERT INTO t VALUES(3, 3)');
    push(a, history);
    const { refused } = pull(b, history);
    expect(refused.map(({ kind }) => kind)).toEqual(['conflict', 'depends-on']);
    settle(history, a, b);
    expect(rows(a, 'SELECT * FROM t')).toEqual([
      [1, 100],
      [2, 10],
      [3, 3],
    ]);
    expect(b.tables.rejected().map(({ kind }) => kind)).toEqual(['conflict', 'depends-on']);
  });

  test('a function that fails on the new state is rejected, with its error', () => {
    const { history, a, b } = both('rerun');
    run(a, 'INSERT INTO u VALUES(1, 5)');
    run(b, 'INSERT INTO u VALUES(2, 5)');
    push(a, history);
    const { refused } = pull(b, history);
    expect(refused).toMatchObject([{ kind: 'threw', message: 'UNIQUE constraint failed: u.n' }]);
    settle(history, a, b);
    expect(rows(b, 'SELECT * FROM u')).toEqual([[1, 5]]);
  });

  test('a function that rolls back everything when it runs again is rejected, and nothing else is lost', () => {
    const { history, a, b } = both('rerun');
    run(a, 'INSERT INTO u VALUES(1, 5)');
    run(b, 'INSERT INTO u VALUES(3, 6)');
    run(b, 'INSERT OR ROLLBACK INTO u VALUES(2, 5)');
    push(a, history);
    const { refused, redone } = pull(b, history);
    expect([refused.map(({ kind }) => kind), redone.length]).toEqual([['threw'], 1]);
    settle(history, a, b);
    expect(rows(a, 'SELECT * FROM u')).toEqual([
      [1, 5],
      [3, 6],
    ]);
  });

  test('a reference that dangles when a function runs again rejects it, not what comes after', () => {
    const { history, a, b } = copies(
      2,
      'CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)',
    );
    run(a, 'INSERT INTO p VALUES(1), (2)');
    settle(history, a, b);
    run(a, 'DELETE FROM p WHERE id=1');
    run(b, 'INSERT INTO c VALUES(10, 1)');
    run(b, 'INSERT INTO c VALUES(11, 2)');
    push(a, history);
    const { refused } = pull(b, history);
    expect(refused.map(({ kind }) => kind)).toEqual(['conflict']);
    settle(history, a, b);
    expect(rows(a, 'SELECT * FROM c')).toEqual([[11, 2]]);
  });

  test('new ids are given again when a function runs again', () => {
    const { history, a, b } = copies(2, 'CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, who)');
    run(a, "INSERT INTO t(who) VALUES('a')");
    run(b, "INSERT INTO t(who) VALUES('b')");
    settle(history, a, b);
    expect(rows(a, 'SELECT who FROM t ORDER BY who')).toEqual([['a'], ['b']]);
    expect(contents(b.database)).toEqual(contents(a.database));
  });
});

test('a stored message whose answer was lost is not published again', () => {
  const { history, a, b } = copies(2, 'CREATE TABLE t(id INTEGER PRIMARY KEY, n)');
  run(a, 'INSERT INTO t VALUES(1, 1)');
  settle(history, a, b);
  run(a, 'UPDATE t SET n=n+1');
  push(a, history, true);
  expect(a.pending.length).toBe(1);
  run(b, 'UPDATE t SET n=n+1');
  settle(history, b);
  run(a, 'UPDATE t SET n=n+1');
  const { placed } = pull(a, history);
  expect(placed.length).toBe(1);
  settle(history, a, b);
  expect([rows(a, 'SELECT n FROM t'), rows(b, 'SELECT n FROM t')]).toEqual([[[4]], [[4]]]);
});

test('a message that does not name the head before it is void for every copy', () => {
  const { history, all, a, b } = copies(3, 'CREATE TABLE t(id INTEGER PRIMARY KEY, n)');
  run(a, 'INSERT INTO t VALUES(1, 1)');
  const stale = a.outgoing(history.maxMessage);
  if (!stale) throw new Error('nothing');
  run(b, 'INSERT INTO t VALUES(2, 2)');
  push(b, history);
  history.store(stale.bytes, history.last); // as if the server had not compared
  history.store(new Uint8Array([1, 2, 3]), history.last);
  const { voided } = pull(b, history);
  expect(voided).toEqual([history.last - 1, history.last]);
  settle(history, ...all);
  expect(rows(b, 'SELECT * FROM t')).toEqual([
    [1, 1],
    [2, 2],
  ]);
  for (const copy of all) expect(contents(copy.database)).toEqual(contents(a.database));
});

describe('changes that cannot be recorded are refused and rolled back', () => {
  const tables = `CREATE TABLE k(a TEXT PRIMARY KEY, b); CREATE TABLE two(a, b, c, PRIMARY KEY(a, b));
     CREATE TABLE n(a); CREATE TABLE nocase(a TEXT COLLATE NOCASE PRIMARY KEY, b)`;
  test.each([
    ['INSERT INTO k VALUES(NULL, 1)', 'unrecordable'],
    ["INSERT INTO two VALUES('x', NULL, 1)", 'unrecordable'],
    ['INSERT INTO n VALUES(1)', 'unrecordable'],
    ["INSERT INTO nocase VALUES('a', 1)", 'none'],
    ["INSERT INTO nocase VALUES('a', 1); UPDATE nocase SET a='A'", 'none'],
    ['CREATE TABLE x(a INTEGER PRIMARY KEY)', 'schema-change'],
    ['PRAGMA user_version=3', 'schema-change'],
    ['COMMIT', 'refused'],
    ['PRAGMA foreign_keys=OFF', 'refused'],
    ["ATTACH ':memory:' AS other", 'refused'],
    ['DELETE FROM _sqlite_wasm_run_replica_pending', 'refused'],
    ['UPDATE _sqlite_wasm_run_replica SET sequence=0', 'refused'],
    ['DROP TABLE _sqlite_wasm_run_replica', 'refused'],
    ['CREATE TRIGGER tr AFTER INSERT ON _sqlite_wasm_run_replica BEGIN SELECT 1; END', 'refused'],
    ['CREATE VIRTUAL TABLE f USING rtree(x, a, b)', 'refused'],
    ["INSERT INTO k VALUES('a', 1)", 'none'],
  ])('%s: %s', (sql, expected) => {
    const { a } = copies(2, tables);
    const before = contents(a.database);
    expect(reason(() => run(a, sql))).toBe(expected);
    if (expected !== 'none') expect(contents(a.database)).toEqual(before);
    expect(a.database.isTransaction).toBe(false);
  });

  test('a key that is changed to one that its collation treats as equal', () => {
    const { history, a, b } = copies(2, tables);
    run(a, "INSERT INTO nocase VALUES('a', 1)");
    settle(history, a, b);
    expect(reason(() => run(a, "UPDATE nocase SET a='A'"))).toBe('unrecordable');
  });

  test('a function that returns a promise', () => {
    const { a } = copies(2, tables);
    expect(reason(() => a.transact(async () => {}))).toBe('refused');
  });

  test('a transaction within a transaction', () => {
    const { a } = copies(2, tables);
    expect(reason(() => a.transact(() => run(a, "INSERT INTO k VALUES('a', 1)")))).toBe('busy');
  });
});

test('outside transactions the connection can only read', () => {
  const { a } = copies(2, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  const { database } = a;
  expect(() => database.exec('INSERT INTO t VALUES(1, 1)')).toThrow('t is replicated');
  expect(() => database.exec('CREATE TABLE u(a)')).toThrow('is replicated');
  expect(() => database.exec('VACUUM')).toThrow('are refused on the connection');
  expect(() => database.exec('PRAGMA writable_schema=ON')).toThrow('cannot be set');
  database.exec('CREATE TEMP TABLE mine(a); INSERT INTO mine VALUES(1)');
  const statement = a.transact((db) => {
    const kept = db.prepare('INSERT INTO t VALUES(?, 1)');
    kept.run(1);
    return kept;
  }).value;
  expect(() => statement.run(2)).toThrow('use transaction() of the replica');
  expect(database.isTransaction).toBe(false);
  expect(rows(a, 'SELECT a FROM t')).toEqual([[1]]);
});

test('messages wait while the program has a statement or a transaction open', () => {
  const { history, a, b } = copies(2, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  run(a, 'INSERT INTO t VALUES(1, 1), (2, 2)');
  settle(history, a, b);
  run(a, 'INSERT INTO t VALUES(3, 3)');
  push(a, history);
  const open = b.database.prepare('SELECT * FROM t').iterate();
  open.next();
  expect(reason(() => pull(b, history))).toBe('busy');
  open.return?.();
  b.database.exec('BEGIN');
  expect(reason(() => pull(b, history))).toBe('busy');
  b.database.exec('COMMIT');
  expect(pull(b, history).applied.length).toBe(1);
});

describe('schema changes', () => {
  test('are sent with changes of rows; CREATE TABLE AS is sent as its result', () => {
    const { history, all, a, b } = copies(3, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    run(a, 'INSERT INTO t VALUES(1, 1), (2, 2)');
    schema(
      history,
      all,
      'ALTER TABLE t ADD COLUMN c DEFAULT 5; CREATE TABLE u AS SELECT a FROM t; UPDATE t SET c=6 WHERE a=1; CREATE INDEX i ON t(c); ANALYZE; PRAGMA user_version=4',
    );
    expect(rows(b, 'SELECT * FROM t')).toEqual([
      [1, 1, 6],
      [2, 2, 5],
    ]);
    expect(rows(b, 'SELECT * FROM u')).toEqual([[1], [2]]);
    expect(rows(b, 'PRAGMA user_version')).toEqual([[4]]);
    for (const copy of all) expect(contents(copy.database)).toEqual(contents(a.database));
  });

  test('are applied before pending transactions, which run again', () => {
    const { history, a, b } = copies(2, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    run(b, 'INSERT INTO t(a) VALUES(1)');
    run(b, 'INSERT INTO t(a, b) VALUES(2, 2)');
    schema(history, [a], 'ALTER TABLE t RENAME COLUMN b TO c');
    const { refused, redone } = pull(b, history);
    expect([redone.length, refused.map(({ kind }) => kind)]).toEqual([1, ['threw']]);
    settle(history, a, b);
    expect(rows(a, 'SELECT a, c FROM t')).toEqual([[1, null]]);
  });

  test('rows of a pending transaction do not fit a table that changed', () => {
    const { history, a, b } = copies(2, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)', 'theirs');
    run(b, 'INSERT INTO t VALUES(1, 1)');
    schema(history, [a], 'ALTER TABLE t ADD COLUMN c');
    expect(pull(b, history).refused.map(({ kind }) => kind)).toEqual(['schema']);
  });

  test('a schema change that bypassed the replica is detected', () => {
    const { history, a, b } = copies(2, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    run(a, 'INSERT INTO t VALUES(1, 1)');
    push(a, history);
    const bytes = history.messages.get(history.last) ?? new Uint8Array(0);
    const text = Buffer.from(bytes).toString('latin1');
    const digest = /"schema":"([0-9a-f]{64})"/.exec(text)?.[1] ?? '';
    history.messages.set(
      history.last,
      new Uint8Array(Buffer.from(text.replace(digest, 'f'.repeat(64)), 'latin1')),
    );
    expect(reason(() => pull(b, history))).toBe('schema');
  });
});

test('foreign keys are not checked again when the history is applied', () => {
  const tables =
    'CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p(id))';
  const { history, a, b } = copies(2, tables);
  const made = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
  made.exec(tables);
  const capture = made.capture();
  made.exec('INSERT INTO c VALUES(1, 99)');
  const { bytes } = forged(a, history.last, capture.read());
  history.store(bytes, history.last);
  settle(history, a, b);
  expect(rows(b, 'SELECT * FROM c')).toEqual([[1, 99]]);
  expect(() => run(b, 'INSERT INTO c VALUES(2, 98)')).toThrow('FOREIGN KEY constraint failed');
});

test('a schema of a hostile publisher calls no function of the program', () => {
  const { history, a, b } = copies(2, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  const calls: unknown[] = [];
  for (const { database } of [a, b]) {
    database.function('leak', { deterministic: true }, (value) => {
      calls.push(value);
      return 1;
    });
  }
  const made = new DatabaseSync(':memory:');
  made.function('leak', { deterministic: true }, (_) => 1);
  made.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  const capture = made.capture();
  made.exec(
    'CREATE TABLE u(a INTEGER PRIMARY KEY, b, c AS (leak(b)) STORED); INSERT INTO u(a, b) VALUES(1, 2)',
  );
  const { bytes } = forged(a, history.last, capture.read());
  history.store(bytes, history.last);
  expect(reason(() => pull(b, history))).toBe('diverged');
  expect(calls).toEqual([]);
});

test('changes that do not fit are a divergence: nothing is written, no conflict is resolved', () => {
  const { history, a, b } = copies(2, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  run(a, 'INSERT INTO t VALUES(1, 1)');
  settle(history, a, b);
  run(b, 'UPDATE t SET b=2');
  const before = b.state;
  const { bytes } = a.outgoing(4096) ?? forged(a, history.last);
  history.store(bytes, history.last);
  expect(reason(() => pull(b, history))).toBe('diverged');
  expect(b.state).toEqual(before);
  expect(rows(b, 'SELECT * FROM t')).toEqual([[1, 2]]);
  expect(b.pending.length).toBe(1);
});

test('changes that SQLite would silently skip are a divergence too', () => {
  const { history, a, b } = copies(2, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  for (const [sql, insert] of [
    ['CREATE TABLE other(a INTEGER PRIMARY KEY)', 'INSERT INTO other VALUES(1)'],
    ['CREATE TABLE t(a INTEGER PRIMARY KEY, b, c)', 'INSERT INTO t VALUES(1, 2, 3)'],
    ['CREATE TABLE t(a, b PRIMARY KEY)', 'INSERT INTO t VALUES(1, 2)'],
    ['CREATE TABLE t(a INTEGER PRIMARY KEY)', 'INSERT INTO t VALUES(1)'],
  ] as const) {
    const made = new DatabaseSync(':memory:');
    made.exec(sql);
    const capture = made.capture();
    made.exec(insert);
    const { bytes } = forged(a, history.last, capture.read());
    history.store(bytes, history.last);
    expect([sql, reason(() => pull(b, history))]).toEqual([sql, 'diverged']);
    history.messages.delete(history.last);
    history.last -= 1;
  }
});

/** A message whose changes fit no copy: it inserts row 1 again. */
function forged(copy: Copy, sequence: number, given?: Uint8Array) {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  const capture = database.capture();
  database.exec('INSERT INTO t VALUES(1, 9)');
  const changes = given ?? capture.read();
  const id = '00000000-0000-4000-8000-00000000000f';
  const head = {
    id,
    prev: copy.state.head,
    copy: copy.state.copy,
    time: 0,
    schema: copy.schemaDigest,
    transactions: [{ id, time: 0, size: changes.length }],
  };
  return { bytes: encodeMessage(head, [changes]), sequence };
}

describe('files', () => {
  let count = 0;
  const file = (mode: string): { path: string; random: Random } => {
    const path = join(folder, `${++count}.db`);
    const random = new Random(count);
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA journal_mode=${mode}; CREATE TABLE t(a INTEGER PRIMARY KEY, b)`);
    makeCopy(database, identity, random.uuid());
    database.close();
    return { path, random };
  };
  const close = (copy: Copy): void => {
    copy[Symbol.dispose]();
    copy.database.close();
  };

  test.each(['delete', 'wal'])(
    '%s: pending transactions survive a restart, and are rejected, not lost',
    (mode) => {
      const { path, random } = file(mode);
      const first = openCopy(path, random);
      run(first, 'INSERT INTO t VALUES(1, 1)');
      run(first, 'UPDATE t SET b=2');
      const { pending, state } = first;
      close(first);
      const second = openCopy(path, random);
      expect(second.pending).toEqual(pending);
      expect(second.state).toMatchObject({ copy: state.copy, sequence: 0 });
      expect(second.state.lease).not.toBe(state.lease);
      const history = stream();
      settle(history, second);
      expect(second.tables.pending()).toEqual([]);
      expect(history.last).toBe(1);
      close(second);
    },
  );

  test.each(['delete', 'wal'])(
    '%s: a writer that bypasses the replica is detected while it is open',
    (mode) => {
      const { path, random } = file(mode);
      const copy = openCopy(path, random);
      run(copy, 'INSERT INTO t VALUES(1, 1)');
      const other = new DatabaseSync(path);
      other.exec('UPDATE t SET b=5');
      expect(reason(() => run(copy, 'INSERT INTO t VALUES(2, 1)'))).toBe('foreign-write');
      expect(copy.database.isTransaction).toBe(false);
      other.close();
      close(copy);
    },
  );

  test.each(['delete', 'wal'])(
    '%s: a disk that is full for a while is not mistaken for another writer',
    (mode) => {
      const { path, random } = file(mode);
      const copy = openCopy(path, random);
      run(copy, 'INSERT INTO t VALUES(1, 1)');
      const large = `INSERT INTO t SELECT value+10, zeroblob(9000) FROM json_each('[${[...Array(2000).keys()]}]')`;
      for (let failures = 0; failures < 3; failures++) {
        withoutRoom(() => expect(() => run(copy, large)).toThrow(/full|I\/O/));
        run(copy, 'UPDATE t SET b=b+1');
      }
      expect(rows(copy, 'SELECT * FROM t')).toEqual([[1, 4]]);
      // A change that another connection wrote after the failure is still found.
      withoutRoom(() => expect(() => run(copy, large)).toThrow(/full|I\/O/));
      const other = new DatabaseSync(path);
      other.exec('UPDATE t SET b=5; VACUUM');
      expect(reason(() => run(copy, 'INSERT INTO t VALUES(2, 1)'))).toBe('foreign-write');
      other.close();
      close(copy);
    },
  );

  test('a writer that bypassed the replica is detected after a restart', () => {
    const { path, random } = file('delete');
    close(openCopy(path, random));
    const copy = openCopy(path, random);
    run(copy, 'INSERT INTO t VALUES(1, 1)');
    run(copy, 'SELECT 1');
    close(copy);
    close(openCopy(path, random));
    const other = new DatabaseSync(path);
    other.exec('UPDATE t SET b=5');
    other.close();
    const opened = new DatabaseSync(path);
    expect(reason(() => new CopyClass(opened, 'rerun', { now: () => 0, uuid: () => random.uuid() }))).toBe(
      'foreign-write',
    );
    expect(opened.isTransaction).toBe(false);
    opened.close();
  });

  test('two replicas with one file: the first one stops', () => {
    const { path, random } = file('wal');
    const first = openCopy(path, random);
    const second = openCopy(path, random);
    expect(reason(() => run(first, 'INSERT INTO t VALUES(1, 1)'))).toBe('two-processes');
    run(second, 'INSERT INTO t VALUES(1, 1)');
    close(first);
    close(second);
  });

  test('a database that is not a copy is refused', () => {
    const database = new DatabaseSync(join(folder, 'none.db'));
    database.exec('CREATE TABLE t(a)');
    const random = new Random(1);
    expect(reason(() => new CopyClass(database, 'rerun', { now: () => 0, uuid: () => random.uuid() }))).toBe(
      'not-a-copy',
    );
    database.close();
  });

  test('a locked file: nothing happened, and the next attempt succeeds', () => {
    const { path, random } = file('delete');
    const copy = openCopy(path, random);
    const other = new DatabaseSync(path);
    other.exec('BEGIN');
    other.prepare('SELECT * FROM t').all(); // with a rollback journal a reader makes writers wait
    expect(() => run(copy, 'INSERT INTO t VALUES(1, 1)')).toThrow('database is locked');
    expect(copy.pending).toEqual([]);
    other.exec('COMMIT');
    other.close();
    run(copy, 'INSERT INTO t VALUES(1, 1)');
    expect(copy.pending.length).toBe(1);
    close(copy);
  });
});
