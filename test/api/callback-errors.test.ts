/**
 * If a callback throws, the call ends, the exception is rethrown unchanged, and the call has no effect. Tests every
 * kind of callback in every function that calls it, with and without SQL in the callback, and with one exception or
 * many.
 */

import { Changeset, ChangesetGroup, DatabaseSync } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';

const thrown = new Error('mine');
type Thrower = () => never | undefined;

/** Work that calls `fail`, on a database with `schema`. */
type Act = (db: DatabaseSync, fail: Thrower) => unknown;

const schema = `CREATE TABLE t(a INTEGER PRIMARY KEY, b);
  CREATE TABLE u(a INTEGER PRIMARY KEY, b);
  CREATE TABLE acl(owner INTEGER PRIMARY KEY, ok);
  INSERT INTO t VALUES(1,'x'),(2,'y'),(3,'z'); INSERT INTO u VALUES(1,1);`;

/** Changes of t and u: inserts, an update that conflicts in the target, and a delete. */
const changes = ((): Uint8Array => {
  const db = new DatabaseSync(':memory:');
  db.exec(schema);
  db.exec("UPDATE t SET b='other'");
  const session = db.createSession();
  db.exec(
    "INSERT INTO t VALUES(10,1),(11,2),(12,3); UPDATE t SET b='new' WHERE a=2; INSERT INTO u VALUES(5,5)",
  );
  const bytes = session.changeset();
  db.close();
  return bytes;
})();

function* pieces(bytes: Uint8Array, fail: Thrower): Generator<Uint8Array> {
  yield bytes.subarray(0, 20);
  fail();
  yield bytes.subarray(20);
}

const always = { onConflict: () => 0 };
const withFunction = (db: DatabaseSync, fail: Thrower): void =>
  db.function('f', () => {
    fail();
    return 1;
  });
const withAggregate = (db: DatabaseSync, step: () => unknown, result: () => unknown): void =>
  db.aggregate('g', {
    start: 0,
    step: (_state: number, _value: unknown) => {
      step();
      return 0;
    },
    result: () => {
      result();
      return 0;
    },
  });
const nothing = (): undefined => undefined;

