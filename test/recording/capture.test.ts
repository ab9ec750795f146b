/** Captures: changes and the statements that change the schema, in order, without changes that are rolled back. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Capture,
  type CaptureEntry,
  type CaptureOptions,
  Changeset,
  DatabaseSync,
  decodeCapture,
  encodeCapture,
} from 'sqlite-wasm-run';
import { afterEach, describe, expect, test } from 'vitest';
import { contentOf, failure } from '../kit/outcome.js';
import { randomOf } from '../kit/random.js';

const opened: DatabaseSync[] = [];
afterEach(() => {
  for (const db of opened.splice(0)) if (db.isOpen) db.close();
});

function database(sql = '', path = ':memory:'): DatabaseSync {
  const db = new DatabaseSync(path);
  opened.push(db);
  db.exec(sql);
  return db;
}

const schema = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b);';

function captured(sql: string, options?: CaptureOptions): { db: DatabaseSync; capture: Capture } {
  const db = database(schema);
  const capture = db.capture(options);
  db.exec(sql);
  return { db, capture };
}

/** An entry as text: SQL, or changes as "table op values". */
const text = (entry: CaptureEntry): string =>
  entry.kind === 'ddl'
    ? entry.sql
    : [...new Changeset(entry.bytes)]
        .map(({ table, op, old, new: fresh }) => `${table} ${op} ${op === 'delete' ? old : fresh}`)
        .sort()
        .join('; ');
const texts = (capture: Capture): string[] => capture.entries().map(text);

