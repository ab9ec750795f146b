/** Captures replayed on a copy: rows and schema must be equal, or the replay is refused with a message. */

import {
  type CaptureOptions,
  DatabaseSync,
  decodeCapture,
  encodeCapture,
  type ReportOptions,
} from 'sqlite-wasm-run';
import { encode } from 'sqlite-wasm-run/changeset';
import { afterEach, describe, expect, test } from 'vitest';
import { differences } from '../kit/capture-programs.js';
import { contentOf, failure } from '../kit/outcome.js';

const opened: DatabaseSync[] = [];
afterEach(() => {
  for (const db of opened.splice(0)) if (db.isOpen) db.close();
});

function database(sql = '', options: ConstructorParameters<typeof DatabaseSync>[1] = {}): DatabaseSync {
  const db = new DatabaseSync(':memory:', options);
  opened.push(db);
  db.exec(sql);
  return db;
}

const family = `CREATE TABLE p(id INTEGER PRIMARY KEY, n);
  CREATE TABLE c(id INTEGER PRIMARY KEY, p INT REFERENCES p(id) ON DELETE CASCADE);
  INSERT INTO p VALUES(1,'x'),(2,'y'); INSERT INTO c VALUES(10,1),(11,2);`;

const rebuild = (before = '', after = ''): string => `${before} BEGIN;
  CREATE TABLE new_p(id INTEGER PRIMARY KEY, n TEXT NOT NULL);
  INSERT INTO new_p SELECT id, n FROM p; DROP TABLE p; ALTER TABLE new_p RENAME TO p; COMMIT; ${after}`;

/** Captures a script on one of two equal databases, and applies it to the other. */
function replay(
  setup: string,
  script: string,
  options: { capture?: CaptureOptions; apply?: ReportOptions; before?: string } = {},
): { source: DatabaseSync; target: DatabaseSync } {
  const source = database(setup);
  const target = database(setup);
  if (options.before) target.exec(options.before);
  const capture = source.capture(options.capture);
  source.exec(script);
  const report = target.applyCapture(capture.take(), options.apply);
  expect(report.applied).toBe(true);
  return { source, target };
}

function expectEqual(setup: string, script: string, options: Parameters<typeof replay>[2] = {}): void {
  const { source, target } = replay(setup, script, options);
  expect(contentOf(target)).toEqual(contentOf(source));
}

describe('a table that is rebuilt in the documented 12 steps', () => {
  const off = 'PRAGMA foreign_keys=OFF;';
  const on = 'PRAGMA foreign_keys=ON;';
  test.each([
    ['ON DELETE CASCADE', 'ON DELETE CASCADE'],
    ['ON DELETE SET NULL', 'ON DELETE SET NULL'],
    ['no action', ''],
    ['DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED'],
  ])('keeps the rows that refer to it: %s', (_, action) => {
    const setup = family.replace('ON DELETE CASCADE', action);
    for (const target of [on, off]) expectEqual(setup, rebuild(off, on), { before: target });
  });
  test('keeps rows that refer to rows of the same table', () => {
    expectEqual(
      "CREATE TABLE p(id INTEGER PRIMARY KEY, n, up REFERENCES p ON DELETE CASCADE); INSERT INTO p VALUES(1,'a',NULL),(2,'b',1)",
      `${off} BEGIN; CREATE TABLE q(id INTEGER PRIMARY KEY, n, up REFERENCES p ON DELETE CASCADE);
       INSERT INTO q SELECT * FROM p; DROP TABLE p; ALTER TABLE q RENAME TO p; COMMIT`,
    );
  });
  test('includes the rows to which the DROP cascaded, if foreign keys were on', () => {
    const { target } = replay(family, rebuild());
    expect(target.prepare('SELECT count(*) AS n FROM c').get()).toEqual({ n: 0 });
    expectEqual(family, rebuild());
    expectEqual(family, rebuild(), { before: off });
  });
  test('is recorded completely if the capture records only that table', () => {
    expectEqual(family, rebuild(off, on), { capture: { tables: ['p'] } });
    expectEqual(family, rebuild(off, on), { capture: { filter: ['p'] } });
    expectEqual(family, rebuild(off, on), { capture: { filter: (table) => table === 'p' } });
  });
  test('is recorded completely without a PRIMARY KEY', () => {
    expectEqual(
      'CREATE TABLE k(a, b); INSERT INTO k VALUES(1,2),(3,4)',
      'BEGIN; CREATE TABLE n(a, b NOT NULL); INSERT INTO n SELECT * FROM k; DROP TABLE k; ALTER TABLE n RENAME TO k; COMMIT; UPDATE k SET b=9 WHERE a=1',
    );
  });
  test('is refused if rows with a NULL key cannot be recorded', () => {
    const db = database('CREATE TABLE k(a TEXT PRIMARY KEY, b); INSERT INTO k VALUES(NULL,2),(3,4)');
    const capture = db.capture({ rowid: true });
    db.exec(
      'CREATE TABLE n(a TEXT PRIMARY KEY, b); INSERT INTO n SELECT * FROM k; DROP TABLE k; ALTER TABLE n RENAME TO k',
    );
    expect(failure(() => capture.read())).toBe(
      'nothing is captured: k: it was created during the capture, and changes of 1 rows whose PRIMARY KEY contains NULL cannot be recorded',
    );
  });
  test('is refused if the target has rows that the captured database did not have', () => {
    const source = database(family);
    const target = database(`${family} INSERT INTO p VALUES(3,'mine')`);
    const capture = source.capture();
    source.exec(rebuild(off, on));
    expect(failure(() => target.applyCapture(capture.read()))).toBe(
      'refused: DROP TABLE p would delete 1 rows that the captured database did not have; the policy theirs deletes them',
    );
    expect(target.applyCapture(capture.read(), { policy: 'theirs' }).applied).toBe(true);
  });
});

