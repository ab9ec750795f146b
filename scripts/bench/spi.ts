/** Measures SQL that a component runs through spi. */

import { guest, numbers, open, query } from './databases.js';
import { print, race, short } from './measure.js';

const count = 5_000;

export function run(): void {
  const direct = open('direct', guest('sql'), 'series');
  const wrapped = open('wrapped', guest('sql'), 'series');
  for (const db of [direct, wrapped]) {
    db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT);
      INSERT INTO t SELECT value, 'name ' || value FROM series(1, 1000)`);
  }
  const over = (expression: string): string => `${numbers(count)} SELECT sum(${expression}) FROM g`;
  const rows = (
    [
      [
        'execute, one row',
        "sql_query('SELECT id FROM t WHERE id = ?1', 7)",
        'SELECT id FROM t WHERE id = ?1',
      ],
      [
        'execute, 100 rows of two values',
        "sql_count('SELECT id, name FROM t LIMIT 100')",
        'SELECT id, name FROM t LIMIT 100',
      ],
      ['run', "sql_run('SELECT 1')", undefined],
    ] as const
  ).map(([name, expression, sql]) => {
    const statement = sql && direct.prepare(sql, { returnArrays: true });
    const parameters = sql?.includes('?') ? [7] : [];
    const { medians: best, spread } = race(
      {
        bare: query(direct, over('value')),
        code: () => {
          for (let i = 0; statement && i < count; i++) statement.all(...parameters);
          for (let i = 0; !statement && i < count; i++) direct.exec('SELECT 1');
        },
        direct: query(direct, over(expression)),
        wrapped: query(wrapped, over(expression)),
      },
      15,
    );
    const each = (total: number): string => short(((total - best.bare) / count) * 1e3);
    return [name, short((best.code / count) * 1e3), each(best.direct), each(best.wrapped), spread];
  });
  print(
    'SQL of a component (spi): us for each call',
    ['', 'the API', 'component', "jco's wrappers", 'spread'],
    rows,
  );
}