describe('what is captured', () => {
  test('without a change of the schema, the changeset itself', () => {
    const db = database(schema);
    const capture = db.capture();
    const session = db.createSession();
    db.exec("INSERT INTO t VALUES(1,'x'),(2,NULL)");
    expect(capture.read()).toEqual(session.changeset());
    expect(db.capture().read()).toHaveLength(0);
  });
  test('changes and statements in order', () => {
    const { capture } = captured(`
      INSERT INTO t VALUES(1,'x');
      ALTER TABLE t ADD COLUMN c DEFAULT 5;
      INSERT INTO t VALUES(2,'y',6);
      -- a comment
      CREATE TABLE u(k PRIMARY KEY); -- another
      INSERT INTO u VALUES('q');
      CREATE INDEX i ON t(b)`);
    expect(texts(capture)).toEqual([
      't insert 1,x',
      'ALTER TABLE t ADD COLUMN c DEFAULT 5',
      't insert 2,y,6',
      'CREATE TABLE u(k PRIMARY KEY)',
      'u insert q',
      'CREATE INDEX i ON t(b)',
    ]);
  });
  test('DROP COLUMN, RENAME and DROP TABLE lose nothing of what was recorded before', () => {
    const { db, capture } = captured('CREATE TABLE u(k PRIMARY KEY, v)');
    const session = db.createSession();
    db.exec(`INSERT INTO t VALUES(1,2); ALTER TABLE t DROP COLUMN b; INSERT INTO u VALUES(1,2);
      ALTER TABLE u RENAME TO w; INSERT INTO w VALUES(3,4); DROP TABLE w; INSERT INTO t VALUES(9)`);
    expect(failure(() => session.changeset())).toMatch(/^database schema has changed/);
    expect(texts(capture)).toEqual([
      'CREATE TABLE u(k PRIMARY KEY, v)',
      't insert 1,2',
      'ALTER TABLE t DROP COLUMN b',
      'u insert 1,2',
      'ALTER TABLE u RENAME TO w',
      'w insert 3,4',
      'DROP TABLE w',
      't insert 9',
    ]);
  });
  test('statements however they are run: prepared, with other words, behind comments, ANALYZE', () => {
    const { db, capture } = captured('');
    db.prepare('/* c */ -- d\n ;create view v as select 1').run();
    db.exec('INSERT INTO t VALUES(1,1); CREATE INDEX i ON t(b); ANALYZE; ANALYZE');
    expect(texts(capture)).toEqual([
      'create view v as select 1',
      't insert 1,1',
      'CREATE INDEX i ON t(b)',
      'ANALYZE',
    ]);
  });
  test('the current user_version and application_id', () => {
    const { capture } = captured('PRAGMA user_version=3; PRAGMA user_version=4; PRAGMA application_id=7');
    expect(texts(capture)).toEqual(['PRAGMA user_version=4', 'PRAGMA application_id=7']);
  });
  test('the values of parameters', () => {
    const { db, capture } = captured('');
    db.prepare("CREATE TABLE made AS SELECT ? AS x, 'é' AS y").run('a?');
    expect(texts(capture)).toEqual(['CREATE TABLE made(x,y)', 'made insert 1,a?,é']);
    expect(capture.warnings()).toEqual([]);
  });
  test('records nothing that changes nothing, fails, is temporary or belongs to another database', () => {
    const { db, capture } = captured(`CREATE TABLE IF NOT EXISTS t(x); DROP TABLE IF EXISTS nothere;
      CREATE TEMP TABLE x(a); CREATE TABLE temp.y(a); DROP TABLE x; ATTACH ':memory:' AS side;
      CREATE TABLE side.z(a); EXPLAIN CREATE TABLE e(a)`);
    expect(failure(() => db.exec('CREATE TABLE t(x)'))).toBe('table t already exists');
    expect(failure(() => db.exec('INSERT INTO t VALUES(1,1); CREATE UNIQUE INDEX i ON t(nothere)'))).toBe(
      'no such column: nothere',
    );
    db.exec('INSERT INTO t VALUES(2,1)');
    expect(failure(() => db.exec('CREATE UNIQUE INDEX i ON t(b)'))).toBe('UNIQUE constraint failed: t.b');
    expect(texts(capture)).toEqual(['t insert 1,1; t insert 2,1']);
  });
  test('of an attached database, without its name', () => {
    const db = database(`${schema} ATTACH ':memory:' AS "my side"`);
    const capture = db.capture({ db: 'my side' });
    db.exec(`CREATE TABLE t2(a); CREATE TABLE "my side".u(k PRIMARY KEY);
      CREATE UNIQUE INDEX IF NOT EXISTS [my side] . i ON u(k); INSERT INTO u VALUES(1); DROP INDEX 'MY SIDE'.i;
      INSERT INTO t VALUES(1,1)`);
    expect(texts(capture)).toEqual([
      'CREATE TABLE u(k PRIMARY KEY)',
      'CREATE UNIQUE INDEX IF NOT EXISTS i ON u(k)',
      'u insert 1',
      'DROP INDEX i',
    ]);
  });
  test('by tables, globs, rowid, as a patchset, indirect', () => {
    const run = (options: CaptureOptions): Capture =>
      captured(
        'CREATE TABLE nk(x); INSERT INTO nk VALUES(1); INSERT INTO t VALUES(1,1); UPDATE t SET b=2',
        options,
      ).capture;
    const last = (options: CaptureOptions): CaptureEntry | undefined => run(options).entries()[1];
    expect(texts(run({ tables: ['nk'], rowid: true }))).toEqual(['CREATE TABLE nk(x)', 'nk insert 1,1']);
    expect(texts(run({ filter: ['t'] }))[1]).toBe('t insert 1,2');
    expect(texts(run({ filter: (table) => table !== 't' }))).toEqual(['CREATE TABLE nk(x)', 'nk insert 1,1']);
    const patch = last({ patchset: true });
    expect(patch?.kind === 'changeset' && patch.bytes[0]).toBe(0x50);
    const indirect = last({ indirect: true });
    expect(indirect?.kind === 'changeset' && [...new Changeset(indirect.bytes)][0]?.indirect).toBe(true);
  });
  test('changes by triggers and foreign key actions, once', () => {
    const { capture } = captured(`CREATE TABLE log(id INTEGER PRIMARY KEY, x);
      CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log(x) VALUES(new.a); END;
      INSERT INTO t VALUES(1,1)`);
    expect(texts(capture).at(-1)).toBe('log insert 1,1; t insert 1,1');
  });
});

