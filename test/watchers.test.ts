/** Collations, authorizers and hooks of components; what a trap in them costs. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { dist } from '../scripts/sources.js';

const guest = (name: string): string => fileURLToPath(new URL(`guests/${name}.wasm`, import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'watchers-'));
  process.env.SQLITE_WASM_RUN_CACHE = join(folder, 'cache');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['direct', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true, grants: { sql: 'ro' } });
  });
  afterEach(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    if (db.isOpen) db.close();
  });
  const column = (sql: string): unknown[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => Object.values(row)[0]);
  const failure = (sql: string): string => {
    try {
      db.exec(sql);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was thrown';
  };

  describe('a collation', () => {
    beforeEach(() => db.loadExtension(guest('collates')));
    test('orders rows and indexes', () => {
      db.exec(
        "CREATE TABLE t(a TEXT COLLATE backwards); CREATE INDEX i ON t(a); INSERT INTO t VALUES('a'),('ü'),('b'),('')",
      );
      expect(column('SELECT a FROM t ORDER BY a')).toEqual(['ü', 'b', 'a', '']);
      expect(column("SELECT a FROM t WHERE a > 'b' COLLATE backwards")).toEqual(['a', '']);
      expect(column('PRAGMA integrity_check')).toEqual(['ok']);
    });
    test('cannot use session from within', () => {
      db.exec("CREATE TABLE t(a TEXT COLLATE calls); INSERT INTO t VALUES('b'),('a')");
      expect(column('SELECT a FROM t ORDER BY a')).toEqual(['a', 'b']);
    });
    test('that traps lets nothing commit until the transaction is rolled back, and the file stays sound', () => {
      db.exec('CREATE TABLE t(a TEXT COLLATE traps); CREATE INDEX i ON t(a)');
      db.exec("INSERT INTO t VALUES('a'),('b'),('c')");
      db.exec('BEGIN');
      expect(failure("INSERT INTO t VALUES('d'),('x'),('e')")).toMatch(
        /^traps: component collating trapped: .*unreachable/,
      );
      if (db.isTransaction) {
        expect(failure('COMMIT')).toMatch(/^traps: component collating trapped: /);
        if (db.isTransaction) db.exec('ROLLBACK');
      }
      expect(column('SELECT count(*) FROM t')).toEqual([3]);
      expect(failure("INSERT INTO t VALUES('x')")).not.toBe('nothing was thrown');
      db.exec('CREATE TABLE u(a); INSERT INTO u VALUES(1)');
      db.loadExtension(guest('collates'));
      expect(column('PRAGMA integrity_check')).toEqual(['ok']);
      expect(column('SELECT a FROM t ORDER BY a')).toEqual(['a', 'b', 'c']);
    });
  });

  describe('an authorizer', () => {
    beforeEach(() => {
      db.exec('CREATE TABLE t(a, secret); INSERT INTO t VALUES(1, 2); CREATE TABLE trap(a)');
      db.loadExtension(guest('authorizes'));
    });
    test('denies and ignores', () => {
      expect(failure('DROP TABLE t')).toBe('not authorized');
      expect(db.prepare('SELECT * FROM t').get()).toEqual({ a: 1, secret: null });
    });
    test('that traps denies from then on', () => {
      expect(failure('SELECT a FROM trap')).toMatch(/access to trap.a is prohibited|not authorized/);
      expect(failure('SELECT 1')).toBe('not authorized');
    });
  });

  describe('hooks', () => {
    let said: string[];
    beforeEach(() => {
      db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY); CREATE TABLE forbidden(a); CREATE TABLE trap(a)');
      db.loadExtension(guest('hooks'));
      said = [];
      vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
        said.push(
          String(text)
            .replace(/^.*: info: /, '')
            .trim(),
        );
        return true;
      });
    });
    afterEach(() => vi.restoreAllMocks());
    test('are told of rows, commits and rollbacks', () => {
      db.exec('INSERT INTO t VALUES(3); BEGIN; UPDATE t SET a=4; DELETE FROM t WHERE a=4; ROLLBACK');
      expect(said).toEqual(['insert main.t 3', 'commit', 'update main.t 4', 'delete main.t 4', 'rollback']);
    });
    test('refuse a commit', () => {
      expect(failure('INSERT INTO forbidden VALUES(1)')).toBe('constraint failed');
      expect(column('SELECT count(*) FROM forbidden')).toEqual([0]);
      db.exec('INSERT INTO t VALUES(1)');
      expect(column('SELECT a FROM t')).toEqual([1]);
    });
    test('that trap let nothing commit until a rollback', () => {
      expect(failure('INSERT INTO trap VALUES(1)')).not.toBe('nothing was thrown');
      if (db.isTransaction) db.exec('ROLLBACK');
      expect(column('SELECT count(*) FROM trap')).toEqual([0]);
      db.exec('INSERT INTO t VALUES(1)');
      expect(column('PRAGMA integrity_check')).toEqual(['ok']);
    });
    test('of the log leave automatic checkpoints on', () => {
      const path = join(folder, `wal-${calls}.db`);
      const own = new DatabaseSync(path, { allowExtension: true, grants: { sql: 'ro' } });
      own.exec('PRAGMA journal_mode=WAL; CREATE TABLE t(a)');
      own.loadExtension(guest('hooks'));
      own.exec(
        'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<3000) INSERT INTO t SELECT zeroblob(3000) FROM c',
      );
      expect(said).toContain('wal');
      const row = own.prepare('PRAGMA wal_checkpoint').get() as { log: number; checkpointed: number };
      expect(row.checkpointed).toBe(row.log);
      own.close();
    });
  });
});

test("the shell's own authorizer lives beside a component's", () => {
  const script = `CREATE TABLE t(a, secret);\n.load ${guest('authorizes')}\n.auth on\nSELECT a FROM t;\nDROP TABLE t;\n`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(dist, 'cli/main.js'), '--allow-sql=ro', ':memory:'],
    {
      input: script,
      encoding: 'utf8',
    },
  );
  expect(stdout).toContain('authorizer: READ "t" "a" "main" NULL');
  expect(stderr).toContain('not authorized');
});