/** By callback and function. A mark after the name means that the effects cannot be undone. */
const acts: Record<string, Act> = {
  'function in exec': (db, fail) => {
    withFunction(db, fail);
    db.exec('UPDATE t SET b=f()');
  },
  'function in run': (db, fail) => {
    withFunction(db, fail);
    db.prepare('INSERT INTO t(b) SELECT f() FROM t').run();
  },
  'function in get': (db, fail) => {
    withFunction(db, fail);
    db.prepare('UPDATE t SET b=f() RETURNING b').get();
  },
  'function in all': (db, fail) => {
    withFunction(db, fail);
    db.prepare('UPDATE t SET b=f() RETURNING b').all();
  },
  'function in iterate': (db, fail) => {
    withFunction(db, fail);
    for (const _ of db.prepare('SELECT f() FROM t').iterate());
  },
  'function of a trigger in applyChangeset': (db, fail) => {
    withFunction(db, fail);
    db.exec('CREATE TEMP TRIGGER tr AFTER INSERT ON main.t BEGIN SELECT f(); END');
    db.applyChangeset(changes, always);
  },
  'function of a trigger in apply': (db, fail) => {
    withFunction(db, fail);
    db.exec('CREATE TEMP TRIGGER tr AFTER INSERT ON main.t BEGIN SELECT f(); END');
    db.apply([changes], { policy: 'theirs' });
  },
  'function of a trigger in applyChangeset beside a handler with SQL': (db, fail) => {
    withFunction(db, fail);
    db.exec('CREATE TEMP TRIGGER tr AFTER INSERT ON main.u BEGIN SELECT f(); END');
    const onConflict = (): number => {
      db.prepare('SELECT count(*) FROM t').get();
      return 0;
    };
    db.applyChangeset(changes, { onConflict });
  },
  'step of an aggregate in run': (db, fail) => {
    withAggregate(db, fail, nothing);
    db.prepare('INSERT INTO t(b) SELECT g(a) FROM t').run();
  },
  'result of an aggregate in all': (db, fail) => {
    withAggregate(db, nothing, fail);
    db.prepare('SELECT g(a) FROM t GROUP BY a').all();
  },
  'authorizer in prepare': (db, fail) => {
    db.setAuthorizer(() => fail() ?? 0);
    db.prepare('SELECT * FROM t');
  },
  'authorizer in exec': (db, fail) => {
    db.setAuthorizer(() => fail() ?? 0);
    db.exec('DELETE FROM t');
  },
  'authorizer in changeset': (db, fail) => {
    const session = db.createSession();
    db.exec('UPDATE t SET b=7');
    db.setAuthorizer(() => fail() ?? 0);
    try {
      session.changeset();
    } finally {
      db.setAuthorizer(null);
      db.exec("UPDATE t SET b=substr('xyz', a, 1)");
    }
  },
  'authorizer in patchset': (db, fail) => {
    const session = db.createSession();
    db.exec('UPDATE t SET b=7');
    db.setAuthorizer(() => fail() ?? 0);
    try {
      session.patchset();
    } finally {
      db.setAuthorizer(null);
      db.exec("UPDATE t SET b=substr('xyz', a, 1)");
    }
  },
  'authorizer in take': (db, fail) => {
    const session = db.createSession();
    db.exec('UPDATE t SET b=7');
    db.setAuthorizer(() => fail() ?? 0);
    try {
      session.take();
    } finally {
      db.setAuthorizer(null);
      db.exec("UPDATE t SET b=substr('xyz', a, 1)");
    }
  },
  'authorizer in writeTo': (db, fail) => {
    const session = db.createSession();
    db.exec('UPDATE t SET b=7');
    db.setAuthorizer(() => fail() ?? 0);
    try {
      session.writeTo(() => {});
    } finally {
      db.setAuthorizer(null);
      db.exec("UPDATE t SET b=substr('xyz', a, 1)");
    }
  },
  'authorizer in diff': (db, fail) => {
    db.exec("ATTACH ':memory:' AS other; CREATE TABLE other.t(a INTEGER PRIMARY KEY, b)");
    const session = db.createSession();
    db.setAuthorizer(() => fail() ?? 0);
    session.diff('other', 't');
  },
  'authorizer in applyChangeset': (db, fail) => {
    db.setAuthorizer(() => fail() ?? 0);
    db.applyChangeset(changes, always);
  },
  'authorizer in apply': (db, fail) => {
    db.setAuthorizer(() => fail() ?? 0);
    db.apply([changes], { policy: 'theirs' });
  },
  'filter in applyChangeset': (db, fail) =>
    db.applyChangeset(changes, { ...always, filter: () => fail() ?? true }),
  'filter in applyChangeset of pieces': (db, fail) =>
    db.applyChangeset(pieces(changes, nothing), { ...always, filter: () => fail() ?? true }),
  'filterChange in applyChangeset': (db, fail) =>
    db.applyChangeset(changes, { ...always, filterChange: () => fail() ?? true }),
  'filterChange in apply': (db, fail) =>
    db.apply([changes], { policy: 'theirs', filterChange: () => fail() ?? true }),
  'filterChange in applyCapture': (db, fail) =>
    db.applyCapture(
      [
        { kind: 'ddl', sql: 'CREATE TABLE w(x)' },
        { kind: 'changeset', bytes: changes },
      ],
      {
        policy: 'theirs',
        filterChange: () => fail() ?? true,
      },
    ),
  'conflict handler in applyChangeset': (db, fail) =>
    db.applyChangeset(changes, { onConflict: () => fail() ?? 0 }),
  'conflict handler in applyChangeset of pieces': (db, fail) =>
    db.applyChangeset(pieces(changes, nothing), { onConflict: () => fail() ?? 0 }),
  'conflict handler in apply': (db, fail) => db.apply([changes], { onConflict: () => fail() ?? 0 }),
  'conflict handler in applyCapture': (db, fail) =>
    db.applyCapture(
      [
        { kind: 'ddl', sql: 'CREATE TABLE w(x)' },
        { kind: 'changeset', bytes: changes },
      ],
      {
        onConflict: () => fail() ?? 0,
      },
    ),
  'pieces in applyChangeset': (db, fail) => db.applyChangeset(pieces(changes, fail), always),
  'progress in apply': (db, fail) => db.apply([changes], { policy: 'theirs', onProgress: () => fail() }),
  'stream in apply': (db, fail) => db.applyStream(pieces(changes, fail), { policy: 'theirs' }),
  'output of a session': (db, fail) => {
    const session = db.createSession();
    db.exec("UPDATE t SET b=7; UPDATE t SET b=substr('xyz', a, 1); INSERT INTO acl VALUES(5,5)");
    try {
      session.writeTo(() => fail());
    } finally {
      db.exec('DELETE FROM acl');
    }
  },
  'pieces in Changeset.read': (_db, fail) => [...Changeset.read(pieces(changes, fail))],
  'pieces in Changeset.invertTo': (_db, fail) => Changeset.invertTo(pieces(changes, fail), () => {}),
  'output of Changeset.invertTo': (_db, fail) => Changeset.invertTo([changes], () => fail()),
  'pieces in ChangesetGroup.addFrom': (_db, fail) => new ChangesetGroup().addFrom(pieces(changes, fail)),
};

