/** Inputs and outputs of commands: files of all kinds, pipes that end, and signals. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'sqlite-wasm-run';
import { beforeEach, describe, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.js';
import { program, type Ran, runProgram } from '../kit/program.js';

let folder: string;

beforeEach(() => {
  folder = testFolder('cli-files');
  const db = new DatabaseSync(join(folder, 'a.db'));
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v)');
  const session = db.createSession();
  db.exec("INSERT INTO t VALUES(1,'x'||char(10)||char(27)||'[31m'),(2,x'00')");
  writeFileSync(join(folder, 'a.cs'), session.changeset());
  db.close();
});

const path = (name: string): string => join(folder, name);

const run = (args: string[], input: string | Uint8Array = ''): Ran =>
  runProgram(['changeset', ...args], { cwd: folder, input });

function shell(script: string): string {
  return execFileSync('bash', ['-c', script], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, RUN: `${process.execPath} ${program} changeset` },
  });
}

/** A changeset that takes a while to print. */
function big(rows = 40_000): void {
  const db = new DatabaseSync(path('big.db'));
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v)');
  const session = db.createSession();
  db.exec(`WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<${rows})
    INSERT INTO t SELECT i, hex(zeroblob(50)) FROM c`);
  writeFileSync(path('big.cs'), session.changeset());
  db.close();
}

describe('outputs', () => {
  test('an existing file is replaced and keeps its mode, also through a link', () => {
    writeFileSync(path('o'), 'old');
    chmodSync(path('o'), 0o640);
    symlinkSync('o', path('link'));
    expect(run(['invert', 'a.cs', '-o', 'link'])).toEqual({ code: 0, out: '', err: '' });
    expect(lstatSync(path('link')).isSymbolicLink()).toBe(true);
    expect(statSync(path('o')).mode & 0o777).toBe(0o640);
    expect(readFileSync(path('o'))[0]).toBe(0x54);
    expect(run(['invert', 'o', '-o', 'o']).code).toBe(0);
    expect(readFileSync(path('o'))).toEqual(readFileSync(path('a.cs')));
    expect(readdirSync(folder).sort()).toEqual(['a.cs', 'a.db', 'link', 'o']);
  });
  test.skipIf(process.platform === 'win32')('a device is written to and stays one', () => {
    expect(run(['invert', 'a.cs', '-o', '/dev/null']).code).toBe(0);
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
    expect(shell('mkfifo p; cat p > got & $RUN concat a.cs -o p; wait; cmp got a.cs && echo same')).toBe(
      'same\n',
    );
  });
  test.each<[string, string, string]>([
    ['a database', 'a.db', 'a.db is a database; refusing to overwrite it'],
    ['a folder', 'dir', 'cannot write dir: it is a folder'],
    ['no folder', 'none/o', 'cannot write none/o: no such file or directory'],
  ])('%s is refused before anything is done', (_, output, message) => {
    mkdirSync(path('dir'));
    const before = readFileSync(path('a.db'));
    const found = run(['capture', '--db', 'a.db', '-', '-o', output], 'DELETE FROM t');
    expect(found.err).toBe(`sqlite-wasm-run changeset capture: ${message}\n`);
    expect(readFileSync(path('a.db'))).toEqual(before);
    expect(run(['diff', 'a.db', 'a.db', '-o', output]).err).toContain(message);
    expect(run(['apply', '--db', 'a.db', '--invert', 'a.cs', '--rebase-out', output]).err).toContain(message);
    expect(readFileSync(path('a.db'))).toEqual(before);
  });
  test.skipIf(!shellHas('/dev/full'))('a disk that is full', () => {
    expect(shell('$RUN show a.cs 2>&1 > /dev/full; echo $?')).toBe(
      'sqlite-wasm-run changeset show: cannot write standard output: no space left on device\n1\n',
    );
    expect(shell('$RUN invert a.cs -o /dev/full 2>&1; echo $?')).toBe(
      'sqlite-wasm-run changeset invert: cannot write /dev/full: no space left on device\n1\n',
    );
  });
});

function shellHas(file: string): boolean {
  return spawnSync('test', ['-e', file]).status === 0;
}

