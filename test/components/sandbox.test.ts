/** Grants of components: nothing by default, and each grant within its limits. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { DatabaseSync, type Grants } from 'sqlite-wasm-run';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Functions } from '../../host/abi/generated/spi.js';
import { contract } from '../../host/interfaces/contract.js';
import { refusal, refusalOfText } from '../../host/kernel/confinement.js';
import { capMemory } from '../../host/loader/memory-cap.js';
import { sharedFolder } from '../kit/folder.js';
import { guest } from '../kit/guests.js';
import { checkGrants, connectionOf, ownersOf, prepare, spiInterface } from '../kit/internals.js';
import { program } from '../kit/program.js';

const folder = sharedFolder('sandbox');
let db: DatabaseSync;

afterEach(() => {
  if (db.isOpen) db.close();
  delete process.env.SQLITE_WASM_RUN_CALLS;
});

function open(name: string, grants: Grants = {}, path = ':memory:'): void {
  db = new DatabaseSync(path, { allowExtension: true, grants });
  db.loadExtension(guest(name));
}

function value(sql: string, ...parameters: unknown[]): unknown {
  return Object.values(db.prepare(sql).get(...parameters) ?? {})[0];
}

function failure(action: () => unknown): { message: string; errcode?: number } {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  return { message: 'nothing was thrown' };
}

describe('a component that requires more than its grants is not loaded', () => {
  test.each([
    [
      'sql',
      /sql\.wasm requires sqlite:extension\/spi@[\d.]+: allow it with --allow-sql, or grants\.sql in code$/,
    ],
    [
      'files',
      /files\.wasm requires wasi:filesystem\/types@0\.2\.\d+: allow it with --allow-fs DIR, or grants\.fs/,
    ],
    ['wants-fs', /wants-fs\.wasm requires wasi:filesystem\/types@0\.2\.6: allow it with --allow-fs DIR/],
  ])('%s', (name, message) => {
    expect(failure(() => open(name)).message).toMatch(message);
    expect(failure(() => value(`SELECT load_extension('${guest(name)}')`)).message).toMatch(message);
    expect(value('SELECT 1')).toBe(1);
  });

  test('grants of one load apply only to that load', () => {
    db = new DatabaseSync(':memory:', { allowExtension: true });
    db.loadExtension(guest('sql'), { grants: { sql: 'ro' } });
    expect(value("SELECT sql_query('SELECT 6 * 7')")).toBe(42);
    expect(failure(() => db.loadExtension(guest('sql'))).message).toContain('allow it with --allow-sql');
  });

  test.each([
    [{ sql: 'all' }, `The "grants.sql" argument must be 'ro' or 'rw'.`],
    [{ fs: '/tmp' }, 'The "grants.fs" argument must be an array of { path, readOnly }.'],
    [{ fs: [{ path: '/nowhere/at/all' }] }, '"grants.fs" names /nowhere/at/all, which is not a folder.'],
    [{ env: [1] }, 'The "grants.env" argument must be an array of names.'],
    [{ memory: 1 }, 'The "grants.memory" argument must be a number of bytes from 65536 to 4294967296.'],
    [
      { network: true },
      'unknown option "network"; choose one of sql, sessions, fs, env, net, replace, memory',
    ],
  ])('grants %j', (grants, message) => {
    expect(failure(() => new DatabaseSync(':memory:', { grants: grants as Grants })).message).toBe(message);
  });
});

describe('what is available without grants', () => {
  test('a component that prints is loaded, and its output is marked and not part of a result', () => {
    open('stdio');
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      expect(value("SELECT say('one' || char(10) || 'two' || char(27, 91) || 'x')")).toBe(1);
      const lines = written.mock.calls.map(([line]) => String(line));
      expect(lines).toEqual([`${guest('stdio')}: said: one\n`, `${guest('stdio')}: two\\x1b[x\n`]);
    } finally {
      written.mockRestore();
    }
  });
});

describe('files and variables', () => {
  let data: string;
  beforeAll(() => {
    data = join(folder, 'data');
    mkdirSync(data);
    writeFileSync(join(folder, 'secret'), 'secret');
    writeFileSync(join(data, 'x'), 'inside');
    symlinkSync('../secret', join(data, 'link'));
  });
  const read = (path: string): unknown => value('SELECT file_read(?)', path);

  test('a folder that may be read', () => {
    open('files', { fs: [{ path: data, readOnly: true }] });
    expect(read(`${data}/x`)).toBe('inside');
    expect(read(`${data}/../secret`)).toBe('Operation not permitted');
    expect(read(`${data}/link`)).toBe('Operation not permitted');
    expect(read(join(folder, 'secret'))).toBe('No such file or directory');
    expect(read('/etc/passwd')).toBe('No such file or directory');
    expect(value('SELECT file_write(?, ?)', `${data}/y`, 'no')).toBe('Read-only file system');
    expect(value('SELECT file_write(?, ?)', `${data}/x`, 'no')).toBe('Read-only file system');
    expect(value('SELECT file_delete(?)', `${data}/x`)).toBe('Read-only file system');
    expect(readFileSync(join(data, 'x'), 'utf8')).toBe('inside');
  });

  test('a folder that may be written', () => {
    open('files', { fs: [{ path: data }] });
    expect(value('SELECT file_write(?, ?)', `${data}/y`, 'new')).toBe('written');
    expect(readFileSync(join(data, 'y'), 'utf8')).toBe('new');
    expect(read(`${data}/y`)).toBe('new');
    expect(value('SELECT file_delete(?)', `${data}/y`)).toBe('deleted');
    expect(existsSync(join(data, 'y'))).toBe(false);
    expect(value('SELECT file_write(?, ?)', `${data}/../z`, 'no')).toBe('Operation not permitted');
  });

  test('two folders with different rights', () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    open('files', { fs: [{ path: data, readOnly: true }, { path: other }] });
    expect(value('SELECT file_write(?, ?)', `${other}/y`, 'yes')).toBe('written');
    expect(value('SELECT file_write(?, ?)', `${data}/y`, 'no')).toBe('Read-only file system');
  });

  test('granted variables are visible by name', () => {
    process.env.SANDBOX_SEEN = 'seen';
    process.env.SANDBOX_HIDDEN = 'hidden';
    open('files', { fs: [{ path: data }], env: ['SANDBOX_SEEN'] });
    expect(value("SELECT variable('SANDBOX_SEEN')")).toBe('seen');
    expect(value("SELECT variable('SANDBOX_HIDDEN')")).toBe('unset');
    expect(value("SELECT variable('HOME')")).toBe('unset');
    expect(value("SELECT variable('PWD')")).toBe('unset');
  });

  test('exit ends the component, not the process', () => {
    open('files', { fs: [{ path: data }] });
    expect(failure(() => value('SELECT leave(3)')).message).toBe(
      'leave: component files trapped: the component called exit',
    );
    expect(value('SELECT 1')).toBe(1);
  });
});

describe('memory', () => {
  test('a component gets memory up to its limit, and the connection stays usable', () => {
    open('stdio', { memory: 16 * 2 ** 20 });
    const got = Number(value('SELECT grow(100)'));
    expect(got).toBeGreaterThan(10);
    expect(got).toBeLessThan(16);
    expect(value('SELECT grow(5)')).toBe(5);
  });

  test.each(['direct', 'linked', 'wrapped'])(
    'a value that can never fit is refused before the call, calls %s, and the component stays usable',
    (calls) => {
      process.env.SQLITE_WASM_RUN_CALLS = calls;
      db = new DatabaseSync(':memory:', { allowExtension: true });
      db.loadExtension('hash');
      const refused = {
        message:
          'hash: 300000006 bytes do not fit in a component limited to 268435456 bytes of memory: ' +
          'allow more with --max-memory SIZE, or grants.memory in code',
        errcode: 18,
      };
      const digest = value("SELECT hex(hash('sha256', 'a'))");
      expect(failure(() => value("SELECT hash('sha256', zeroblob(300000000))"))).toMatchObject(refused);
      expect(failure(() => value("SELECT hash('sha256', cast(zeroblob(300000000) AS TEXT))"))).toMatchObject({
        errcode: 18,
      });
      for (let i = 0; i < 2; i++) expect(value("SELECT length(hash('crc32', zeroblob(200000000)))")).toBe(4);
      expect(value("SELECT hex(hash('sha256', 'a'))")).toBe(digest);
    },
  );

  test('a changeset that does not fit its component is an error, and is not taken', () => {
    db = new DatabaseSync(':memory:', { allowExtension: true, grants: { memory: 2 ** 23 } });
    db.loadExtension('session');
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    const h = value("SELECT session_create('main', 't')");
    db.exec('INSERT INTO t VALUES (1, zeroblob(9000000))');
    for (const call of ['session_changeset', 'session_take']) {
      expect(failure(() => value(`SELECT ${call}(?)`, h))).toMatchObject({
        message: expect.stringMatching(
          /^the changeset has 90\d+ bytes, but the component can hold at most 7340032 \(--max-memory/,
        ),
        errcode: 18,
      });
    }
    db.exec('UPDATE t SET b = zeroblob(1000)');
    expect(value('SELECT length(session_take(?)) > 1000', h)).toBe(1);
  });

  test('a component that requires more from the start is not loaded', () => {
    expect(failure(() => open('stdio', { memory: 65_536 })).message).toMatch(
      /cannot start .*stdio\.wasm: it requires 131072 bytes of memory, but the limit is 65536: allow more with --max-memory/,
    );
  });

  test('several memories and tables of one component share its limit', async () => {
    const wat = `(component
      (core module $a (memory (export "memory") 1) (table (export "table") 1 funcref))
      (core module $b (memory (export "memory") 1) (table (export "table") 1 100 funcref))
      (core instance (instantiate $a)) (core instance (instantiate $b)))`;
    const prepared = prepare(await parse(wat), 'two.wasm');
    const grows = (action: () => unknown): boolean => {
      try {
        action();
        return true;
      } catch {
        return false;
      }
    };
    const most = 64 * 65_536;
    const instances = ['glue.core.wasm', 'glue.core2.wasm'].map((name) => {
      const module = prepared.module(name, most);
      expect(prepared.hasMemory(module)).toBe(true);
      return new WebAssembly.Instance(module).exports as {
        memory: WebAssembly.Memory;
        table: WebAssembly.Table;
      };
    });
    let pages = 0;
    let entries = 0;
    for (const { memory, table } of instances) {
      expect(grows(() => memory.grow(32))).toBe(false);
      memory.grow(31);
      pages += memory.buffer.byteLength / 65_536;
      expect(grows(() => table.grow(most))).toBe(false);
      while (grows(() => table.grow(99)));
      entries += table.length;
    }
    expect(pages).toBe(64);
    expect(entries).toBeLessThanOrEqual(most / 64);
  });

  test('limits are rewritten, and malformed sections are refused', () => {
    const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const capped = (...section: number[]): number[] => [
      ...capMemory(Uint8Array.from([...header, ...section]), 2 * 65_536).subarray(8),
    ];
    expect(capped(5, 3, 1, 0, 1)).toEqual([5, 4, 1, 1, 1, 2]);
    expect(capped(5, 4, 1, 1, 1, 1)).toEqual([5, 4, 1, 1, 1, 1]);
    expect(capped(5, 5, 1, 1, 1, 0x80, 0x02)).toEqual([5, 4, 1, 1, 1, 2]);
    expect(capped(5, 5, 2, 0, 0, 0, 1, 0, 1, 0)).toEqual([5, 7, 2, 1, 0, 2, 1, 1, 2, 0, 1, 0]);
    expect(capped(0, 1, 0)).toEqual([0, 1, 0]);
    // A table has at most one entry for each 64 bytes of memory, but always some thousands.
    expect(capped(4, 4, 1, 0x70, 0, 1)).toEqual([4, 6, 1, 0x70, 1, 1, 0x80, 0x20]);
    expect(capped(4, 5, 1, 0x6f, 1, 1, 7)).toEqual([4, 5, 1, 0x6f, 1, 1, 7]);
    expect(() => capped(4, 6, 1, 0x70, 0, 0x80, 0x80, 0x04)).toThrow(
      'it requires a table with 65536 entries, but the limit is 4096',
    );
    expect(() => capped(4, 4, 1, 0x64, 0, 1)).toThrow('a table of an unknown kind (100, 0)');
    expect(() => capped(4, 5, 1, 0x70, 0, 1, 0)).toThrow('its table section has the wrong length');
    expect(() => capped(5, 3, 1, 0, 3)).toThrow('it requires 196608 bytes of memory');
    expect(() => capped(5, 3, 1, 0)).toThrow('truncated');
    expect(() => capped(5, 4, 1, 0, 1, 0)).toThrow('has the wrong length');
    expect(() => capped(5, 3, 1, 9, 1)).toThrow('unknown kind');
    expect(() => capped(5, 8, 1, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0)).toThrow('longer than 32 bits');
  });
});

describe.each(['direct', 'linked', 'wrapped'])('SQL of components, calls %s', (calls) => {
  const run = (sql: string, ...parameters: unknown[]): unknown =>
    value(`SELECT sql_query(?${', ?'.repeat(parameters.length)})`, sql, ...parameters);

  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    open('sql', { sql: 'rw' });
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'x'), (2, NULL)");
  });

  test('values of every type are passed and returned', () => {
    for (const one of ['hé\u{1F600}', '', 2.5, null, 9007199254740993n, -1n]) {
      expect(value('SELECT sql_query(?1, ?2) IS ?2', 'SELECT ?1', one)).toBe(1);
    }
    expect(run('SELECT hex(?1)', Uint8Array.of(0, 255))).toBe('00FF');
    expect(value('SELECT typeof(sql_query(?))', "SELECT x''")).toBe('blob');
    expect(value('SELECT typeof(sql_query(?))', "SELECT ''")).toBe('text');
    expect(value("SELECT length(sql_query('SELECT zeroblob(3000000)'))")).toBe(3_000_000);
  });

  test('columns, rows, changes and rowids are returned', () => {
    expect(value(`SELECT sql_columns('SELECT a, b AS "x y" FROM t WHERE 0')`)).toBe('a,x y');
    expect(value("SELECT sql_count('SELECT * FROM t, t AS u')")).toBe(4);
    expect(value("SELECT sql_changes('UPDATE t SET b = 1')")).toBe(2);
    expect(value("SELECT sql_changes('SELECT * FROM t')")).toBe(0);
    expect(value("SELECT sql_changes('CREATE TABLE u(a)')")).toBe(0);
    expect(value("SELECT sql_last('INSERT INTO t VALUES (77, 1)')")).toBe(77);
    expect(value("SELECT sql_run('INSERT INTO t VALUES (78, 1); INSERT INTO t VALUES (79, 1) -- end')")).toBe(
      1,
    );
    expect(value('SELECT max(a) FROM t')).toBe(79);
  });

  test('columns follow the schema', () => {
    expect(value("SELECT sql_columns('SELECT * FROM t')")).toBe('a,b');
    db.exec('ALTER TABLE t ADD COLUMN c');
    expect(value("SELECT sql_columns('SELECT * FROM t')")).toBe('a,b,c');
  });

  test.each([
    ['', 21, /the SQL contains no statement$/],
    [' -- nothing', 21, /the SQL contains no statement$/],
    ['SELECT 1; SELECT 2', 21, /the SQL contains more than one statement$/],
    ['SELECT ?', 21, /the statement has 1 parameters, but 0 were given$/],
    ['SELECT nosuch', 1, /^no such column: nosuch$/],
    ["INSERT INTO t VALUES (1, 'again')", 1555, /^UNIQUE constraint failed: t\.a$/],
    ['SELECT 1 +', 1, /^incomplete input$/],
  ])('%j fails with code %i', (sql, code, message) => {
    const error = failure(() => run(sql));
    expect(error.message).toMatch(message);
    expect(error.errcode).toBe(code);
    expect(run('SELECT 1; ')).toBe(1);
  });

  test('more than a million rows are too many', () => {
    const sql =
      'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x <= 1000000) SELECT x FROM c';
    expect(failure(() => value('SELECT sql_count(?)', sql)).message).toMatch(/more than 1000000 rows/);
    expect(run('SELECT 1')).toBe(1);
  });

  test('a component that calls itself through SQL', () => {
    expect(value('SELECT sql_nest(16)')).toBe(16);
    const error = failure(() => value('SELECT sql_nest(17)'));
    expect(error.message).toBe('too many nested calls of components through SQL: the limit is 16');
    expect(value('SELECT sql_nest(3)')).toBe(3);
  });

  test('many statements, of which some are kept', () => {
    for (let i = 0; i < 200; i++) expect(run(`SELECT ${i % 50} + ?1`, 1)).toBe((i % 50) + 1);
  });

  test('an exception of a user’s function is an SQL error for the component', () => {
    db.function('bad', () => {
      throw new TypeError('as asked');
    });
    expect(failure(() => run('SELECT bad()')).message).toBe('as asked');
    expect(run('SELECT 1')).toBe(1);
  });

  test.each([
    ["ATTACH 'other.db' AS other", 'ATTACH and VACUUM are not available to components'],
    ['PRAGMA journal_mode = DELETE', 'a component may read PRAGMA journal_mode but not set it'],
    ['PRAGMA writable_schema = ON', 'PRAGMA writable_schema is not available to components'],
    ['SELECT * FROM pragma_database_list', 'PRAGMA database_list is not available to components'],
    ['PRAGMA temp_store_directory = "/"', 'PRAGMA temp_store_directory is not available to components'],
    [
      "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT '/*', edit/**/('x'), '*/'; END",
      'edit() may not become part of the schema',
    ],
  ])('%s is refused', (sql, why) => {
    const error = failure(() => run(sql));
    expect(error.message).toBe(`not authorized: ${why}`);
    expect(error.errcode).toBe(23);
    expect(run('PRAGMA user_version')).toBe(0);
  });

  test('functions that SQL of a component calls are confined too; the user’s own SQL is not', () => {
    db.function('attach', () => {
      db.exec("ATTACH ':memory:' AS other");
      return 1;
    });
    expect(failure(() => run('SELECT attach()')).message).toContain('not authorized');
    expect(value('SELECT attach()')).toBe(1);
    db.exec('DETACH other');
  });

  test('nothing is written while writable_schema is on', () => {
    db.enableDefensive(false);
    db.exec('PRAGMA writable_schema = ON');
    expect(failure(() => run("UPDATE sqlite_schema SET sql = 'x'")).message).toMatch(/writable_schema is on/);
  });

  test('kept statements do not keep the connection from closing', () => {
    const file = join(folder, `close-${calls}.db`);
    db.close();
    open('sql', { sql: 'rw' }, file);
    expect(run('CREATE TABLE t(a)')).toBe(null);
    expect(run('INSERT INTO t VALUES (?1)', 1)).toBe(null);
    db.close();
    db = new DatabaseSync(file);
    db.exec('PRAGMA locking_mode = EXCLUSIVE; INSERT INTO t VALUES (2)'); // nothing else has the file open
    expect(value('SELECT count(*) FROM t')).toBe(2);
  });

  test('no SQL runs when SQLite does not allow it, such as in a collation', async () => {
    const { execute, run: runAll }: Functions = spiInterface({
      name: 'test',
      owner: ownersOf(connectionOf(db)).user,
      grants: checkGrants({ sql: 'rw', memory: 2 ** 20 }),
    });
    for (const action of [() => execute('SELECT 1', []), () => runAll('SELECT 1')]) {
      const error = failure(() => connectionOf(db).within('a collation', action)) as { payload?: unknown };
      expect(error.payload).toEqual({
        code: 21,
        extendedCode: 21,
        message: 'spi cannot be used while a collation runs: SQLite does not allow SQL there',
      });
      expect(action()).not.toBeNull();
    }
  });

  describe('if only reading is granted', () => {
    beforeEach(() => {
      db.loadExtension(guest('sql'), { grants: { sql: 'ro' } });
    });

    test('it reads', () => {
      expect(run('SELECT count(*) FROM t')).toBe(2);
      expect(
        run('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 5) SELECT sum(x) FROM c'),
      ).toBe(15);
      expect(run('EXPLAIN SELECT 1')).toBe(0);
    });

    test('it reads the changes of a session, if that is granted', () => {
      db.loadExtension(guest('sql'), { grants: { sql: 'ro', sessions: true } });
      db.loadExtension('session');
      db.exec(
        "CREATE TEMP TABLE s AS SELECT session_create('main') AS h; SELECT session_attach(h, NULL) FROM s",
      );
      db.exec('INSERT INTO t VALUES (3, NULL)');
      expect(run('SELECT length(session_changeset(h)) > 0 FROM s')).toBe(1);
    });

    test.each([
      "INSERT INTO t VALUES (5, 'x')",
      'DELETE FROM t',
      'CREATE TEMP TABLE u(a)',
      'DROP TABLE t',
      'BEGIN',
      'SAVEPOINT s',
      'PRAGMA user_version = 3',
      'ANALYZE',
    ])('%s is refused', (sql) => {
      const error = failure(() => run(sql));
      expect(error.message).toMatch(/^not authorized: this component may only read/);
      expect(error.errcode).toBe(23);
      expect(value('SELECT count(*) FROM t')).toBe(2);
    });
  });
});

