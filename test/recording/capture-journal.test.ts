/**
 * Changes that `changeset capture` committed survive a kill and a full disk: they are in a journal, and the next output
 * begins with them.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as api from 'sqlite-wasm-run';
import { Changeset, DatabaseSync } from 'sqlite-wasm-run';
import { beforeEach, describe, expect, test } from 'vitest';
import { root } from '../../scripts/sources.js';
import { captureBroken, countOfCapture, scripts } from '../../scripts/torture-capture.js';
import type { Faults } from '../../scripts/torture-journal.js';
import { testFolder } from '../kit/folder.js';
import { program } from '../kit/program.js';

let folder: string;
const path = (name: string): string => join(folder, name);
const preload = ['--import', join(root, 'test/kit/file-faults.mjs')];

beforeEach(() => {
  folder = testFolder('capture');
  const db = new DatabaseSync(path('a.db'));
  db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
  db.close();
});

interface Result {
  code: number | null;
  out: Buffer;
  err: string;
}

function run(args: string[], input = '', faults?: Faults): Result {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...(faults ? preload : []), program, 'changeset', ...args],
    {
      cwd: folder,
      input,
      env: { ...process.env, FILE_FAULTS: JSON.stringify({ under: folder, ...faults }) },
    },
  );
  return { code: status, out: stdout, err: stderr.toString() };
}

const capture = (sql: string, faults?: Faults, ...more: string[]): Result =>
  run(['capture', '--db', 'a.db', '-', '-o', 'o', ...more], sql, faults);

const inserts = (count: number, from = 1): string =>
  Array.from({ length: count }, (_, i) => `INSERT INTO t VALUES(${from + i}, 'row ${from + i}');\n`).join('');

/** The keys of the rows that a changeset inserts, and of the rows in the database. */
const keysIn = (bytes: Uint8Array): number[] =>
  [...new Changeset(new Uint8Array(bytes))].map((change) => Number(change.new[0])).sort((a, b) => a - b);
const keysOf = (name: string): number[] => keysIn(readFileSync(path(name)));
function rows(): number[] {
  const db = new DatabaseSync(path('a.db'));
  const found = db.prepare('SELECT a FROM t ORDER BY a').all();
  db.close();
  return found.map(({ a }) => Number(a));
}

/** The number of the file operation `name`. */
function placeOf(sql: string, name: RegExp, ...more: string[]): number {
  copyFileSync(path('a.db'), path('first'));
  capture(sql, { log: path('log') }, ...more);
  const found = readFileSync(path('log'), 'utf8')
    .split('\n')
    .findIndex((line) => name.test(line));
  copyFileSync(path('first'), path('a.db'));
  for (const left of ['first', 'log', 'o', 'a.db-journal']) rmSync(path(left), { force: true });
  expect(found).toBeGreaterThan(0);
  return found + 1;
}

describe('a full disk', () => {
  test('in mid-script: committed changes are written, and the others are rolled back and reported', () => {
    const found = capture(inserts(50), { room: 20_000 });
    expect(found.code).toBe(1);
    expect(found.err).toMatch(
      /standard input, line \d+: .*(?:database or disk is full|no space left on device).*; the changes committed/,
    );
    const there = rows();
    expect(there.length).toBeGreaterThan(0);
    expect(there.length).toBeLessThan(50);
    if (!existsSync(path('o'))) expect(capture('').code).toBe(0);
    expect(keysOf('o')).toEqual(there);
  });
  test('a journal that cannot grow rolls the transaction back and reports it', () => {
    const at = placeOf(inserts(3), /write .*o\.journal/);
    const found = capture(inserts(3), { fail: at, code: 'ENOSPC', torn: true });
    expect(found).toMatchObject({
      code: 1,
      err: 'sqlite-wasm-run changeset capture: standard input, line 1: transaction rolled back, because it cannot be captured: cannot write o.journal: no space left on device; nothing was committed before the error, so nothing was written\n',
    });
    expect(rows()).toEqual([]);
  });
  test('an output that cannot be written: the journal is kept, and the next run writes it', () => {
    const failed = capture(inserts(3), { fail: placeOf(inserts(3), /rename .*\/\.o\./), code: 'ENOSPC' });
    expect(failed.code).toBe(1);
    expect(failed.err).toContain(
      'cannot write o: no space left on device; committed changes are kept in o.journal: ',
    );
    expect(readdirSync(folder).sort()).toEqual(['a.db', 'o.journal']);
    expect(capture('').code).toBe(0);
    expect(keysOf('o')).toEqual([1, 2, 3]);
    rmSync(path('o'));
  });
  test('a full device: the next run to standard output writes it', () => {
    const kept = run(['capture', '--db', 'a.db', '-', '-o', '/dev/full'], inserts(3, 4));
    expect(kept.code).toBe(1);
    expect(kept.err).toBe(
      'sqlite-wasm-run changeset capture: cannot write /dev/full: no space left on device; committed changes are kept in a.db.capture-journal: run the command again with the same --db and --output, and with an empty script if no SQL is left to run\n',
    );
    const again = run(['capture', '--db', 'a.db', '-'], inserts(1, 7));
    expect(again.err).toBe('3 transactions of a killed capture come first in standard output\n');
    expect(keysIn(again.out)).toEqual([4, 5, 6, 7]);
    expect(readdirSync(folder).sort()).toEqual(['a.db']);
  });
});

