/**
 * The daemon's journal: acknowledged changes are in the output, or the daemon reports the missing ones and removes
 * nothing.
 */

import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Changeset, DatabaseSync, decodeCapture } from 'sqlite-wasm-run';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { folder, lines, start, startIn } from '../kit/daemon-client.js';

/** The files of a daemon with --ddl that was killed after five INSERTs, and the database after each INSERT. */
let killed: string;
const states = ['1', '2', '3', '4', '5'];
const marker = '_sqlite_wasm_run_daemon';

beforeAll(async () => {
  killed = mkdtempSync(join(tmpdir(), 'killed-'));
  const { child, ended } = await startIn(killed, '--ddl');
  const { ask, socket } = await lines(killed);
  await ask('CREATE TABLE t(a INTEGER PRIMARY KEY, b);');
  for (const n of states) {
    await ask(`INSERT INTO t VALUES(${n}, 'row ${n}');`);
    copyFileSync(join(killed, 'a.db'), join(killed, `${n}.db`));
    copyFileSync(join(killed, 'o.cs.journal'), join(killed, `${n}.journal`));
  }
  child.kill('SIGKILL');
  await ended;
  socket.destroy();
}, 60_000);
afterAll(() => rmSync(killed, { recursive: true, force: true }));
beforeEach(() => {
  copyFileSync(join(killed, 'o.cs.journal'), join(folder, 'o.cs.journal'));
  putBack('5');
});

/** Restores the database as it was after a row, in this folder. */
function putBack(state: string): void {
  copyFileSync(join(killed, `${state}.db`), path('a.db'));
  native(`UPDATE ${marker} SET path='${path('o.cs.journal')}'`);
}

const path = (name: string): string => join(folder, name);
const bytesOf = (name: string): Buffer => readFileSync(path(name));