test('what is refused, by action code', () => {
  const why = (action: number, first: string | null, second: string | null, readOnly = false) =>
    refusal(action, first, second, readOnly);
  for (const name of ['load_extension', 'ReadFile', 'writefile', 'edit', 'sha3_query']) {
    expect(why(31, null, name)).toMatch(/reaches beyond the database/);
  }
  expect(why(31, null, 'abs')).toBeUndefined();
  expect(why(20, 'fsdir', '')).toMatch(/reaches beyond/);
  expect(why(24, null, null)).toMatch(/ATTACH/);
  expect(why(25, 'x', null)).toMatch(/DETACH/);
  expect(why(23, 'sqlite_dbpage', 'data')).toMatch(/writes the file past the database/);
  expect(why(23, 't', 'a')).toBeUndefined();
  expect(why(23, 't', 'a', true)).toBe('this component may only read');
  expect(why(19, 'foreign_keys', null, true)).toBeUndefined();
  expect(why(19, 'foreign_keys', 'off')).toMatch(/may read PRAGMA foreign_keys but not set it/);
  expect(why(19, 'wal_checkpoint', null)).toMatch(/is not available to components/);
});

test('functions that may not become part of the schema, in every spelling', () => {
  for (const call of [
    'edit(1)',
    'EDIT (1)',
    '"edit"(1)',
    '[edit](1)',
    '`edit`(1)',
    'edit/* */(1)',
    'edit--\n(1)',
  ]) {
    expect(refusalOfText(`CREATE VIEW v AS SELECT ${call}`)).toMatch(/^edit\(\)/);
    expect(refusalOfText(`CREATE VIEW v AS SELECT '/*', "--", ${call}, '*/'`)).toMatch(/^edit\(\)/);
  }
  expect(refusalOfText('CREATE TABLE t(edit TEXT, credits INT)')).toBeUndefined();
  expect(refusalOfText('CREATE TABLE t(a CHECK (credit(a)))')).toBeUndefined();
  expect(refusalOfText('SELECT 1')).toBeUndefined();
});

