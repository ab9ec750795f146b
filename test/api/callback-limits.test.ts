/**
 * A callback cannot make the operation that calls it use freed memory, lose changes, or apply only a part of a
 * changeset. Such calls are refused at once, and the operation continues normally.
 */

import { Changeset, DatabaseSync, Rebaser, type Session } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';

const schema = `CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE log(x INTEGER PRIMARY KEY);
  INSERT INTO t VALUES(1, 'one'), (2, 'two')`;

function opened(): DatabaseSync {
  const db = new DatabaseSync(':memory:', { allowExtension: true });
  db.exec(schema);
  return db;
}

const rows = (db: DatabaseSync): unknown[] => db.prepare('SELECT * FROM t', { returnArrays: true }).all();

/** The message of the exception of `action`; undefined if it does not throw. */
function refused(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** An update that conflicts in the target, and an insert after it. */
const changes = ((): Uint8Array => {
  using db = opened();
  db.exec("UPDATE t SET b='other' WHERE a=1");
  using session = db.createSession();
  db.exec("UPDATE t SET b='new' WHERE a=1; INSERT INTO t VALUES(3, 'three')");
  return session.changeset();
})();

type Act = (db: DatabaseSync, session: Session) => unknown;

const writes: Record<string, Act> = {
  'an INSERT': (db) => db.exec('INSERT INTO log VALUES(1)'),
  'an INSERT into the table': (db) => db.exec("INSERT INTO t VALUES(9, 'nine')"),
  'an INSERT after a SELECT': (db) => db.exec('SELECT 1; /* ; */ INSERT INTO log VALUES(1)'),
  'an INSERT that returns': (db) => db.prepare('INSERT INTO log VALUES(1) RETURNING x').all(),
  'an iteration': (db) => db.prepare('INSERT INTO log VALUES(1) RETURNING x').iterate().next(),
  'CREATE TABLE': (db) => db.exec('CREATE TABLE u(a)'),
  'a pragma that writes': (db) => db.exec('PRAGMA user_version=1'),
  BEGIN: (db) => db.exec('BEGIN'),
  'a changeset': (db) => db.applyChangeset(changes, { onConflict: () => 0 }),
  'a changeset with a report': (db) => db.apply([changes], { policy: 'theirs' }),
  'a capture': (db) => db.applyCapture([{ kind: 'changeset', bytes: changes }], { policy: 'theirs' }),
  'a BLOB': (db) => {
    using blob = db.openBlob('t', 'b', 2);
    blob.write(Buffer.from('TWO'));
  },
};

describe("a session's filter", () => {
  test.each(Object.entries(writes))('cannot write: %s', (_, act) => {
    using db = opened();
    const said: unknown[] = [];
    const session = db.createSession({
      filter: () => {
        said.push(refused(() => act(db, session)));
        return true;
      },
    });
    db.exec("UPDATE t SET b='TWO' WHERE a=2; INSERT INTO t VALUES(3, 'three')");
    expect(said).toEqual(["only SQL that reads can run while a session's filter is running"]);
    expect(rows(db)).toEqual([
      [1, 'one'],
      [2, 'TWO'],
      [3, 'three'],
    ]);
    using copy = opened();
    copy.applyChangeset(session.changeset());
    expect(rows(copy)).toEqual(rows(db));
    db.exec('INSERT INTO log VALUES(1)'); // afterwards all is allowed
    expect([...new Changeset(session.changeset())].map(({ table }) => table)).toContain('log');
  });

  test('of a capture cannot write either', () => {
    using db = opened();
    const said: unknown[] = [];
    using capture = db.capture({
      filter: () => {
        said.push(refused(() => db.exec('INSERT INTO log VALUES(1)')));
        said.push(refused(() => capture.take()));
        return true;
      },
    });
    db.exec("UPDATE t SET b='TWO' WHERE a=2");
    expect(said).toEqual([
      "only SQL that reads can run while a session's filter is running",
      "a session cannot be read while a session's filter is running",
    ]);
    expect([...new Changeset(capture.take())]).toMatchObject([{ table: 't', op: 'update' }]);
  });

  test("cannot run a write that was prepared or begun before, nor a component's; it can read", () => {
    using db = opened();
    db.loadExtension(new URL('../guests/sql.wasm', import.meta.url).pathname, { grants: { sql: 'rw' } });
    const insert = db.prepare('INSERT INTO log VALUES(?)');
    const begun = db.prepare('INSERT INTO log VALUES(7) RETURNING x').iterate();
    const said: unknown[] = [];
    db.createSession({
      filter: () => {
        said.push(
          refused(() => insert.run(1)),
          refused(() => begun.next()),
        );
        said.push(db.prepare('SELECT count(*) AS n FROM t').get()?.n);
        for (const sql of ['INSERT INTO log VALUES(1)', 'SELECT 1']) {
          said.push(refused(() => db.prepare('SELECT sql_run(?)').get(sql)));
        }
        db.exec('SELECT 1; PRAGMA user_version');
        return true;
      },
    });
    db.exec("UPDATE t SET b='TWO' WHERE a=2");
    const why = "only SQL that reads can run while a session's filter is running";
    expect(said).toEqual([why, why, 2, why, undefined]);
    expect(db.prepare('SELECT * FROM log').all()).toEqual([]);
    insert.run(1);
  });

  test.each<[string, string, Act]>([
    ['created', 'created', (db) => db.createSession()],
    ['created for a capture', 'created', (db) => db.capture()],
    ['asked for its warnings', 'asked for its warnings', (_, session) => session.warnings()],
    ['taken', 'taken', (_, session) => session.take()],
  ])('a session cannot be %s there', (_, what, act) => {
    using db = opened();
    let said: unknown;
    const session = db.createSession({
      filter: () => {
        said = refused(() => act(db, session));
        return true;
      },
    });
    db.exec("UPDATE t SET b='TWO' WHERE a=2");
    expect(said).toBe(`a session cannot be ${what} while a session's filter is running`);
    expect(session.changeset().length).toBeGreaterThan(0);
  });
});

describe('while a session is read', () => {
  const many = `WITH c(i) AS (VALUES(10) UNION ALL SELECT i+1 FROM c WHERE i<3000)
    INSERT INTO t SELECT i, hex(randomblob(20)) FROM c`;

  test.each<[string, Act, RegExp]>([
    ['taken', (_, session) => session.take(), /^session \d+ cannot be taken in its own callback$/],
    ['read', (_, session) => session.changeset(), /cannot be read in its own callback$/],
    ['attached', (_, session) => session.attach('log'), /cannot be attached in its own callback$/],
    ['filled', (_, session) => session.diff('main', 't'), /cannot be filled in its own callback$/],
    [
      'written to',
      (db) => db.exec("INSERT INTO t VALUES(9, 'nine')"),
      /^only SQL that reads can run while a session is read$/,
    ],
  ])('it cannot be %s, and its output is complete', (_, act, why) => {
    using db = opened();
    const session = db.createSession();
    db.exec(many);
    const whole = session.changeset();
    const said: unknown[] = [];
    const pieces: Uint8Array[] = [];
    session.writeTo((piece) => {
      pieces.push(piece);
      said.push(refused(() => act(db, session)));
    });
    expect(said.length).toBeGreaterThan(10);
    for (const message of said) expect(message).toMatch(why);
    expect(Buffer.concat(pieces).equals(whole)).toBe(true);
    expect(Buffer.from(session.take()).equals(whole)).toBe(true);
  });

  test('a function of a generated column cannot take it, or write, in the middle of a diff', () => {
    using db = opened();
    const g = 'g(a INTEGER PRIMARY KEY, b, c AS (f(b)))';
    const said: unknown[] = [];
    let act = (): unknown => undefined;
    db.function('f', { deterministic: true }, (value) => {
      said.push(refused(() => act()));
      return value;
    });
    db.exec(`CREATE TABLE ${g}; INSERT INTO g(a, b) VALUES(1, 'x')`);
    db.exec(`ATTACH ':memory:' AS other; CREATE TABLE other.${g}`);
    const session = db.createSession({ tables: [] });
    for (const [use, why] of [
      [() => session.take(), /^session \d+ cannot be taken in its own callback$/],
      [() => db.exec('INSERT INTO log VALUES(1)'), /^only SQL that reads can run while a session is read$/],
    ] as const) {
      said.length = 0;
      act = use;
      session.diff('other', 'g');
      act = () => undefined;
      expect(said).toEqual([expect.stringMatching(why)]);
      expect([...new Changeset(session.take())]).toMatchObject([{ table: 'g', op: 'insert' }]);
    }
  });
});

describe('while a changeset is applied, the transaction stays', () => {
  const ended = 'the transaction cannot be ended while a changeset is applied';
  const older = (name: string): string =>
    `savepoint ${name} cannot be ended or rolled back while a changeset is applied: it was begun before`;
  const controls: [sql: string, said: string][] = [
    ['COMMIT', ended],
    ['-- now\n END TRANSACTION', ended],
    ['ROLLBACK', ended],
    ['RELEASE changeset_apply', older('changeset_apply')],
    ['ROLLBACK TO SAVEPOINT changeset_apply', older('changeset_apply')],
    ['ROLLBACK TRANSACTION/**/TO "own"; SELECT 1', older('own')],
    ['RELEASE [Own]', older('own')],
    ['SAVEPOINT mine; RELEASE mine; RELEASE own', older('own')],
  ];
  type Apply = (db: DatabaseSync, call: () => void) => void;
  const applies: Record<string, Apply> = {
    'a conflict handler': (db, call) =>
      db.applyChangeset(changes, {
        onConflict: () => {
          call();
          return 0;
        },
      }),
    'a filter': (db, call) =>
      db.applyChangeset(changes, {
        onConflict: () => 0,
        filter: () => {
          call();
          return true;
        },
      }),
    pieces: (db, call) => {
      const pieces = function* (): Generator<Uint8Array> {
        yield changes.subarray(0, 10);
        call();
        yield changes.subarray(10);
      };
      db.applyChangeset(pieces(), { onConflict: () => 0 });
    },
    'a conflict handler with a report': (db, call) =>
      db.apply([changes], {
        onConflict: () => {
          call();
          return 0;
        },
      }),
    progress: (db, call) => db.apply([changes], { policy: 'ours', onProgress: call }),
    'a function of a trigger': (db, call) => {
      db.function('f', () => call());
      db.exec('CREATE TEMP TRIGGER tr AFTER INSERT ON main.t BEGIN SELECT f(); END');
      db.applyChangeset(changes, { onConflict: () => 0 });
    },
  };
  test.each(Object.entries(applies))('in %s', (_, apply) => {
    for (const [sql, why] of controls) {
      for (const run of [(db: DatabaseSync) => db.exec(sql), (db: DatabaseSync) => db.prepare(sql).run()]) {
        using db = opened();
        db.exec('BEGIN; SAVEPOINT own');
        const said: unknown[] = [];
        const call = (): void => {
          const message = refused(() => run(db));
          if (message !== undefined) said.push(message);
        };
        apply(db, call);
        if (!sql.startsWith('SAVEPOINT')) expect(said, sql).toContain(why);
        expect(new Set(said).size, sql).toBeLessThan(2);
        expect(rows(db), sql).toEqual([
          [1, 'one'],
          [2, 'two'],
          [3, 'three'],
        ]);
        db.exec('ROLLBACK TO own; COMMIT');
        expect(rows(db), sql).toEqual([
          [1, 'one'],
          [2, 'two'],
        ]);
      }
    }
  });

  test('a callback can use savepoints of its own, and its exception undoes everything', () => {
    using db = opened();
    const nested = (): number => {
      db.exec('SAVEPOINT "a"; INSERT INTO log VALUES(1); SAVEPOINT b; INSERT INTO log VALUES(2)');
      db.exec("ROLLBACK TO b; RELEASE 'A'");
      expect(refused(() => db.exec('RELEASE b'))).toBe(older('b'));
      return 0;
    };
    expect(db.applyChangeset(changes, { onConflict: nested })).toBe(true);
    expect(db.prepare('SELECT x FROM log').all()).toMatchObject([{ x: 1 }]);
    const ending = (): number => {
      db.exec('COMMIT');
      return 0;
    };
    db.exec('DELETE FROM t WHERE a=3');
    expect(() => db.applyChangeset(changes, { onConflict: ending })).toThrow(ended);
    expect(rows(db)).toEqual([
      [1, 'one'],
      [2, 'two'],
    ]);
    expect(db.isTransaction).toBe(false);
  });

  test('without a savepoint the caller ends the transaction', () => {
    using db = opened();
    db.exec('BEGIN');
    const onConflict = (): number => {
      db.exec('SAVEPOINT a; RELEASE a');
      return 0;
    };
    db.applyChangeset(changes, { onConflict, noSavepoint: true });
    db.exec('COMMIT');
    expect(rows(db)).toHaveLength(3);
  });
});

describe('within a statement that writes', () => {
  test.each<[string, Act, string]>([
    [
      'a changeset',
      (db) => db.applyChangeset(changes),
      'a changeset cannot be applied while a statement of the same connection writes',
    ],
    [
      'a changeset with a report',
      (db) => db.apply([changes]),
      'a changeset cannot be applied while a statement of the same connection writes',
    ],
    [
      'a capture',
      (db) => db.capture(),
      'an operation that reads the schema version, such as a capture, is impossible within a statement that writes while a session or capture is recording: call it before or after the statement',
    ],
  ])('the error for %s explains the reason', (_, act, why) => {
    using db = opened();
    using session = db.createSession();
    let said: unknown;
    db.aggregate('g', {
      start: 0,
      step: (sum: number) => {
        said = refused(() => act(db, session));
        return sum + 1;
      },
    });
    db.exec('UPDATE t SET b=(SELECT g())');
    expect(said).toBe(why);
    expect(rows(db)).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect([...new Changeset(session.changeset())]).toHaveLength(2);
  });
});

test('a rebaser cannot be used within its own callbacks', () => {
  const why = 'rebase: the rebaser cannot be used in its own callback';
  using rebaser = new Rebaser();
  const uses = [
    () => rebaser.close(),
    () => rebaser.configure(new Uint8Array(0)),
    () => rebaser.rebase(changes),
  ];
  for (const use of uses) expect(() => rebaser.rebaseTo([changes], use)).toThrow(why);
  const pieces = function* (): Generator<Uint8Array> {
    yield changes;
    rebaser.close();
  };
  expect(() => rebaser.rebaseTo(pieces(), () => {})).toThrow(why);
  expect(rebaser.rebase(changes).bytes).toEqual(changes);
});
