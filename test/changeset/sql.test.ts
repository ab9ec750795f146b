/** Recording, transforming and applying changesets in SQL, with session.wasm and changeset.wasm. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Changeset, DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

describe.each(['direct', 'linked', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = open(':memory:');
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE TABLE u(x)');
  });
  afterEach(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    db.close();
  });

  function open(path: string): DatabaseSync {
    const opened = new DatabaseSync(path, { allowExtension: true });
    opened.loadExtension('session');
    opened.loadExtension('changeset');
    return opened;
  }
  const value = (sql: string, ...params: (string | bigint | Uint8Array)[]): unknown => {
    const row = db.prepare(sql).get(...params);
    return row && Object.values(row)[0];
  };
  const failure = (sql: string, ...params: (string | Uint8Array)[]): string => {
    try {
      db.prepare(sql).all(...params);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was thrown';
  };
  /** Makes a session by `sql`, an expression; its handle is `h` in table `s`. */
  const session = (sql: string): void => {
    db.exec(`DROP TABLE IF EXISTS temp.s; CREATE TEMP TABLE s AS SELECT ${sql} AS h`);
  };
  const changeset = (): Uint8Array => value('SELECT session_changeset(h) FROM s') as Uint8Array;
  const rows = (sql: string): unknown[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => Object.values(row));

  describe('session_ functions', () => {
    test('session_create attaches tables at once; without any it records nothing yet', () => {
      session("session_create('main', 't')");
      db.exec('INSERT INTO t VALUES(1,2,3)');
      expect([...new Changeset(changeset())]).toHaveLength(1);
      session("session_create('main')");
      db.exec('INSERT INTO t VALUES(2,2,3)');
      expect(changeset()).toHaveLength(0);
    });
    test('a table that does not exist yet is attached nevertheless', () => {
      session("session_create('main', 'later')");
      db.exec('CREATE TABLE later(a PRIMARY KEY); INSERT INTO later VALUES(1)');
      expect([...new Changeset(changeset())].map(({ table }) => table)).toEqual(['later']);
    });
    test('session_create_rowid records tables without a key by rowid, and all if none is named', () => {
      session("session_create_rowid('main')");
      db.exec('INSERT INTO u VALUES(7)');
      expect([...new Changeset(changeset())]).toEqual([
        { table: 'u', op: 'insert', indirect: false, key: [1, 0], patchset: false, old: [], new: [1n, 7n] },
      ]);
    });
    test('session_patchset omits old values, session_take empties the session', () => {
      db.exec('INSERT INTO t VALUES(1,2,3)');
      session("session_create('main', 't')");
      db.exec('UPDATE t SET b=9');
      expect(new Changeset(value('SELECT session_patchset(h) FROM s') as Uint8Array).isPatchset).toBe(true);
      expect(value('SELECT hex(session_take(h)) FROM s')).toBe(
        '54030100007400170001000000000000000101000000000000000200000100000000000000' + '0900',
      );
      expect(changeset()).toHaveLength(0);
      db.exec('UPDATE t SET c=8');
      expect([...new Changeset(changeset())][0]?.new).toEqual([undefined, undefined, 8n]);
    });
    test('session_enable and session_indirect set and return a state', () => {
      session("session_create('main', 't')");
      expect(
        rows(
          'SELECT session_enable(h) AS a, session_enable(h,0) AS b, session_enable(h) AS c, session_enable(h,NULL) AS d FROM s',
        ),
      ).toEqual([[1, 0, 0, 0]]);
      db.exec('INSERT INTO t VALUES(1,2,3)');
      expect(value('SELECT session_isempty(h) FROM s')).toBe(1);
      expect(rows('SELECT session_enable(h,1), session_indirect(h,1), session_indirect(h) FROM s')).toEqual([
        [1, 1, 1],
      ]);
      db.exec('INSERT INTO t VALUES(2,2,3)');
      expect([...new Changeset(changeset())].map(({ indirect }) => indirect)).toEqual([true]);
      expect(failure('SELECT session_enable(h, 2) FROM s')).toBe(
        'session_enable: the state must be 0 or 1, or NULL to ask; got an integer',
      );
    });
    test('session_isempty, session_size and session_memory_used', () => {
      session("session_create('main', 't')");
      expect(rows('SELECT session_isempty(h), session_size(h) FROM s')).toEqual([[1, 0]]);
      db.exec('INSERT INTO t VALUES(1,2,3)');
      expect(value('SELECT session_isempty(h) FROM s')).toBe(0);
      expect(value('SELECT session_size(h) >= length(session_changeset(h)) FROM s')).toBe(1);
      expect(value('SELECT session_memory_used(h) > 0 FROM s')).toBe(1);
    });
    test('session_diff records the changes that turn one table into another', () => {
      db.exec("ATTACH ':memory:' AS old; CREATE TABLE old.t(a INTEGER PRIMARY KEY, b, c)");
      db.exec('INSERT INTO old.t VALUES(1,1,1),(2,2,2); INSERT INTO t VALUES(2,2,9),(3,3,3)');
      session("session_create('main', 't')");
      expect(value("SELECT session_diff(h, 'old', 't') FROM s")).toBe(1);
      expect(value('SELECT changeset_sql(session_changeset(h)) FROM s')).toBe(
        'DELETE FROM "t" WHERE "a"=1;\nUPDATE "t" SET "c"=9 WHERE "a"=2;\nINSERT INTO "t"("a", "b", "c") VALUES(3, 3, 3);\n',
      );
      db.exec('CREATE TABLE k(a PRIMARY KEY); CREATE TABLE old.k(a PRIMARY KEY, b)');
      expect(failure("SELECT session_diff(h, 'old', 'k') FROM s")).toBe(
        "diff of k from 'old': table schemas do not match",
      );
      expect(value("SELECT session_diff(h, 'old', 'absent') FROM s")).toBe(1); // as in C: nothing is recorded
    });
    test('session_filter records only tables that match the globs', () => {
      db.exec('CREATE TABLE log_a(a PRIMARY KEY); CREATE TABLE log_b(a PRIMARY KEY)');
      session("session_create('main')");
      db.exec("SELECT session_attach(h, NULL) FROM s; SELECT session_filter(h, 'log_*', '!*_b') FROM s");
      db.exec('INSERT INTO t VALUES(1,2,3); INSERT INTO log_a VALUES(1); INSERT INTO log_b VALUES(1)');
      expect([...new Changeset(changeset())].map(({ table }) => table)).toEqual(['log_a']);
    });
    test('session_filter without globs records all tables', () => {
      session("session_create('main')");
      expect(value('SELECT session_attach(h, NULL) + session_filter(h) FROM s')).toBe(2);
      db.exec('INSERT INTO t VALUES(1,2,3)');
      expect([...new Changeset(changeset())].map(({ table }) => table)).toEqual(['t']);
    });
    test('wrong arguments are named', () => {
      expect(failure('SELECT session_create()')).toBe(
        "session_create: the database name must be text, such as 'main'; got NULL",
      );
      expect(failure("SELECT session_create('main', 3)")).toBe(
        'session_create: a table must be text; got an integer',
      );
      expect(failure('SELECT session_filter(1)')).toBe(
        'unknown session 1: a handle comes from session_create',
      );
      expect(failure('SELECT session_filter()')).toBe(
        "session_filter: NULL is not a session handle; session_create('main') makes one",
      );
    });
  });

  describe('sessions as tables', () => {
    test('CREATE VIRTUAL TABLE temp.s USING session records until DROP', () => {
      db.exec('CREATE VIRTUAL TABLE temp.s USING session(main, t, "u")');
      db.exec('INSERT INTO t VALUES(1,2,3)');
      expect([...new Changeset(value('SELECT changeset FROM s') as Uint8Array)]).toHaveLength(1);
      expect(new Changeset(value('SELECT patchset FROM s') as Uint8Array).isPatchset).toBe(true);
      expect(value('SELECT session_isempty(handle) FROM s')).toBe(0);
      db.exec('DROP TABLE s');
      expect(value('SELECT count(*) FROM sessions')).toBe(0);
    });
    test('it is ended by the rollback of its CREATE, and by nothing else that disconnects tables', () => {
      db.exec('BEGIN; CREATE VIRTUAL TABLE temp.s USING session');
      expect(value('SELECT count(*) FROM sessions')).toBe(1);
      db.exec('ROLLBACK');
      expect(value('SELECT count(*) FROM sessions')).toBe(0);
      db.exec('CREATE VIRTUAL TABLE temp.s USING session; INSERT INTO t VALUES(1,2,3)');
      db.exec('BEGIN; CREATE TABLE other(x); ROLLBACK; VACUUM');
      expect(failure("ATTACH '/nowhere/at/all' AS x")).toMatch(/unable to open database/);
      db.exec('CREATE TABLE another(x)');
      expect([...new Changeset(value('SELECT changeset FROM s') as Uint8Array)]).toHaveLength(1);
      for (const later of ['', 'SAVEPOINT q;']) {
        db.exec(`BEGIN; SAVEPOINT p; CREATE VIRTUAL TABLE temp.s2 USING session; ${later}`);
        expect(value('SELECT count(*) FROM sessions')).toBe(2);
        db.exec('ROLLBACK TO p');
        expect(value('SELECT count(*) FROM sessions')).toBe(1);
        db.exec('CREATE VIRTUAL TABLE temp.s2 USING session; SAVEPOINT q; ROLLBACK TO q; COMMIT');
        expect(value('SELECT count(*) FROM sessions')).toBe(2);
        db.exec('DROP TABLE s2');
      }
      expect(value('SELECT count(*) FROM sessions')).toBe(1);
    });
    test('it is temporary and read-only', () => {
      expect(failure('CREATE VIRTUAL TABLE s USING session(main)')).toBe(
        'a session is a temporary table: CREATE VIRTUAL TABLE temp.NAME USING session(...)',
      );
      expect(failure('CREATE VIRTUAL TABLE temp.s USING session(nope)')).toBe(
        "unknown database 'nope'; attached are 'main', 'temp'",
      );
      db.exec('CREATE VIRTUAL TABLE temp.s USING session');
      expect(failure('DELETE FROM s')).toBe('table s may not be modified');
    });
    test('sessions lists them all, even hundreds', () => {
      session("session_create('main', 't', 'u')");
      expect(
        rows('SELECT handle = h, dbname, tables, enabled, indirect, empty, bytes > 0 FROM sessions, s'),
      ).toEqual([[1, 'main', 't, u', 1, 0, 1, 1]]);
      db.exec(
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<900) SELECT count(session_create('main')) FROM c",
      );
      expect(rows('SELECT count(*) AS a, count(DISTINCT handle) AS b FROM sessions')).toEqual([[901, 901]]);
    });
    test('session_warnings(h): one row for each table that is currently not recorded', () => {
      session("session_create_rowid('main')");
      expect(rows('SELECT kind FROM s, session_warnings(h)')).toEqual([]);
      db.exec('CREATE TABLE nk(x); CREATE VIRTUAL TABLE f USING dbstat');
      session("session_create('main', 'later', 'nk', 'f')");
      expect(rows('SELECT w.kind, w.tbl, w.message FROM s, session_warnings(s.h) AS w')).toEqual([
        ['missing-table', 'later', 'later: the table does not exist yet; it is recorded once it is created'],
        [
          'no-key',
          'nk',
          'nk: a table without a PRIMARY KEY is not recorded; create the session with the option rowid',
        ],
        ['virtual-table', 'f', 'f: a virtual table is not recorded'],
      ]);
      session("session_create('main')");
      db.exec('SELECT session_attach(h, NULL) FROM s');
      for (let i = 0; i < 200; i++) db.exec(`CREATE TABLE nk${i}(x)`);
      expect(
        rows("SELECT count(*), count(DISTINCT tbl) FROM s, session_warnings(h) WHERE tbl GLOB 'nk*'"),
      ).toEqual([[201, 201]]);
      expect(failure("SELECT * FROM session_warnings('x')")).toBe(
        "session_warnings: the text 'x' is not a session handle; session_create('main') makes one",
      );
      expect(failure('SELECT * FROM session_warnings')).toMatch(
        /^session_warnings: NULL is not a session handle/,
      );
      expect(failure('SELECT * FROM session_warnings(5)')).toMatch(/^unknown session 5/);
    });
    test('the limit is ten thousand', () => {
      const sql =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 10001) SELECT count(session_create('main')) FROM c";
      expect(failure(sql)).toBe('the connection already has 10000 sessions: delete unused ones');
    });
  });

  describe('changeset_ functions', () => {
    beforeEach(() => {
      session("session_create('main', 't')");
      db.exec("INSERT INTO t VALUES(1,'x',2.5),(2,NULL,x'01')");
    });
    const hold = (): void => {
      db.exec('CREATE TEMP TABLE c AS SELECT session_take(h) AS c FROM s');
    };
    test('changeset_invert, changeset_concat', () => {
      hold();
      expect(value('SELECT hex(changeset_concat(c, changeset_invert(c))) FROM c')).toBe('');
      expect(value('SELECT changeset_invert(changeset_invert(c)) = c FROM c')).toBe(1);
      expect(value('SELECT changeset_concat() = changeset_concat(NULL)')).toBe(1);
      db.exec('UPDATE t SET b=0');
      expect(failure('SELECT changeset_concat(c, session_patchset(h)) FROM c, s')).toBe(
        'concat: changesets and patchsets cannot be mixed',
      );
      expect(failure('SELECT changeset_invert(session_patchset(h)) FROM s')).toBe(
        'a patchset has no old values, so it has no inverse at byte 0',
      );
    });
    test('changeset_json and back, with the names of the columns', () => {
      hold();
      expect(value("SELECT changeset_json(c)->>'$.tables[0].columns' FROM c")).toBe('["a","b","c"]');
      expect(value("SELECT changeset_json(c)->>'$.tables[0].changes[0].new' FROM c")).toBe('[1,"x",2.5]');
      expect(value('SELECT changeset_from_json(changeset_json(c)) = c FROM c')).toBe(1);
      expect(failure("SELECT changeset_from_json('{')")).toMatch(/^not JSON: /);
    });
    test('changeset_valid, changeset_fault, changeset_stat', () => {
      hold();
      expect(rows("SELECT changeset_valid(c), changeset_fault(c), changeset_valid(x'00') FROM c")).toEqual([
        [1, null, 0],
      ]);
      expect(value("SELECT changeset_fault(x'00')")).toBe(
        'expected T (a changeset) or P (a patchset) at byte 0',
      );
      expect(value("SELECT changeset_stat(c)->>'$[0].inserts' FROM c")).toBe(2);
    });
    test('NULL returns NULL; other values than blobs are refused', () => {
      for (const name of [
        'invert',
        'json',
        'sql',
        'stat',
        'valid',
        'fault',
        'apply',
        'from_json',
        'rebase',
      ]) {
        expect(value(`SELECT changeset_${name}(NULL)`)).toBeNull();
      }
      expect(failure("SELECT changeset_stat('x')")).toBe(
        'changeset_stat: a changeset is a blob, as session_changeset(h) gives; got text',
      );
    });
    test('changeset_apply reports, by a policy, also as a dry run', () => {
      hold();
      expect(value('SELECT changeset_apply(changeset_invert(c)) FROM c')).toBe(
        JSON.stringify({
          applied: true,
          dryRun: false,
          changes: 2,
          tables: [
            {
              table: 't',
              inserted: 0,
              updated: 0,
              deleted: 2,
              omitted: 0,
              replaced: 0,
              filtered: 0,
              skipped: 0,
              conflicts: {},
            },
          ],
          conflicts: [],
          foreignKeyViolations: 0,
          warnings: [],
          problems: [],
          rebase: '',
        }),
      );
      expect(rows('SELECT * FROM t')).toEqual([]);
      db.exec("INSERT INTO t VALUES(1,'mine',0)");
      expect(value("SELECT changeset_apply(c, '{\"dryRun\":true}')->>'applied' FROM c")).toBe(0);
      expect(value("SELECT changeset_apply(c, json_object('policy','ours'))->>'changes' FROM c")).toBe(1);
      expect(rows('SELECT b FROM t')).toEqual([['mine'], [null]]);
      expect(failure('SELECT changeset_apply(c, \'{"polcy":1}\') FROM c')).toMatch(
        /^unknown option "polcy"; /,
      );
    });
    test('changeset_apply is refused in a statement that writes and in a view', () => {
      hold();
      expect(failure('INSERT INTO u SELECT changeset_apply(c) FROM c')).toMatch(
        /^a changeset cannot be applied while a statement of the same connection writes/,
      );
      db.exec("CREATE VIEW v AS SELECT changeset_apply(x'')");
      expect(failure('SELECT * FROM v')).toBe('unsafe use of changeset_apply()');
    });
    test('changeset_rows: a row for each value that changed', () => {
      db.exec("CREATE TABLE k(x, y, z, g AS (x), PRIMARY KEY(z, x)); SELECT session_attach(h, 'k') FROM s");
      db.exec("UPDATE t SET b='new', c=NULL WHERE a=1; INSERT INTO k VALUES('a\"b', 2, 3.5)");
      hold();
      expect(rows('SELECT r.* FROM c, changeset_rows(c.c) AS r ORDER BY seq')).toEqual([
        [1, 't', 'INSERT', 0, 1, 'a', null, 1],
        [1, 't', 'INSERT', 0, 1, 'b', null, 'new'],
        [1, 't', 'INSERT', 0, 1, 'c', null, null],
        [2, 't', 'INSERT', 0, 2, 'a', null, 2],
        [2, 't', 'INSERT', 0, 2, 'b', null, null],
        [2, 't', 'INSERT', 0, 2, 'c', null, new Uint8Array([1])],
        [3, 'k', 'INSERT', 0, '[3.5,"a\\u0022b"]', 'x', null, 'a"b'],
        [3, 'k', 'INSERT', 0, '[3.5,"a\\u0022b"]', 'y', null, 2],
        [3, 'k', 'INSERT', 0, '[3.5,"a\\u0022b"]', 'z', null, 3.5],
      ]);
      expect(
        rows('SELECT tbl, op, count(DISTINCT seq) AS n FROM c, changeset_rows(c.c) GROUP BY 1, 2 ORDER BY 1'),
      ).toEqual([
        ['k', 'INSERT', 1],
        ['t', 'INSERT', 2],
      ]);
    });
    test('changeset_rows joins with the table itself, and scans thousands', () => {
      db.exec(
        "WITH RECURSIVE n(x) AS (SELECT 10 UNION ALL SELECT x+1 FROM n WHERE x<3000) INSERT INTO t SELECT x, 'v'||x, 0 FROM n",
      );
      hold();
      expect(
        value(
          "SELECT count(*) FROM c, changeset_rows(c.c) AS r JOIN t ON t.a = r.pk AND r.new = t.b WHERE r.column='b'",
        ),
      ).toBe(2992);
      expect(value('SELECT new FROM c, changeset_rows(c.c) LIMIT 1 OFFSET 5000') !== undefined).toBe(true);
      expect(value('SELECT count(*) FROM changeset_rows(NULL)')).toBe(0);
      expect(failure("SELECT * FROM changeset_rows('x')")).toBe(
        'changeset_rows: a changeset is a blob, as session_changeset(h) gives; got text',
      );
      expect(failure("SELECT * FROM changeset_rows(x'00')")).toBe(
        'expected T (a changeset) or P (a patchset) at byte 0',
      );
    });
    test('changeset_group joins changesets of rows, in groups, and of many rows', () => {
      db.exec('CREATE TEMP TABLE log(g, c)');
      for (let i = 0; i < 150; i++) {
        db.exec(
          `INSERT INTO t VALUES(${100 + i}, ${i}, 0); INSERT INTO log SELECT ${i % 2}, session_take(h) FROM s`,
        );
      }
      const all = db
        .prepare('SELECT c FROM log')
        .all()
        .map((row) => row.c as Uint8Array);
      expect(value('SELECT changeset_group(c) FROM log')).toEqual(Changeset.concat(...all).bytes);
      expect(
        rows(
          "SELECT g, json_extract(changeset_stat(changeset_group(c)), '$[0].inserts') AS n FROM log GROUP BY g",
        ),
      ).toEqual([
        [0, 77],
        [1, 75],
      ]);
      expect(value('SELECT length(changeset_group(c)) FROM log WHERE 0')).toBe(0);
      expect(failure('SELECT changeset_group(g) FROM log')).toBe(
        'changeset_group: a changeset is a blob, as session_changeset(h) gives; got an integer',
      );
      expect(failure('SELECT changeset_group(c) OVER (ORDER BY rowid) FROM log')).toMatch(
        /may not be used as a window function/,
      );
    });
    test('changeset_rebase rebases local changes', () => {
      db.exec('DELETE FROM t; INSERT INTO t VALUES(1,1,1)');
      session("session_create('main', 't')");
      db.exec("UPDATE t SET b='remote', c=7");
      db.exec('CREATE TEMP TABLE remote AS SELECT session_take(h) AS c FROM s');
      db.exec('UPDATE t SET b=1, c=1; SELECT session_take(h) FROM s');
      db.exec("UPDATE t SET b='local'");
      db.exec('CREATE TEMP TABLE local AS SELECT session_take(h) AS c FROM s');
      const report = JSON.parse(
        value('SELECT changeset_apply(c, \'{"policy":"ours"}\') FROM remote') as string,
      );
      expect(report.tables[0].conflicts).toEqual({ data: 1 });
      const rebased = value('SELECT changeset_rebase(c, unhex(?)) FROM local', report.rebase);
      expect([...new Changeset(rebased as Uint8Array)][0]).toMatchObject({ old: [1n, 'remote', undefined] });
    });
    test('queries fill an outbox and apply it', () => {
      db.exec('CREATE TABLE outbox(id INTEGER PRIMARY KEY, c BLOB)');
      db.exec('INSERT INTO outbox(c) SELECT session_take(h) FROM s');
      db.exec('UPDATE t SET b=5 WHERE a=1');
      db.exec('INSERT INTO outbox(c) SELECT session_take(h) FROM s');
      const undone = rows(
        "SELECT changeset_apply(changeset_invert(c))->>'changes' FROM outbox ORDER BY id DESC",
      );
      expect(undone).toEqual([[1], [2]]);
      expect(rows('SELECT * FROM t')).toEqual([]);
    });
  });
});

