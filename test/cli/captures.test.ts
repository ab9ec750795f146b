/** Captures on the command line: schema changes are recorded with --ddl, and the other commands accept them. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { beforeEach, describe, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';
import { runBytes } from '../kit/program.js';

let folder: string;

beforeEach(() => {
  folder = testFolder('captures');
  for (const name of ['a.db', 'b.db']) {
    const db = new DatabaseSync(join(folder, name));
    db.exec(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE u(k PRIMARY KEY); INSERT INTO t VALUES(1,'one')",
    );
    db.close();
  }
});

const run = (args: string[], input = ''): ReturnType<typeof runBytes> =>
  runBytes(['changeset', ...args], { cwd: folder, input, env: { NO_COLOR: '' } });

const capture = (sql: string, ...more: string[]): ReturnType<typeof run> =>
  run(['capture', '--db', 'a.db', '-', '-o', 'o', ...more], sql);

const script = `UPDATE t SET v='x' WHERE id=1;
  ALTER TABLE t ADD COLUMN w DEFAULT 5;
  INSERT INTO t VALUES(3,'three',6);
  CREATE INDEX i ON t(v);
  INSERT INTO u VALUES(1);
  PRAGMA user_version=4`;

const shown = `t
  ~ c1=1 | c2: 'one' -> 'x'
! ALTER TABLE t ADD COLUMN w DEFAULT 5
t
  + c1=3, c2='three', c3=6
! CREATE INDEX i ON t(v)
u
  + c1=1
! PRAGMA user_version=4
`;

const path = (name: string): string => join(folder, name);

describe('capture', () => {
  test('VACUUM is refused once there is a table without a key, and runs silently without one', () => {
    expect(
      capture(
        "CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES('one'); VACUUM; UPDATE t SET v=2",
        '--ddl',
      ),
    ).toMatchObject({ code: 0, err: '' });
    expect(capture('CREATE TABLE n(a); INSERT INTO n VALUES(1); VACUUM', '--ddl')).toMatchObject({
      code: 1,
      err: expect.stringContaining(
        'line 1: VACUUM is refused while changes of n, a table without a PRIMARY KEY, are recorded by rowid',
      ),
    });
  });
  test('--ddl records what changes the schema, in its place', () => {
    expect(capture(script, '--ddl')).toMatchObject({ code: 0, err: '' });
    expect(run(['show', 'o']).out).toBe(shown);
    expect(run(['validate', 'o']).out).toBe('o: a capture of 191 bytes: 3 changesets, 3 statements\n');
  });
  test('--ddl without such a statement writes the changeset itself', () => {
    expect(capture('INSERT INTO u VALUES(1)', '--ddl').code).toBe(0);
    const withDdl = readFileSync(path('o'));
    expect(run(['capture', '--db', 'b.db', '-'], 'INSERT INTO u VALUES(1)').bytes).toEqual(withDdl);
  });
  test('without it one changeset is written, and a warning names what it omits', () => {
    expect(capture(script)).toMatchObject({
      code: 0,
      err: 'warning: 3 statements changed the schema and cannot be in a changeset (use --ddl to record them): ALTER TABLE t ADD COLUMN w DEFAULT 5\n',
    });
    expect(run(['show', 'o']).out).toBe(
      "t\n  ~ c1=1 | c2: 'one' -> 'x'\n  + c1=3, c2='three', c3=6\nu\n  + c1=1\n",
    );
  });
  test('changes from before a column was dropped are not lost: a capture, and exit code 1', () => {
    const sql = "UPDATE t SET v='x'; ALTER TABLE t DROP COLUMN v; INSERT INTO t VALUES(7)";
    const found = capture(sql);
    expect(found.code).toBe(1);
    expect(found.err).toContain('so a capture was written, as with --ddl\n');
    expect(run(['show', 'o']).out).toBe(
      "t\n  ~ c1=1 | c2: 'one' -> 'x'\n! ALTER TABLE t DROP COLUMN v\nt\n  + c1=7\n",
    );
  });
  test('changes of a transaction that is open at the end of the script are not captured', () => {
    expect(
      capture('INSERT INTO u VALUES(1); BEGIN; INSERT INTO u VALUES(2); CREATE TABLE x(a)', '--ddl'),
    ).toMatchObject({
      code: 0,
      err: 'warning: the script ended with an open transaction, which was rolled back\n',
    });
    expect(run(['show', 'o']).out).toBe('u\n  + c1=1\n');
  });
  test('the script has one source and is text, and its errors name a line', () => {
    const db = readFileSync(path('a.db'));
    for (const [args, message] of [
      [[], 'pass either --script FILE, or - for standard input'],
      [['--script', '-', '-'], 'pass either --script FILE, or - for standard input'],
      [['s.sql'], 'unexpected argument "s.sql"; use --script to name the script'],
      [['--script', 'a.db'], 'a.db is not SQL: '],
      [['--script', 'nul'], 'nul is not SQL: line 2 contains a NUL'],
      [['--script', 'none'], 'cannot read none: no such file or directory'],
      [['--script', '.'], '. is a folder'],
    ] as const) {
      writeFileSync(path('nul'), 'SELECT 1;\nSELECT \0;');
      const found = run(['capture', '--db', 'a.db', '-o', 'o', ...args]);
      expect(found.err).toContain(`sqlite-wasm-run changeset capture: ${message}`);
      expect(found.code).toBe(args.length < 2 || args[1] === '-' ? 2 : 1);
    }
    expect(existsSync(path('o'))).toBe(false);
    expect(readFileSync(path('a.db')).equals(db)).toBe(true);
    expect(
      capture("INSERT INTO u VALUES('a;\n');\n\n-- c\n/* d\n */ INSERT INTO u VALUES('a;\n');").err,
    ).toBe(
      'sqlite-wasm-run changeset capture: standard input, line 6: UNIQUE constraint failed: u.k; the changes committed before the error were written: a changeset of 12 bytes\n',
    );
  });
});