describe('a table without a key whose column hides the rowid', () => {
  const reason = 'because it has no PRIMARY KEY, and its column _rowid_ hides the rowid';
  test('its rows are lost if it is created during the capture, until that is rolled back', () => {
    const { db, capture } = captured('BEGIN; CREATE TABLE k(_rowid_, v)');
    expect(capture.lost()).toEqual([]);
    db.exec("INSERT INTO k VALUES('a',1),('b',2),('a',3)");
    const message = `k: it was created during the capture, and its 3 rows cannot be recorded ${reason}`;
    expect(capture.lost()).toEqual([{ kind: 'lost', table: 'k', message }]);
    expect(() => capture.read()).toThrow(message);
    db.exec('ROLLBACK');
    expect(capture.lost()).toEqual([]);
    expect(texts(capture)).toEqual([]);
  });
  test('it is left out if it existed before, with a warning', () => {
    const db = database("CREATE TABLE k(_rowid_, v); INSERT INTO k VALUES('a',1)");
    const capture = db.capture({ rowid: true });
    db.exec("INSERT INTO k VALUES('b',2); UPDATE k SET v=9 WHERE v=1");
    expect(texts(capture)).toEqual([]);
    expect(capture.warnings().map(({ kind }) => kind)).toEqual(['hidden-rowid']);
  });
});

describe('VACUUM', () => {
  const keyless =
    "CREATE TABLE u(a, b); INSERT INTO u VALUES(1,'x'),(2,'y'),(3,'z'); DELETE FROM u WHERE a=1";
  const refusal =
    'VACUUM is refused while changes of u, a table without a PRIMARY KEY, are recorded by rowid: it would change the rowids';
  test('is refused if a table without a key was made during the capture', () => {
    const { db, capture } = captured(keyless);
    expect(() => db.exec('VACUUM')).toThrow(refusal);
    expect(() => db.prepare('/* all */ vacuum main').run()).toThrow(refusal);
    db.exec("UPDATE u SET b='Z' WHERE a=3");
    const copy = database(schema);
    copy.applyCapture(capture.read());
    expect(contentOf(copy)).toEqual(contentOf(db));
    expect(capture.warnings()).toEqual([]);
    capture.close();
    db.exec('VACUUM');
  });
  test.each([{ rowid: true }, { rowid: true, tables: ['u'] }, { rowid: true, filter: ['u'] }])(
    'is refused while a capture or a session records by rowid: %o',
    (options) => {
      const db = database(keyless);
      const capture = db.capture(options);
      expect(() => db.exec('VACUUM')).toThrow(refusal);
      capture.close();
      const session = db.createSession(options);
      expect(() => db.exec('VACUUM')).toThrow(refusal);
      session.close();
      db.exec('VACUUM');
    },
  );
  test('is not refused of another database, as a copy, and if such tables are not recorded', () => {
    const db = database(`${keyless}; ATTACH ':memory:' AS other; CREATE TABLE t(a PRIMARY KEY)`);
    const capture = db.capture({ rowid: true });
    const folder = mkdtempSync(join(tmpdir(), 'captured-'));
    db.exec(`VACUUM other; VACUUM INTO '${join(folder, 'copy.db')}'`);
    rmSync(folder, { recursive: true });
    capture.close();
    const one = db.capture({ rowid: true, tables: ['t'] });
    db.exec('VACUUM; INSERT INTO t VALUES(1)');
    expect(texts(one)).toEqual(['t insert 1']);
    expect(one.warnings()).toEqual([]);
  });
  test('leaves a capture of tables with keys as it is, without warnings', () => {
    const { db, capture } = captured(`CREATE TABLE gone(a PRIMARY KEY); CREATE VIEW v AS SELECT 1;
      CREATE TABLE k(a PRIMARY KEY, b); CREATE INDEX i ON k(b); INSERT INTO k VALUES(1,'x'),(2,'y'); DROP TABLE gone;
      CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES('one'); DELETE FROM k WHERE a=1`);
    const before = texts(capture);
    db.exec('VACUUM');
    expect(texts(capture)).toEqual(before);
    expect(capture.warnings()).toEqual([]);
    db.exec("UPDATE k SET b='Z'; INSERT INTO f VALUES('two')");
    const copy = database(schema);
    copy.applyCapture(capture.read());
    expect(contentOf(copy)).toEqual(contentOf(db));
  });
});