/** An application's undo stack: a table of changesets and a position in it, kept in the database itself. */
class UndoStack {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    db.exec(`CREATE TABLE IF NOT EXISTS undo_step(id INTEGER PRIMARY KEY, changes BLOB);
      CREATE TABLE IF NOT EXISTS undo_position(one INTEGER PRIMARY KEY CHECK (one=1), done INTEGER);
      INSERT OR IGNORE INTO undo_position VALUES(1,0);`);
  }

  /** Runs `sql` as one step, and deletes the steps that were undone. */
  step(sql: string): void {
    const session = this.#db.createSession({ filter: ['!undo_*'] });
    try {
      this.#db.exec(`BEGIN; ${sql}`);
      const changes = session.changeset();
      this.#db.exec('DELETE FROM undo_step WHERE id > (SELECT done FROM undo_position)');
      this.#db.prepare('INSERT INTO undo_step SELECT done+1, ? FROM undo_position').run(changes);
      this.#db.exec('UPDATE undo_position SET done=done+1; COMMIT');
    } finally {
      session.close();
    }
  }

  undo = (): boolean => this.#move('id=done', -1, true);
  redo = (): boolean => this.#move('id=done+1', 1, false);

  #move(which: string, by: number, invert: boolean): boolean {
    const found = this.#db.prepare(`SELECT changes FROM undo_step, undo_position WHERE ${which}`).get();
    if (!found) return false;
    this.#db.exec('BEGIN');
    const done = this.#db.applyChangeset(found.changes as Uint8Array, { invert });
    this.#db.exec(done ? `UPDATE undo_position SET done=done+(${by}); COMMIT` : 'ROLLBACK');
    return done;
  }
}