describe('SIGKILL', () => {
  test('in mid-script: the next run has the committed changes and continues', async () => {
    const child = spawn(process.execPath, [program, 'changeset', 'capture', '--db', 'a.db', '-', '-o', 'o'], {
      cwd: folder,
    });
    child.stdin.write(inserts(20_000));
    child.stdin.end();
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (existsSync(path('o.journal')) && readFileSync(path('o.journal')).length > 5000) break;
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    const there = rows();
    expect(there.length).toBeGreaterThan(0);
    expect(there.length).toBeLessThan(20_000);
    const found = capture(inserts(1, 30_000));
    expect(found.code).toBe(0);
    expect(found.err).toBe(
      `${there.length} transaction${there.length === 1 ? '' : 's'} of a killed capture come first in o\n`,
    );
    expect(keysOf('o')).toEqual([...there, 30_000]);
    expect(readdirSync(folder).sort()).toEqual(['a.db', 'o']);
  });
  test.each([...scripts.keys()])(
    'between file operations: the changes in the database are in the output, once (%i)',
    (index) => {
      const operations = countOfCapture(index);
      const wrong: unknown[] = [];
      for (const [i, part] of [0.08, 0.2, 0.33, 0.46, 0.6, 0.74, 0.88].entries()) {
        const faults: Faults = { kill: 1 + Math.floor(operations * part), torn: i % 2 === 1 };
        const is = captureBroken(api, index, faults, i === 3 ? { kill: 8 } : undefined);
        if (is !== undefined) wrong.push([faults, is]);
      }
      expect(wrong).toEqual([]);
    },
  );
  test.each([
    ['the COMMIT', /unlinkSync .*a\.db-journal/, 0, []],
    ['the COMMIT of a patchset', /unlinkSync .*a\.db-journal/, 0, ['--patchset']],
    ['the mark', /unlinkSync .*a\.db-journal/, 1, []],
    ['the mark of a patchset', /unlinkSync .*a\.db-journal/, 1, ['--patchset']],
  ] as const)(
    'before %s: the database shows whether the transaction was committed',
    (_, name, behind, more) => {
      const setup = 'INSERT INTO t VALUES(1, 1)';
      capture(setup);
      rmSync(path('o'));
      const sql = 'UPDATE t SET b=2';
      const kill = placeOf(sql, name, ...more) + behind;
      expect(capture(sql, { kill }, ...more).code).toBe(null);
      const db = new DatabaseSync(path('a.db'));
      const isCommitted = db.prepare('SELECT b FROM t').get()?.b === 2;
      db.close();
      expect(isCommitted).toBe(behind === 1);
      expect(capture('', undefined, ...more).code).toBe(0);
      expect([...new Changeset(new Uint8Array(readFileSync(path('o'))))]).toHaveLength(isCommitted ? 1 : 0);
    },
  );
});

