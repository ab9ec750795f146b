/** `sqlite-wasm-run changeset`: its commands, their output, their exit codes. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { beforeEach, describe, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';
import { runBytes } from '../kit/program.js';

let folder: string;

beforeEach(() => {
  folder = testFolder('cli');
  database('a.db');
  database('b.db');
});

function database(name: string, sql = ''): void {
  const db = new DatabaseSync(join(folder, name));
  db.exec(`CREATE TABLE IF NOT EXISTS users(id INTEGER PRIMARY KEY, name, age); CREATE TABLE IF NOT EXISTS nk(x);
    INSERT OR IGNORE INTO users VALUES(1,'ann',40),(2,'bob',1.0); ${sql}`);
  db.close();
}

const run = (args: string[], input: string | Uint8Array = ''): ReturnType<typeof runBytes> =>
  runBytes(['changeset', ...args], { cwd: folder, input, env: { NO_COLOR: '' } });

const script =
  "UPDATE users SET age=41 WHERE id=1; DELETE FROM users WHERE id=2; INSERT INTO users VALUES(3,'cy',x'00ff');";
const captured = (): void => {
  expect(run(['capture', '--db', 'a.db', '--script', '-', '-o', 'o.cs'], script).code).toBe(0);
};

describe('capture', () => {
  test('writes the script’s changes and reports changes that it cannot record', () => {
    expect(run(['capture', '--db', 'a.db', '--script', '-', '-o', 'o.cs'], script)).toMatchObject({
      code: 0,
      out: '',
      err: 'warning: nk: a table without a PRIMARY KEY is not recorded (--rowid records it)\n',
    });
    expect(run(['stat', 'o.cs']).out).toBe(
      'table  inserts  updates  deletes  indirect  bytes\nusers        1        1        1         0     87\n',
    );
  });
  test('a script that fails keeps committed changes and reports it', () => {
    const found = run(
      ['capture', '--db', 'a.db', '--script', '-', '-o', 'o.cs'],
      `${script} BEGIN; DELETE FROM users; nonsense;`,
    );
    expect(found.code).toBe(1);
    expect(found.err).toContain(
      'standard input, line 1: near "nonsense": syntax error; the changes committed before the error were written: a changeset of 87 bytes\n',
    );
    expect(run(['stat', 'o.cs']).out).toContain('users        1        1        1 ');
  });
  test('tables, patchsets, rowids, and --refuse', () => {
    const text = "INSERT INTO nk VALUES(1); INSERT INTO users VALUES(9,'x',1);";
    const capture = (...more: string[]) =>
      run(['capture', '--db', 'a.db', '--script', '-', '-o', 'o.cs', ...more], text);
    expect(capture('--refuse')).toMatchObject({ code: 1, err: expect.stringContaining('refused: nk: ') });
    expect(capture('--rowid', '--table', 'nk').code).toBe(0);
    expect(run(['show', 'o.cs']).out).toBe('nk\n  + c1=1, c2=1\n');
    expect(run(['capture', '--db', 'b.db', '--script', '-', '--patchset', '-o', 'o.cs'], text).code).toBe(0);
    expect(run(['validate', 'o.cs']).out).toMatch(/^o\.cs: a patchset of \d+ bytes\n$/);
  });
});

describe('looking at a changeset', () => {
  beforeEach(captured);

  test('show names columns by a schema, and works without one', () => {
    expect(run(['show', '--db', 'a.db', 'o.cs']).out).toBe(
      "users\n  ~ id=1 | age: 40 -> 41\n  - id=2, name='bob', age=1.0\n  + id=3, name='cy', age=x'00ff'\n",
    );
    expect(run(['show', 'o.cs']).out).toContain('~ c1=1 | c3: 40 -> 41');
    expect(run(['show', '--color', 'always', 'o.cs']).out).toContain('\u001b[31m- c1=2');
  });
  test('build reverses show --json', () => {
    const json = run(['show', '--json', '--db', 'a.db', 'o.cs']).out;
    expect(JSON.parse(json).tables[0].columns).toEqual(['id', 'name', 'age']);
    expect(run(['build', '-'], json).bytes.equals(readFileSync(join(folder, 'o.cs')))).toBe(true);
    expect(run(['build', '-'], '{}')).toMatchObject({
      code: 4,
      err: expect.stringContaining('format must be 1'),
    });
  });
  test('sql prints statements that make the same changes', () => {
    const db = new DatabaseSync(join(folder, 'b.db'));
    db.exec(run(['sql', '--db', 'a.db', 'o.cs']).out);
    expect(db.prepare('SELECT count(*) AS n, sum(age) AS s FROM users').get()).toEqual({ n: 2, s: 41 });
    db.close();
  });
  test('validate returns the wrong byte', () => {
    expect(run(['validate', 'o.cs', 'a.db'])).toMatchObject({
      code: 4,
      out: 'o.cs: a changeset of 87 bytes\na.db: malformed: expected T (a changeset) or P (a patchset) at byte 0\n',
    });
    expect(run(['show', 'a.db'])).toMatchObject({ code: 4, out: '' });
  });
});

describe('apply', () => {
  beforeEach(captured);

  test('reports, and refuses the second time', () => {
    expect(run(['apply', '--db', 'b.db', '--dry-run', 'o.cs']).out).toBe(
      'users: 1 inserted, 1 updated, 1 deleted\ndry run: 3 rows would be changed\n',
    );
    expect(run(['apply', '--db', 'b.db', 'o.cs'])).toMatchObject({
      code: 0,
      out: 'users: 1 inserted, 1 updated, 1 deleted\n3 rows changed\n',
    });
    expect(run(['apply', '--db', 'b.db', 'o.cs'])).toMatchObject({
      code: 3,
      out:
        'conflict (data): update users id=1: expected age=40; found age=41\n' +
        "conflict (notfound): delete users id=2: expected name='bob', age=1.0\n" +
        "conflict (conflict): insert users id=3: found id=3, name='cy', age=x'00ff'; wanted name='cy', age=x'00ff'\n" +
        'users: conflicts: 1 data, 1 notfound, 1 conflict\nnothing was applied\n',
    });
    const json = run(['apply', '--db', 'b.db', '--json', '--conflicts', '1', 'o.cs']);
    expect(JSON.parse(json.out)).toMatchObject({
      applied: false,
      tables: [{ inserted: 0, updated: 0, deleted: 0 }],
      conflicts: [
        {
          kind: 'data',
          table: 'users',
          op: 'update',
          key: { id: 1 },
          expected: { age: 40 },
          found: { age: 41 },
          action: 'abort',
        },
      ],
    });
    expect(run(['apply', '--db', 'b.db', '--conflicts', 'all', 'o.cs'])).toMatchObject({ code: 2 });
    const again = run(['apply', '--db', 'b.db', '--json', '--policy', 'users:*:omit', 'o.cs']);
    expect(JSON.parse(again.out)).toMatchObject({ applied: true, changes: 0, tables: [{ omitted: 3 }] });
  });
  test('--invert undoes', () => {
    expect(run(['apply', '--db', 'a.db', '--invert', 'o.cs']).code).toBe(0);
    expect(run(['diff', 'a.db', 'b.db']).bytes).toHaveLength(0);
  });
  test('wrong policies and tables are refused by name', () => {
    expect(run(['apply', '--db', 'b.db', '--policy', 'mine', 'o.cs'])).toMatchObject({
      code: 2,
      err: 'sqlite-wasm-run changeset apply: unknown policy "mine"; choose one of abort, ours, theirs, append-only\n',
    });
    new DatabaseSync(join(folder, 'empty.db')).close();
    writeFileSync(join(folder, 'empty.db'), '');
    expect(run(['apply', '--db', 'empty.db', '--refuse', 'missing-table', 'o.cs'])).toMatchObject({
      code: 3,
      err: 'sqlite-wasm-run changeset apply: refused: users: the table does not exist, so its changes are skipped\n',
    });
  });
  test('a missing database is not created', () => {
    expect(run(['apply', '--db', 'none.db', 'o.cs'])).toMatchObject({ code: 1 });
    expect(existsSync(join(folder, 'none.db'))).toBe(false);
  });
  test('rebase rebases local changes on changesets that were applied before', () => {
    database('b.db', "UPDATE users SET age=99 WHERE id=1; UPDATE users SET name='b' WHERE id=2;");
    run(['diff', 'a.db', 'b.db', '-o', 'unused.cs']);
    expect(run(['apply', '--db', 'b.db', '--policy', 'ours', '--rebase-out', 'r', 'o.cs']).code).toBe(0);
    const local = run(
      ['capture', '--db', 'b.db', '--script', '-', '-o', 'l.cs'],
      'UPDATE users SET age=100 WHERE id=1;',
    );
    expect(local.code).toBe(0);
    expect(run(['rebase', 'l.cs', '--with', 'r', '-o', 'l2.cs'])).toMatchObject({ code: 0, err: '' });
    expect(run(['validate', 'l2.cs']).code).toBe(0);
    expect(run(['rebase', 'l.cs', '--with', 'r', '--with', 'b.db'])).toMatchObject({
      code: 4,
      err: expect.stringContaining('b.db: the rebase buffer is malformed'),
    });
  });
});

describe('making changesets', () => {
  beforeEach(captured);

  test('invert, concat and diff', () => {
    expect(run(['invert', 'o.cs', '-o', 'i.cs']).code).toBe(0);
    expect(run(['concat', 'o.cs', 'i.cs']).bytes).toHaveLength(0);
    expect(run(['diff', 'b.db', 'a.db', '-o', 'd.cs']).err).toBe(
      'warning: nk: it has no primary key (--rowid compares by rowid), so it is left out\n',
    );
    expect(run(['apply', '--db', 'b.db', 'd.cs']).code).toBe(0);
    expect(run(['diff', 'b.db', 'a.db']).bytes).toHaveLength(0);
  });
  test('concat --schema completes changesets that were made before a column was added', () => {
    database('c.db', "ALTER TABLE users ADD COLUMN city DEFAULT 'Bern'");
    expect(
      run(['capture', '--db', 'c.db', '-', '-o', 'n.cs'], "INSERT INTO users VALUES(4,'di',5,'Rome')").code,
    ).toBe(0);
    expect(run(['concat', 'o.cs', 'n.cs'])).toMatchObject({ code: 4, out: '' });
    expect(run(['concat', 'o.cs', 'n.cs', '--schema', 'c.db', '-o', 'j.cs'])).toMatchObject({
      code: 0,
      err: '',
    });
    expect(run(['show', 'j.cs', '--db', 'c.db']).out).toContain(
      "+ id=3, name='cy', age=x'00ff', city='Bern'\n",
    );
  });
  test('output is written completely or not at all', () => {
    expect(run(['invert', 'o.cs', '-o', 'none/i.cs'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('cannot write none/i.cs: no such file or directory\n'),
    });
    expect(readdirSync(folder).sort()).toEqual(['a.db', 'b.db', 'o.cs']);
  });
});

describe('the command line', () => {
  test('names the error and suggests a similar name', () => {
    expect(run(['aply'])).toMatchObject({
      code: 2,
      err: 'sqlite-wasm-run changeset: unknown command "aply"; did you mean apply?\n',
    });
    expect(run(['show', '--jsn', 'x'])).toMatchObject({
      code: 2,
      err: 'sqlite-wasm-run changeset show: unknown option --jsn; did you mean --json? See sqlite-wasm-run changeset show --help\n',
    });
    expect(run(['apply', 'x'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--db FILE is missing'),
    });
    expect(run(['invert'])).toMatchObject({ code: 2, err: expect.stringContaining('IN is missing') });
    expect(run(['invert', 'a', 'b'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('unexpected argument "b"'),
    });
  });
  test('has help for the group and for each command', () => {
    const all = run(['--help']);
    expect(all.code).toBe(0);
    const names = [...all.out.matchAll(/^ {2}(\w+) /gm)].map(([, name = '']) => name);
    expect(names).toContain('capture');
    for (const name of names) {
      expect(run([name, '--help'])).toMatchObject({
        code: 0,
        out: expect.stringContaining(`sqlite-wasm-run changeset ${name}`),
      });
    }
  });
});

describe('changes by rowid', () => {
  const hides = 'it has no PRIMARY KEY, and its column _rowid_ hides the rowid';
  test('a table whose column _rowid_ hides the rowid is left out with a warning', () => {
    for (const name of ['a.db', 'b.db'])
      database(name, "CREATE TABLE k(_rowid_, v); INSERT INTO k VALUES('a',1)");
    const script = "INSERT INTO k VALUES('b',2); UPDATE k SET v=9 WHERE v=1";
    const capture = (...more: string[]): ReturnType<typeof run> =>
      run(['capture', '--db', 'a.db', '--rowid', '--table', 'k', '-', '-o', 'o', ...more], script);
    expect(capture('--refuse')).toMatchObject({
      code: 1,
      err: expect.stringContaining(`refused: k: ${hides}`),
    });
    expect(capture()).toMatchObject({ code: 0, err: `warning: k: ${hides}, so it is not recorded\n` });
    expect(run(['show', 'o']).out).toBe('');
    const diff = run(['diff', '--rowid', 'a.db', 'b.db', '-o', 'o']);
    expect(diff).toMatchObject({
      code: 0,
      err: expect.stringContaining(`warning: k: ${hides}, so it is left out`),
    });
    expect(run(['diff', '--rowid', '--table', 'k', 'a.db', 'b.db']).code).toBe(1);
  });
  test('the rows of such a table that the script makes are refused', () => {
    const script = "CREATE TABLE k(_rowid_, v); INSERT INTO k VALUES('a',1),('b',2)";
    expect(run(['capture', '--db', 'a.db', '--ddl', '-', '-o', 'o'], script)).toMatchObject({
      code: 1,
      err: expect.stringContaining(`its 2 rows cannot be recorded because ${hides}`),
    });
  });
  test('show and sql call the rowid _rowid_ and the columns by their names', () => {
    for (const name of ['a.db', 'b.db'])
      database(name, 'CREATE TABLE log(x, y); INSERT INTO log VALUES(1,2)');
    expect(
      run(['capture', '--db', 'a.db', '--rowid', '--table', 'log', '-', '-o', 'o'], 'UPDATE log SET y=9')
        .code,
    ).toBe(0);
    expect(run(['sql', '--db', 'a.db', 'o']).out).toBe('UPDATE "log" SET "y"=9 WHERE _rowid_=1;\n');
    expect(run(['show', '--db', 'a.db', 'o']).out).toBe('log\n  ~ _rowid_=1 | y: 2 -> 9\n');
    const copy = new DatabaseSync(join(folder, 'b.db'));
    copy.exec(run(['sql', '--db', 'a.db', 'o']).out);
    expect(copy.prepare('SELECT * FROM log').all()).toEqual([{ x: 1, y: 9 }]);
    copy.close();
  });
});

test('diff reports keys that differ but that their collation treats as equal', () => {
  for (const [name, key] of [
    ['a.db', 'Ab'],
    ['b.db', 'AB'],
  ]) {
    database(
      String(name),
      `CREATE TABLE k(a TEXT COLLATE NOCASE PRIMARY KEY); INSERT INTO k VALUES('${key}'),('same')`,
    );
  }
  expect(run(['diff', 'a.db', 'b.db'])).toMatchObject({
    code: 0,
    err: expect.stringContaining(
      'warning: k: 1 key differs only in ways that the collation treats as equal, which a changeset cannot express\n',
    ),
  });
});

test('--locking none is accepted by every command that opens a database', () => {
  captured();
  for (const args of [
    ['apply', '--db', 'b.db', 'o.cs'],
    ['show', '--db', 'b.db', 'o.cs'],
    ['sql', '--db', 'b.db', 'o.cs'],
    ['capture', '--db', 'a.db', '-'],
    ['diff', 'a.db', 'a.db'],
    ['concat', '--schema', 'a.db', 'o.cs'],
  ]) {
    expect([args[0], run([...args, '--locking', 'none']).code]).toEqual([args[0], 0]);
  }
  expect(run(['stat', '--locking', 'none', 'o.cs'])).toMatchObject({ code: 2 });
  expect(run(['diff', '--locking', 'sometimes', 'a.db', 'b.db'])).toMatchObject({ code: 2 });
});
