/** Compares extensions/series.wasm with generate_series of a native shell, or with plain SQL if that is wrong. */

import { spawnSync } from 'node:child_process';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nativeShell } from '../kit/oracle.js';
import { program } from '../kit/program.js';
import { randomOf } from '../kit/random.js';

const native = nativeShell();

/** Queries with arguments, conditions, orders and limits of all kinds. None has many rows. */
function queries(count: number, seed: number): string[] {
  const below = randomOf(seed);
  const pick = (of: string): string => of.split('; ')[below(of.split('; ').length)] ?? '';
  const edge =
    '9223372036854775807; -9223372036854775808; 9223372036854775806; -9223372036854775807; 4294967295';
  const wide = `${edge}; 4294967296; 2147483648; -4611686018427387904; 9007199254740993`;
  const odd = "2.0; 2.5; -2.5; '3'; '2.5'; ' 7 '; 'abc'; '1e1'; ''; x'35'; NULL; '-3x'; -0.0";
  const usual = (): string =>
    pick([`0; 1; -1; 2; 5; 7; 10; -10; 100; 3`, wide, odd][[0, 0, 0, 1, 2][below(5)] ?? 0] ?? '');
  return Array.from({ length: count }, () => {
    const value = below(4) === 0 ? () => pick(wide) : usual;
    const args = Array.from({ length: 1 + below(3) }, value);
    const column = pick('value; value; value; rowid');
    const conditions: string[][] = [
      [],
      // IS NULL is another operator, for which SQLite reads all rows.
      [`${column} ${pick('=; IS')} ${value()}`.replace('IS NULL', '= NULL')],
      [`${column} ${pick('>; >=')} ${value()}`],
      [`${column} ${pick('<; <=')} ${value()}`],
      [`${column} BETWEEN ${value()} AND ${value()}`],
      args.length > 1 ? [`value IN (${value()}, ${value()}, ${value()})`] : [],
      ['start', 'stop', 'step'].slice(0, args.length).map((name, i) => `${name} = ${args[i]}`),
      [`value ${pick('>; >=; =')} ${value()}`, `${pick('value <; step =; stop =')} ${value()}`],
    ];
    const kind = below(conditions.length);
    const table = kind < 6 ? `series(${args.join(', ')})` : 'series';
    const where = conditions[kind]?.length ? ` WHERE ${conditions[kind]?.join(' AND ')}` : '';
    const order = kind < 6 && args.length > 1 ? pick('; ; ORDER BY value; ORDER BY value DESC') : '';
    const limit = `LIMIT ${pick('0; 1; 3; 5; 20; 20; 20')} ${pick('; ; OFFSET 1; OFFSET 2; OFFSET 100; OFFSET -1')}`;
    const columns = pick('value; *; value, start, stop, step; rowid, value, step');
    return `SELECT ${columns} FROM ${table}${where} ${order} ${limit};`;
  });
}

/** The result of each query in a shell: the rows or the error. */
function answers(program: string, args: string[], before: string, table: string, asked: string[]): string[] {
  const script = asked.map((sql) => `.print #\n${sql.replaceAll('series', table)}\n`).join('');
  const { stdout, stderr } = spawnSync(program, [...args, '-batch', ':memory:'], {
    input: `${before}.mode quote\n${script}`,
    encoding: 'utf8',
  });
  const errors = stderr.replaceAll(table, 'series').match(/^.*rror.*$/gm) ?? [];
  const place = (error: string): string => error.replace(/line \d+/, 'a line');
  return [...stdout.split('#\n'), ...errors.map(place)];
}

