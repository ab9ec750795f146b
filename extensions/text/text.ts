/**
 * SQL functions for Unicode text and for the similarity of texts. They are in TypeScript, which QuickJS runs in the
 * component.
 *
 *     text_upper(x), text_lower(x)       upper and lower case of Unicode: straße, STRASSE
 *     text_casefold(x)                   a form for comparisons that ignore case
 *     text_reverse(x), text_length(x)    count grapheme clusters, the characters that people see
 *     text_normalize(x [, form])         NFC, NFD, NFKC or NFKD; NFC by default
 *     text_unaccent(x)                   Crème Brûlée, Creme Brulee
 *     levenshtein(x, y), damerau(x, y)   the number of edits; damerau also exchanges neighbors
 *     jaro_winkler(x, y), trigram_similarity(x, y)   a similarity from 0 to 1
 *
 * NULL returns NULL. A number is converted to text, as by SQLite's own functions.
 */

import { length, reverse } from './graphemes.js';
import { damerau, jaroWinkler, levenshtein, trigramSimilarity } from './similarity.js';
import { casefold, unaccent } from './unicode.js';
import { fail, type SqlValue, textOf } from './values.js';

interface SqlFunction {
  readonly name: string;
  readonly numArgs: number;
  readonly result: 'text' | 'integer' | 'real';
  readonly run: (first: string, second: string) => string | number;
}

const misuse = 21; // SQLITE_MISUSE
const noMemory = 7; // SQLITE_NOMEM

const forms = ['NFC', 'NFD', 'NFKC', 'NFKD'];

function normalize(text: string, form: string): string {
  const known = forms.find((name) => name === form.toUpperCase());
  return known
    ? text.normalize(known)
    : fail(misuse, `text_normalize: unknown form '${form}'; use ${forms.join(', ')}`);
}

const functions: readonly SqlFunction[] = [
  { name: 'text_upper', numArgs: 1, result: 'text', run: (x) => x.toUpperCase() },
  { name: 'text_lower', numArgs: 1, result: 'text', run: (x) => x.toLowerCase() },
  { name: 'text_casefold', numArgs: 1, result: 'text', run: casefold },
  { name: 'text_reverse', numArgs: 1, result: 'text', run: reverse },
  { name: 'text_length', numArgs: 1, result: 'integer', run: length },
  { name: 'text_normalize', numArgs: 1, result: 'text', run: (x) => x.normalize() },
  { name: 'text_normalize', numArgs: 2, result: 'text', run: normalize },
  { name: 'text_unaccent', numArgs: 1, result: 'text', run: unaccent },
  { name: 'levenshtein', numArgs: 2, result: 'integer', run: levenshtein },
  { name: 'damerau', numArgs: 2, result: 'integer', run: damerau },
  { name: 'jaro_winkler', numArgs: 2, result: 'real', run: jaroWinkler },
  { name: 'trigram_similarity', numArgs: 2, result: 'real', run: trigramSimilarity },
];

export const metadata = {
  describe: () => ({ name: 'text', version: '1.0.0' }),
};

export const scalarFunction = {
  describe: () =>
    functions.map(({ name, numArgs }, id) => ({
      id,
      name,
      numArgs,
      options: { deterministic: true, directOnly: false, innocuous: true },
    })),

  call(id: number, args: SqlValue[]): SqlValue {
    const found = functions[id];
    if (!found) return fail(misuse, 'text has no such function');
    const texts: string[] = [];
    for (const value of args) {
      const text = textOf(found.name, value);
      if (text === undefined) return { tag: 'null' };
      texts.push(text);
    }
    try {
      return { tag: found.result, val: found.run(texts[0] ?? '', texts[1] ?? '') } as SqlValue;
    } catch (error) {
      // QuickJS ran out of memory. The statement fails, and the component can be called again.
      if (error instanceof Error) return fail(noMemory, `${found.name}: ${error.message}`);
      throw error;
    }
  },
};