describe('commands that take captures', () => {
  beforeEach(() => {
    capture(script, '--ddl');
  });

  test('apply makes the same database and reports the changes', () => {
    const report = `t: 0 inserted, 1 updated, 0 deleted
! ALTER TABLE t ADD COLUMN w DEFAULT 5
t: 1 inserted, 0 updated, 0 deleted
! CREATE INDEX i ON t(v)
u: 1 inserted, 0 updated, 0 deleted
! PRAGMA user_version=4
`;
    expect(run(['apply', '--db', 'b.db', '--dry-run', 'o'])).toMatchObject({
      code: 0,
      out: `${report}dry run: 3 rows would be changed\n`,
    });
    expect(run(['apply', '--db', 'b.db', 'o'])).toMatchObject({ code: 0, out: `${report}3 rows changed\n` });
    const [a, b] = ['a.db', 'b.db'].map((name) => {
      const db = new DatabaseSync(path(name));
      const all = [
        db.prepare('SELECT * FROM t').all(),
        db.prepare('SELECT name, sql FROM sqlite_schema').all(),
      ];
      db.close();
      return all;
    });
    expect(b).toEqual(a);
  });
  test('apply applies several, in order; a conflict rolls all back', () => {
    run(['capture', '--db', 'a.db', '-', '-o', 'more'], 'INSERT INTO t VALUES(9,9,9)');
    expect(run(['apply', '--db', 'b.db', 'o', 'more', '--json'])).toMatchObject({ code: 0 });
    const again = run(['apply', '--db', 'b.db', 'o', 'more', '--json']);
    expect(again.code).toBe(3);
    expect(JSON.parse(again.out)).toMatchObject({
      applied: false,
      entries: [{ applied: false, tables: [{ table: 't', conflicts: { data: 1 } }], rebase: '' }],
    });
  });
  test('sql, stat and JSON, from which build makes the same bytes', () => {
    expect(run(['sql', '--db', 'a.db', 'o']).out).toBe(`UPDATE "t" SET "c2"='x' WHERE "c1"=1;
ALTER TABLE t ADD COLUMN w DEFAULT 5;
INSERT INTO "t"("id", "v", "w") VALUES(3, 'three', 6);
CREATE INDEX i ON t(v);
INSERT INTO "u"("k") VALUES(1);
PRAGMA user_version=4;
`);
    expect(run(['stat', 'o']).out).toMatch(/^t {12}1 .*\nu .*\nand 3 statements that changed the schema\n$/m);
    expect(JSON.parse(run(['stat', '--json', 'o']).out)).toMatchObject({
      tables: [{ table: 't', inserts: 1, updates: 1 }, { table: 'u' }],
      statements: 3,
    });
    const json = run(['show', '--json', 'o']).out;
    expect(`${JSON.stringify(JSON.parse(json), null, 2)}\n`).toBe(json);
    expect(JSON.parse(json).entries[1]).toEqual({
      sql: 'ALTER TABLE t ADD COLUMN w DEFAULT 5',
      settings: { legacyAlterTable: false, foreignKeys: true, doubleQuotedText: false },
    });
    expect(run(['build', '-'], json).bytes).toEqual(readFileSync(path('o')));
    expect(run(['build', '-'], '{"format":1,"entries":[{}]}')).toMatchObject({
      code: 4,
      err: 'sqlite-wasm-run changeset build: entries[0]: format must be 1\n',
    });
  });
  test('concat keeps statements in their place and joins the changesets between them', () => {
    for (const [name, sql] of [
      ['p', 'INSERT INTO t VALUES(10,1,1)'],
      ['q', 'UPDATE t SET v=2 WHERE id=10; DROP INDEX i'],
    ]) {
      run(['capture', '--ddl', '--db', 'a.db', '-', '-o', String(name)], sql);
    }
    expect(run(['concat', 'o', 'p', 'q', '-o', 'all'])).toMatchObject({ code: 0, err: '' });
    expect(run(['show', 'all']).out).toBe(`${shown}t\n  + c1=10, c2=2, c3=1\n! DROP INDEX i\n`);
  });
  test('options that make no sense for them are refused with a message', () => {
    const cases: [string[], number, string][] = [
      [['invert', 'o'], 4, 'o is a capture that changes the schema: it cannot be inverted'],
      [['rebase', 'o', '--with', 'o'], 4, 'o is a capture that changes the schema: it cannot be rebased'],
      [
        ['apply', '--db', 'b.db', '--invert', 'o'],
        2,
        'A capture that changes the schema cannot be inverted.',
      ],
      [
        ['apply', '--db', 'b.db', '--rebase-out', 'r', 'o'],
        2,
        '--rebase-out cannot be used with a capture that changes the schema',
      ],
      [
        ['concat', 'o', '--schema', 'b.db'],
        2,
        '--schema cannot be used with captures, which contain the statements that add columns',
      ],
    ];
    for (const [args, code, message] of cases) {
      expect(run(args)).toMatchObject({
        code,
        out: '',
        err: `sqlite-wasm-run changeset ${args[0]}: ${message}\n`,
      });
    }
  });
  test('the error for a damaged one names the byte', () => {
    const bytes = readFileSync(path('o'));
    writeFileSync(path('torn'), bytes.subarray(0, 20));
    bytes[18] = 9;
    writeFileSync(path('wrong'), bytes);
    expect(run(['validate', 'torn', 'wrong', 'none', 'o'])).toMatchObject({
      code: 4,
      out: `torn: malformed: it ends in the middle of an entry at byte 5
wrong: malformed: unknown value type 9 at byte 18
o: a capture of 191 bytes: 3 changesets, 3 statements
`,
      err: 'cannot read none: no such file or directory\n',
    });
    expect(run(['show', 'torn'])).toMatchObject({
      code: 4,
      err: 'sqlite-wasm-run changeset show: torn is not a changeset: it ends in the middle of an entry at byte 5\n',
    });
  });
});