describe('on the command line', () => {
  const shell = (args: string[], input: string): { stdout: string; stderr: string; status: number | null } =>
    spawnSync(process.execPath, [program, ...args], {
      input,
      encoding: 'utf8',
      cwd: folder,
    });

  test('nothing is granted by default', () => {
    const { stdout, stderr } = shell([':memory:'], `.load ${guest('sql')}\nSELECT 1;\n`);
    expect(stderr).toContain(`requires sqlite:extension/spi@${contract.version}: allow it with --allow-sql`);
    expect(stderr).not.toContain('error during initialization');
    expect(stdout).toBe('1\n');
  });

  test.each([
    [['--allow-sql'], "SELECT sql_changes('CREATE TABLE t AS SELECT 1');", '0\n', ''],
    [['--allow-sql=ro'], "SELECT sql_query('SELECT 5');", '5\n', ''],
    [['--allow-sql=ro'], "SELECT sql_query('CREATE TABLE t(a)');", '', 'this component may only read'],
    [['--allow-sql'], "SELECT sql_query('SELECT readfile(''x'')');", '', 'readfile() reaches beyond'],
    [['--allow-sql'], "SELECT sql_query('SELECT * FROM fsdir(''.'')');", '', 'fsdir reaches beyond'],
  ])('%j and %s', (args, sql, output, complaint) => {
    const { stdout, stderr } = shell([...args, ':memory:'], `.load ${guest('sql')}\n${sql}\n`);
    expect(stdout).toBe(output);
    expect(stderr).toContain(complaint);
    if (complaint === '') expect(stderr).toBe('');
  });

  test('kept statements do not keep the shell from closing', () => {
    const { stdout, stderr } = shell(
      ['--allow-sql', 'closing.db'],
      `.load ${guest('sql')}\nSELECT sql_query('SELECT 5');\n.open other.db\nSELECT 6;\n`,
    );
    expect(stdout).toBe('5\n6\n');
    expect(stderr).toBe('');
  });

  test('folders, variables and memory', () => {
    const data = join(folder, 'shared');
    mkdirSync(data);
    writeFileSync(join(data, 'x'), 'inside');
    const { stdout, stderr } = shell(
      ['--allow-fs', 'shared:ro', '--allow-env=HOME', '--max-memory', '8M', ':memory:'],
      `.load ${guest('files')}
SELECT file_read('shared/x'), file_write('shared/y', 'no'), variable('HOME') = '${process.env.HOME}', variable('PATH');
.load ${guest('stdio')}
SELECT grow(20) < 8;
`,
    );
    expect(stderr).toBe('');
    expect(stdout).toBe('inside|Read-only file system|1|unset\n1\n');
  });

  test.each([
    [['--allow-sql=wo'], '--allow-sql takes ro, or no value, not "wo"'],
    [['--allow-fs', 'nowhere'], '--allow-fs takes a folder that exists, with or without :ro, not "nowhere"'],
    [['--allow-net=yes'], '--allow-net takes no value, not "yes"'],
    [['--max-memory', '1'], '--max-memory takes a size of 64K to 4G, not "1"'],
    [['--max-memory', 'lots'], '--max-memory takes a size of 64K to 4G, not "lots"'],
    [['--timeout', '0'], '--timeout takes seconds above 0, such as 0.5, not "0"'],
    [['--allow-env'], '--allow-env needs a value'],
  ])('%j', (args, message) => {
    const { status, stderr } = shell(args, 'SELECT 1;');
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });
});