describe('what a killed capture left', () => {
  test('stays a separate changeset, with a message, if another program changed the schema since', () => {
    const kill = placeOf(inserts(3), /rename .*\/\.o\./, '--ddl');
    expect(capture(inserts(3), { kill }, '--ddl').code).toBe(null);
    const db = new DatabaseSync(path('a.db'));
    db.exec('ALTER TABLE t ADD COLUMN z');
    db.close();
    const found = capture('UPDATE t SET z=6 WHERE a=1', undefined, '--ddl');
    expect(found).toMatchObject({
      code: 0,
      err: expect.stringContaining(
        'warning: the schema of a.db differs from the schema at the end of o.journal (t), because another program changed it; that change is not captured',
      ),
    });
    const entries = api.decodeCapture(new Uint8Array(readFileSync(path('o'))));
    const changesets = entries.flatMap((entry) => (entry.kind === 'changeset' ? [entry.bytes] : []));
    expect(
      changesets.map((bytes) => [...new Changeset(bytes)].map(({ op, key }) => `${op} of ${key.length}`)),
    ).toEqual([['insert of 2', 'insert of 2', 'insert of 2'], ['update of 3']]);
  });
  const leave = (): void => {
    const kill = placeOf(inserts(3), /rename .*\/\.o\./);
    expect(capture(inserts(3), { kill }).code).toBe(null);
    expect(rows()).toEqual([1, 2, 3]);
  };
  /** Checks that a run is refused and changes nothing. */
  const refused = (message: string, ...args: string[]): void => {
    const before = readFileSync(path('o.journal'));
    const found = run(['capture', '--db', 'a.db', '-', '-o', 'o', ...args], inserts(1, 9));
    expect(found.err).toContain(message);
    expect(found.code).not.toBe(0);
    expect(readFileSync(path('o.journal')).equals(before)).toBe(true);
    expect(rows()).not.toContain(9);
  };
  test('of another database, damaged, or of another kind is refused; --accept-loss continues', () => {
    leave();
    const db = new DatabaseSync(path('b.db'));
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    db.close();
    refused(`of ${path('a.db')} from a killed capture. Nothing was changed`, '--db', 'b.db');
    refused('contains changesets: run the command without --patchset first', '--patchset');
    const bytes = readFileSync(path('o.journal'));
    const at = bytes.indexOf('TRAN') + 45;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path('o.journal'), bytes);
    refused('o.journal, the journal of a killed capture, is damaged: ');
    const found = run(['capture', '--db', 'a.db', '-', '-o', 'o', '--accept-loss'], inserts(1, 9));
    expect(found.code).toBe(0);
    expect(found.err).toContain('the old journal is kept as o.journal.damaged');
    expect(keysOf('o')).toEqual([2, 3, 9]);
    expect(existsSync(path('o.journal'))).toBe(false);
  });
  test('changed by another program since: refused', () => {
    capture('INSERT INTO t VALUES(1, 1)');
    rmSync(path('o'));
    const kill = placeOf('UPDATE t SET b=2', /unlinkSync .*a\.db-journal/) + 1;
    capture('UPDATE t SET b=2', { kill });
    const db = new DatabaseSync(path('a.db'));
    db.exec('UPDATE t SET b=3');
    db.close();
    refused(
      'another program changed a.db: its state is neither the one after the last of 1 transaction in o.journal, nor the one before',
    );
  });
  test('is not continued by the daemon, nor the daemon’s by capture', () => {
    leave();
    const daemon = run(['daemon', '--db', 'a.db', '--socket', 's', '-o', 'o']);
    expect(daemon).toMatchObject({
      code: 1,
      err: 'sqlite-wasm-run changeset daemon: o.journal is the journal of "changeset capture" that was killed: run that command again with the same files first\n',
    });
  });
  test('truncated after its last complete record, which was not committed', () => {
    leave();
    const there = rows();
    const size = readFileSync(path('o.journal')).length;
    writeFileSync(path('o.journal'), Buffer.concat([readFileSync(path('o.journal')), Buffer.from('TRAN')]));
    expect(capture('').code).toBe(0);
    expect(keysOf('o')).toEqual(there);
    truncateSync(path('o'), 0);
    expect(size).toBeGreaterThan(0);
  });
});

describe('different scripts', () => {
  test('a transaction begun by a savepoint, and the changes of INSERT OR FAIL before it failed', () => {
    const script = `SAVEPOINT "A b"; INSERT INTO t VALUES(1, 1); SAVEPOINT b; INSERT INTO t VALUES(2, 2);
      ROLLBACK TO b; RELEASE "a B"; SAVEPOINT c; INSERT INTO t VALUES(3, 3); ROLLBACK;
      INSERT OR FAIL INTO t VALUES(4, 4), (1, 1), (5, 5);`;
    expect(capture(script).code).toBe(1);
    expect(rows()).toEqual([1, 4]);
    expect(keysOf('o')).toEqual([1, 4]);
  });
  test('a new database gets the encoding and page size of the script, and no other table', () => {
    const script =
      'PRAGMA encoding="UTF-16"; PRAGMA page_size=8192; CREATE TABLE x(a INTEGER PRIMARY KEY); INSERT INTO x VALUES(1)';
    expect(run(['capture', '--db', 'new.db', '-', '-o', 'o', '--ddl'], script).code).toBe(0);
    const db = new DatabaseSync(path('new.db'));
    expect(db.prepare('PRAGMA encoding').get()).toEqual({ encoding: 'UTF-16le' });
    expect(db.prepare('PRAGMA page_size').get()).toEqual({ page_size: 8192 });
    expect(db.prepare('SELECT group_concat(name) AS names FROM sqlite_schema').get()).toEqual({ names: 'x' });
    expect(db.prepare('PRAGMA schema_version').get()).toEqual({ schema_version: 1 });
    db.close();
  });
  test('a database in memory needs no journal', () => {
    expect(
      run(
        ['capture', '--db', ':memory:', '-', '-o', 'o'],
        'CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES(7)',
      ),
    ).toMatchObject({ code: 0 });
    expect(keysOf('o')).toEqual([7]);
    expect(readdirSync(folder).sort()).toEqual(['a.db', 'o']);
  });
  test('changes of an attached database are not captured, with a warning', () => {
    expect(
      capture(
        "ATTACH 'b.db' AS b; CREATE TABLE b.t(a); INSERT INTO b.t VALUES(1); INSERT INTO t VALUES(1, 1)",
      ),
    ).toMatchObject({
      code: 0,
      err: expect.stringContaining(
        'warning: b.t is in an attached database, so its changes are not captured\n',
      ),
    });
    expect(keysOf('o')).toEqual([1]);
  });
  test('a warning for a key whose spelling a transaction changed', () => {
    capture("CREATE TABLE n(a TEXT COLLATE NOCASE PRIMARY KEY, b); INSERT INTO n VALUES('ab', 1)");
    expect(capture("UPDATE n SET a='AB'; INSERT INTO t VALUES(1, 1)").err).toContain(
      'warning: n: a key was changed to one that its collation treats as equal',
    );
  });
});
