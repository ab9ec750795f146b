/**
 * Tables of components, world `tabular`: modules, plans, scans and errors, and queries that are compared with a table
 * of SQLite.
 */

import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { guest as guestPath } from '../kit/guests.js';
import { queries, sampleRow } from '../kit/sample-queries.js';

const guest = guestPath('tables');

describe.each(['direct', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true, grants: { sql: 'ro' } });
    db.loadExtension(guest);
  });
  afterEach(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    if (db.isOpen) db.close();
  });
  const rows = (sql: string): unknown[][] => {
    using statement = db.prepare(sql);
    return statement.all().map((row) => Object.values(row));
  };
  const column = (sql: string): unknown[] => rows(sql).map(([first]) => first);
  const failure = (sql: string): object => {
    try {
      rows(sql);
    } catch (error) {
      const { errcode, message } = error as { errcode?: number; message: string };
      return { errcode, message };
    }
    throw new Error('nothing was thrown');
  };
  /** The number of connected tables, open scans and created tables. */
  const state = (): unknown => rows('SELECT * FROM state')[0];

  describe('modules', () => {
    test('that are eponymous are tables of their name, and functions', () => {
      expect(rows('SELECT rowid, * FROM sample(3)')).toEqual(
        [1, 2, 3].map((id) => [10 * id, ...sampleRow(id)]),
      );
      expect(rows('SELECT count(*), min(n), max(n) FROM sample')).toEqual([[100, 100, 100]]);
      expect(column('SELECT count(*) FROM sample WHERE n = 7')).toEqual([7]);
      expect(column('SELECT count(*) FROM sample(2) AS a, sample(3) AS b')).toEqual([6]);
    });
    test('are created with arguments only if they are creatable', () => {
      db.exec('CREATE VIRTUAL TABLE g USING grid(rows=4)');
      expect(column('SELECT id FROM g')).toEqual([1, 2, 3, 4]);
      expect(failure('SELECT * FROM grid')).toEqual({ errcode: 1, message: 'no such table: grid' });
      expect(failure('CREATE VIRTUAL TABLE a USING asks')).toEqual({
        errcode: 1,
        message: 'no such module: asks',
      });
    });
    test('that are eponymous and creatable are connected, never created', () => {
      db.exec('CREATE VIRTUAL TABLE s USING sample(rows=4)');
      expect(column('SELECT count(*) FROM s')).toEqual([4]);
      expect(state()).toEqual([1, 0, 0]);
      db.exec('CREATE VIRTUAL TABLE temp.g USING grid()');
      expect(state()).toEqual([2, 0, 1]);
      db.exec('DROP TABLE g; DROP TABLE s');
      expect(state()).toEqual([0, 0, 1]);
    });
    test('can be used in views if their flags allow it', () => {
      for (const name of ['direct', 'harmless', 'asks']) {
        db.exec(`CREATE VIEW ${name}_view AS SELECT a FROM ${name}`);
        expect(column(`SELECT a FROM ${name}`)).toEqual(['x']);
      }
      const unsafe = (name: string): object => ({
        errcode: 1,
        message: `unsafe use of virtual table "${name}"`,
      });
      expect(failure('SELECT * FROM direct_view')).toEqual(unsafe('direct'));
      expect(column('SELECT * FROM asks_view')).toEqual(['x']);
      db.exec('PRAGMA trusted_schema = OFF');
      expect(column('SELECT * FROM harmless_view')).toEqual(['x']);
      expect(failure('SELECT * FROM asks_view')).toEqual(unsafe('asks'));
    });
    test('of this world are read-only', () => {
      for (const sql of ['DELETE FROM sample', 'INSERT INTO sample(id) VALUES (1)']) {
        expect(failure(sql)).toEqual({ errcode: 1, message: 'table sample may not be modified' });
      }
    });
  });

  // What best-index is asked ("column:operator", "!" if it cannot be used), and the arguments of filter.
  test.each([
    ["asks WHERE a > 5 AND b <= 'x'", "2:4=5,3:8=the text 'x' order  distinct 0 used 15", "5,the text 'x'"],
    ['asks WHERE a < 1 AND a >= 2', '2:16=1,2:32=2 order  distinct 0 used 7', '1,2'],
    [
      "asks WHERE a IS 3 AND b <> x''",
      '2:72=3,3:68=a blob of 0 bytes order  distinct 0 used 15',
      /^3,a blob/,
    ],
    ['asks WHERE a IS NOT NULL AND b IS NULL', '3:71,2:70 order  distinct 0 used 15', 'NULL,NULL'],
    ["asks WHERE b MATCH 'w'", "3:64=the text 'w' order  distinct 0 used 11", "the text 'w'"],
    ["asks WHERE b GLOB '*y'", "3:66=the text '*y' order  distinct 0 used 11", "the text '*y'"],
    ["asks WHERE b LIKE '%Y'", "3:65=the text '%Y' order  distinct 0 used 11", "the text '%Y'"],
    ['asks WHERE rowid = 7 AND a = abs(-3)', '-1:2=7,2:2 order  distinct 0 used 7', '7,3'],
    ['asks WHERE a > ?1', '2:4 order  distinct 0 used 7', 'NULL'],
    ['asks(1.5, 2)', '5:2=the real number 1.5,6:2=2 order  distinct 0 used 99', 'the real number 1.5,2'],
    ['asks WHERE p IN (3, 1, 2)', '5:2in order  distinct 0 used 35', '[1,2,3]'],
    [
      "asks WHERE p IN (SELECT 'x' UNION SELECT NULL)",
      '5:2in order  distinct 0 used 35',
      "[NULL,the text 'x']",
    ],
    ['asks WHERE q IN (4)', '6:2=4 order  distinct 0 used 67', '4'],
    ['asks ORDER BY a, b DESC', ' order 2,3- distinct 0 used 15', ''],
    ['asks ORDER BY rowid', ' order -1 distinct 0 used 3', ''],
    ['asks ORDER BY abs(a)', ' order  distinct 0 used 7', ''],
    ['asks ORDER BY a NULLS LAST', ' order  distinct 0 used 7', ''],
    ['asks GROUP BY a', ' order 2 distinct 1 used 7', ''],
    ['asks LIMIT 5 OFFSET 0', '0:74=0,0:73=5 order  distinct 0 used 3', '0,5'],
    // Column c is declared NOCASE. SQLite itself checks comparisons with another collation.
    ["asks WHERE c = 'Z'", "4:2=the text 'Z' order  distinct 0 used 19", "the text 'Z'"],
    ["asks WHERE c = 'z' COLLATE BINARY", '4:2! order  distinct 0 used 19', ''],
    ["asks WHERE b = 'Y' COLLATE NOCASE", '3:2! order  distinct 0 used 11', ''],
    ["asks WHERE p = 'Y' COLLATE NOCASE", '5:2 order  distinct 0 used 35', "the text 'Y'"],
    ['asks ORDER BY b COLLATE NOCASE', ' order  distinct 0 used 11', ''],
    ['asks ORDER BY c COLLATE NOCASE', ' order 4 distinct 0 used 19', ''],
  ])('best-index receives %s', (from, question, args) => {
    const [[asked, given] = [], ...more] = rows(`SELECT question, arguments FROM ${from}`);
    expect(asked).toBe(question);
    if (args instanceof RegExp) expect(given).toMatch(args);
    else expect(given).toBe(args);
    expect(more).toEqual([]);
  });

  test('best-index receives DISTINCT and the used columns', () => {
    expect(column('SELECT DISTINCT question FROM asks')).toEqual([' order 0 distinct 2 used 1']);
    expect(column('SELECT DISTINCT question FROM asks ORDER BY 1')).toEqual([' order 0 distinct 3 used 1']);
  });

  test('values of IN are passed one by one, or all at once', () => {
    expect(column("SELECT arguments FROM asks WHERE p IN (3, 'x', 2.5) AND q IN (7, 8)")).toEqual([
      "[the real number 2.5,3,the text 'x'],7",
      "[the real number 2.5,3,the text 'x'],8",
    ]);
    const list = Array.from({ length: 5000 }, (_, i) => i + 1);
    db.exec('CREATE VIRTUAL TABLE v USING sample(rows=3000, all)');
    expect(column(`SELECT count(*) FROM v WHERE id IN (${list.join()})`)).toEqual([3000]);
  });

  test('arguments come from the other tables of a join', () => {
    expect(
      rows(
        'SELECT x, arguments FROM (SELECT 1 AS x UNION ALL SELECT 2) AS u CROSS JOIN asks WHERE p = u.x ORDER BY x',
      ),
    ).toEqual([
      [1, '1'],
      [2, '2'],
    ]);
    expect(column('SELECT count(*) FROM sample(5) AS a, sample(a.id) AS b')).toEqual([15]);
    expect(column('SELECT count(*) FROM sample(b.id) AS a, sample(5) AS b')).toEqual([15]);
  });

  describe('rows', () => {
    test.each(['', 'batch=1', 'batch=7, late', 'batch=16, late', 'late'])('in batches: %j', (how) => {
      for (const count of [0, 1, 15, 16, 17, 48, 49, 2000]) {
        db.exec(`CREATE VIRTUAL TABLE v USING sample(rows=${count}, ${how})`);
        expect(rows('SELECT count(*), sum(id), sum(rowid) FROM v'), `${count}`).toEqual([
          [count, count ? (count * (count + 1)) / 2 : null, count ? 5 * count * (count + 1) : null],
        ]);
        expect(column('SELECT id FROM v')).toEqual(Array.from({ length: count }, (_, i) => i + 1));
        db.exec('DROP TABLE v');
      }
    });
    test('of any length', () => {
      expect(rows('SELECT i, length(text), length(blob) FROM big(2, 0)')).toEqual([
        [1, 0, 0],
        [2, 0, 0],
      ]);
      expect(rows('SELECT count(*), sum(length(text)), max(length(blob)) FROM big(100, 100000)')).toEqual([
        [100, 10_000_000, 100_000],
      ]);
      expect(
        rows("SELECT i, text = replace(hex(zeroblob(3000000)), '00', 'b') FROM big(2, 3000000)"),
      ).toEqual([
        [1, 0],
        [2, 1],
      ]);
      const [[text, blob] = []] = rows('SELECT text, blob FROM big(3, 1000) ORDER BY i DESC LIMIT 1');
      expect(text).toBe('c'.repeat(1000));
      expect(blob).toEqual(new Uint8Array(1000).fill(2));
    });
    test('of a scan that ends early', () => {
      using statement = db.prepare('SELECT a.id FROM sample(1000) AS a, sample(1000) AS b');
      let seen = 0;
      for (const _ of statement.iterate()) if (++seen === 1500) break;
      expect(state()).toEqual([1, 0, 0]);
      const iterator = statement.iterate();
      iterator.next();
      expect(state()).toEqual([1, 2, 0]);
      iterator.return?.();
      expect(state()).toEqual([1, 0, 0]);
      expect(column('SELECT count(*) FROM sample(40) AS a, sample(40) AS b LIMIT 1')).toEqual([1600]);
    });
    test('of several scans at once', () => {
      const all = Array.from({ length: 60 }, (_, i) => i + 1);
      using statement = db.prepare('SELECT id FROM sample(60)');
      using other = db.prepare('SELECT id FROM sample(60)');
      const [one, two] = [statement.iterate(), other.iterate()];
      const met: unknown[][] = [];
      for (let a = one.next(), b = two.next(); !a.done && !b.done; a = one.next(), b = two.next()) {
        met.push([a.value.id, b.value.id]);
      }
      expect(met).toEqual(all.map((id) => [id, id]));
      expect(
        column('SELECT a.id FROM sample(60) a JOIN sample(60) b USING (id) JOIN sample(60) c USING (id)'),
      ).toEqual(all);
    });
  });

  describe('errors', () => {
    const failed = (where: string, errcode: number): object => ({
      errcode,
      message: `${where} failed as asked`,
    });
    // 7 is SQLITE_NOMEM, 19 SQLITE_CONSTRAINT: from best-index they have another meaning for SQLite.
    test.each([1, 7, 19, 1299])('of every function end the statement with code %i', (code) => {
      expect(failure(`CREATE VIRTUAL TABLE f USING fails(connect, code=${code})`)).toMatchObject({
        errcode: code,
        ...(code !== 7 && failed('connect', code)),
      });
      for (const where of ['best-index', 'open', 'filter', 'fetch']) {
        db.exec(`CREATE VIRTUAL TABLE f USING fails(${where}, code=${code})`);
        expect(failure('SELECT count(*) FROM f')).toEqual(failed(where, code));
        expect(failure('SELECT count(*) FROM sample, f')).toEqual(failed(where, code));
        db.exec('DROP TABLE f');
      }
      db.exec(`CREATE VIRTUAL TABLE f USING fails(destroy, code=${code})`);
      expect(failure('DROP TABLE f')).toEqual(failed('destroy', code));
      expect(column('SELECT count(*) FROM f')).toEqual([40]);
      db.exec('DROP TABLE f');
      expect((state() as number[]).slice(0, 2)).toEqual([1, 0]);
    });
    test('with the code of success become SQL logic errors', () => {
      for (const code of [0, 100, 101]) {
        db.exec(`CREATE VIRTUAL TABLE f USING fails(filter, code=${code})`);
        expect(failure('SELECT count(*) FROM f')).toEqual(failed('filter', 1));
        db.exec('DROP TABLE f');
      }
    });
    test('without a plan', () => {
      db.exec('CREATE VIRTUAL TABLE f USING fails(no-plan)');
      expect(failure('SELECT * FROM f')).toEqual({ errcode: 1, message: 'no query solution' });
    });
  });

  test('SQL is refused when SQLite does not allow it', () => {
    db.prepare('SELECT count(*) FROM tried').get();
    db.exec('VACUUM; CREATE TABLE t(a)'); // the tables are connected again
    const came = rows('SELECT place, came FROM tried');
    const free = ['session: 0 bytes', 'spi: 42', 'changeset: held'];
    const refused = (where: string): string[] =>
      ['session', 'spi', 'changeset'].map(
        (name) => `${name}: 21 ${name} cannot be used while ${where} runs: SQLite does not allow SQL there`,
      );
    const wanted: Record<string, string[]> = { 'best-index': refused('best-index') };
    for (const place of ['connect', 'open', 'filter', 'close']) wanted[place] = free;
    for (const [place, sentences] of Object.entries(wanted)) {
      expect(
        came.filter(([name]) => name === place).map(([, sentence]) => sentence),
        place,
      ).toEqual(sentences);
    }
  });

  describe('queries have the same results as with an ordinary table', () => {
    const count = 120;
    const plain = (list: unknown[][], ordered: boolean): string[] => {
      const lines = list.map((row) =>
        JSON.stringify(row.map((value) => (value instanceof Uint8Array ? [...value] : value))),
      );
      return ordered ? lines : lines.sort();
    };
    test.each(['', 'filter', 'omit', 'all', 'all, batch=7, late'])('with a plan of %j', (plan) => {
      db.exec('CREATE TABLE own(id INTEGER, k INTEGER, r REAL, t TEXT, b BLOB)');
      using insert = db.prepare('INSERT INTO own(rowid, id, k, r, t, b) VALUES (?, ?, ?, ?, ?, ?)');
      for (let id = 1; id <= count; id++) insert.run(10 * id, ...sampleRow(id));
      db.exec(`CREATE VIRTUAL TABLE v USING sample(rows=${count}, ${plan})`);
      for (const { sql, ordered } of queries(20_26, 400, count)) {
        const found = plain(rows(sql.replace(/\bT\b/g, 'v')), ordered);
        expect(found, sql).toEqual(plain(rows(sql.replace(/\bT\b/g, 'own')), ordered));
      }
      expect(state()).toEqual([1, 0, 0]);
    });
  });
});
