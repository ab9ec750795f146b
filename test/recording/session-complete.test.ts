/** Unexpected behavior of the session extension, case by case. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { Changeset, constants, DatabaseSync, type SessionCreation } from 'sqlite-wasm-run';
import { hostInterfaces } from 'sqlite-wasm-run/host';
import { afterEach, describe, expect, test } from 'vitest';

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

/** The changes of `sql` on a database made by `schema`, as "table op old > new", sorted; indirect ones in brackets. */
function recorded(schema: string, sql: string, options?: SessionCreation): string[] {
  const db = database(schema);
  const session = db.createSession(options);
  db.exec(sql);
  return texts(session.changeset());
}
const texts = (bytes: Uint8Array): string[] =>
  [...new Changeset(bytes)]
    .map(({ table, op, old, new: fresh, indirect }) => {
      const values = [...(op === 'insert' ? [] : [`${old}`]), ...(op === 'delete' ? [] : [`${fresh}`])];
      const text = `${table} ${op} ${values.join(' > ')}`;
      return indirect ? `[${text}]` : text;
    })
    .sort();

function failure(action: () => unknown): {
  message: string;
  errcode?: number;
  code?: string;
  cause?: unknown;
} {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  return { message: 'nothing was thrown' };
}

const rows = (db: DatabaseSync, sql = 'SELECT * FROM t ORDER BY 1'): unknown[] =>
  db
    .prepare(sql)
    .all()
    .map((row) => Object.values(row));

const schema = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b);';