describe('changes by triggers and foreign key actions', () => {
  const setup = `CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES(1);
    CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE); INSERT INTO c VALUES(1,1);
    CREATE TABLE log(id INTEGER PRIMARY KEY, x);
    CREATE TRIGGER tr AFTER INSERT ON p BEGIN INSERT INTO log(x) VALUES(new.id); END`;
  const hint = (options: string): string =>
    `hint: a changeset already contains the effects of triggers and foreign key actions; to keep them from running again, add ${options}\n`;
  test.each([
    ['INSERT INTO p VALUES(2)', '--no-triggers'],
    ['DELETE FROM p', '--no-triggers --fk-no-action'],
  ])('are not repeated with the option that the hint names: %s', (sql, option) => {
    for (const name of ['from.db', 'to.db']) run(['capture', '--db', name, '--ddl', '-'], setup);
    run(['capture', '--db', 'from.db', '-', '-o', 'o'], sql);
    const refused = run(['apply', '--db', 'to.db', 'o']);
    expect(refused.code).toBe(3);
    expect(refused.err).toContain(hint(option));
    expect(run(['apply', '--db', 'to.db', ...option.split(' '), 'o'])).toMatchObject({ code: 0 });
    expect(run(['diff', 'from.db', 'to.db']).bytes).toHaveLength(0);
  });
});