describe('foreign keys count at the end of the capture', () => {
  test('deferred keys and a statement that changes the schema in one transaction', () => {
    const script = (defer: string): string =>
      `BEGIN; ${defer} INSERT INTO c VALUES(1,7); ALTER TABLE c ADD COLUMN x; INSERT INTO p VALUES(7,'z'); COMMIT`;
    expectEqual(family, script('PRAGMA defer_foreign_keys=ON;'));
    expectEqual(family.replace('ON DELETE CASCADE', 'DEFERRABLE INITIALLY DEFERRED'), script(''));
  });
  const violating = (): [DatabaseSync, Uint8Array] => {
    const source = database(family);
    const capture = source.capture();
    source.exec('PRAGMA foreign_keys=OFF; INSERT INTO c VALUES(1,99); ALTER TABLE c ADD COLUMN z');
    return [database(family), capture.read()];
  };
  test('rows that refer to no row are one conflict, which the policy or a handler decides', () => {
    const [target, bytes] = violating();
    const before = contentOf(target);
    expect(target.applyCapture(bytes)).toMatchObject({ applied: false, foreignKeyViolations: 1, changes: 0 });
    expect(contentOf(target)).toEqual(before);
    const asked: number[] = [];
    const onConflict = (kind: number, { foreignKeyViolations }: { foreignKeyViolations: number }): number => {
      asked.push(kind, foreignKeyViolations);
      return 0;
    };
    expect(target.applyCapture(bytes, { onConflict, dryRun: true }).applied).toBe(true);
    expect(asked).toEqual([5, 1]);
    expect(
      target.applyCapture(bytes, { policy: [{ conflict: 'foreign-key', action: 'omit' }] }),
    ).toMatchObject({
      applied: true,
      foreignKeyViolations: 1,
    });
  });
  test('a row that violated a foreign key before is not a conflict', () => {
    const [target, bytes] = violating();
    target.exec('PRAGMA foreign_keys=OFF; INSERT INTO c VALUES(500,5); PRAGMA foreign_keys=ON');
    expect(target.applyCapture(bytes).foreignKeyViolations).toBe(1);
    target.exec('PRAGMA foreign_keys=OFF');
    expect(target.applyCapture(bytes)).toMatchObject({ applied: true, foreignKeyViolations: 0 });
  });
  test('a statement without settings that drops a table others refer to needs a choice', () => {
    const bytes = encodeCapture([{ kind: 'ddl', sql: 'DROP TABLE p' }]);
    expect(bytes[4]).toBe(1);
    const rows = (drops?: 'alone' | 'cascade'): unknown => {
      const target = database(family);
      target.applyCapture(bytes, {
        policy: [{ conflict: 'foreign-key', action: 'omit' }],
        ...(drops && { drops }),
      });
      return target.prepare('SELECT count(*) AS n FROM c').get();
    };
    expect(failure(() => rows())).toBe(
      'refused: DROP TABLE p: c refers to it, and the capture does not record what happened to those rows; set "drops": alone keeps them, cascade runs their foreign key actions',
    );
    expect(rows('alone')).toEqual({ n: 2 });
    expect(rows('cascade')).toEqual({ n: 0 });
  });
  test('settings of the connection are restored, even after an error', () => {
    const [target, bytes] = violating();
    const pragma = (name: string): unknown => target.prepare(`PRAGMA ${name}`).get();
    const before = ['foreign_keys', 'legacy_alter_table', 'defer_foreign_keys'].map(pragma);
    target.applyCapture(bytes);
    failure(() => target.applyCapture(encodeCapture([{ kind: 'ddl', sql: 'CREATE TABLE p(x)' }])));
    expect(['foreign_keys', 'legacy_alter_table', 'defer_foreign_keys'].map(pragma)).toEqual(before);
    target.exec('CREATE TRIGGER t AFTER INSERT ON p BEGIN DELETE FROM c; END; INSERT INTO p VALUES(50,1)');
    expect(target.prepare('SELECT count(*) AS n FROM c').get()).toEqual({ n: 0 });
  });
});

