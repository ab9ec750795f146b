/** Measures the comparison of two texts by a collation. */

import { guest, open, query } from './databases.js';
import { print, race, short } from './measure.js';

const count = 50_000;

export function run(): void {
  const direct = open('direct', guest('collates'), 'series');
  const wrapped = open('wrapped', guest('collates'), 'series');
  const rows = [12, 100].map((length) => {
    for (const db of [direct, wrapped]) {
      db.exec(`CREATE TABLE t${length}(name TEXT);
        INSERT INTO t${length} SELECT printf('%0${length}d', value * 7919 % 1000003) FROM series(1, ${count})`);
    }
    const compare = (collation: string): string =>
      `SELECT count(*) FROM t${length} WHERE name < printf('%0${length}d', 500000) COLLATE ${collation}`;
    const { medians: best, spread } = race(
      {
        bare: query(direct, `SELECT count(*) FROM t${length} WHERE typeof(name) = 'text'`),
        binary: query(direct, compare('BINARY')),
        nocase: query(direct, compare('NOCASE')),
        direct: query(direct, compare('backwards')),
        wrapped: query(wrapped, compare('backwards')),
      },
      21,
    );
    const each = (total: number): string => short(((total - best.binary) / count) * 1e6);
    return [`texts of ${length} bytes`, each(best.nocase), each(best.direct), each(best.wrapped), spread];
  });
  print(
    'A comparison by a collation: ns more than with BINARY',
    ['', 'NOCASE', 'component', "jco's wrappers", 'spread'],
    rows,
  );
}