describe('inputs', () => {
  test('standard input is read once', () => {
    const bytes = readFileSync(path('a.cs'));
    expect(run(['stat', '-'], bytes).out).toContain('t            2');
    expect(run(['apply', '--db', 'a.db', '-', '-'], bytes)).toMatchObject({
      code: 2,
      err: 'sqlite-wasm-run changeset apply: standard input can be read only once\n',
    });
    expect(run(['concat', '-', 'a.cs', '-o', 'o'], bytes).code).toBe(0);
  });
  test('patchsets instead of changesets, folders, options without their value', () => {
    run(['capture', '--db', 'a.db', '-', '--patchset', '-o', 'p'], 'UPDATE t SET v=5');
    for (const [args, code, message] of [
      [['invert', 'p'], 4, 'p is a patchset and has no old values, so it cannot be inverted'],
      [['concat', 'a.cs', 'p'], 4, 'changesets and patchsets cannot be mixed'],
      [['diff', '-o', 'd'], 2, 'OLD.db NEW.db is missing'],
      [['diff', 'a.db', '-o', 'd'], 2, 'NEW.db is missing'],
      [['show', '.'], 1, '. is a folder'],
      [['show', 'a.cs', '--db', '.'], 1, 'cannot open .: it is a folder'],
      [['show', 'a.cs', '--db', 'a.cs'], 1, 'cannot open a.cs: file is not a database'],
      [['show', 'a.cs', '--color', 'red'], 2, '--color takes always, never or auto, not "red"'],
      [['show', 'a.cs', '--db'], 2, '--db FILE: the value is missing'],
      [
        ['show', '--db', '--json'],
        2,
        '--db FILE: the value is missing (write a value that begins with a dash as --db=-x)',
      ],
      [['show', '--json=1', 'a.cs'], 2, '--json takes no value'],
    ] as const) {
      const found = run([...args]);
      expect(found.err.split('; see ')[0]?.trimEnd()).toBe(
        `sqlite-wasm-run changeset ${args[0]}: ${message}`,
      );
      expect(found.code).toBe(code);
    }
    expect(run(['--db', 'a.db'])).toMatchObject({
      code: 2,
      err: 'sqlite-wasm-run changeset: expected a command before "--db"; see sqlite-wasm-run changeset --help\n',
    });
  });
  test('tables that cannot be compared are left out with a warning', () => {
    const db = new DatabaseSync(path('b.db'));
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, other, v); CREATE TABLE u(k PRIMARY KEY)');
    db.close();
    expect(run(['diff', 'a.db', 'b.db', '-o', 'd'])).toMatchObject({
      code: 0,
      err:
        'warning: t: its columns or primary keys differ, so it is left out\n' +
        'warning: u: it is not in the old database, so it is left out\n',
    });
    expect(run(['diff', 'a.db', 'b.db', '--table', 't', '-o', 'd'])).toMatchObject({
      code: 1,
      err: 'sqlite-wasm-run changeset diff: t: its columns or primary keys differ\n',
    });
  });
  test('a value that is shown cannot control the terminal', () => {
    expect(run(['show', 'a.cs']).out).toBe(
      "t\n  + c1=1, c2=('x\\n'||char(27)||'[31m')\n  + c1=2, c2=x'00'\n",
    );
  });
});

describe('text of a changeset', () => {
  const evil = 'z\u001b]0;p\u0007\n+ c1=1\u202e';
  beforeEach(() => {
    const db = new DatabaseSync(path('evil.db'));
    const name = evil.replaceAll('"', '""');
    using capture = db.capture();
    db.exec(`CREATE TABLE "${name}"(a INTEGER PRIMARY KEY, b); INSERT INTO "${name}" VALUES(1, 'x')`);
    writeFileSync(path('evil.cs'), capture.read());
    db.close();
    const target = new DatabaseSync(path('to.db'));
    target.exec('CREATE TABLE t(a)');
    target.close();
  });
  const obeyed = (text: string): string[] =>
    text.split('\n').filter((line) => /[\p{Cc}\u202e]/u.test(line) || line.startsWith('+ '));

  test.each([
    'show evil.cs',
    'stat evil.cs',
    'apply --db to.db evil.cs',
    'apply --db to.db --dry-run evil.cs',
    'validate evil.cs',
  ])('%s: control characters are shown, not written', (line) => {
    const { out, err } = run(line.split(' '));
    expect(`${out}${err}`).toMatch(/\\x1b|evil\.cs: a capture/);
    expect(obeyed(out)).toEqual([]);
    expect(obeyed(err)).toEqual([]);
  });
  test('sql: a shell restores a carriage return, in rows and in keys', () => {
    const db = new DatabaseSync(path('cr.db'));
    db.exec("CREATE TABLE t(k TEXT PRIMARY KEY, v); INSERT INTO t VALUES('a'||char(13,10)||'b', 1)");
    db.exec(`VACUUM INTO '${path('copy.db')}'`);
    const session = db.createSession();
    db.exec("UPDATE t SET v='x'||char(13,10)||char(0,27)||'''y'; INSERT INTO t VALUES('c'||char(13), 2)");
    writeFileSync(path('cr.cs'), session.changeset());
    const { out } = run(['sql', '--db', 'cr.db', 'cr.cs']);
    expect(out).not.toMatch(/\r/);
    execFileSync(process.execPath, [program, 'copy.db'], { cwd: folder, input: out });
    const copy = new DatabaseSync(path('copy.db'));
    const all = 'SELECT hex(k), hex(v) FROM t ORDER BY 1';
    expect(copy.prepare(all).all()).toEqual(db.prepare(all).all());
    copy.close();
    db.close();
  });
});