describe('a statement means the same at the target as during the capture', () => {
  test('the rows of a table made by a query are captured, not the query', () => {
    expectEqual(
      'CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES(1),(2)',
      "CREATE TABLE made AS SELECT a, random()%1000 AS r, x'00ff' AS b, NULL AS n FROM t; UPDATE made SET r=5 WHERE a=1",
    );
  });
  test('temporary tables of the target are not changed', () => {
    const temp = "CREATE TEMP TABLE p(mine); INSERT INTO temp.p VALUES('mine')";
    const { target } = replay(
      family,
      'PRAGMA foreign_keys=OFF; CREATE INDEX i ON p(n); ANALYZE; DROP TABLE p; CREATE TABLE p(other); PRAGMA user_version=5',
      { before: temp },
    );
    expect(target.prepare('SELECT * FROM temp.p').all()).toEqual([{ mine: 'mine' }]);
    expect(target.prepare('SELECT sql FROM main.sqlite_schema WHERE name=?').get('p')).toEqual({
      sql: 'CREATE TABLE p(other)',
    });
    expect(target.prepare('PRAGMA main.user_version').get()).toEqual({ user_version: 5 });
  });
  test('IF NOT EXISTS that would do nothing here is refused', () => {
    const source = database();
    const capture = source.capture();
    source.exec('CREATE TABLE IF NOT EXISTS t(a, b)');
    expect(failure(() => database('CREATE TABLE t(other)').applyCapture(capture.read()))).toBe(
      'a statement of the capture is refused because it changes nothing in this database: t already exists: CREATE TABLE IF NOT EXISTS t(a, b)',
    );
    source.exec('DROP TABLE IF EXISTS t');
    expect(failure(() => database().applyCapture([{ kind: 'ddl', sql: 'DROP TABLE IF EXISTS t' }]))).toBe(
      'a statement of the capture is refused because it changes nothing in this database: t does not exist: DROP TABLE IF EXISTS t',
    );
  });
  test('RENAME under legacy_alter_table, and with a broken view', () => {
    const legacy = 'PRAGMA legacy_alter_table=ON; PRAGMA foreign_keys=OFF; ALTER TABLE p RENAME TO q';
    expectEqual(family, legacy, { before: 'PRAGMA foreign_keys=OFF' });
    expectEqual(family, legacy.replace('foreign_keys=OFF', 'foreign_keys=ON'));
    expectEqual(`${family} CREATE VIEW v AS SELECT nothere FROM p`, legacy, {
      before: 'PRAGMA foreign_keys=OFF',
    });
  });
  test('text in double quotes stays text, or is refused if it would be a column', () => {
    const lax = { enableDoubleQuotedStringLiterals: true };
    const source = database('CREATE TABLE t(a INTEGER PRIMARY KEY, b)', lax);
    const capture = source.capture();
    source.exec('CREATE INDEX i ON t(b) WHERE b <> "word"');
    const bytes = capture.read();
    expect(decodeCapture(bytes)).toMatchObject([{ settings: { doubleQuotedText: true } }]);
    const target = database('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    target.applyCapture(bytes);
    expect(contentOf(target)).toEqual(contentOf(source));
    const other = database('CREATE TABLE t(a INTEGER PRIMARY KEY, b, word)', lax);
    expect(failure(() => other.applyCapture(bytes))).toBe(
      'a statement of the capture is refused because a name in double quotes was a text during the capture but is a column in this database: CREATE INDEX i ON t(b) WHERE b <> "word"',
    );
    const named = database('CREATE TABLE t(a INTEGER PRIMARY KEY, b, word)').capture();
    opened.at(-1)?.exec('CREATE INDEX i ON t("word")');
    expect(
      failure(() => database('CREATE TABLE t(a INTEGER PRIMARY KEY, b)', lax).applyCapture(named.read())),
    ).toBe('no such column: "word" - should this be a string literal in single-quotes?');
  });
  test('a table made by a query with text in double quotes is captured without that text', () => {
    const lax = { enableDoubleQuotedStringLiterals: true };
    const source = database('CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES(1)', lax);
    const capture = source.capture();
    source.exec('CREATE TABLE ct AS SELECT "lit" AS l FROM t; CREATE TABLE other AS SELECT "lit" FROM t');
    const entries = capture.entries();
    const statements = entries.filter(({ kind }) => kind === 'ddl');
    expect(statements).toEqual([
      { kind: 'ddl', sql: 'CREATE TABLE ct(l)' },
      { kind: 'ddl', sql: 'CREATE TABLE other("""lit""")' },
    ]);
    const target = database('CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES(1)');
    target.applyCapture(capture.read());
    expect(contentOf(target)).toEqual(contentOf(source));
    // A statement that was captured with the setting is applied, too.
    const settings = { legacyAlterTable: false, foreignKeys: true, doubleQuotedText: true };
    database().applyCapture([{ kind: 'ddl', sql: 'CREATE TABLE ct(l)', settings }]);
  });
  test('an edit of sqlite_schema as a table is not captured, and the error says so', () => {
    const db = database('CREATE TABLE t(a INTEGER PRIMARY KEY, b)', { defensive: false });
    const capture = db.capture();
    db.exec(`INSERT INTO t VALUES(1,2); PRAGMA writable_schema=ON; BEGIN;
      UPDATE sqlite_schema SET sql='CREATE TABLE t(a INTEGER PRIMARY KEY, b, c)' WHERE name='t'; ROLLBACK`);
    expect(capture.entries()).toHaveLength(1);
    db.exec(`UPDATE sqlite_schema SET sql='CREATE TABLE t(a INTEGER PRIMARY KEY, b, c)' WHERE name='t'`);
    const said =
      'sqlite_schema was edited with writable_schema, which a capture cannot record: use ALTER TABLE';
    expect(failure(() => capture.read())).toBe(`nothing is captured: ${said}`);
    expect(capture.warnings()).toContainEqual({
      kind: 'schema-edited',
      table: 'sqlite_schema',
      message: said,
    });
  });
});

describe('full-text and R-Tree tables', () => {
  const kinds: [string, string, string][] = [
    ['fts5', 'fts5(x)', "INSERT INTO f VALUES('hello world')"],
    ['fts5 without content', "fts5(x, content='')", "INSERT INTO f(rowid, x) VALUES(1, 'hello world')"],
    ['fts4', 'fts4(x)', "INSERT INTO f VALUES('hello world')"],
    ['rtree', 'rtree(id, a, b)', 'INSERT INTO f VALUES(1, 2, 3)'],
  ];
  const sound = (db: DatabaseSync): unknown => db.prepare('PRAGMA integrity_check').all();
  test.each(kinds)(
    '%s: a changeset and a capture can be applied, even one that creates the table',
    (_, module, insert) => {
      const make = `CREATE VIRTUAL TABLE f USING ${module};`;
      const [source, target, late] = [database(make), database(make), database()];
      const capture = source.capture();
      const session = source.createSession();
      source.exec(insert);
      expect(target.apply(session.changeset())).toMatchObject({ applied: true, warnings: [], problems: [] });
      expect(contentOf(target)).toEqual(contentOf(source));
      const raw = database(make);
      expect(raw.applyChangeset(session.changeset())).toBe(true);
      expect(contentOf(raw)).toEqual(contentOf(source));
      expect(late.applyCapture([{ kind: 'ddl', sql: make.slice(0, -1) }, ...capture.entries()]).applied).toBe(
        true,
      );
      expect(contentOf(late)).toEqual(contentOf(source));
      for (const db of [target, raw, late]) expect(sound(db)).toEqual([{ integrity_check: 'ok' }]);
    },
  );
  test('an index that the connection has in memory is read again', () => {
    const make = "CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES('before')";
    const [source, target] = [database(make), database(make)];
    const found = (db: DatabaseSync): unknown => db.prepare("SELECT rowid FROM f('common')").all();
    for (let i = 0; i < 20; i++) {
      const session = source.createSession();
      source.exec(`BEGIN; INSERT INTO f VALUES('common ${i}'); DELETE FROM f WHERE rowid % 5 = 3; COMMIT`);
      found(target);
      target.apply(session.changeset());
      session.close();
      expect(found(target)).toEqual(found(source));
    }
    for (const db of [source, target]) db.exec("INSERT INTO f VALUES('common after')");
    expect(contentOf(target)).toEqual(contentOf(source));
    expect(sound(target)).toEqual([{ integrity_check: 'ok' }]);
  });
  test('a conflict in a shadow table aborts under every policy', () => {
    const make = 'CREATE VIRTUAL TABLE f USING fts5(x)';
    const source = database(make);
    const session = source.createSession();
    source.exec("INSERT INTO f VALUES('hello')");
    for (const policy of ['ours', 'theirs'] as const) {
      const target = database(`${make}; INSERT INTO f VALUES('mine')`);
      const before = contentOf(target);
      expect(target.apply(session.changeset(), { policy })).toMatchObject({ applied: false });
      expect(target.applyChangeset(session.changeset(), { onConflict: () => 0 })).toBe(false);
      expect(contentOf(target)).toEqual(before);
      expect(sound(target)).toEqual([{ integrity_check: 'ok' }]);
    }
  });
  test('changes of a virtual table are refused, such as of sqlite_dbpage, through which the file is written', () => {
    const bytes = new Uint8Array(4096);
    const named = encode([
      {
        table: 'sqlite_dbpage',
        op: 'insert',
        indirect: false,
        key: [1, 0],
        patchset: false,
        old: [],
        new: [1n, bytes],
      },
    ]);
    for (const defensive of [true, false]) {
      const target = database('CREATE TABLE t(a)', { defensive });
      for (const apply of [
        () => target.apply(named, { policy: 'theirs' }),
        () => target.applyChangeset(named, { onConflict: () => 1 }),
        () => target.applyChangeset(named, { filterChange: () => true, onConflict: () => 1 }),
      ]) {
        expect(failure(apply)).toBe('changes of sqlite_dbpage cannot be applied: it is a virtual table');
      }
    }
  });
  test('the connection is defensive for callbacks meanwhile, and afterwards', () => {
    const make = 'CREATE VIRTUAL TABLE f USING fts5(x)';
    const source = database(make);
    const session = source.createSession();
    source.exec("INSERT INTO f VALUES('hello')");
    const target = database(`${make}; INSERT INTO f VALUES('mine')`);
    const refused: string[] = [];
    const onConflict = (): number => {
      refused.push(failure(() => target.exec('DELETE FROM f_content')));
      return 0;
    };
    target.applyChangeset(session.changeset(), { onConflict });
    refused.push(failure(() => target.exec('DELETE FROM f_content')));
    expect(new Set(refused)).toEqual(new Set(['table f_content may not be modified']));
    expect(refused.length).toBeGreaterThan(1);
  });
});

describe('random programs of statements, captured and replayed', () => {
  test('300 programs have equal results', () => {
    const outcomes = new Map<string, number>();
    for (let seed = 1; seed <= 300; seed++) {
      const outcome = differences(seed);
      if (outcome.kind !== 'equal') throw new Error(`seed ${seed}: ${outcome.kind}: ${outcome.message}`);
      outcomes.set(outcome.kind, (outcomes.get(outcome.kind) ?? 0) + 1);
    }
    expect(outcomes).toEqual(new Map([['equal', 300]]));
  });
});