/** The content of the output: SQL, or the keys of the inserted rows. */
const captured = (name = 'o.cs'): unknown[] =>
  decodeCapture(new Uint8Array(bytesOf(name))).flatMap((entry): (string | number)[] =>
    entry.kind === 'ddl'
      ? [entry.sql.replace(/\(.*/, '')]
      : [...new Changeset(entry.bytes)].map((change) => Number(change.new[0])).sort(),
  );
const all = ['CREATE TABLE t', 1, 2, 3, 4, 5];

/** Starts a daemon that ends at once. Returns its exit code and output. */
async function startAndStop(...more: string[]): Promise<{ code: number | null; said: string }> {
  const { child, said, ended } = await start(...more);
  child.kill('SIGTERM');
  await ended;
  return { code: child.exitCode, said: said() };
}

/** Checks that a start is refused with a message and changes no file. */
async function refused(message: string | RegExp, ...more: string[]): Promise<void> {
  const files = (): (readonly [string, Buffer])[] =>
    readdirSync(folder)
      .filter((name) => name !== 's')
      .map((name) => [name, bytesOf(name)]);
  const before = files();
  const { code, said } = await startAndStop(...more);
  expect(said).toMatch(message);
  expect(code).toBe(1);
  const after = files();
  expect(after.map(([name]) => name)).toEqual(before.map(([name]) => name));
  expect(after.every(([, bytes], i) => bytes.equals(before[i]?.[1] ?? Buffer.alloc(0)))).toBe(true);
}

function native(sql: string, name = 'a.db'): void {
  const db = new DatabaseSync(path(name));
  db.exec(sql);
  db.close();
}

describe('a start with other options', () => {
  test('the same files: everything is in the output, once', async () => {
    expect(await startAndStop('--ddl')).toEqual({
      code: 0,
      said: expect.stringContaining('6 transactions captured: t +5 ~0 -0, schema !1'),
    });
    expect(captured()).toEqual(all);
    expect(readdirSync(folder).sort()).toEqual(['a.db', 'o.cs']);
  });
  test('another database is refused; the right one then has all changes', async () => {
    native('CREATE TABLE t(a INTEGER PRIMARY KEY, b)', 'other.db');
    await refused('other.db does not know o.cs.journal, which contains 6 transactions', '--db', 'other.db');
    await startAndStop();
    expect(captured()).toEqual(all);
  });
  test('a missing database is refused, and not created', async () => {
    await refused('none.db does not exist, but o.cs.journal contains 6 transactions', '--db', 'none.db');
  });
  test('without --ddl, the statements of the journal begun with it are in the output', async () => {
    const { code, said } = await startAndStop();
    expect(code).toBe(0);
    expect(said).toContain('o.cs was begun with --ddl, which stays in effect');
    expect(captured()).toEqual(all);
  });
  test('another --output is refused until the first one is written', async () => {
    await refused(
      /^sqlite-wasm-run changeset daemon: .*o\.cs\.journal contains 6 transactions of a\.db that are not in an output yet: start with --output .*o\.cs first$/m,
      '--output',
      'p.cs',
    );
    await startAndStop();
    expect(captured()).toEqual(all);
    expect((await startAndStop('--output', 'p.cs')).code).toBe(0);
  });
  test('other tables, and rowids: what the journal holds stays', async () => {
    const { code, said } = await startAndStop('--table', 'u', '--rowid');
    expect(code).toBe(0);
    expect(said).toContain(
      'o.cs was begun with neither --table nor --rowid; it continues with --table u --rowid',
    );
    expect(captured()).toEqual(all);
  });
  test('--patchset is refused', async () => {
    const before = bytesOf('o.cs.journal');
    const { code, said } = await startAndStop('--patchset');
    expect([code, said]).toEqual([
      2,
      expect.stringContaining('o.cs contains changesets: start without --patchset'),
    ]);
    expect(bytesOf('o.cs.journal').equals(before)).toBe(true);
  });
});

describe('the table in which the database keeps what is captured', () => {
  test.each([
    `DELETE FROM ${marker}`,
    `UPDATE ${marker} SET number=0`,
    `INSERT INTO main.${marker} VALUES('x', 1, '', '')`,
    `DROP TABLE ${marker}`,
    `ALTER TABLE ${marker} RENAME TO x`,
    `CREATE INDEX i ON ${marker}(number)`,
    `CREATE TRIGGER tr AFTER UPDATE ON ${marker} BEGIN DELETE FROM t; END`,
    `CREATE TEMP TRIGGER tr AFTER UPDATE ON ${marker} BEGIN DELETE FROM t; END`,
  ])('a client cannot change it: %s', async (sql) => {
    const { child, ended } = await start();
    const { ask } = await lines();
    expect(await ask(`${sql};`)).toBe(
      `-- error 23: ${marker} is the daemon's own table, which tracks captured changes: it cannot be changed\n`,
    );
    expect(await ask('INSERT INTO t VALUES(6,6);')).toMatch(/^-- ok/);
    child.kill('SIGKILL');
    await ended;
    await startAndStop();
    expect(captured()).toEqual([...all, 6]);
  });
  test('a trigger cannot change it', async () => {
    const { child, ended } = await start();
    const { ask } = await lines();
    await ask(`CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM ${marker}; END;`);
    expect(await ask('INSERT INTO t VALUES(6,6);')).toContain(
      `-- error 23: ${marker} is the daemon's own table`,
    );
    await ask('DROP TRIGGER tr;');
    expect(await ask('INSERT INTO t VALUES(6,6);')).toMatch(/^-- ok/);
    child.kill('SIGKILL');
    await ended;
    await startAndStop();
    expect(captured()).toEqual([...all, expect.stringMatching('TRIGGER'), 'DROP TRIGGER tr', 6]);
  });
  test('a temporary table of its name does not replace it', async () => {
    const { child, ended } = await start();
    const { ask } = await lines();
    await ask(`CREATE TEMP TABLE ${marker}(journal, number, digest, path);`);
    expect(await ask('INSERT INTO t VALUES(6,6);')).toBe('-- ok, 0 rows, 1 changes\n');
    child.kill('SIGKILL');
    await ended;
    await startAndStop();
    expect(captured()).toEqual([...all, 6]);
  });
  test('another program that empties it: nothing more is acknowledged', async () => {
    const { child, ended } = await start();
    const { ask } = await lines();
    expect(await ask('INSERT INTO t VALUES(6,6);')).toMatch(/^-- ok/);
    native(`DELETE FROM ${marker}`);
    expect(await ask('INSERT INTO t VALUES(7,7);')).toBe(
      `-- error 21: another program changed ${marker}, in which a.db tracks captured changes: end the daemon, and start it again\n`,
    );
    child.kill('SIGKILL');
    await ended;
    await refused('a.db does not know o.cs.journal, which contains 7 transactions');
    expect((await startAndStop('--accept-loss')).code).toBe(0);
    expect(captured()).toEqual([...all, 6]);
  });
  test('dropped while no daemon runs', async () => {
    native(`DROP TABLE ${marker}`);
    await refused('a.db does not know o.cs.journal, which contains 6 transactions. Nothing was changed');
    const { code, said } = await startAndStop('--accept-loss');
    expect(code).toBe(0);
    expect(said).toContain('6 transactions are kept; the old journal is kept as o.cs.journal.damaged');
    expect(captured()).toEqual(all);
    expect(bytesOf('o.cs.journal.damaged').equals(readFileSync(join(killed, 'o.cs.journal')))).toBe(true);
  });
  test('of an earlier version is not touched', async () => {
    native(`DROP TABLE ${marker}; CREATE TABLE ${marker}(journal TEXT PRIMARY KEY, number INTEGER NOT NULL)`);
    rmSync(path('o.cs.journal'));
    await refused(
      `a.db has a table ${marker} of another version: start and end the version of the program that made it`,
    );
  });
});

describe('a damaged journal', () => {
  const size = (): number => bytesOf('o.cs.journal').length;
  const records = (): number[] => {
    const found: number[] = [];
    const bytes = bytesOf('o.cs.journal');
    for (let at = bytes.indexOf('TRAN'); at >= 0; at = bytes.indexOf('TRAN', at + 1)) found.push(at);
    return found;
  };
  const flip = (at: number): void => {
    const bytes = bytesOf('o.cs.journal');
    bytes[at] = (bytes[at] ?? 0) ^ 4;
    writeFileSync(path('o.cs.journal'), bytes);
  };

  test.each([
    ['in the first line', () => 20, 0],
    ['in the head of a record', () => (records()[2] ?? 0) + 1, 5],
    ['in the number of a record', () => (records()[1] ?? 0) + 15, 5],
    ['in a change', () => (records()[3] ?? 0) + 40, 5],
    ['in the last change', () => (records()[5] ?? 0) + 40, 5],
  ])(
    'a flipped bit %s is counted; readable transactions are kept if the loss is accepted',
    async (_, at, readable) => {
      flip(at());
      const count = readable === 0 ? 6 : readable;
      await refused(
        new RegExp(
          `o\\.cs\\.journal is damaged.*: of 6 transactions committed in a\\.db, ${count} can be read\\. Nothing was changed`,
        ),
      );
      const { code, said } = await startAndStop('--accept-loss');
      expect(code).toBe(0);
      expect(said).toContain(`${count} transactions are kept`);
      expect(captured()).toHaveLength(count);
      expect(existsSync(path('o.cs.journal.damaged'))).toBe(true);
      expect((await startAndStop()).code).toBe(0);
    },
  );
  test('a flipped bit in a mark loses nothing', async () => {
    flip(size() - 1);
    expect((await startAndStop()).code).toBe(0);
    expect(captured()).toEqual(all);
  });
  test.each([
    ['a byte', 1, 5],
    ['a record and more', 100, 4],
  ])('a truncated end is counted: %s', async (_, bytes, readable) => {
    truncateSync(path('o.cs.journal'), size() - bytes);
    await refused(`of 6 transactions committed in a.db, ${readable} can be read`);
    expect((await startAndStop('--accept-loss')).code).toBe(0);
    expect(captured()).toEqual(all.slice(0, readable));
  });
  test.each([
    ['empty', () => truncateSync(path('o.cs.journal'), 0), 'was cut'],
    ['cut in its first line', () => truncateSync(path('o.cs.journal'), 50), 'was cut'],
    ['deleted', () => rmSync(path('o.cs.journal')), 'is missing'],
    ['replaced', () => writeFileSync(path('o.cs.journal'), ''), 'was cut'],
  ])('%s', async (_, damage, is) => {
    damage();
    await refused(`o.cs.journal ${is}: it held 6 transactions committed in a.db. Nothing was changed`);
    await refused('it held 6 transactions', '--ddl');
    const { code, said } = await startAndStop('--accept-loss');
    expect(code).toBe(0);
    expect(said).toContain('it held 6 transactions committed in a.db: 0 transactions are kept');
    expect((await startAndStop()).code).toBe(0);
  });
});

describe('a database that was restored', () => {
  test.each([
    ['one transaction', '4', 5],
    ['three transactions', '2', 3],
  ])('by %s: refused; if accepted, acknowledged changes are in the output', async (_, state, known) => {
    putBack(state);
    await refused(
      `o.cs.journal contains 6 transactions, but a.db has ${known} of them: it is an earlier state`,
    );
    expect((await startAndStop('--accept-loss')).code).toBe(0);
    expect(captured()).toEqual(all);
  });
  test('and then changed differently', async () => {
    const of = async (state: string, value: string): Promise<void> => {
      putBack(state);
      copyFileSync(join(killed, `${state}.journal`), path('o.cs.journal'));
      const { child, ended } = await start();
      const { ask } = await lines();
      await ask(`INSERT INTO t VALUES(9, '${value}');`);
      child.kill('SIGKILL');
      await ended;
    };
    await of('3', 'one');
    copyFileSync(path('o.cs.journal'), path('kept'));
    await of('3', 'other');
    copyFileSync(path('kept'), path('o.cs.journal'));
    await refused('o.cs.journal and a.db do not have the same 5 transactions');
  });
  test('with its journal: both continue', async () => {
    putBack('3');
    copyFileSync(join(killed, '3.journal'), path('o.cs.journal'));
    expect((await startAndStop()).code).toBe(0);
    expect(captured()).toEqual(all.slice(0, 4));
  });
});

describe('an output', () => {
  test('that another program changed while the daemon ran is not overwritten', async () => {
    const { child, said, ended } = await start();
    writeFileSync(path('o.cs'), '');
    child.kill('SIGTERM');
    await ended;
    expect(child.exitCode).toBe(1);
    expect(said()).toContain(
      'o.cs was changed by another program: restore it; captured changes stay in o.cs.journal',
    );
    await refused('o.cs.journal does not belong to o.cs as it is now');
    rmSync(path('o.cs'));
    await startAndStop();
    expect(captured()).toEqual(all);
  });
  test("a user's own files next to it stay", async () => {
    const names = ['o.cs.new', '.o.cs.new', 'o.cs.tmp', 'o.cs.journal.old', 'o.cs.journal.damaged'];
    for (const name of names) writeFileSync(path(name), `mine: ${name}`);
    truncateSync(path('o.cs.journal'), bytesOf('o.cs.journal').length - 1);
    expect((await startAndStop('--accept-loss')).code).toBe(0);
    for (const name of names) expect(readFileSync(path(name), 'utf8')).toBe(`mine: ${name}`);
    expect(existsSync(path('o.cs.journal.damaged.2'))).toBe(true);
  });
});