describe('outputs that capture refuses', () => {
  test.each([
    ['s.sql', 's.sql is an input; refusing to overwrite it'],
    ['a.db', 'a.db is a database; refusing to overwrite it'],
    ['a.db-wal', 'a.db-wal is a file of a.db; refusing to overwrite it'],
    ['link.sql', 'link.sql is an input; refusing to overwrite it'],
  ])('%s', (out, message) => {
    writeFileSync(path('s.sql'), 'INSERT INTO t VALUES(5, 6);');
    symlinkSync('s.sql', path('link.sql'));
    expect(run(['capture', '--db', 'a.db', '--script', 's.sql', '-o', out])).toEqual({
      code: 2,
      out: '',
      err: `sqlite-wasm-run changeset capture: ${message}\n`,
    });
    expect(readFileSync(path('s.sql'), 'utf8')).toBe('INSERT INTO t VALUES(5, 6);');
  });
  test('an existing output stays if the script fails before it commits', () => {
    writeFileSync(path('o'), 'kept');
    expect(run(['capture', '--db', 'a.db', '-o', 'o', '-'], 'nonsense;')).toMatchObject({
      code: 1,
      err: expect.stringContaining('; nothing was committed before the error, so nothing was written\n'),
    });
    expect(readFileSync(path('o'), 'utf8')).toBe('kept');
  });
});

describe('pipes that are no longer read', () => {
  test.each(['show big.cs', 'sql big.cs', 'show --json big.cs', 'concat big.cs'])(
    '%s ends quietly',
    (command) => {
      big();
      const script = `$RUN ${command} 2>err | head -c 1 | wc -c; echo "\${PIPESTATUS[0]}"; cat err`;
      expect(shell(script)).toBe('1\n141\n');
    },
  );
});

describe.skipIf(process.platform === 'win32')('signals', () => {
  async function started(
    args: string[],
  ): Promise<{ child: ChildProcess; ended: Promise<unknown>; said: () => string }> {
    const child = spawn(process.execPath, [program, 'changeset', ...args], { cwd: folder });
    let said = '';
    child.stderr?.on('data', (data) => {
      said += data;
    });
    return { child, ended: once(child, 'exit'), said: () => said };
  }

  /** Waits until some rows of the script are committed. The file's size shows this without a lock. */
  async function working(): Promise<void> {
    while (statSync(path('a.db')).size < 30_000) await sleep(20);
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'a capture that %s ends writes the committed changes, and exits with %i',
    async (signal, code) => {
      const inserts = Array.from(
        { length: 20_000 },
        (_, i) => `INSERT INTO t VALUES(${i + 10}, zeroblob(4000));\n`,
      );
      writeFileSync(path('s.sql'), inserts.join(''));
      const { child, ended, said } = await started([
        'capture',
        '--db',
        'a.db',
        '--script',
        's.sql',
        '-o',
        'o',
      ]);
      await working();
      child.kill(signal);
      await ended;
      expect(child.exitCode).toBe(code);
      expect(said()).toMatch(
        /s\.sql, line \d+: interrupted; the changes committed before the error were written: a changeset of /,
      );
      const db = new DatabaseSync(path('a.db'));
      const count = Number(db.prepare('SELECT count(*) AS n FROM t WHERE id >= 10').get()?.n);
      db.close();
      expect(run(['stat', '--json', 'o']).out).toContain(`"inserts": ${count},`);
      expect(count).toBeLessThan(20_000);
    },
  );
  test('a statement that never ends is interrupted, and its transaction rolled back', async () => {
    writeFileSync(
      path('s.sql'),
      `${Array.from({ length: 10 }, (_, i) => `INSERT INTO t VALUES(${i + 10}, zeroblob(4000));`).join('\n')}
      BEGIN; INSERT INTO t VALUES(99, 1);
      WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c) SELECT count(*) FROM c;`,
    );
    const { child, ended, said } = await started(['capture', '--db', 'a.db', '--script', 's.sql', '-o', 'o']);
    await working();
    await sleep(200);
    child.kill('SIGINT');
    await ended;
    expect(child.exitCode).toBe(130);
    expect(said()).toContain('s.sql, line 12: interrupted; ');
    expect(run(['stat', '--json', 'o']).out).toContain('"inserts": 10,');
  });
  test('others end at once and leave nothing behind', async () => {
    big(400_000);
    const { child, ended } = await started(['apply', '--db', 'a.db', '--policy', 'theirs', 'big.cs']);
    await sleep(700);
    child.kill('SIGINT');
    await ended;
    expect(child.signalCode).toBe('SIGINT');
    const db = new DatabaseSync(path('a.db'));
    expect(db.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 2 });
    db.exec('UPDATE t SET v = v'); // the next writer removes a journal that was just made and is not hot
    db.close();
    expect(readdirSync(folder).sort()).toEqual(['a.cs', 'a.db', 'big.cs', 'big.db']);
  });
});
