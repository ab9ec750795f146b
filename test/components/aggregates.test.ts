/**
 * Aggregate and window functions of components: values, frames, errors, and groups, which end however the statement
 * ends.
 */

import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { guest } from '../kit/guests.js';

describe.each(['direct', 'linked', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  beforeEach(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true, grants: { sql: 'ro' } });
    db.loadExtension(guest('aggregates'));
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)');
    db.exec("INSERT INTO t VALUES (1,'x'),(2,'yy'),(3,''),(4,'ü'),(5,'x'),(6,'zz')");
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
  const failure = (action: () => unknown): object => {
    try {
      action();
    } catch (error) {
      const { errcode, message } = error as { errcode?: number; message: string };
      return { errcode, message };
    }
    throw new Error('nothing was thrown');
  };
  const live = (): unknown => column('SELECT live_groups()')[0];

  test('aggregate rows and groups', () => {
    expect(column('SELECT total_of(a) FROM t')).toEqual([21]);
    expect(column('SELECT plain_total(a) FROM t GROUP BY a % 2 ORDER BY 1')).toEqual([9, 12]);
    expect(column('SELECT joined(b) FROM t')).toEqual(['x,yy,,ü,x,zz']);
    expect(column('SELECT many(a, b, NULL) + many() FROM t')).toEqual([18]);
    expect(column('SELECT total_of(DISTINCT length(b)) FROM t')).toEqual([3]);
    expect(column('SELECT total_of(a) FILTER (WHERE a > 4) FROM t')).toEqual([11]);
    expect(column('SELECT joined(b ORDER BY a DESC) FROM t')).toEqual(['zz,x,ü,,yy,x']);
    expect(live()).toBe(0);
  });

  test('end a group without rows, which has no state', () => {
    expect(column('SELECT total_of(a) FROM t WHERE 0')).toEqual([null]);
    expect(column('SELECT many() FROM t WHERE 0')).toEqual([0]);
    expect(live()).toBe(0);
  });

  test('keep values of every kind', () => {
    for (const value of [
      'NULL',
      '-9223372036854775808',
      '1e308',
      "'a' || char(0) || 'b'",
      "x'00ff'",
      "x''",
    ]) {
      expect(column(`SELECT last_of(${value}) IS ${value} FROM t`), value).toEqual([1]);
      expect(column(`SELECT typeof(last_of(${value})) = typeof(${value}) FROM t`), value).toEqual([1]);
      const framed = `SELECT DISTINCT last_of(${value}) OVER (ROWS 1 PRECEDING) IS ${value} FROM t`;
      expect(column(framed), value).toEqual([1]);
    }
    expect(live()).toBe(0);
  });

  describe('in a frame', () => {
    const frames = [
      '',
      'ORDER BY a',
      'ORDER BY a DESC',
      'PARTITION BY a % 2 ORDER BY a',
      'ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW',
      'ORDER BY a ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING',
      'ORDER BY a ROWS BETWEEN 3 PRECEDING AND 2 PRECEDING',
      'ORDER BY a ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING',
      'ORDER BY a ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING',
      'ORDER BY a RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING',
      'ORDER BY b GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW',
      'ORDER BY a ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW',
      'ORDER BY b GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES',
    ];
    test.each(frames)('%j as sum() and group_concat()', (frame) => {
      const over = `OVER (${frame})`;
      expect(column(`SELECT total_of(a) ${over} FROM t ORDER BY a`)).toEqual(
        column(`SELECT sum(a) ${over} FROM t ORDER BY a`),
      );
      // No text is empty, because group_concat drops a comma when an empty text leaves the frame.
      expect(column(`SELECT joined(b || '.') ${over} FROM t ORDER BY a`)).toEqual(
        column(`SELECT group_concat(b || '.') ${over} FROM t ORDER BY a`),
      );
      expect(live()).toBe(0);
    });
    test('of many rows', () => {
      const rows = 'WITH RECURSIVE g(a) AS (SELECT 1 UNION ALL SELECT a+1 FROM g LIMIT 2000)';
      const over = 'OVER (PARTITION BY a % 7 ORDER BY a ROWS BETWEEN 20 PRECEDING AND 3 FOLLOWING)';
      expect(
        column(
          `${rows} SELECT count(*) FROM (SELECT total_of(a) ${over} - sum(a) ${over} AS d FROM g) WHERE d`,
        ),
      ).toEqual([0]);
      expect(live()).toBe(0);
    });
    test('only if the option is set', () => {
      expect(failure(() => db.exec('SELECT plain_total(a) OVER () FROM t'))).toEqual({
        errcode: 1,
        message: 'plain_total() may not be used as a window function',
      });
    });
  });

  describe('free the state of a group', () => {
    test('if a step fails', () => {
      expect(failure(() => db.exec('SELECT picky(a), total_of(a) FROM t'))).toEqual({
        errcode: 1,
        message: 'no threes',
      });
      expect(live()).toBe(0);
    });
    test('if an inverse fails, with its code', () => {
      db.exec('UPDATE t SET a = 30 WHERE a = 3');
      const over = 'OVER (ORDER BY a ROWS 1 PRECEDING)';
      expect(column(`SELECT picky(a) ${over} FROM t`)).toEqual([1, 3, 6, 9, 11, 36]);
      db.function(
        'three',
        { varargs: true },
        (() => {
          let calls = 0;
          return () => (++calls === 1 ? 2n : 3n);
        })(),
      );
      expect(failure(() => db.exec(`SELECT total_of(a) ${over}, picky(3) ${over} FROM t`))).toEqual({
        errcode: 1,
        message: 'no threes',
      });
      expect(live()).toBe(0);
    });
    test('if the result fails, with its code', () => {
      expect(failure(() => db.exec('SELECT never(a) FROM t'))).toEqual({ errcode: 275, message: 'never' });
      expect(failure(() => db.exec('SELECT never(a) OVER () FROM t'))).toEqual({
        errcode: 275,
        message: 'never',
      });
      expect(live()).toBe(0);
    });
    test('if another function fails', () => {
      db.function('fails', (a: unknown) => {
        if (a === 4) throw new Error('four');
        return null;
      });
      expect(failure(() => db.exec('SELECT total_of(a), joined(fails(a)) FROM t'))).toEqual({
        message: 'four',
      });
      expect(failure(() => db.exec('SELECT joined(b) OVER (ORDER BY a), fails(a) FROM t'))).toEqual({
        message: 'four',
      });
      expect(live()).toBe(0);
    });
    test('if a statement is abandoned halfway', () => {
      const over = 'OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)';
      for (const sql of [
        `SELECT joined(b) ${over} FROM t`,
        `SELECT total_of(a) ${over}, joined(b) OVER (PARTITION BY b) FROM t`,
      ]) {
        const statement = db.prepare(sql);
        for (const row of statement.iterate()) {
          expect(row).toBeTypeOf('object');
          break;
        }
        expect(live(), sql).toBe(0);
        const rows = statement.iterate();
        rows.next();
        expect(live(), sql).not.toBe(0);
        statement.close();
        expect(live(), sql).toBe(0);
      }
    });
    test('if the database is closed in between', () => {
      db.prepare('SELECT joined(b) OVER (ORDER BY a) FROM t').iterate().next();
      db.close();
      expect(db.isOpen).toBe(false);
    });
  });

  test('use sessions', () => {
    expect(column('SELECT recorded(a) FROM t')).toEqual([0]);
  });

  describe('that trap', () => {
    test('fail the statement, and every one after it, and nothing else', () => {
      expect(failure(() => db.exec('SELECT explodes(a) FROM t'))).toEqual({
        errcode: 1,
        message: expect.stringMatching(/^explodes: component aggregates trapped: .*unreachable/) as string,
      });
      expect(failure(() => db.exec('SELECT total_of(a) FROM t'))).toEqual({
        errcode: 1,
        message: expect.stringMatching(
          /^total_of: component aggregates is no longer usable, because explodes failed with .*; load it again$/,
        ) as string,
      });
      expect(column('SELECT sum(a) FROM t')).toEqual([21]);
      db.loadExtension(guest('aggregates'));
      expect(column('SELECT total_of(a) FROM t')).toEqual([21]);
      expect(live()).toBe(0);
    });
    test('in a frame too', () => {
      expect(failure(() => db.exec('SELECT explodes(a) OVER (ORDER BY a) FROM t'))).toMatchObject({
        errcode: 1,
      });
      expect(column('SELECT sum(a) OVER (ORDER BY a) FROM t')).toEqual([1, 3, 6, 10, 15, 21]);
    });
  });

  describe('loaded again', () => {
    test('serve the next statement', () => {
      db.loadExtension(guest('aggregates'));
      expect(column('SELECT total_of(a) FROM t')).toEqual([21]);
    });
    test('in the middle of a statement, which ends with the state that it began with', () => {
      const load = `load_extension('${guest('aggregates')}')`;
      expect(column(`SELECT ${load}`)).toEqual([null]);
      const once = `CASE a WHEN 3 THEN ${load} END`;
      expect(column(`SELECT total_of(a) + count(${once}) FROM t`)).toEqual([21]);
      expect(column(`SELECT joined(b) || coalesce(group_concat(${once}), '') FROM t`)).toEqual([
        'x,yy,,ü,x,zz',
      ]);
      const rows = db.prepare('SELECT joined(b) OVER (ORDER BY a ROWS 1 PRECEDING) AS v FROM t').iterate();
      expect(rows.next().value).toEqual({ v: 'x' });
      db.loadExtension(guest('aggregates'));
      expect([...rows].map((row) => Object.values(row)[0])).toEqual(['x,yy', 'yy,', ',ü', 'ü,x', 'x,zz']);
      expect(live()).toBe(0);
    });
  });
});