describe('what is recorded', () => {
  test('a table without a key: nothing; with rowid, a first column _rowid_ that is the key', () => {
    const nokey = 'CREATE TABLE n(x, y)';
    const db = database(nokey);
    const session = db.createSession();
    db.exec('INSERT INTO n VALUES(1,2)');
    expect([session.isEmpty, session.changeset().length]).toEqual([true, 0]);
    expect(session.warnings()[0]?.kind).toBe('no-key');
    expect(recorded(nokey, 'INSERT INTO n VALUES(5,6)', { rowid: true })).toEqual(['n insert 1,5,6']);
    const keyed = database(nokey).createSession({ rowid: true });
    expect(keyed.warnings()).toEqual([]);
  });
  test.each(['k(_rowid_, v)', 'k(rowid, v, _rowid_, oid)', 'k(a, v, [_ROWID_] AS (a))'])(
    'records nothing and warns for a table without a key if a column hides the rowid: %s',
    (table) => {
      const db = database(`CREATE TABLE ${table}; INSERT INTO k(v) VALUES(1)`);
      const sessions = [{}, { tables: ['k'] }, { tables: ['later', 'k'] }].map((options) =>
        db.createSession({ rowid: true, ...options }),
      );
      db.exec('INSERT INTO k(v) VALUES(2); UPDATE k SET v=9 WHERE v=1');
      for (const session of sessions) {
        expect(session.changeset()).toHaveLength(0);
        expect(session.warnings().find(({ kind }) => kind === 'hidden-rowid')?.message).toBe(
          'k: it has no PRIMARY KEY, and its column _rowid_ hides the rowid, so it is not recorded',
        );
      }
      expect(sessions[0]?.attach('k')).toBe(false);
      expect(() => db.createSession({ rowid: true, onUnrecorded: 'refuse' })).toThrow('hides the rowid');
    },
  );
  test('a named table that is created later, with and without a column that hides the rowid', () => {
    const db = database();
    const session = db.createSession({ rowid: true, tables: ['n', 'k'] });
    db.exec('CREATE TABLE n(a); CREATE TABLE k(_rowid_); CREATE TABLE other(a)');
    db.exec('INSERT INTO n VALUES(1); INSERT INTO k VALUES(1); INSERT INTO other VALUES(1)');
    expect(new Set([...new Changeset(session.changeset())].map(({ table }) => table))).toEqual(
      new Set(['n']),
    );
    db.exec('DROP TABLE k; CREATE TABLE k(a); INSERT INTO k VALUES(5)');
    expect([...new Changeset(session.changeset())].map(({ table }) => table)).toEqual(['n', 'k']);
  });
  test('a rowid changeset is not applied to a table whose column hides the rowid', () => {
    const db = database('CREATE TABLE t(x, y)');
    const session = db.createSession({ rowid: true });
    db.exec('INSERT INTO t VALUES(5,6)');
    const copy = database('CREATE TABLE t(_rowid_, y)');
    expect(() => copy.apply(session.changeset(), { policy: 'theirs' })).toThrow(
      'changes of t cannot be applied: it has no PRIMARY KEY, and its column _rowid_ hides the rowid',
    );
  });
  test('a rowid changeset is applied to a table without a key', () => {
    const db = database('CREATE TABLE t(x, y)');
    const session = db.createSession({ rowid: true });
    db.exec('INSERT INTO t VALUES(5,6),(7,8); DELETE FROM t WHERE x=5');
    const copy = database('CREATE TABLE t(x, y)');
    expect(copy.apply(session.changeset())).toMatchObject({ applied: true, changes: 1, warnings: [] });
    expect(rows(copy, 'SELECT rowid, x, y FROM t')).toEqual([[2, 7, 8]]);
  });
  test('a row with a NULL in its key is skipped, and counted in the warnings', () => {
    const key = 'CREATE TABLE k(a, b, PRIMARY KEY(a, b))';
    expect(recorded(key, 'INSERT INTO k VALUES(1,NULL),(1,2)')).toEqual(['k insert 1,2']);
    const db = database(`${key}; INSERT INTO k VALUES(NULL,1),(NULL,NULL),(1,1)`);
    expect(db.createSession().warnings()).toEqual([
      {
        kind: 'null-key',
        table: 'k',
        message: 'k: changes of 2 rows whose PRIMARY KEY holds a NULL are not recorded',
      },
    ]);
  });
  test('WITHOUT ROWID does not cause a warning', () => {
    const db = database('CREATE TABLE w(k PRIMARY KEY) WITHOUT ROWID');
    const session = db.createSession({ rowid: true, onUnrecorded: 'refuse' });
    db.exec("INSERT INTO w VALUES('x')");
    expect(texts(session.changeset())).toEqual(['w insert x']);
  });
  test('generated columns are left out, and computed at the target', () => {
    const generated = 'CREATE TABLE t(a INTEGER PRIMARY KEY, v AS (b+1), b, s AS (b*2) STORED)';
    const db = database(generated);
    const session = db.createSession();
    db.exec('INSERT INTO t(a, b) VALUES(1, 10)');
    expect(texts(session.changeset())).toEqual(['t insert 1,10']);
    const copy = database(generated);
    expect(copy.apply(session.changeset())).toMatchObject({ applied: true, changes: 1, warnings: [] });
    expect(rows(copy)).toEqual([[1, 11, 10, 20]]);
  });
  test('ADD COLUMN while it records: rows from before get the default', () => {
    expect(
      recorded(
        schema,
        'INSERT INTO t VALUES(1,2); ALTER TABLE t ADD COLUMN c DEFAULT 5; INSERT INTO t VALUES(2,3,4)',
      ),
    ).toEqual(['t insert 1,2,5', 't insert 2,3,4']);
  });
  test.each([
    ['DROP COLUMN', 'ALTER TABLE t DROP COLUMN b', 't: it lost 1 columns'],
    ['RENAME', 'ALTER TABLE t RENAME TO w', 't: it was dropped or renamed'],
    ['DROP TABLE', 'DROP TABLE t', 't: it was dropped or renamed'],
  ])(
    '%s while it records: the session cannot be read as one, and the error names the table',
    (_, sql, why) => {
      const db = database(schema);
      const session = db.createSession();
      db.exec(`INSERT INTO t VALUES(1,2); ${sql}`);
      expect(failure(() => session.changeset())).toMatchObject({
        errcode: 17,
        message:
          'database schema has changed: a recorded table was dropped, renamed or lost a column; session_take (take() in code) returns the changes recorded before that, and then the others',
      });
      expect(session.warnings()).toContainEqual({
        kind: 'schema-changed',
        table: 't',
        message: `${why} since the session began; session_take (take() in code) returns the changes recorded before that, and then the others`,
      });
    },
  );
  test('a table that is created after all were attached is recorded', () => {
    expect(recorded('', 'CREATE TABLE n(a PRIMARY KEY); INSERT INTO n VALUES(1)')).toEqual(['n insert 1']);
  });
  test('of a full-text table only the shadow tables', () => {
    const db = database('CREATE VIRTUAL TABLE f USING fts5(x)');
    const session = db.createSession();
    db.exec("INSERT INTO f VALUES('hello')");
    const tables = new Set([...new Changeset(session.changeset())].map(({ table }) => table));
    expect([...tables].sort()).toEqual(['f_content', 'f_data', 'f_docsize', 'f_idx']);
    expect(session.warnings().map(({ kind, table }) => `${table} ${kind}`)).toEqual([]);
    const quiet = db.createSession({ filter: ['*', '!f_*'] });
    db.exec("INSERT INTO f VALUES('again')");
    expect(quiet.changeset()).toHaveLength(0);
  });
  test('undone changes: not empty, and a changeset of no bytes', () => {
    for (const sql of [
      'BEGIN; INSERT INTO t VALUES(1,2); ROLLBACK',
      'INSERT INTO t VALUES(1,2); DELETE FROM t',
    ]) {
      const db = database(schema);
      const session = db.createSession();
      db.exec(sql);
      expect([session.isEmpty, session.changeset().length]).toEqual([false, 0]);
    }
  });
  test('DELETE without WHERE is recorded row by row', () => {
    const two = `${schema} INSERT INTO t VALUES(1,2),(3,4)`;
    expect(recorded(two, 'DELETE FROM t')).toEqual(['t delete 1,2', 't delete 3,4']);
  });
  test('an update of the key is a DELETE and an INSERT; so is a REPLACE of another row', () => {
    expect(recorded(`${schema} INSERT INTO t VALUES(1,2)`, 'UPDATE t SET a=9')).toEqual([
      't delete 1,2',
      't insert 9,2',
    ]);
    const unique = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE); INSERT INTO t VALUES(1,2)';
    expect(recorded(unique, 'INSERT OR REPLACE INTO t VALUES(5,2)')).toEqual([
      't delete 1,2',
      't insert 5,2',
    ]);
  });
  test('changes by triggers are indirect, also by INSTEAD OF triggers', () => {
    const triggers = `${schema} CREATE TABLE log(id INTEGER PRIMARY KEY, x);
      CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log(x) VALUES(new.a); END;
      CREATE VIEW v AS SELECT a FROM t;
      CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN INSERT INTO log(x) VALUES(-new.a); END;`;
    expect(recorded(triggers, 'INSERT INTO t VALUES(1,2); INSERT INTO v VALUES(8)')).toEqual([
      '[log insert 1,1]',
      '[log insert 2,-8]',
      't insert 1,2',
    ]);
  });
  test('not a temporary table, if the session is of main', () => {
    expect(recorded('CREATE TEMP TABLE x(a PRIMARY KEY)', 'INSERT INTO x VALUES(1)')).toEqual([]);
  });
  test('changes of another connection are not recorded but reported; a recorded row that it deletes is not in the changeset', () => {
    const folder = mkdtempSync(join(tmpdir(), 'session-'));
    try {
      const path = join(folder, 'x.db');
      const db = database(schema, path);
      const session = db.createSession();
      const kinds = (): string[] => session.warnings().map(({ kind }) => kind);
      db.exec(
        'INSERT INTO t VALUES(1,2),(2,3); BEGIN; DELETE FROM t; ROLLBACK; VACUUM; PRAGMA user_version=7',
      );
      expect(kinds()).not.toContain('other-writer');
      const other = database('INSERT INTO t VALUES(7,7); DELETE FROM t WHERE a=1', path);
      expect(texts(session.changeset())).toEqual(['t insert 2,3']);
      expect(session.warnings()).toContainEqual({
        kind: 'other-writer',
        table: '',
        message:
          'another connection wrote to the database: its changes are not recorded, and rows that both connections wrote have their current values',
      });
      expect(texts(session.take())).toEqual(['t insert 2,3']);
      expect(kinds()).not.toContain('other-writer');
      other.close();
      db.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
  test('by each of several sessions', () => {
    const db = database(schema);
    const sessions = [db.createSession(), db.createSession()];
    db.exec('INSERT INTO t VALUES(1,2)');
    expect(sessions.map((session) => texts(session.changeset()))).toEqual([
      ['t insert 1,2'],
      ['t insert 1,2'],
    ]);
  });
  test('a diff of two databases: the changes that turn the other into this one', () => {
    const db = database(`${schema} INSERT INTO t VALUES(1,1),(2,2),(3,3); ATTACH ':memory:' AS old;
      CREATE TABLE old.t(a INTEGER PRIMARY KEY, b); INSERT INTO old.t VALUES(1,1),(2,9),(4,4)`);
    const session = db.createSession({ tables: [] });
    session.diff('old', 't');
    expect(texts(session.changeset())).toEqual(['t delete 4,4', 't insert 3,3', 't update 2,9 > ,2']);
    db.exec('CREATE TABLE old.w(a PRIMARY KEY); CREATE TABLE w(a PRIMARY KEY, b)');
    expect(failure(() => session.diff('old', 'w'))).toMatchObject({
      errcode: 17,
      message: "diff of w from 'old': table schemas do not match",
    });
    db.exec('CREATE TABLE nk(x); CREATE TABLE old.nk(x)');
    const loop = db.createSession({ tables: [] });
    for (const table of ['nk', 'absent', 't']) loop.diff('old', table);
    expect([...new Changeset(loop.changeset())].every(({ table }) => table === 't')).toBe(true);
    expect(failure(() => session.diff('nothere', 't')).message).toMatch(/^diff of t from 'nothere': /);
  });
});

describe('keys that differ but that their collation treats as equal', () => {
  test.each([
    ['NOCASE', "'Ab'", "'AB'"],
    ['RTRIM', "'Ab'", "'Ab  '"],
  ])('under %s cause a warning, and the error of an apply explains them', (collation, old, fresh) => {
    const setup = `CREATE TABLE t(a TEXT COLLATE ${collation} PRIMARY KEY, b); INSERT INTO t VALUES(${old},1),('z',2)`;
    const db = database(setup);
    const session = db.createSession();
    const capture = db.capture();
    expect(session.warnings()).toEqual([]);
    db.exec(`UPDATE t SET a=${fresh} WHERE b=1`);
    const message =
      't: a key was changed to one that its collation treats as equal; SQLite cannot apply such a change';
    const warning = { kind: 'key-collation', table: 't', message };
    expect(session.warnings()).toEqual([warning]);
    db.exec('CREATE TABLE later(x PRIMARY KEY)');
    expect(capture.warnings()).toContainEqual(warning);
    const bytes = session.changeset();
    expect(database(setup).apply(bytes).warnings).toEqual([warning]);
    expect(failure(() => database(setup).apply(bytes, { policy: 'theirs' })).message).toBe(message);
    expect(failure(() => database(setup).apply(bytes, { refuse: ['key-collation'] })).message).toBe(
      `refused: ${message}`,
    );
    const other = database(setup);
    const plain = other.createSession();
    other.exec("UPDATE t SET a='q', b=b+1 WHERE a='z'");
    expect(plain.warnings()).toEqual([]);
    expect(database(setup).apply(plain.changeset(), { refuse: true }).applied).toBe(true);
  });
});

test('a warning for a table with too many columns to apply its changes', () => {
  const table = (name: string, count: number): string =>
    `CREATE TABLE ${name}(${Array.from({ length: count }, (_, i) => `c${i}${i === 0 ? ' INTEGER PRIMARY KEY' : ''}`).join(', ')});`;
  const db = database(table('fits', 998) + table('wide', 999));
  expect(db.createSession().warnings()).toEqual([
    {
      kind: 'too-many-columns',
      table: 'wide',
      message: 'wide: SQLite cannot apply changes of more than 998 columns',
    },
  ]);
  const apply = (name: string): unknown => {
    const session = db.createSession();
    db.exec(`INSERT INTO ${name}(c0) VALUES(1)`);
    return database(table('fits', 998) + table('wide', 999)).apply(session.changeset()).applied;
  };
  expect(apply('fits')).toBe(true);
  expect(failure(() => apply('wide')).message).toMatch(/Expression tree is too large/);
});

describe('applying', () => {
  const changes = (made: string, sql: string): Uint8Array => {
    const db = database(made);
    const session = db.createSession();
    db.exec(sql);
    return session.changeset();
  };
  test('a trigger that is there too acts twice; without triggers it does not', () => {
    const logged = `${schema} CREATE TABLE log(id INTEGER PRIMARY KEY, x);
      CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log(x) VALUES(new.a); END;`;
    const bytes = changes(logged, 'INSERT INTO t VALUES(1,2)');
    const fired = database(logged).apply(bytes, { policy: 'ours' });
    expect(fired.warnings.map(({ kind, table }) => `${table} ${kind}`)).toEqual(['t triggers']);
    expect(fired.tables.map(({ conflicts }) => conflicts)).toContainEqual({ conflict: 1 });
    const db = database(logged);
    expect(db.apply(bytes, { triggers: false })).toMatchObject({ applied: true, changes: 2, warnings: [] });
    expect(rows(db, 'SELECT * FROM log')).toEqual([[1, 1]]);
    db.exec('INSERT INTO t VALUES(5,5)');
    expect(rows(db, 'SELECT count(*) FROM log')).toEqual([[2]]);
    expect(failure(() => database(logged).apply(bytes, { refuse: ['triggers'] })).message).toBe(
      'refused: t: it has triggers, which fire on the changes: their effect may be applied twice',
    );
  });
  test('a cascade on both sides: NOTFOUND for the child, none with fkNoAction', () => {
    const family =
      'CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE t(a INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE); INSERT INTO p VALUES(1); INSERT INTO t VALUES(5,1);';
    const bytes = changes(family, 'DELETE FROM p');
    const tables = (report: { tables: { table: string; conflicts: object }[] }): unknown =>
      Object.fromEntries(report.tables.map(({ table, conflicts }) => [table, conflicts]));
    expect(tables(database(family).apply(bytes, { policy: 'ours' }))).toEqual({ p: {}, t: { notfound: 1 } });
    const quiet = database(family).apply(bytes, { fkNoAction: true, check: true });
    expect([tables(quiet), quiet.applied]).toEqual([{ p: {}, t: {} }, true]);
  });
  test('a violation of foreign keys that a handler omits is committed', () => {
    const family =
      'CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE t(a INTEGER PRIMARY KEY, p REFERENCES p);';
    const bytes = changes(`${family} INSERT INTO p VALUES(1)`, 'INSERT INTO t VALUES(1,1),(2,1)');
    const db = database(family);
    const kinds: [number, number][] = [];
    const done = db.applyChangeset(bytes, {
      onConflict(kind, { foreignKeyViolations }) {
        kinds.push([kind, foreignKeyViolations]);
        return constants.SQLITE_CHANGESET_OMIT;
      },
    });
    expect([done, kinds]).toEqual([true, [[constants.SQLITE_CHANGESET_FOREIGN_KEY, 1]]]);
    expect(rows(db, 'PRAGMA foreign_key_check')).toHaveLength(2);
    const policy = [{ conflict: 'foreign-key', action: 'omit' }] as const;
    expect(database(family).apply(bytes, { policy }).foreignKeyViolations).toBe(2);
  });
  test('an illegal REPLACE and invalid answers roll everything back', () => {
    const bytes = changes(
      `${schema} INSERT INTO t VALUES(1,2)`,
      'INSERT INTO t VALUES(2,2); DELETE FROM t WHERE a=1',
    );
    for (const answer of [constants.SQLITE_CHANGESET_REPLACE, 3, -1]) {
      const db = database(schema);
      const error = failure(() => db.applyChangeset(bytes, { onConflict: () => answer }));
      expect(error).toMatchObject({ errcode: 21, message: 'bad parameter or other API misuse' });
      expect((error.cause as Error).message).toMatch(
        answer === 1
          ? /^SQLITE_CHANGESET_REPLACE is allowed only for conflicts of/
          : /^a conflict handler must return/,
      );
      expect(rows(db)).toEqual([]);
    }
  });
  test('a row that is tried again is counted once', () => {
    const unique = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE);';
    const bytes = changes(`${unique} INSERT INTO t VALUES(1,1)`, 'UPDATE t SET b=5');
    const db = database(`${unique} INSERT INTO t VALUES(1,7),(2,5)`);
    expect(db.apply(bytes, { policy: 'theirs' })).toMatchObject({
      applied: true,
      changes: 0,
      tables: [{ table: 't', updated: 0, omitted: 1, replaced: 0, conflicts: { data: 1, constraint: 1 } }],
    });
    expect(rows(db)).toEqual([
      [1, 7],
      [2, 5],
    ]);
  });
  test('a filter is called once for each change, and excluded changes are counted', () => {
    const bytes = changes(schema, 'INSERT INTO t VALUES(1,1),(2,2),(3,3)');
    let asked = 0;
    const report = database(schema).apply(bytes, {
      filterChange: ({ new: [a] }) => {
        asked += 1;
        return a === 2n;
      },
    });
    expect([asked, report.changes]).toEqual([3, 1]);
    expect(report.tables[0]).toMatchObject({ inserted: 1, filtered: 2 });
  });
  test('a key column that the changes lack makes another key', () => {
    const bytes = changes(schema, 'INSERT INTO t VALUES(1,2)');
    const db = database('CREATE TABLE t(a INTEGER, b, c NOT NULL DEFAULT 0, PRIMARY KEY(a, c))');
    expect(db.apply(bytes)).toMatchObject({
      applied: true,
      changes: 0,
      warnings: [{ kind: 'different-key' }],
    });
    expect(rows(db)).toEqual([]);
  });
  test('noSavepoint: changes before an error stay', () => {
    const bytes = changes(
      `${schema} CREATE TABLE u(a INTEGER PRIMARY KEY)`,
      'INSERT INTO t VALUES(1,1); INSERT INTO u VALUES(1)',
    );
    const clash = `${schema} CREATE TABLE u(a INTEGER PRIMARY KEY); INSERT INTO u VALUES(1);`;
    for (const [noSavepoint, left] of [
      [true, [[1, 1]]],
      [false, []],
    ] as const) {
      const db = database(clash);
      db.exec('BEGIN');
      expect(db.applyChangeset(bytes, { noSavepoint })).toBe(false);
      expect(rows(db)).toEqual(left);
    }
  });
  test('a changeset that arrives over time is read to its end first', async () => {
    const bytes = changes(schema, `INSERT INTO t VALUES(1,'${'x'.repeat(5000)}'),(2,2)`);
    const db = database(schema);
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < bytes.length; i += 999) yield bytes.subarray(i, i + 999);
    };
    expect(await db.applyStream(pieces())).toMatchObject({ applied: true, changes: 2 });
    const stream = new Blob([new Uint8Array(bytes)]).stream();
    const other = database(schema);
    expect(await other.applyStream(stream as unknown as AsyncIterable<Uint8Array>)).toMatchObject({
      changes: 2,
    });
    await expect(db.applyStream(pieces(), { policy: 'nothere' as 'ours' })).rejects.toThrow(
      /^unknown policy/,
    );
  });
  test('several changesets, applied as one, rebase as one', () => {
    const base = `${schema} INSERT INTO t VALUES(1,'base'),(2,'base');`;
    const local = database(base);
    const session = local.createSession();
    local.exec("UPDATE t SET b='local'");
    const mine = session.changeset();
    const theirs = [1, 2].map((a) => changes(base, `UPDATE t SET b='remote' WHERE a=${a}`));
    const { rebase } = local.apply(theirs, { policy: 'ours' });
    const remote = database(base);
    remote.apply(theirs);
    expect(remote.apply(new Changeset(mine).rebase(rebase)).applied).toBe(true);
    expect(rows(remote)).toEqual(rows(local));
  });
  test('SQL within a handler, another apply within it, and their exceptions', () => {
    const bytes = changes(schema, 'INSERT INTO t VALUES(1,1)');
    const inner = changes(schema, 'INSERT INTO t VALUES(2,2),(3,3)');
    const db = database(`${schema} INSERT INTO t VALUES(1,0),(3,0)`);
    const error = new Error('inner');
    const caught: unknown[] = [];
    const done = db.applyChangeset(bytes, {
      onConflict() {
        try {
          db.applyChangeset(inner, {
            onConflict() {
              throw error;
            },
          });
        } catch (thrown) {
          caught.push(thrown);
        }
        return constants.SQLITE_CHANGESET_OMIT;
      },
    });
    expect([done, caught]).toEqual([true, [error]]);
    expect(rows(db)).toEqual([
      [1, 0],
      [3, 0],
    ]);
  });
  test('closing the database, the session or a capture within a handler is refused', () => {
    const bytes = changes(schema, 'INSERT INTO t VALUES(1,1)');
    const db = database(`${schema} INSERT INTO t VALUES(1,0)`);
    const session = db.createSession();
    const capture = db.capture();
    const messages: string[] = [];
    db.applyChangeset(bytes, {
      onConflict() {
        for (const one of [db, session, capture]) {
          messages.push(failure(() => one.close()).message);
          one[Symbol.dispose]();
        }
        return constants.SQLITE_CHANGESET_OMIT;
      },
    });
    expect(messages).toEqual(
      ['database', 'session', 'capture'].map((what) => `${what} cannot be closed while in a callback`),
    );
    expect([db.isOpen, session.isEmpty, capture.read().length]).toEqual([true, true, 0]);
  });
});

