/** The daemon and schema changes, which are always in its journal, and with --ddl in its output. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Changeset, DatabaseSync, decodeCapture } from 'sqlite-wasm-run';
import { describe, expect, test } from 'vitest';
import { folder, lines, start } from '../kit/daemon-client.js';

/** The content of the output: SQL, or changes as "table op values". */
const captured = (): string[] =>
  decodeCapture(new Uint8Array(readFileSync(join(folder, 'o.cs')))).map((entry) =>
    entry.kind === 'ddl'
      ? entry.sql
      : [...new Changeset(entry.bytes)]
          .map(({ table, op, old, new: fresh }) => `${table} ${op} ${op === 'delete' ? old : fresh}`)
          .join('; '),
  );

async function runs(more: string[], ...statements: string[]): Promise<string[]> {
  const { ended, child, said } = await start(...more);
  const { ask } = await lines();
  const answers: string[] = [];
  for (const sql of statements) answers.push((await ask(sql)).trimEnd());
  await ask('quit');
  await ended;
  answers.push(`left with ${child.exitCode}`, said());
  return answers;
}

const ok = '-- ok, 0 rows, 0 changes';
const noted = `${ok}; the changeset does not contain its schema changes`;

describe('a schema that another program changed while the daemon was down', () => {
  const native = (sql: string): void => {
    const db = new DatabaseSync(join(folder, 'a.db'));
    db.exec(sql);
    db.close();
  };

  /** The output of a daemon that is killed and started again after `between`, and its messages. */
  async function killedAndStarted(between: string, after: string, ...more: string[]): Promise<string> {
    native('CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE u(a PRIMARY KEY)');
    const first = await start(...more);
    const { ask } = await lines();
    await ask('INSERT INTO u VALUES(0);');
    await ask('INSERT INTO t VALUES(1,1);');
    first.child.kill('SIGKILL');
    await first.ended;
    native(between);
    const second = await start(...more);
    const { ask: again } = await lines();
    await again(after);
    await again('.quit');
    await second.ended;
    expect(second.child.exitCode).toBe(0);
    return second.said();
  }
  const differs = (tables: string): string =>
    `warning: the schema of a.db differs from the schema at the end of o.cs.journal (${tables}), because another program changed it; that change is not captured`;
  const apart = ', and the changes captured before and after it stay separate in o.cs\n';

  test('the start reports the tables, and acknowledged changes stay a separate changeset', async () => {
    const said = await killedAndStarted(
      'ALTER TABLE t ADD COLUMN z; CREATE TABLE n(a PRIMARY KEY); UPDATE t SET z=5',
      'UPDATE t SET z=6;',
      '--ddl',
    );
    expect(said).toContain(differs('n, t') + apart);
    expect(captured()).toEqual(['u insert 0; t insert 1,1', 't update ,,6']);
    const copy = new DatabaseSync(':memory:');
    copy.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE u(a PRIMARY KEY)');
    const report = copy.applyCapture(new Uint8Array(readFileSync(join(folder, 'o.cs'))));
    expect(report).toMatchObject({ applied: true, changes: 2 });
    expect(copy.prepare('SELECT * FROM t').all()).toEqual([{ a: 1, b: 1 }]);
    copy.close();
  });
  test('also if the table has as many columns as before; the next start keeps them apart', async () => {
    const said = await killedAndStarted(
      'ALTER TABLE t DROP COLUMN b; ALTER TABLE t ADD COLUMN c',
      'INSERT INTO t VALUES(2,2);',
      '--ddl',
    );
    expect(said).toContain(differs('t') + apart);
    expect(captured()).toEqual(['u insert 0; t insert 1,1', 't insert 2,2']);
    await runs(['--ddl'], 'INSERT INTO t VALUES(3,3);');
    expect(captured()).toEqual(['u insert 0; t insert 1,1', 't insert 2,2; t insert 3,3']);
  });
  test('a new table splits nothing, and without a change there is no message', async () => {
    const said = await killedAndStarted('CREATE TABLE n(a PRIMARY KEY)', 'INSERT INTO n VALUES(3);', '--ddl');
    expect(said).toContain(differs('n'));
    expect(captured()).toEqual(['u insert 0; t insert 1,1; n insert 3']);
  });
  test('there is no message if nothing was changed', async () => {
    expect(
      await killedAndStarted('INSERT INTO u VALUES(7)', 'INSERT INTO t VALUES(3,3);', '--ddl'),
    ).not.toContain('warning');
  });
  test('without --ddl the message is there too', async () => {
    const said = await killedAndStarted('ALTER TABLE t ADD COLUMN z', 'INSERT INTO t VALUES(2,2,2);');
    expect(said).toContain(`${differs('t')}\n`);
    expect(captured()).toEqual(['u insert 0; t insert 1,1,; t insert 2,2,2']);
  });
});

