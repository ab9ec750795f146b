/**
 * Texts of every length, as parameters and in rows. The first ones of a thread are copied by JavaScript, later ones by
 * WebAssembly if the runtime can, and long ones by Node. SQLite's hex() and Node's Buffer tell what is right.
 */

import { DatabaseSync } from 'sqlite-wasm-run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let db: DatabaseSync;
beforeEach(() => {
  db = new DatabaseSync(':memory:');
});
afterEach(() => db.close());

/** A string of two parts, which V8 does not join until it is read. */
const joined = (length: number, last: string): string => {
  const first = 'abcdefgh'.repeat(40).slice(0, Math.max(length - last.length, 0));
  return first + last;
};

const ends = {
  ASCII: 'z',
  'a NUL': '\0',
  DEL: '\x7f',
  'Latin-1': '\x80',
  'more Latin-1': 'ÿ',
  'two bytes': 'Ā',
  'three bytes': '€',
  'four bytes': '😀',
  'a lone surrogate': '\ud800',
};

describe.each([0, 1000])('after %i texts', (before) => {
  beforeEach(() => {
    const warm = db.prepare("SELECT ? || '' AS t");
    for (let i = 0; i < before; i++) expect(warm.get(`a warm text ${i}`)).toEqual({ t: `a warm text ${i}` });
  });

  test.each(Object.entries(ends))('that end with %s', (_, last) => {
    const bound = db.prepare("SELECT hex(?1) AS hex, ?1 || '' AS back, ?2 AS first, ?2 || ?1 AS both");
    for (let length = 1; length < 300; length++) {
      const text = joined(length, last);
      const stored = Buffer.from(text).toString();
      const other = joined(299 - length, 'x');
      expect(bound.get(text, other)).toEqual({
        hex: Buffer.from(text).toString('hex').toUpperCase(),
        back: stored,
        first: other,
        both: other + stored,
      });
    }
  });

  test('of which any one character is not ASCII', () => {
    const echo = db.prepare("SELECT ?1 || '' AS t");
    for (let length = 1; length < 70; length++) {
      for (let at = 0; at < length; at++) {
        const text = `${'x'.repeat(at)}é${'y'.repeat(length - at - 1)}`;
        expect(echo.get(text)).toEqual({ t: text });
      }
    }
  });
});

test('parts of strings, and strings that were keys of objects', () => {
  const echo = db.prepare("SELECT ?1 || '' AS t");
  const whole = 'the first part and the second part of one string'.repeat(3);
  for (let from = 0; from < 100; from++) {
    const key = `a key of an object ${from}`;
    expect(Object.keys({ [key]: 1 })).toEqual([key]);
    expect(echo.get(key)).toEqual({ t: key });
    expect(echo.get(whole.slice(from))).toEqual({ t: whole.slice(from) });
    expect(echo.get(`${from}`.padStart(from + 13, whole))).toEqual({
      t: `${from}`.padStart(from + 13, whole),
    });
  }
});

test('texts that are read and written after the memory has grown', () => {
  const echo = db.prepare("SELECT ?1 || '' AS t");
  for (let i = 0; i < 300; i++) echo.get(`a text before it ${i}`);
  const kept = db.prepare('SELECT zeroblob(30000000) AS z').get();
  expect(kept?.z).toHaveLength(30_000_000);
  for (let i = 0; i < 300; i++)
    expect(echo.get(`a text after it ${i}`)).toEqual({ t: `a text after it ${i}` });
});

test('results of functions, of every kind and length', () => {
  db.function('same', { useBigIntArguments: true }, (value) => value);
  db.function('half', () => 1.5);
  const kept = new Uint8Array(20_000).map((_, at) => at);
  const values = [
    ...[null, 0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 7n, -(2n ** 63n)],
    ...[0, 1, 12, 13, 256, 257, 5461, 5462, 16_384, 20_000].flatMap((length) => [
      'x'.repeat(length),
      'é'.repeat(length),
      `${'x'.repeat(length)}\ud800`,
      kept.subarray(0, length),
    ]),
  ];
  const read = db.prepare(
    'SELECT same(?1) IS ?1 AS same, typeof(same(?1)) = typeof(?1) AS kind, half() AS n',
  );
  for (let i = 0; i < 5; i++)
    for (const value of values) expect(read.get(value)).toEqual({ same: 1, kind: 1, n: 1.5 });
  expect(Object.is(db.prepare('SELECT same(?) AS v').get(-0)?.v, -0)).toBe(true);
});