/** Session and capture filters. A filter cannot prevent the change, so the change stays and is recorded. */
const recorded: Record<string, Act> = {
  'session filter in exec': (db, fail) => {
    db.createSession({ filter: () => fail() ?? true });
    db.exec('INSERT INTO t VALUES(50,1)');
  },
  'session filter in run': (db, fail) => {
    db.createSession({ filter: () => fail() ?? true });
    db.prepare('INSERT INTO t VALUES(50,1)').run();
  },
  'session filter in get': (db, fail) => {
    db.createSession({ filter: () => fail() ?? true });
    db.prepare('INSERT INTO t VALUES(50,1) RETURNING a').get();
  },
  'capture filter in run': (db, fail) => {
    db.capture({ filter: () => fail() ?? true });
    db.prepare('INSERT INTO t VALUES(50,1)').run();
  },
  'session filter in applyChangeset': (db, fail) => {
    db.createSession({ filter: () => fail() ?? true });
    db.applyChangeset(changes, always);
  },
};

const dump = (db: DatabaseSync): unknown => [
  db.prepare('SELECT name, sql FROM main.sqlite_schema ORDER BY 1').all(),
  db.prepare('SELECT * FROM t').all(),
  db.prepare('SELECT * FROM u').all(),
];

/** Throws at each call, or only at the first; optionally after SQL on the same and on another database. */
function thrower(db: DatabaseSync, once: boolean, sql: boolean, allowed: boolean): Thrower {
  let calls = 0;
  const other = new DatabaseSync(':memory:');
  return () => {
    calls += 1;
    if (sql) {
      other.prepare('SELECT 1').get();
      if (allowed) db.prepare('SELECT count(*) FROM acl WHERE owner=?').get(1);
      try {
        other.exec('nonsense');
      } catch {}
    }
    if (once && calls > 1) return undefined;
    throw thrown;
  };
}

async function outcome(act: Act, db: DatabaseSync, fail: Thrower): Promise<unknown> {
  try {
    await act(db, fail);
    return 'nothing was thrown';
  } catch (error) {
    return error;
  }
}

const ways = [false, true].flatMap((once) => [false, true].map((sql) => [once, sql] as const));

describe.each(ways)('thrown once: %s, with SQL before it: %s', (once, sql) => {
  test.each(Object.entries(acts))('%s', async (name, act) => {
    using db = new DatabaseSync(':memory:');
    db.exec(schema);
    const before = dump(db);
    const found = await outcome(act, db, thrower(db, once, sql, !name.startsWith('authorizer')));
    db.setAuthorizer(null);
    expect(found).toBe(thrown);
    expect(dump(db)).toEqual(before);
    expect(db.isTransaction).toBe(false);
    expect(db.prepare('SELECT 1 AS one').get()).toEqual({ one: 1 });
  });
  test.each(Object.entries(recorded))(
    '%s: the exception is rethrown, and the change stays',
    async (_, act) => {
      using db = new DatabaseSync(':memory:');
      db.exec(schema);
      const rows = (): number => Number(db.prepare('SELECT count(*) AS n FROM t').get()?.n);
      const before = rows();
      expect(await outcome(act, db, thrower(db, once, sql, false))).toBe(thrown);
      expect(rows()).toBeGreaterThan(before);
      expect(db.prepare('SELECT 1 AS one').get()).toEqual({ one: 1 });
    },
  );
});

test('a session whose filter threw records the change for which it was called', () => {
  using db = new DatabaseSync(':memory:');
  db.exec(schema);
  const session = db.createSession({
    filter: () => {
      throw thrown;
    },
  });
  expect(() => db.exec('INSERT INTO t VALUES(50,1)')).toThrow(thrown);
  db.exec('INSERT INTO t VALUES(51,1)');
  const own = new DatabaseSync(':memory:');
  own.exec(schema);
  own.applyChangeset(session.changeset());
  expect(dump(own)).toEqual(dump(db));
});

test('an exception of an aggregate while its failed statement is finalized is discarded', () => {
  using db = new DatabaseSync(':memory:');
  db.exec(schema);
  withAggregate(db, nothing, () => {
    throw thrown;
  });
  const statement = db.prepare('SELECT g(a), max(abs(iif(a=2, -9223372036854775808, a))) FROM t');
  expect(() => statement.get()).toThrow();
  expect(db.prepare('SELECT 1 AS one').get()).toEqual({ one: 1 });
});