describe('a rollback removes what it undoes from the capture', () => {
  const cases: [string, string, string[]][] = [
    [
      'a transaction',
      "INSERT INTO t VALUES(1,'stays'); BEGIN; INSERT INTO t VALUES(2,2); CREATE TABLE x(a); ROLLBACK",
      ['t insert 1,stays'],
    ],
    [
      'several statements',
      'BEGIN; CREATE TABLE x(a); INSERT INTO t VALUES(1,1); CREATE TABLE y(a); DROP TABLE x; ROLLBACK',
      [],
    ],
    [
      'to a savepoint before',
      'INSERT INTO t VALUES(1,1); BEGIN; INSERT INTO t VALUES(2,2); SAVEPOINT s; INSERT INTO t VALUES(3,3); CREATE TABLE x(a); ROLLBACK TO s; COMMIT',
      ['t insert 1,1; t insert 2,2'],
    ],
    [
      'to a savepoint after',
      'BEGIN; INSERT INTO t VALUES(1,1); CREATE TABLE x(a PRIMARY KEY); SAVEPOINT s; INSERT INTO x VALUES(9); ROLLBACK TO s; INSERT INTO x VALUES(1); COMMIT',
      ['t insert 1,1', 'CREATE TABLE x(a PRIMARY KEY)', 'x insert 1'],
    ],
    [
      'to a savepoint between',
      'BEGIN; CREATE TABLE x(a PRIMARY KEY); SAVEPOINT s; INSERT INTO x VALUES(1); CREATE TABLE y(a); ROLLBACK TO s; CREATE TABLE z(a); COMMIT',
      ['CREATE TABLE x(a PRIMARY KEY)', 'CREATE TABLE z(a)'],
    ],
    [
      'a released savepoint within a rolled back one',
      'SAVEPOINT a; SAVEPOINT b; CREATE TABLE x(a); RELEASE b; ROLLBACK TO a; RELEASE a',
      [],
    ],
    [
      'a transaction that a new one follows',
      'BEGIN; CREATE TABLE x(a); ROLLBACK; BEGIN; CREATE TABLE y(a); COMMIT',
      ['CREATE TABLE y(a)'],
    ],
  ];
  test.each(cases)('%s', (_, sql, wanted) => {
    const { db, capture } = captured(sql);
    expect(texts(capture)).toEqual(wanted);
    db.exec("INSERT INTO t VALUES(100,'later')");
    expect(texts(capture).at(-1)).toMatch(/t insert 100,later/);
  });
  test('a transaction that a conflict ends', () => {
    const { db, capture } = captured(
      'INSERT INTO t VALUES(1,1); BEGIN; CREATE TABLE x(a); INSERT INTO t VALUES(2,2)',
    );
    expect(failure(() => db.exec('INSERT OR ROLLBACK INTO t VALUES(1,1)'))).toBe(
      'UNIQUE constraint failed: t.a',
    );
    expect(texts(capture)).toEqual(['t insert 1,1']);
  });
  test('a failed statement undoes only itself', () => {
    const { db, capture } = captured(
      'INSERT INTO t VALUES(1,1); BEGIN; CREATE TABLE x(a); INSERT INTO t VALUES(2,2)',
    );
    failure(() => db.exec('INSERT INTO t VALUES(3,3),(1,1)'));
    db.exec('COMMIT');
    expect(texts(capture)).toEqual(['t insert 1,1', 'CREATE TABLE x(a)', 't insert 2,2']);
  });
  test('changes are visible while the transaction is open', () => {
    const { db, capture } = captured('BEGIN; CREATE TABLE x(a PRIMARY KEY); INSERT INTO x VALUES(1)');
    expect(texts(capture)).toEqual(['CREATE TABLE x(a PRIMARY KEY)', 'x insert 1']);
    db.exec('ROLLBACK');
    expect(texts(capture)).toEqual([]);
  });
});