describe('with --ddl', () => {
  test('VACUUM is refused, and the error explains why', async () => {
    const answers = await runs(['--ddl'], 'VACUUM;', "/* a copy */ vacuum main into 'copy.db';");
    expect(answers[0]).toBe(
      '-- error 23: VACUUM is refused while the daemon runs, because it changes the rowids of tables without a PRIMARY KEY: end the daemon first',
    );
    expect(answers[1]).toBe('-- error 23: VACUUM INTO is refused, because clients can write only to a.db');
  });
  test('the output is a capture, in order, which makes the same database', async () => {
    const answers = await runs(
      ['--ddl'],
      'CREATE TABLE t(a INTEGER PRIMARY KEY, b);',
      'INSERT INTO t VALUES(1,2);',
      'BEGIN;',
      'UPDATE t SET b=3;',
      'ALTER TABLE t DROP COLUMN b;',
      'INSERT INTO t VALUES(2);',
      'COMMIT;',
      'BEGIN;',
      'DROP TABLE t;',
      'ROLLBACK;',
      'PRAGMA user_version=7;',
      '.status',
    );
    expect(answers.slice(0, 1)).toEqual([ok]);
    expect(answers.at(6)).toBe(ok);
    expect(answers.at(11)).toBe('-- 4 transactions captured: t +2 ~1 -0, schema !3');
    expect(answers.at(12)).toBe('left with 0');
    expect(answers.at(13)).toContain('o.cs: a capture of ');
    expect(captured()).toEqual([
      'CREATE TABLE t(a INTEGER PRIMARY KEY, b)',
      't insert 1,3',
      'ALTER TABLE t DROP COLUMN b',
      't insert 2',
      'PRAGMA user_version=7',
    ]);
    const copy = new DatabaseSync(':memory:');
    copy.applyCapture(new Uint8Array(readFileSync(join(folder, 'o.cs'))));
    expect(copy.prepare('SELECT * FROM t').all()).toEqual([{ a: 1 }, { a: 2 }]);
    copy.close();
  });
  test('without such statements it is a changeset', async () => {
    await runs(['--ddl'], 'CREATE TABLE t(a INTEGER PRIMARY KEY);');
    expect(captured()).toEqual(['CREATE TABLE t(a INTEGER PRIMARY KEY)']);
    writeFileSync(join(folder, 'o.cs'), '');
    await runs(['--ddl'], 'INSERT INTO t VALUES(1);');
    expect(readFileSync(join(folder, 'o.cs'))[0]).toBe(0x54);
  });
  test('a killed capture continues, and the content of the output stays', async () => {
    for (const [id, signal] of [
      [1, 'SIGKILL'],
      [2, 'SIGTERM'],
      [3, 'SIGKILL'],
      [4, 'SIGTERM'],
    ] as const) {
      const { child, ended } = await start(...(id === 4 ? [] : ['--ddl'])); // the output already has schema changes
      const { ask } = await lines();
      await ask('BEGIN;');
      await ask(`CREATE TABLE t${id}(a INTEGER PRIMARY KEY);`);
      await ask(`INSERT INTO t${id} VALUES(${id});`);
      await ask('COMMIT;');
      await ask('BEGIN;');
      await ask('CREATE TABLE lost(a);');
      child.kill(signal);
      await ended;
    }
    expect(captured()).toEqual(
      [1, 2, 3, 4].flatMap((id) => [`CREATE TABLE t${id}(a INTEGER PRIMARY KEY)`, `t${id} insert ${id}`]),
    );
  });
});

describe('without --ddl', () => {
  test('the schema may change: the output is one changeset, and clients are warned', async () => {
    const answers = await runs(
      [],
      'CREATE TABLE t(a INTEGER PRIMARY KEY, b);',
      'INSERT INTO t VALUES(1,2);',
      'ALTER TABLE t ADD COLUMN c DEFAULT 5;',
      'INSERT INTO t VALUES(2,3,4);',
    );
    expect(answers.slice(0, 5)).toEqual([
      noted,
      '-- ok, 0 rows, 1 changes',
      noted,
      '-- ok, 0 rows, 1 changes',
      'left with 0',
    ]);
    expect(captured()).toEqual(['t insert 1,2,5; t insert 2,3,4']);
  });
  test('changes that cannot be one changeset are not lost: a capture, and exit code 1', async () => {
    const answers = await runs(
      [],
      'CREATE TABLE t(a INTEGER PRIMARY KEY, b);',
      'INSERT INTO t VALUES(1,2);',
      'ALTER TABLE t DROP COLUMN b;',
      'INSERT INTO t VALUES(2);',
    );
    expect(answers.at(4)).toBe('left with 1');
    expect(answers.at(5)).toContain(
      'cannot be joined into one changeset, so a capture was written, as with --ddl',
    );
    expect(captured()).toEqual([
      'CREATE TABLE t(a INTEGER PRIMARY KEY, b)',
      't insert 1,2',
      'ALTER TABLE t DROP COLUMN b',
      't insert 2',
    ]);
  });
  test('a killed daemon that is started again with --ddl still has them', async () => {
    const { child, ended } = await start();
    const { ask } = await lines();
    await ask('CREATE TABLE t(a INTEGER PRIMARY KEY);');
    child.kill('SIGKILL');
    await ended;
    await runs(['--ddl'], 'INSERT INTO t VALUES(1);');
    expect(captured()).toEqual(['CREATE TABLE t(a INTEGER PRIMARY KEY)', 't insert 1']);
  });
});

describe('what is recorded', () => {
  test('--rowid, --patchset, --table; an output of the other kind is refused', async () => {
    await runs(
      ['--rowid', '--patchset', '--table', 'n'],
      'CREATE TABLE n(x); ',
      'CREATE TABLE other(a INTEGER PRIMARY KEY);',
      'INSERT INTO n VALUES(5);',
      'INSERT INTO other VALUES(5);',
      'UPDATE n SET x=6;',
    );
    expect(captured()).toEqual(['n insert 1,6']);
    expect(readFileSync(join(folder, 'o.cs'))[0]).toBe(0x50);
    const { child, said } = await start('--rowid');
    expect(child.exitCode).toBe(2);
    expect(said()).toContain('o.cs contains patchsets: start with --patchset');
  });
  test('--refuse does not start if something would not be recorded', async () => {
    const db = new DatabaseSync(join(folder, 'a.db'));
    db.exec('CREATE TABLE n(x)');
    db.close();
    const { child, said } = await start('--refuse');
    expect(child.exitCode).toBe(1);
    expect(said()).toBe(
      'sqlite-wasm-run changeset daemon: refused: n: a table without a PRIMARY KEY is not recorded (--rowid records it)\n',
    );
  });
});
