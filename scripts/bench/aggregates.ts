/** Measures calls of aggregate and window functions. */

import { guest, open, query } from './databases.js';
import { print, race, short } from './measure.js';

const count = 50_000;
const setUp = `CREATE TABLE t(id INTEGER PRIMARY KEY, x INT);
  INSERT INTO t SELECT value, value % 1000 FROM series(1, ${count})`;

export function run(): void {
  const direct = open('direct', guest('aggregates'), 'series');
  const wrapped = open('wrapped', guest('aggregates'), 'series');
  for (const db of [direct, wrapped]) db.exec(setUp);
  direct.aggregate('js_total', {
    start: 0,
    step: (sum: number, value: number) => sum + value,
    inverse: (sum: number, value: number) => sum - value,
  });
  const entrants = [
    ['built in', direct, 'sum'],
    ['JavaScript', direct, 'js_total'],
    ['component', direct, 'total_of'],
    ["jco's wrappers", wrapped, 'total_of'],
  ] as const;
  // Each query adds a kind of call: none, steps, steps and values, and steps, values and inverses.
  const bare = query(direct, 'SELECT count(x) FROM t');
  const frame = (name: string, over: string): string =>
    `SELECT count(v) FROM (SELECT ${name}(x) OVER (ORDER BY id ROWS BETWEEN ${over} PRECEDING AND CURRENT ROW) v FROM t)`;
  const actions: Record<string, () => void> = { bare };
  const bareWindow = query(direct, frame('count', 'UNBOUNDED'));
  actions.bareWindow = bareWindow;
  for (const [name, db, sql] of entrants) {
    actions[`${name} step`] = query(db, `SELECT ${sql}(x) FROM t`);
    actions[`${name} value`] = query(db, frame(sql, 'UNBOUNDED'));
    actions[`${name} inverse`] = query(db, frame(sql, '10'));
  }
  const { medians: best, spread } = race(actions, 15);
  const of = (name: string): number => best[name] ?? Number.NaN;
  const each = (more: string, less: string): number => ((of(more) - of(less)) / count) * 1e6;
  const step = (name: string): number => each(`${name} step`, 'bare');
  print(
    `Aggregates, in ns a call (step: over count; value and inverse: what they add to a window); spread ${spread}`,
    ['', 'step', 'value', 'inverse', 'step over sum'],
    entrants.map(([name]) => [
      name,
      short(step(name)),
      short(each(`${name} value`, `${name} step`) - each('bareWindow', 'bare')),
      short(each(`${name} inverse`, `${name} value`)),
      short(step(name) - step('built in')),
    ]),
  );
}
