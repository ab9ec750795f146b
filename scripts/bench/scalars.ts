/** Measures a call of a scalar function. */

import { guest, numbers, open, query } from './databases.js';
import { print, race, short } from './measure.js';

const count = 50_000;

export function run(): void {
  const direct = open('direct', guest('echo'));
  const wrapped = open('wrapped', guest('echo'));
  direct.function('js_echo', (value: unknown) => value as never);
  const rows = (
    [
      ['integer', 'value', 'abs(value)'],
      ['text of 100 bytes', "printf('%0100d', 7)", "upper(printf('%0100d', 7))"],
      ['blob of 4 KiB', 'zeroblob(4096)', 'substr(zeroblob(4096), 1)'],
    ] as const
  ).map(([name, value, builtin]) => {
    const over = (expression: string): string => `${numbers(count)} SELECT sum(length(${expression})) FROM g`;
    const { medians: best, spread } = race(
      {
        bare: query(direct, over(value)),
        builtin: query(direct, over(builtin)),
        javascript: query(direct, over(`js_echo(${value})`)),
        direct: query(direct, over(`echo(${value})`)),
        wrapped: query(wrapped, over(`echo(${value})`)),
      },
      21,
    );
    const each = (total: number): number => ((total - best.bare) / count) * 1e6;
    return [
      name,
      short(each(best.builtin)),
      short(each(best.javascript)),
      short(each(best.direct)),
      short(each(best.wrapped)),
      `x ${short(each(best.wrapped) / each(best.direct))}`,
      spread,
    ];
  });
  print(
    'A call of a scalar function: ns more than the same query without it',
    ['', 'built in', 'JavaScript', 'component', "jco's wrappers", 'wrappers/component', 'spread'],
    rows,
  );
}
