/** For every world of the contract, a component loads and calls `session` from each of its functions. */

import { join } from 'node:path';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sharedFolder } from '../kit/folder.js';
import { guest } from '../kit/guests.js';

const folder = sharedFolder('worlds');

/** The results of a component that uses a session, runs `SELECT 6 * 7` and makes a changeset. */
const served = ['session: 0 bytes', 'spi: 42', 'changeset: held'];
const refused = (where: string): string[] =>
  ['session', 'spi', 'changeset'].map(
    (name) => `${name}: 21 ${name} cannot be used while ${where} runs: SQLite does not allow SQL there`,
  );

describe.each(['direct', 'linked', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  let file = 0;
  let said: string[];
  const open = (name: string): void => {
    file += 1;
    const path = join(folder, `${calls}-${file}.db`);
    db = new DatabaseSync(path, { allowExtension: true, grants: { sql: 'rw' } });
    db.exec('PRAGMA journal_mode = WAL; CREATE TABLE tries(a INTEGER PRIMARY KEY, b TEXT)');
    db.loadExtension(name === 'session' ? name : guest(name));
  };
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
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
  afterEach(() => {
    vi.restoreAllMocks();
    delete process.env.SQLITE_WASM_RUN_CALLS;
    if (db.isOpen) db.close();
  });
  const column = (sql: string): unknown[] => {
    using statement = db.prepare(sql);
    return statement.all().map((row) => Object.values(row)[0]);
  };
  const outcome = (sql: string): unknown => {
    try {
      return column(sql)[0];
    } catch (error) {
      return (error as Error).message;
    }
  };
  /** The messages logged in a function, without duplicates. */
  const logged = (place: string): string[] => [
    ...new Set(
      said.filter((line) => line.startsWith(`${place}: `)).map((line) => line.slice(place.length + 2)),
    ),
  ];

  test('minimal', () => {
    open('sql');
    expect([0, 1, 2].map((n) => column(`SELECT tried(${n})`)[0])).toEqual(served);
  });

  test('stateful', () => {
    open('aggregates');
    expect(column('SELECT recorded(column1) FROM (VALUES (1), (2))')).toEqual([0]);
  });

  test('collating', () => {
    open('collates');
    expect(column("SELECT column1 FROM (VALUES ('b'), ('a')) ORDER BY 1 COLLATE calls")).toEqual(['a', 'b']);
    expect(logged('compare')).toEqual(refused('a collation'));
  });

  test('authorizing', () => {
    open('authorizes');
    expect(column('SELECT a FROM tries')).toEqual([]);
    expect(logged('authorize')).toEqual(refused('an authorizer'));
  });

  test('hooked', () => {
    open('hooks');
    db.exec("INSERT INTO tries VALUES (1, 'x'); BEGIN; DELETE FROM tries; ROLLBACK");
    for (const place of ['on-update', 'on-commit', 'on-rollback', 'on-wal']) {
      expect(logged(place), place).toEqual(refused('a hook'));
    }
    expect(column('SELECT b FROM tries')).toEqual(['x']);
  });

  test('tabular', () => {
    open('tables');
    expect(column("SELECT came FROM tried WHERE +place = 'filter'")).toEqual(served);
    expect(column("SELECT came FROM tried WHERE +place = 'best-index'")).toEqual(refused('best-index'));
  });

  test('tabular-writable', () => {
    open('tables-writable');
    db.exec('CREATE VIRTUAL TABLE t USING store(tries); INSERT INTO t(a) VALUES (1)');
    expect(column("SELECT call FROM tried WHERE place = 'insert'")).toEqual(served);
    expect(column("SELECT call FROM tried WHERE place = 'commit'")).toEqual(refused('commit'));
  });

  const scalar = ['call'];
  const aggregate = ['step', 'inverse', 'value', 'finalize'];
  const table = ['connect', 'open', 'filter', 'fetch', 'close'];
  const writable = ['insert', 'savepoint', 'release', 'rollback-to', 'rename', 'integrity', 'destroy'];
  const watching = {
    authorize: 'an authorizer',
    compare: 'a collation',
    'on-update': 'a hook',
    'on-commit': 'a hook',
    'on-rollback': 'a hook',
    'on-wal': 'a hook',
  };
  const ends = { begin: 'begin', commit: 'commit', rollback: 'rollback' };
  const never = { 'best-index': 'best-index', disconnect: 'disconnect' };

  test.each<[string, string[], Record<string, string>]>([
    ['functions-and-tables', [...scalar, ...table, ...writable], { ...never, ...ends }],
    ['analytic', [...scalar, ...aggregate, ...table], { 'best-index': 'best-index' }],
    ['full', [...scalar, ...aggregate, ...table, ...writable], { ...never, ...ends, ...watching }],
  ])('%s', (name, free, watched) => {
    open(name);
    column("SELECT tried('on', 0)");
    // Every function is used once.
    const numbers =
      'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100) SELECT x FROM n';
    expect(column(`SELECT count(*) FROM answers('${numbers}')`)).toEqual([100]);
    if (name !== 'functions-and-tables') {
      const over = 'OVER (ORDER BY x ROWS 1 PRECEDING)';
      expect(column(`SELECT total_of('SELECT ' || x) ${over} FROM (${numbers}) LIMIT 3`)).toEqual([1, 3, 5]);
    }
    if (name !== 'analytic') {
      db.exec(
        "CREATE VIRTUAL TABLE r USING runs; INSERT INTO r VALUES ('INSERT INTO tries VALUES (5, NULL)')",
      );
      db.exec("BEGIN; INSERT INTO r VALUES ('SELECT 1'); SAVEPOINT x; ROLLBACK TO x; RELEASE x; ROLLBACK");
      db.exec('PRAGMA integrity_check; ALTER TABLE r RENAME TO s; SELECT count(*) FROM s; DROP TABLE s');
      expect(column('SELECT a FROM tries')).toEqual([5]);
    }
    if (name === 'full') {
      db.exec("INSERT INTO tries VALUES (7, 'p'), (8, 'q'); BEGIN; DELETE FROM tries; ROLLBACK");
      expect(column('SELECT b FROM tries ORDER BY b COLLATE backwards')).toEqual([null, 'q', 'p']);
      db.exec('CREATE TABLE open_to_all(a)');
      expect(outcome('CREATE TABLE forbidden(a)')).toBe('not authorized');
    }
    db.exec('VACUUM');
    column("SELECT count(*) FROM answers('SELECT 1')");
    const came = (place: string): unknown[] =>
      [0, 1, 2].map((n) => outcome(`SELECT tried('${place}', ${n})`));
    for (const place of free) expect(came(place), place).toEqual(served);
    for (const [place, what] of Object.entries(watched)) expect(came(place), place).toEqual(refused(what));
    if (name !== 'analytic') {
      const syncing = 'session: 21 session cannot be used while sync runs: SQLite is ending the transaction';
      expect(came('sync')).toEqual([syncing, ...served.slice(1)]);
    }
    expect(column('PRAGMA integrity_check')).toEqual(['ok']);
  });

  test('functions-and-tables: the included session.wasm', () => {
    open('session');
    db.exec("CREATE VIRTUAL TABLE temp.s USING session(main, tries); INSERT INTO tries VALUES (1, 'x')");
    const [h] = column('SELECT handle FROM s');
    expect(column(`SELECT session_changeset(${h}) = (SELECT changeset FROM s)`)).toEqual([1]);
    expect(column('SELECT tables FROM sessions')).toEqual(['tries']);
    db.exec('DROP TABLE s');
    expect(column('SELECT count(*) FROM sessions')).toEqual([0]);
  });
});
