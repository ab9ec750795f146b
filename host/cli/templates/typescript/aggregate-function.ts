/** middle(x): the median of the numbers in a group or window. NULL is ignored. */

import { fail } from './errors.js';
import type { Functions } from './types/aggregate-function.js';
import type { SqlValue } from './types/types.js';

/** The numbers of each group in the order of the calls, because a window removes the oldest number first. */
const groups = new Map<number, number[]>();

function middle(numbers: readonly number[]): SqlValue {
  if (numbers.length === 0) return { tag: 'null' };
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? 0;
  const half = sorted.length >> 1;
  return { tag: 'real', val: sorted.length % 2 ? at(half) : (at(half - 1) + at(half)) / 2 };
}

export const aggregateFunction: Functions = {
  describe: () => [
    { id: 0, name: 'middle', numArgs: 1, options: { deterministic: true, innocuous: true, window: true } },
  ],

  step(_id, group, [x]) {
    if (x === undefined || x.tag === 'null') return;
    if (x.tag !== 'integer' && x.tag !== 'real') fail(20, 'middle: the argument must be a number');
    const numbers = groups.get(group) ?? [];
    numbers.push(x.val);
    groups.set(group, numbers);
  },

  inverse(_id, group, [x]) {
    if (x?.tag !== 'null') groups.get(group)?.shift();
  },

  value: (_id, group) => middle(groups.get(group) ?? []),

  finalize(_id, group) {
    const result = middle(groups.get(group) ?? []);
    groups.delete(group);
    return result;
  },
};