describe.each(['direct', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  beforeAll(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true });
    db.loadExtension('series');
  });
  afterAll(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    db.close();
  });

  const rows = (sql: string): unknown[][] => {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all().map((row) => Object.values(row));
  };
  const values = (sql: string): unknown[] => rows(sql).map(([value]) => value);

  function compare(asked: string[]): void {
    const own = answers(process.execPath, [program], '.load series\n', 'series', asked);
    const wanted = answers(native ?? '', [], '', 'generate_series', asked);
    const titled = (list: string[]): string[] => list.map((answer, i) => `${asked[i - 1] ?? ''}\n${answer}`);
    expect(titled(own)).toEqual(titled(wanted));
    const answered = wanted.filter((answer) => answer !== '');
    expect(answered.length).toBeGreaterThan(asked.length / 4);
  }

  describe.runIf(native)('as the native shell', () => {
    test('random queries', () => compare(queries(3000, 20260)));

    test('in joins, subqueries and windows', () =>
      compare([
        'SELECT a.value, b.value FROM series(1, 3) AS a, series(a.value, 3) AS b;',
        'SELECT a.value, b.value FROM series(a.value, 3) AS b, series(1, 3) AS a ORDER BY 1, 2;',
        'WITH t(n) AS (VALUES (0), (2), (NULL)) SELECT n, value FROM t LEFT JOIN series(1, n) ORDER BY 1, 2;',
        'WITH t(n) AS (VALUES (5), (7)) SELECT n, (SELECT group_concat(value) FROM series(1, n, 2)) FROM t;',
        'SELECT value FROM series(1, 100) WHERE value IN (SELECT value FROM series(90, 110, 7));',
        'SELECT count(*), sum(value), min(value), max(value), total(step) FROM series(1, 100000);',
        'SELECT value, sum(value) OVER (ORDER BY value ROWS 1 PRECEDING) FROM series(1, 4) ORDER BY value DESC;',
        'SELECT DISTINCT value % 3 FROM series(1, 10) ORDER BY value % 3 DESC;',
        'SELECT value FROM series(1, 10) WHERE value % 2 = 0 LIMIT 2 OFFSET 1;',
        'SELECT value FROM series(1, 10) WHERE value > 3 AND value > 5 AND value < 9 LIMIT 2;',
        'SELECT value FROM series(1, 3) UNION ALL SELECT value FROM series(7, 5, -1) LIMIT 5;',
        'SELECT a.value + b.value FROM series(1, 2) AS a JOIN series(10, 20, 10) AS b ORDER BY a.value DESC, b.value;',
        'SELECT value FROM series(1, 5) ORDER BY value DESC, step LIMIT 2;',
        'SELECT value FROM series(10, 1, -3) ORDER BY value LIMIT 2 OFFSET 1;',
        'SELECT value FROM series(1, 10) WHERE value > (SELECT 7) AND EXISTS (SELECT 1 FROM series(1, 1));',
        'SELECT rowid, value FROM series(-2, 2, 2) WHERE rowid = 2;',
        'SELECT (SELECT value FROM series(5, 1, -2) LIMIT 1 OFFSET 1) FROM series(1, 2);',
      ]));

    test('missing arguments, and conditions that cannot be used', () =>
      compare([
        'SELECT 1;',
        'SELECT * FROM series LIMIT 1;',
        'SELECT * FROM series() LIMIT 1;',
        'SELECT * FROM series WHERE stop = 5 LIMIT 1;',
        'SELECT * FROM series WHERE value < 5 LIMIT 1;',
        'SELECT * FROM series(1, 2, 3, 4);',
        'SELECT value FROM series(1, 5) WHERE start > 0 LIMIT 2;',
        'SELECT value FROM series WHERE start = 1 OR start = 3 LIMIT 2;',
        'SELECT value FROM series WHERE start IN (1, 7) AND stop = 8;',
        'SELECT value FROM series(7.9, 9.9);',
        "SELECT value FROM series('3', '5x');",
        'SELECT value FROM series(1, 3, 0);',
        'SELECT value FROM series(1, NULL);',
        'SELECT value FROM series(3, 1);',
        'SELECT value FROM series(1, 3, -1);',
      ]));
  });

  test('whole ranges of 64 bits', () => {
    const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];
    const all = '-9223372036854775808, 9223372036854775807';
    expect(values(`SELECT value FROM series(${all}, 9223372036854775807)`)).toEqual([least, -1n, most - 1n]);
    expect(
      values(`SELECT value FROM series(9223372036854775807, -9223372036854775808, -9223372036854775808)`),
    ).toEqual([most, -1n]);
    expect(values(`SELECT value FROM series(${all}) ORDER BY value DESC LIMIT 2 OFFSET 1`)).toEqual([
      most - 1n,
      most - 2n,
    ]);
    expect(values(`SELECT value FROM series(${all}) LIMIT 2 OFFSET 9223372036854775807`)).toEqual([-1n, 0n]);
    expect(values(`SELECT value FROM series(${all}) WHERE value BETWEEN -1 AND 1`)).toEqual([-1n, 0n, 1n]);
  });

  // Native code converts a real number that does not fit an int64, which C leaves undefined, and rounds 2^53 + 1 away.
  test.each(['<', '<=', '=', '>=', '>'])(
    'value %s a number of any size has the result of plain SQL',
    (operator) => {
      const bounds = [
        '9223372036854775807.0',
        '-9223372036854775808.0',
        '1e19',
        '-1e19',
        '1e300',
        '-1e300',
        '9e999',
      ];
      bounds.push(
        '-9e999',
        '9007199254740992.0',
        '9007199254740994.0',
        '9223372036854774784.0',
        '2.5',
        '-0.0',
      );
      bounds.push('9223372036854775807', '-9223372036854775808', '9007199254740993');
      const ranges = [
        ['-9223372036854775808', '-9223372036854775806'],
        ['-1', '4'],
        ['9007199254740991', '9007199254740995'],
        ['9223372036854774783', '9223372036854774785'],
        ['9223372036854775805', '9223372036854775807'],
      ];
      for (const bound of bounds) {
        for (const [start = '', stop = ''] of ranges) {
          const plain =
            `WITH RECURSIVE n(v) AS (SELECT ${start} UNION ALL SELECT v + 1 FROM n WHERE v < ${stop}) ` +
            `SELECT v FROM n WHERE v ${operator} ${bound}`;
          const sql = `SELECT value FROM series(${start}, ${stop}) WHERE value ${operator} ${bound}`;
          expect([sql, ...values(sql)]).toEqual([sql, ...values(plain)]);
        }
      }
    },
  );

  test('conditions, orders and limits do not read all values', () => {
    const all = '-9223372036854775808, 9223372036854775807';
    expect(values(`SELECT value FROM series(${all}) WHERE value >= 4 ORDER BY value LIMIT 1`)).toEqual([4n]);
    expect(values(`SELECT value FROM series(${all}, 2) WHERE value = 3`)).toEqual([]);
    expect(values(`SELECT value FROM series(${all}, 2) WHERE rowid = 4`)).toEqual([4n]);
    expect(
      values(`SELECT max(value) FROM (SELECT value FROM series(1, 1e15) ORDER BY value DESC LIMIT 3)`),
    ).toEqual([10n ** 15n]);
  });

  test('many scans at once do not affect each other', () => {
    const scans = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `series(0, 1) AS ${name}`).join(', ');
    const number = 'a.value * 32 + b.value * 16 + c.value * 8 + d.value * 4 + e.value * 2 + f.value';
    expect(values(`SELECT ${number} FROM ${scans} ORDER BY 1`)).toEqual(
      Array.from({ length: 64 }, (_row, i) => BigInt(i)),
    );
  });

  test('it works like other tables in views, triggers and inserts', () => {
    db.exec(
      'CREATE VIEW tens AS SELECT value FROM series(10, 30, 10); CREATE TABLE t(a); CREATE TABLE log(b)',
    );
    db.exec(
      'CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO log SELECT value FROM series(1, new.a); END; ' +
        'INSERT INTO t SELECT value / 10 FROM tens',
    );
    expect(values('SELECT b FROM log ORDER BY rowid')).toEqual([1n, 1n, 2n, 1n, 2n, 3n]);
    expect(() => db.exec('INSERT INTO series VALUES (1)')).toThrow(/may not be modified/);
    db.exec('DROP VIEW tens; DROP TABLE t; DROP TABLE log');
  });
});