test('a session cannot be ended within a filter, in any way', () => {
  const db = new DatabaseSync(':memory:', { allowExtension: true });
  opened.push(db);
  db.exec(schema);
  db.loadExtension('session');
  const messages: string[] = [];
  const session = db.createSession({
    filter: () => {
      messages.push(failure(() => session.close()).message);
      messages.push(failure(() => db.exec('SELECT session_delete(handle) FROM sessions')).message);
      messages.push(failure(() => session.take()).message);
      messages.push(failure(() => session.changeset()).message);
      messages.push(failure(() => session.attach('t')).message);
      return true;
    },
  });
  db.exec('INSERT INTO t VALUES(1,1)');
  const refused = (what: string): string => `a session cannot be ${what} while a session's filter is running`;
  expect(messages).toEqual([
    'session cannot be closed while in a callback',
    refused('deleted'),
    refused('taken'),
    refused('read'),
    refused('attached'),
  ]);
  expect(texts(session.changeset())).toEqual(['t insert 1,1']);
});

test('closing a database ends its sessions, in whatever order; opening it again brings none back', () => {
  const db = database(schema);
  const sessions = Array.from({ length: 50 }, () => db.createSession());
  db.exec('INSERT INTO t VALUES(1,1)');
  db.close();
  db.open();
  db.exec(schema);
  for (const session of sessions) {
    expect(failure(() => session.changeset()).message).toBe('session is not open');
    session[Symbol.dispose]();
  }
});

