/**
 * Compares extensions/stats.wasm with textbook formulas for the values of each group or frame, which json_group_array
 * collects, and with published numbers.
 */

import { DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

type Numbers = readonly number[];

const sum = (xs: Numbers): number => xs.reduce((total, x) => total + x, 0);
const mean = (xs: Numbers): number => sum(xs) / xs.length;
/** The sum of the k-th powers of the distances from the mean. */
const moment = (xs: Numbers, k: number): number => sum(xs.map((x) => (x - mean(xs)) ** k));
const products = (xs: Numbers, ys: Numbers): number =>
  sum(xs.map((x, i) => (x - mean(xs)) * ((ys[i] ?? Number.NaN) - mean(ys))));

const variance = (xs: Numbers): number => (xs.length > 1 ? moment(xs, 2) / (xs.length - 1) : Number.NaN);
const variancePop = (xs: Numbers): number => moment(xs, 2) / xs.length;
const skewnessPop = (xs: Numbers): number => moment(xs, 3) / xs.length / variancePop(xs) ** 1.5;
const kurtosisPop = (xs: Numbers): number => moment(xs, 4) / xs.length / variancePop(xs) ** 2 - 3;

/** The functions of one argument. NaN stands for NULL. */
const ofOne: Readonly<Record<string, (xs: Numbers) => number>> = {
  var_samp: variance,
  variance,
  var_pop: variancePop,
  stddev_samp: (xs) => Math.sqrt(variance(xs)),
  stddev: (xs) => Math.sqrt(variance(xs)),
  stddev_pop: (xs) => Math.sqrt(variancePop(xs)),
  skewness_pop: skewnessPop,
  skewness: (xs) => {
    const n = xs.length;
    return n > 2 ? (skewnessPop(xs) * Math.sqrt(n * (n - 1))) / (n - 2) : Number.NaN;
  },
  kurtosis_pop: kurtosisPop,
  kurtosis: (xs) => {
    const n = xs.length;
    return n > 3 ? ((n - 1) / ((n - 2) * (n - 3))) * ((n + 1) * kurtosisPop(xs) + 6) : Number.NaN;
  },
};

const slope = (ys: Numbers, xs: Numbers): number => products(xs, ys) / moment(xs, 2);

/** The functions of two arguments, y and x, in the order of SQL. */
const ofTwo: Readonly<Record<string, (ys: Numbers, xs: Numbers) => number>> = {
  covar_samp: (ys, xs) => (xs.length > 1 ? products(xs, ys) / (xs.length - 1) : Number.NaN),
  covar_pop: (ys, xs) => products(xs, ys) / xs.length,
  corr: (ys, xs) => products(xs, ys) / Math.sqrt(moment(xs, 2) * moment(ys, 2)),
  regr_slope: slope,
  regr_intercept: (ys, xs) => mean(ys) - slope(ys, xs) * mean(xs),
  regr_r2: (ys, xs) => {
    if (moment(xs, 2) === 0) return Number.NaN;
    return moment(ys, 2) === 0 ? 1 : products(xs, ys) ** 2 / (moment(xs, 2) * moment(ys, 2));
  },
  regr_count: (ys) => ys.length,
  regr_avgx: (_ys, xs) => mean(xs),
  regr_avgy: (ys) => mean(ys),
  regr_sxx: (_ys, xs) => (xs.length > 0 ? moment(xs, 2) : Number.NaN),
  regr_syy: (ys) => (ys.length > 0 ? moment(ys, 2) : Number.NaN),
  regr_sxy: (ys, xs) => (xs.length > 0 ? products(xs, ys) : Number.NaN),
};

const names = [...Object.keys(ofOne), ...Object.keys(ofTwo)];
const call = (name: string): string => (name in ofOne ? `${name}(x)` : `${name}(y, x)`);

type Pair = [y: number | null, x: number | null];

function wanted(name: string, pairs: readonly Pair[]): number | null {
  const whole = pairs.filter((pair): pair is [number, number] => pair[0] !== null && pair[1] !== null);
  const xs = pairs.map(([, x]) => x).filter((x) => x !== null);
  const value =
    name in ofOne
      ? (ofOne[name]?.(xs) ?? Number.NaN)
      : (ofTwo[name]?.(
          whole.map(([y]) => y),
          whole.map(([, x]) => x),
        ) ?? Number.NaN);
  return Number.isNaN(value) ? null : value;
}

/** Equal except for rounding. */
function expectClose(found: unknown, value: number | null, what: string): void {
  if (value === null || found === null || !Number.isFinite(value)) {
    expect([what, found]).toEqual([what, value]);
    return;
  }
  const tolerance = 1e-9 * Math.max(1, Math.abs(value));
  expect(Math.abs(Number(found) - value), `${what}: ${found}, not ${value}`).toBeLessThan(tolerance);
}

/** Frames with every kind of bound and exclusion. */
const frames = [
  '',
  'ORDER BY k',
  'ORDER BY k DESC ROWS BETWEEN 3 PRECEDING AND CURRENT ROW',
  'ORDER BY k, id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING',
  'ORDER BY id ROWS BETWEEN 5 PRECEDING AND 3 PRECEDING',
  'ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 6 FOLLOWING',
  'ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING',
  'ORDER BY id ROWS BETWEEN CURRENT ROW AND CURRENT ROW',
  'ORDER BY k RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING',
  'ORDER BY k RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING',
  'ORDER BY k GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING',
  'ORDER BY k GROUPS BETWEEN CURRENT ROW AND 2 FOLLOWING',
  'ORDER BY id ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING EXCLUDE CURRENT ROW',
  'ORDER BY k GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE GROUP',
  'ORDER BY k RANGE BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE TIES',
  'PARTITION BY g ORDER BY id ROWS 4 PRECEDING',
  'PARTITION BY g ORDER BY k GROUPS 1 PRECEDING EXCLUDE NO OTHERS',
];

describe.each(['direct', 'linked', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  beforeAll(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true });
    db.loadExtension('stats');
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, g, k, y, x)');
    const insert = db.prepare('INSERT INTO t(g, k, y, x) VALUES (?, ?, ?, ?)');
    for (let i = 0; i < 40; i++) {
      const x = i % 7 === 3 ? null : ((i * 37) % 23) - 8 + (i % 4) / 4;
      const y = i % 9 === 4 ? null : ((i * 29) % 31) * 1.5 - i;
      insert.run(i % 3, Math.floor(((i * 11) % 17) / 2), y, x);
    }
  });
  afterAll(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    db.close();
  });

  const row = (sql: string, ...params: (number | string | null)[]): unknown[] =>
    Object.values(db.prepare(sql).get(...params) ?? {});
  const value = (sql: string): unknown => row(sql)[0];
  /** The result for a list of values in SQL, as a table v(x) or v(y, x). */
  const over = (what: string, list: string, columns = 'x'): unknown =>
    value(`WITH v(${columns}) AS (VALUES ${list}) SELECT ${what} FROM v`);

  test.each(names)('%s of groups', (name) => {
    const rows = db
      .prepare(`SELECT g, ${call(name)} AS v, json_group_array(json_array(y, x)) AS pairs FROM t GROUP BY g`)
      .all();
    expect(rows).toHaveLength(3);
    for (const { g, v, pairs } of rows) expectClose(v, wanted(name, JSON.parse(String(pairs))), `group ${g}`);
  });

  test.each(frames)('windows: OVER (%s)', (frame) => {
    const columns = names.map((name) => `${call(name)} OVER w AS ${name}`).join(', ');
    const sql = `SELECT id, json_group_array(json_array(y, x)) OVER w AS pairs, ${columns} FROM t WINDOW w AS (${frame})`;
    const rows = db.prepare(sql).all();
    expect(rows).toHaveLength(40);
    for (const found of rows) {
      const pairs = JSON.parse(String(found.pairs)) as Pair[];
      for (const name of names) expectClose(found[name], wanted(name, pairs), `${name} at row ${found.id}`);
    }
  });

  test.each(frames)('mode OVER (%s)', (frame) => {
    const sql =
      "WITH m AS (SELECT id, g, k, iif(id % 5 = 0, NULL, iif(id % 3, k % 4, 'abc' || k % 3)) AS v FROM t) " +
      `SELECT id, mode(v) OVER w AS found, json_group_array(v) OVER w AS list FROM m WINDOW w AS (${frame})`;
    for (const { id, found, list } of db.prepare(sql).all()) {
      const counts = new Map<number | string, number>();
      for (const v of JSON.parse(String(list)) as (number | string | null)[]) {
        if (v !== null) counts.set(v, (counts.get(v) ?? 0) + 1);
      }
      const order = ([a, n]: [number | string, number], [b, m]: [number | string, number]): number =>
        m - n || (typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === 'number' ? -1 : 1);
      const [most] = [...counts].sort(order);
      expect([id, found]).toEqual([id, most?.[0] ?? null]);
    }
  });

  test('of no value, of one value, and of too few values for some aggregates', () => {
    const all = [
      'var_samp',
      'var_pop',
      'stddev',
      'skewness_pop',
      'skewness',
      'kurtosis_pop',
      'kurtosis',
      'mode',
    ];
    const of = (list: string): unknown =>
      row(`WITH v(x) AS (VALUES ${list}) SELECT ${all.map((n) => `${n}(x)`)} FROM v`);
    expect(of('(NULL), (NULL)')).toEqual(Array(8).fill(null));
    expect(row(`SELECT ${all.map((name) => `${name}(x)`)} FROM t WHERE 0`)).toEqual(Array(8).fill(null));
    expect(of('(5), (NULL)')).toEqual([null, 0, null, null, null, null, null, 5]);
    expect(of('(5), (7)')).toEqual([2, 1, Math.SQRT2, 0, null, -2, null, 5]);
    expect(of('(1), (2), (3)')).toEqual([1, 2 / 3, 1, 0, 0, -1.5, null, 1]);
    expect(of('(4), (4), (4), (4)')).toEqual([0, 0, 0, null, null, null, null, 4]);
    const pairs = Object.keys(ofTwo).map((name) => `${name}(y, x)`);
    const ofPairs = (list: string): unknown => row(`WITH v(y, x) AS (VALUES ${list}) SELECT ${pairs} FROM v`);
    expect(ofPairs('(1, NULL), (NULL, 1)')).toEqual([...Array(6).fill(null), 0, ...Array(5).fill(null)]);
    expect(ofPairs('(3, 2)')).toEqual([null, 0, null, null, null, null, 1, 2, 3, 0, 0, 0]);
    expect(ofPairs('(3, 2), (5, 2)')).toEqual([0, 0, null, null, null, null, 2, 2, 4, 0, 2, 0]);
    expect(ofPairs('(3, 2), (3, 4)')).toEqual([0, 0, null, 0, 3, 1, 2, 3, 3, 2, 0, 0]);
  });

  test('published numbers', () => {
    // Microsoft's examples of SKEW and KURT
    const list = '(3), (4), (5), (2), (3), (4), (5), (6), (4), (7)';
    expect(over('skewness(x)', list)).toBeCloseTo(0.359543, 6);
    expect(over('kurtosis(x)', list)).toBeCloseTo(-0.151799637, 9);
    // Anscombe's quartet, the first: Graphs in Statistical Analysis, 1973
    const anscombe =
      '(8.04, 10), (6.95, 8), (7.58, 13), (8.81, 9), (8.33, 11), (9.96, 14), (7.24, 6), (4.26, 4), (10.84, 12), ' +
      '(4.82, 7), (5.68, 5)';
    const what = 'round(regr_slope(y, x), 3) || round(regr_intercept(y, x), 2) || round(corr(y, x), 3)';
    expect(over(what, anscombe, 'y, x')).toBe('0.53.00.816');
    expect(over('round(var_samp(x), 12) || round(var_samp(y), 3)', anscombe, 'y, x')).toBe('11.04.127');
    expect(over('round(regr_r2(y, x), 2)', anscombe, 'y, x')).toBe(0.67);
  });

  test('results are real numbers, except a count', () => {
    expect(
      value('SELECT typeof(var_pop(x)) || typeof(regr_sxx(y, x)) || typeof(regr_count(y, x)) FROM t'),
    ).toBe('realrealinteger');
  });

  test('precision is kept if values are large and close together', () => {
    for (const offset of [0, 1e9, 1e14]) {
      const list = [4, 7, 13, 16].map((x) => `(${x} + ${offset})`).join(', ');
      expect(over('var_samp(x)', list)).toBe(30);
      expect(over('regr_slope(x, x * 2)', list)).toBe(0.5);
    }
    expect(over('corr(x, -x)', '(0.1), (0.2), (0.3)')).toBe(-1);
  });

  test('a very large or infinite value has no effect after it has left the window', () => {
    for (const large of ['1e300', '9e999', '-9e999']) {
      const sql =
        `WITH v(i, x) AS (VALUES (1, 1), (2, 2), (3, ${large}), (4, 4), (5, 6), (6, 11)) SELECT var_samp(x) OVER w AS a, ` +
        'regr_avgx(1, x) OVER w AS b FROM v WINDOW w AS (ORDER BY i ROWS 2 PRECEDING) ORDER BY i DESC LIMIT 1';
      expect({ ...db.prepare(sql).get() }).toEqual({ a: 13, b: 7 });
    }
  });

  test('infinities have a mean and a count, but no moments about the mean', () => {
    for (const list of [
      '(1), (9e999), (2)',
      '(9e999), (1)',
      '(1), (9e999)',
      '(9e999)',
      '(9e999), (9e999), (3)',
    ]) {
      expect(over('regr_avgx(0, x)', list)).toBe(Number.POSITIVE_INFINITY);
      expect(over('regr_avgy(-x, 0)', list)).toBe(Number.NEGATIVE_INFINITY);
      const none = [
        'var_pop(x)',
        'stddev(x)',
        'skewness(x)',
        'kurtosis_pop(x)',
        'covar_pop(x, 1)',
        'covar_pop(1, x)',
      ];
      none.push('corr(x, x)', 'regr_slope(x, 1)', 'regr_r2(x, x)', 'regr_sxx(0, x)', 'regr_syy(x, 0)');
      for (const what of none) expect([what, list, over(what, list)]).toEqual([what, list, null]);
      expect(over('regr_count(x, x)', list)).toBe(list.split(',').length);
    }
    expect(over('regr_avgx(0, x)', '(9e999), (-9e999)')).toBe(null);
    expect(over('regr_r2(y, x)', '(9e999, 1), (1, 2)', 'y, x')).toBe(null);
    expect(over('regr_avgx(0, x)', '(1e308), (-1e308)')).toBe(0);
    expect(over('mode(x)', '(9e999), (1), (9e999)')).toBe(Number.POSITIVE_INFINITY);
  });

  test('mode: of the most frequent values, the first in their order', () => {
    expect(over('mode(x)', "('b'), ('a'), ('b'), ('a'), (NULL), (NULL), (NULL)")).toBe('a');
    expect(over('mode(x)', "(x'00'), ('z'), (9)")).toBe(9);
    expect(over('mode(x)', "(x'00'), ('z')")).toBe('z');
    expect(over('typeof(mode(x))', '(1), (2.5), (1.0)')).toBe('integer');
    expect(over('mode(x)', '(9007199254740993), (9007199254740992.0)')).toBe(2 ** 53);
    expect(over('quote(mode(x))', "(x'61'), ('a'), (x'61')")).toBe("X'61'");
    expect(
      value(
        'SELECT mode(i % 1000) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20001) SELECT i FROM n)',
      ),
    ).toBe(1);
  });

  test("DISTINCT and FILTER are SQLite's own", () => {
    const list = '(1), (1), (1), (3)';
    expect(over('var_samp(DISTINCT x)', list)).toBe(2);
    expect(over('var_samp(x) FILTER (WHERE x > 1)', list)).toBe(null);
    expect(over('mode(x) FILTER (WHERE x > 1)', list)).toBe(3);
  });

  test('other values than numbers are refused, as by percentile()', () => {
    expect(() => over('var_pop(x)', "(1), ('2')")).toThrow(/^input to var_pop\(\) is not numeric$/);
    expect(() => over('corr(x, 1)', "(1), (x'32')")).toThrow(/^input to corr\(\) is not numeric$/);
    expect(() => over('regr_slope(1, x)', "('x')")).toThrow(/^input to regr_slope\(\) is not numeric$/);
    expect(() => over('percentile(x, 50)', "(1), ('2')")).toThrow(/^input to percentile\(\) is not numeric$/);
    expect(over('var_pop(x)', '(1), (3)')).toBe(1);
  });

  test.runIf(calls === 'direct')('groups and frames of hundreds of thousands of rows', () => {
    const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)';
    const ofRange = (n: number): number => (n ** 2 - 1) / 12;
    const all = row(`${numbers} SELECT var_pop(i), regr_slope(3 * i, i), skewness_pop(i) FROM n`);
    expectClose(all[0], ofRange(300_000), 'var_pop');
    expectClose(all[1], 3, 'regr_slope');
    expectClose(all[2], 0, 'skewness_pop');
    const last = row(
      `${numbers} SELECT * FROM (SELECT i, var_pop(i) OVER w, kurtosis_pop(i) OVER w, corr(-i, i) OVER w FROM n ` +
        'WINDOW w AS (ORDER BY i ROWS 279999 PRECEDING)) ORDER BY i DESC LIMIT 1',
    );
    expectClose(last[1], ofRange(280_000), 'var_pop of a frame');
    expectClose(last[2], (-6 * (280_000 ** 2 + 1)) / (5 * (280_000 ** 2 - 1)), 'kurtosis_pop of a frame');
    expectClose(last[3], -1, 'corr of a frame');
  });
});