describe('taking and ending', () => {
  test('take empties the capture; within a transaction it is refused', () => {
    const { db, capture } = captured('INSERT INTO t VALUES(1,1); CREATE TABLE x(a); PRAGMA user_version=2');
    expect(decodeCapture(capture.take()).map(text)).toEqual([
      't insert 1,1',
      'CREATE TABLE x(a)',
      'PRAGMA user_version=2',
    ]);
    expect(capture.read()).toHaveLength(0);
    db.exec('BEGIN; INSERT INTO t VALUES(2,2)');
    expect(failure(() => capture.take())).toBe(
      'a capture cannot be taken within a transaction: commit it or roll it back first',
    );
    db.exec('COMMIT');
    expect(decodeCapture(capture.take()).map(text)).toEqual(['t insert 2,2']);
  });
  test('forget empties it too, and keeps the list of created tables', () => {
    const { db, capture } = captured('CREATE TABLE x(a); INSERT INTO t VALUES(1,1)', { tables: ['t'] });
    capture.forget();
    expect(capture.read()).toHaveLength(0);
    db.exec('BEGIN; INSERT INTO x VALUES(7)');
    expect(failure(() => capture.forget())).toBe(
      'a capture cannot be forgotten within a transaction: commit it or roll it back first',
    );
    db.exec('COMMIT');
    expect(texts(capture)).toEqual(['x insert 1,7']);
  });
  test('several at once do not affect each other or sessions', () => {
    const db = database(schema);
    const session = db.createSession();
    const first = db.capture();
    db.exec('INSERT INTO t VALUES(1,1); CREATE TABLE x(a PRIMARY KEY)');
    const second = db.capture();
    db.exec('INSERT INTO x VALUES(1)');
    first.close();
    db.exec('CREATE TABLE y(a)');
    expect(texts(second)).toEqual(['x insert 1', 'CREATE TABLE y(a)']);
    expect(failure(() => first.read())).toBe('capture is not open');
    expect([...new Changeset(session.changeset())]).toHaveLength(2);
    second[Symbol.dispose]();
    second[Symbol.dispose]();
    db.exec('CREATE TABLE z(a)');
  });
  test('ends with its database', () => {
    const { db, capture } = captured('BEGIN; CREATE TABLE x(a)');
    db.close();
    expect(failure(() => capture.read())).toBe('database is not open');
    capture[Symbol.dispose]();
    db.open();
    expect(failure(() => capture.read())).toBe('capture is not open');
    db.exec('CREATE TABLE x(a)');
  });
  test('errors, results and messages are the same as without a capture', () => {
    const run = (db: DatabaseSync, sql: string): unknown => {
      try {
        return db.exec(sql);
      } catch (error) {
        const { message, errcode, errstr } = error as Error & { errcode: number; errstr: string };
        return { message, errcode, errstr };
      }
    };
    const plain = database(schema);
    const { db, capture } = captured('');
    for (const sql of [
      'INSERT INTO t VALUES(1,1); INSERT INTO t VALUES(1,1)',
      'SELECT nothere',
      'nonsense',
      '',
      ' ; -- x',
      'SELECT 1; SELECT abs(-9223372036854775808); CREATE TABLE no(a)',
      'COMMIT',
      'BEGIN; BEGIN',
      'ROLLBACK',
      "SELECT json('x')",
    ]) {
      expect(run(db, sql)).toEqual(run(plain, sql));
    }
    expect(texts(capture)).toEqual(['t insert 1,1']);
  });
  test('a schema change by another connection is reported', () => {
    const folder = mkdtempSync(join(tmpdir(), 'capture-'));
    try {
      const path = join(folder, 'x.db');
      const db = database(schema, path);
      const capture = db.capture();
      const other = database('', path);
      other.exec('CREATE TABLE u(a)');
      expect(capture.warnings().map(({ message }) => message)).toContain(
        'another connection changed the schema, which is not captured',
      );
      db.exec('INSERT INTO t VALUES(1,1)');
      expect(capture.lost()).toEqual([]);
      other.exec('ALTER TABLE t DROP COLUMN b');
      db.exec('CREATE TABLE v(a)');
      expect(capture.lost()).toEqual([
        {
          kind: 'lost',
          table: '',
          message: expect.stringMatching(/^changes were lost because they could not be read: /),
        },
      ]);
      other.close();
      db.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the form', () => {
  test('is what its documentation says', () => {
    const bytes = encodeCapture([
      { kind: 'changeset', bytes: new Uint8Array([0x54, 9]) },
      { kind: 'ddl', sql: 'é' },
    ]);
    expect(Buffer.from(bytes).toString('hex')).toBe('4341505401430000000254094400000002c3a9');
    expect(encodeCapture(decodeCapture(bytes))).toEqual(bytes);
    expect(encodeCapture([])).toHaveLength(0);
    const settings = { legacyAlterTable: true, foreignKeys: false, doubleQuotedText: true, rows: 258 };
    const second = encodeCapture([{ kind: 'ddl', sql: 'DROP TABLE t', settings }]);
    expect(Buffer.from(second).toString('hex')).toBe(
      `43415054025300000015${'0d'}${'0000000000000102'}${Buffer.from('DROP TABLE t').toString('hex')}`,
    );
    expect(decodeCapture(second)).toEqual([{ kind: 'ddl', sql: 'DROP TABLE t', settings }]);
    expect(decodeCapture(new Uint8Array(0))).toEqual([]);
  });
  test.each([
    ['00', 'it does not begin with T, P or CAPT (byte 0)'],
    ['4341', 'it does not begin with T, P or CAPT (byte 0)'],
    ['4341505403', 'unknown version 3 (byte 4)'],
    ['4341505402530000000110', 'unknown flags 16 (byte 5)'],
    ['434150540253000000020800', 'it ends in the middle of an entry (byte 5)'],
    ['43415054025300000000', 'it ends in the middle of an entry (byte 5)'],
    ['434150540143000000', 'it ends in the middle of an entry (byte 5)'],
    ['434150540143ffffffff54', 'it ends in the middle of an entry (byte 5)'],
    ['43415054015800000000', 'unknown kind of entry 88 (byte 5)'],
    ['43415054014400000001ff', 'its SQL is not UTF-8 (byte 5)'],
  ])('%s is refused', (hex, message) => {
    expect(failure(() => decodeCapture(Buffer.from(hex, 'hex')))).toBe(
      `not a changeset, patchset or capture: ${message}`,
    );
  });
});

describe('applying a capture', () => {
  test('makes the same database and reports the changes', () => {
    const { db, capture } = captured(`INSERT INTO t VALUES(1,'x'); ALTER TABLE t ADD COLUMN c DEFAULT 5;
      UPDATE t SET c=6; CREATE TABLE u(k PRIMARY KEY) WITHOUT ROWID; INSERT INTO u VALUES('q'); PRAGMA user_version=4`);
    const copy = database(schema);
    const report = copy.applyCapture(capture.read());
    expect(contentOf(copy)).toEqual(contentOf(db));
    expect(report).toMatchObject({ applied: true, changes: 3, problems: [] });
    expect(report.entries[1]).toEqual({ sql: 'ALTER TABLE t ADD COLUMN c DEFAULT 5' });
    expect(report.entries[0]).toMatchObject({ applied: true, tables: [{ table: 't', inserted: 1 }] });
  });
  test('triggers and foreign key actions do not act twice', () => {
    const { db, capture } = captured(`CREATE TABLE log(id INTEGER PRIMARY KEY, x);
      CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log(x) VALUES(new.a); END;
      CREATE TABLE child(a INTEGER PRIMARY KEY, t REFERENCES t ON DELETE CASCADE);
      INSERT INTO t VALUES(1,1),(2,2); INSERT INTO child VALUES(5,1); DELETE FROM t WHERE a=1`);
    const copy = database(schema);
    expect(copy.applyCapture(capture.read(), { check: true })).toMatchObject({ applied: true });
    expect(contentOf(copy)).toEqual(contentOf(db));
    copy.exec('INSERT INTO t VALUES(50,1)');
    expect(copy.prepare('SELECT count(*) AS n FROM log WHERE x=50').get()).toEqual({ n: 1 });
  });
  test('all or nothing: a conflict, a failing statement, a dry run', () => {
    const { capture } = captured(
      'CREATE TABLE u(k PRIMARY KEY); INSERT INTO t VALUES(1,1); CREATE TABLE w(a)',
    );
    const clash = database(`${schema} INSERT INTO t VALUES(1,'mine')`);
    const before = contentOf(clash);
    const report = clash.applyCapture(capture.read());
    expect(report).toMatchObject({ applied: false, changes: 0 });
    expect(report.entries).toHaveLength(2);
    expect(contentOf(clash)).toEqual(before);
    expect(clash.applyCapture(capture.read(), { policy: 'theirs', dryRun: true })).toMatchObject({
      applied: true,
      changes: 1,
    });
    expect(contentOf(clash)).toEqual(before);
    expect(clash.applyCapture(capture.read(), { policy: 'theirs' }).applied).toBe(true);
    const there = database(`${schema} CREATE TABLE w(x)`);
    expect(failure(() => there.applyCapture(capture.read()))).toBe('table w already exists');
    expect(there.prepare('SELECT * FROM t').all()).toEqual([]);
  });
  test('a changeset and a patchset are captures too', () => {
    const { db } = captured('');
    const session = db.createSession();
    db.exec('INSERT INTO t VALUES(1,1)');
    for (const bytes of [session.changeset(), session.patchset(), new Uint8Array(0)]) {
      expect(database(schema).applyCapture(bytes).applied).toBe(true);
    }
  });
  test('it can be inverted if the schema does not change', () => {
    const { db, capture } = captured('INSERT INTO t VALUES(1,1)');
    db.applyCapture(capture.read(), { invert: true });
    expect(db.prepare('SELECT * FROM t').all()).toEqual([]);
    db.exec('CREATE TABLE x(a)');
    expect(failure(() => db.applyCapture(capture.read(), { invert: true }))).toBe(
      'A capture that changes the schema cannot be inverted.',
    );
  });
  test.each([
    ["ATTACH 'x' AS y", 'it does not change the schema'],
    ['INSERT INTO t VALUES(1,1)', 'it does not change the schema'],
    ['PRAGMA writable_schema=1', 'it does not change the schema'],
    ['CREATE TABLE x(a); DROP TABLE t', 'it is more than one statement'],
    ["CREATE TABLE x AS SELECT load_extension('x')", 'load_extension() may not become part of the schema'],
    ["CREATE VIRTUAL TABLE x USING csv(filename='/etc/passwd')", 'csv reaches beyond the database'],
  ])('a hostile statement is refused: %s', (sql, why) => {
    const db = database(schema);
    const bytes = encodeCapture([
      { kind: 'ddl', sql: 'CREATE TABLE first(a)' },
      { kind: 'ddl', sql },
    ]);
    expect(failure(() => db.applyCapture(bytes))).toBe(
      `a statement of the capture is refused because ${why}: ${sql}`,
    );
    expect(db.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 't' }]);
  });
  test('a full-text index is captured and applied', () => {
    const { db, capture } = captured(
      "CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES('hello world'); DELETE FROM f; INSERT INTO f VALUES('again')",
    );
    expect(capture.entries()[0]).toEqual({ kind: 'ddl', sql: 'CREATE VIRTUAL TABLE f USING fts5(x)' });
    const copy = database(schema);
    const report = copy.applyCapture(capture.read(), { check: true });
    expect(report.applied).toBe(true);
    expect(copy.prepare("SELECT x FROM f('again')").all()).toEqual(
      db.prepare("SELECT x FROM f('again')").all(),
    );
  });
});

describe('applying the captured changes always makes the same database', () => {
  test.each(Array.from({ length: 25 }, (_, seed) => seed + 1))('work %i', (seed) => {
    const random = randomOf(seed);
    const db = database(`${schema} INSERT INTO t VALUES(1,1),(2,2),(3,3)`);
    const copy = database(`${schema} INSERT INTO t VALUES(1,1),(2,2),(3,3)`);
    const capture = db.capture();
    const table = (): string => `t${['', 1, 2, 3][random(4)]}`;
    const statement = (): string => {
      const id = random(20);
      const other = `c${random(4)}`;
      switch (random(19)) {
        case 0:
          return `CREATE TABLE ${table()}(a INTEGER PRIMARY KEY, b)`;
        case 1:
          return `DROP TABLE ${table()}`;
        case 2:
          return `ALTER TABLE ${table()} ADD COLUMN ${other} DEFAULT ${id}`;
        case 3:
          return `ALTER TABLE ${table()} DROP COLUMN ${other}`;
        case 4:
          return `ALTER TABLE ${table()} RENAME TO ${table()}`;
        case 5:
          return `CREATE INDEX IF NOT EXISTS i${id} ON ${table()}(b)`;
        case 6:
          return random(2) ? 'BEGIN' : `SAVEPOINT s${random(3)}`;
        case 7:
          return random(2) ? 'COMMIT' : `RELEASE s${random(3)}`;
        case 8:
          return random(2) ? 'ROLLBACK' : `ROLLBACK TO s${random(3)}`;
        case 9:
          return `INSERT OR ROLLBACK INTO ${table()}(a, b) VALUES(${id}, 'or')`;
        case 10:
          return `DELETE FROM ${table()} WHERE a % 5 = ${id % 5}`;
        case 11:
          return `UPDATE ${table()} SET b = ${id} WHERE a % 3 = ${id % 3}`;
        case 12:
          return `UPDATE ${table()} SET a = a + 1 WHERE a > ${id}`;
        case 13:
          return `PRAGMA user_version = ${id}`;
        default:
          return `INSERT OR REPLACE INTO ${table()}(a, b) VALUES(${id}, '${id} ${random(99)}')`;
      }
    };
    for (let i = 0; i < 300; i++) {
      failure(() => db.exec(statement()));
      if (!db.isTransaction && random(40) === 0) copy.applyCapture(capture.take(), { check: true });
    }
    if (db.isTransaction) db.exec(random(2) ? 'COMMIT' : 'ROLLBACK');
    expect(capture.warnings().filter(({ kind }) => kind === 'lost' || kind === 'schema-changed')).toEqual([]);
    expect(copy.applyCapture(capture.take(), { check: true }).applied).toBe(true);
    expect(contentOf(copy)).toEqual(contentOf(db));
  });
});