test('applies in several threads share nothing', async () => {
  const dist = import.meta.resolve('sqlite-wasm-run');
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.dist).then(({ DatabaseSync }) => {
      const db = new DatabaseSync(':memory:');
      db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1, 0)');
      let asked = 0;
      for (let i = 0; i < 50; i++) {
        const other = new DatabaseSync(':memory:');
        other.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
        const session = other.createSession();
        other.exec('INSERT INTO t VALUES(1, ' + workerData.n + ')');
        db.applyChangeset(session.changeset(), { onConflict: () => { asked += 1; return 1; } });
        other.close();
      }
      parentPort.postMessage([asked, db.prepare('SELECT b FROM t').get().b]);
    });`;
  const run = (n: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(source, { eval: true, workerData: { n, dist } });
      worker.on('message', resolve);
      worker.on('error', reject);
    });
  expect(await Promise.all([1, 2, 3, 4].map(run))).toEqual([1, 2, 3, 4].map((n) => [50, n]));
});

test('sessions, captures and statements that were not closed are collected safely', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const db = database(schema);
  const { session } = hostInterfaces(db);
  const forget = (): void => {
    for (let i = 0; i < 200; i++) {
      db.createSession().isEmpty;
      db.prepare('SELECT 1').get();
    }
    db.capture();
  };
  forget();
  const kept = db.createSession();
  db.exec('INSERT INTO t VALUES(1,1)');
  expect(session.sessions()).toHaveLength(202);
  while (session.sessions().length > 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
    db.exec('INSERT OR REPLACE INTO t VALUES(2,2)');
  }
  expect(texts(kept.changeset())).toEqual(['t insert 1,1', 't insert 2,2']);
});