test('undo and redo, surviving a restart', () => {
  const folder = mkdtempSync(join(tmpdir(), 'undo-'));
  const path = join(folder, 'notes.db');
  try {
    let db = new DatabaseSync(path);
    const notes = (): unknown[] =>
      db
        .prepare('SELECT text FROM note ORDER BY id')
        .all()
        .map((row) => row.text);
    db.exec('CREATE TABLE note(id INTEGER PRIMARY KEY, text)');
    const before = new UndoStack(db);
    before.step("INSERT INTO note VALUES(1,'milk'),(2,'bread')");
    before.step("UPDATE note SET text='oat milk' WHERE id=1");
    before.step('DELETE FROM note WHERE id=2');
    expect(notes()).toEqual(['oat milk']);
    expect(before.undo()).toBe(true);
    expect(notes()).toEqual(['oat milk', 'bread']);
    db.close();

    db = new DatabaseSync(path);
    const after = new UndoStack(db);
    expect(after.undo()).toBe(true);
    expect(notes()).toEqual(['milk', 'bread']);
    expect([after.redo(), after.redo(), after.redo()]).toEqual([true, true, false]);
    expect(notes()).toEqual(['oat milk']);
    after.undo();
    after.step("INSERT INTO note VALUES(3,'eggs')");
    expect(after.redo()).toBe(false);
    expect([after.undo(), after.undo(), after.undo(), after.undo()]).toEqual([true, true, true, false]);
    expect(notes()).toEqual([]);
    db.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
