/** COLLATE natsort: compares runs of digits as numbers, so that file2 sorts before file10. */

import type { Functions } from './types/collation.js';

/** Splits a text into runs of digits without leading zeros, and single characters. */
function pieces(text: string): string[] {
  return text.match(/[0-9]+|[^0-9]/gu)?.map((piece) => piece.replace(/^0+(?=[0-9])/, '')) ?? [];
}

const isNumber = (piece: string): boolean => piece >= '0' && piece <= ':';

/** Compares texts by their code points, like SQLite's collation BINARY. */
function byCharacters(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function natural(a: string, b: string): number {
  const left = pieces(a);
  const right = pieces(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const x = left[i] ?? '';
    const y = right[i] ?? '';
    if (x === y) continue;
    if (isNumber(x) && isNumber(y) && x.length !== y.length) return x.length - y.length;
    return byCharacters(x, y);
  }
  // The texts differ only in leading zeros, or are equal. Different texts must not compare as equal, because indexes
  // depend on that.
  return left.length - right.length || byCharacters(a, b);
}

export const collation: Functions = {
  describe: () => [{ id: 0, name: 'natsort' }],
  compare: (_id, a, b) => Math.sign(natural(a, b)),
};
