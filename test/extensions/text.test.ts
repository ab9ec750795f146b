/**
 * Compares extensions/text.wasm, which runs in QuickJS, with String and Intl.Segmenter of this Node, with distances
 * computed by brute force, and with published examples.
 */

import { spawnSync } from 'node:child_process';
import { DatabaseSync } from 'sqlite-wasm-run';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../kit/program.js';

/** Older versions of Node cannot compile components with an interpreter. */
const runsInterpreters = Number(process.versions.node.split('.')[0]) >= 22;
/** Whether this Node has the Unicode version of the component. */
const sameUnicode = process.versions['unicode'] === '17.0';

type Param = string | number | bigint | null | Uint8Array;

test.runIf(!runsInterpreters)('on an older Node, the error names the required version', () => {
  const db = new DatabaseSync(':memory:', { allowExtension: true });
  const sentence = /: Node v20\.\d+\.\d+ cannot compile text, which needs Node 22 or later: /;
  expect(() => db.loadExtension('text')).toThrow(sentence);
  expect(db.prepare('SELECT 1 AS v').get()).toEqual({ v: 1 });
  db.close();
  const shell = spawnSync(process.execPath, [program, ':memory:', '.load text', 'SELECT 1']);
  expect(String(shell.stderr)).toMatch(sentence);
});

describe.runIf(runsInterpreters).each(['direct', 'wrapped'])('calls %s', (calls) => {
  let db: DatabaseSync;
  beforeAll(() => {
    process.env.SQLITE_WASM_RUN_CALLS = calls;
    db = new DatabaseSync(':memory:', { allowExtension: true });
    db.loadExtension('text');
  });
  afterAll(() => {
    delete process.env.SQLITE_WASM_RUN_CALLS;
    db.close();
  });

  const value = (sql: string, ...params: Param[]): unknown =>
    Object.values(db.prepare(sql).get(...params) ?? {})[0];
  /** A function over texts. */
  const sqlFunction = (name: string): ((...args: Param[]) => unknown) => {
    return (...args) => value(`SELECT ${name}(${args.map(() => '?').join(', ')})`, ...args);
  };

  const upper = sqlFunction('text_upper');
  const lower = sqlFunction('text_lower');
  const fold = sqlFunction('text_casefold');
  const reverse = sqlFunction('text_reverse');
  const length = sqlFunction('text_length');
  const normalize = sqlFunction('text_normalize');
  const unaccent = sqlFunction('text_unaccent');

  /** Texts of 256 code points each: all assigned ones except ideographs, syllables and private ones. */
  function* blocks(): Generator<string[]> {
    const ranges = [
      [0, 0x4e00],
      [0xa000, 0xac00],
      [0xd700, 0xd800],
      [0xf900, 0x20000],
      [0xe0000, 0xe0200],
    ];
    for (const [first = 0, end = 0] of ranges) {
      for (let block = first; block < end; block += 256) {
        yield Array.from({ length: 256 }, (_point, i) => String.fromCodePoint(block + i));
      }
    }
  }

  describe('case', () => {
    test('upper and lower case are those of JavaScript, also if the length changes or the context matters', () => {
      const texts = ['straße', 'ŉ ﬃ ΐ', 'ὈΔΥΣΣΕΎΣ ΣΑΣ.', 'İstanbul ıI', 'ǆ ǅ Ǆ', '𐐷 𐐏', 'ᾳ ᾼ', 'Ꭰ ꭰ', ''];
      for (const text of texts) {
        expect([upper(text), lower(text)]).toEqual([text.toUpperCase(), text.toLowerCase()]);
      }
      expect([upper('straße'), lower('ΟΔΟΣ')]).toEqual(['STRASSE', 'οδος']);
    });

    test.runIf(sameUnicode)('of every character', () => {
      for (const block of blocks()) {
        const text = block.join(' ');
        expect(upper(text)).toBe(text.toUpperCase());
        expect(lower(text)).toBe(text.toLowerCase());
      }
    });

    // https://www.unicode.org/Public/UCD/latest/ucd/CaseFolding.txt, mappings C and F
    test.each([
      ['Straße', 'strasse'],
      ['STRASSE', 'strasse'],
      ['ẞ', 'ss'],
      ['ΜΆΪΟΣ μάϊος', 'μάϊοσ μάϊοσ'],
      ['µſÅK', 'μsåk'],
      ['İ', 'i\u0307'],
      ['Iıi', 'iıi'],
      ['ᾼᾳ', 'αιαι'],
      ['ŉǰΐ', 'ʼnj\u030cι\u0308\u0301'],
      ['ﬀﬁﬅ', 'fffist'],
      ['և', 'եւ'],
      ['Ꭰꭰᏸ', 'ᎠᎠᏰ'],
      ['ႠⴀᲐა', 'ⴀⴀაა'],
      ['𐐀', '𐐨'],
      ['\u0345', 'ι'],
    ])('%s folds to %s', (text, folded) => {
      expect(fold(text)).toBe(folded);
    });

    test.runIf(sameUnicode)(
      'folding makes texts that differ only in case equal, and folding again changes nothing',
      () => {
        for (const block of blocks()) {
          const text = block.filter((character) => character !== 'ı').join(' ');
          const folded = fold(text);
          expect(fold(text.toUpperCase())).toBe(folded);
          expect(fold(text.toLowerCase())).toBe(folded);
          expect(fold(folded as string)).toBe(folded);
        }
      },
    );

    test('a unique index on folded names', () => {
      db.exec('CREATE TABLE street(name); CREATE UNIQUE INDEX folded ON street(text_casefold(name))');
      db.exec("INSERT INTO street VALUES ('Hauptstraße')");
      expect(() => db.exec("INSERT INTO street VALUES ('HAUPTSTRASSE')")).toThrow(/UNIQUE/);
      db.exec('DROP TABLE street');
    });
  });

  describe('characters', () => {
    const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
    const clusters = (text: string): string[] =>
      Array.from(segmenter.segment(text), ({ segment }) => segment);

    // https://www.unicode.org/reports/tr29/
    test.each([
      ['g\u0308', 1],
      ['각', 1],
      ['\u1100\u1161\u11a8', 1],
      ['가\u11a8', 1],
      ['각\u1161', 2],
      ['กำ', 1],
      ['நி', 1],
      ['षि', 1],
      ['क्षि', 1],
      ['क\u200c्ष', 2],
      ['ক্ত', 1],
      ['🇨🇭🇩🇪', 2],
      ['🇨🇭🇩', 2],
      ['👨‍👩‍👧‍👦', 1],
      ['👍🏽', 1],
      ['❤️', 1],
      ['1️⃣', 1],
      ['🏴󠁧󠁢󠁳󠁣󠁴󠁿', 1],
      ['a\u200db', 2],
      ['\r\n', 1],
      ['\n\r', 2],
      ['a\0b', 3],
      ['\u0600\u0661', 1],
      ['\u200bx', 2],
      ['', 0],
      ['noël', 4],
    ])('%j has %i', (text, count) => {
      expect(length(text)).toBe(count);
      expect(clusters(text)).toHaveLength(count);
    });

    test('they stay whole in a reversed text', () => {
      expect(reverse('noe\u0308l 👨‍👩‍👧‍👦🇨🇭')).toBe('🇨🇭👨‍👩‍👧‍👦 le\u0308on');
      expect(reverse('a\r\nb')).toBe('b\r\na');
      expect(reverse('abc')).toBe('cba');
      expect(reverse('')).toBe('');
    });

    test.runIf(sameUnicode)('are those of Intl.Segmenter, next to any neighbors', () => {
      const beside = [
        'a',
        '\u0301',
        'क',
        '्',
        '🙂',
        '\u200d',
        '각',
        '가',
        'ᄀ',
        'ᅡ',
        'ᆨ',
        '🇦',
        '\u0600',
        '\r',
        'ः',
      ];
      for (const block of blocks()) {
        for (let shift = 0; shift < 5; shift++) {
          const text = block
            .map((character, i) => {
              const before = beside[(i + shift) % beside.length] ?? '';
              const behind = beside[(i * 7 + shift * 3) % beside.length] ?? '';
              return `${before}${character}${behind}\n`;
            })
            .join('');
          const wanted = clusters(text);
          expect(length(text)).toBe(wanted.length);
          expect(reverse(text)).toBe(wanted.reverse().join(''));
        }
      }
    });

    test('of long texts', () => {
      expect(value("SELECT text_length(replace(hex(zeroblob(300000)), '0', 'é'))")).toBe(600_000);
      expect(value("SELECT text_length('a' || replace(hex(zeroblob(300000)), '0', char(0x301)))")).toBe(1);
      const text = 'ab\u0301'.repeat(100_000);
      expect(reverse(text)).toBe('b\u0301a'.repeat(100_000));
    });
  });

  test('normal forms', () => {
    const text = 'Å Å A\u030a ﬁ ½ 각 \u1e9b\u0323';
    expect(normalize(text)).toBe(text.normalize());
    for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD'])
      expect(normalize(text, form)).toBe(text.normalize(form));
    expect(normalize('e\u0301', 'nfc')).toBe('é');
    expect(() => normalize('x', 'NFX')).toThrow(
      /^text_normalize: unknown form 'NFX'; use NFC, NFD, NFKC, NFKD$/,
    );
  });

  test.each([
    ['Crème Brûlée', 'Creme Brulee'],
    ['Straße, ÆØÅ, Łódź, Þórr, Đ', 'Strasse, AEOA, Lodz, THorr, D'],
    ['Việt Nam', 'Viet Nam'],
    ['Ἀθῆναι ΐ', 'Αθηναι ι'],
    ['ёлка', 'елка'],
    ['e\u0301', 'e'],
    ['हिन्दी กำ がぎ שָׁלוֹם', 'हिन्दी กำ がぎ שָׁלוֹם'.normalize()],
    ['각', '각'],
    ['plain', 'plain'],
  ])('%s without accents is %s', (text, plain) => {
    expect(unaccent(text)).toBe(plain);
  });

  describe('distances', () => {
    const levenshtein = sqlFunction('levenshtein');
    const damerau = sqlFunction('damerau');

    /** The number of edits from a word to each other word of at most six letters a, b, c. */
    function reached(from: string, swaps: boolean): Map<string, number> {
      const found = new Map([[from, 0]]);
      for (const [word, distance] of found) {
        const next: string[] = [];
        for (let i = 0; i <= word.length; i++) {
          const [before, after] = [word.slice(0, i), word.slice(i)];
          for (const letter of 'abc') next.push(before + letter + after, before + letter + after.slice(1));
          next.push(before + after.slice(1));
          if (swaps && after.length > 1) next.push(before + after[1] + after[0] + after.slice(2));
        }
        for (const other of next) if (other.length <= 6 && !found.has(other)) found.set(other, distance + 1);
      }
      return found;
    }

    test.each(['', 'a', 'ab', 'abca', 'ccab', 'abcab'])('from "%s", by brute force', (from) => {
      const plain = reached(from, false);
      const swapped = reached(from, true);
      const select = db.prepare('SELECT levenshtein(?1, ?2), damerau(?1, ?2)');
      const words = [...plain.keys()].filter((word, i) => word.length <= 5 && i % 3 === 0);
      expect(words.map((word) => [word, ...Object.values(select.get(from, word) ?? {})])).toEqual(
        words.map((word) => [word, plain.get(word), swapped.get(word)]),
      );
    });

    test('published distances', () => {
      expect([levenshtein('kitten', 'sitting'), levenshtein('Saturday', 'Sunday')]).toEqual([3, 3]);
      expect([damerau('CA', 'ABC'), levenshtein('CA', 'ABC')]).toEqual([2, 3]);
    });

    test('characters are code points', () => {
      expect([levenshtein('a😀', 'a😁'), damerau('😀é', 'é😀'), levenshtein('', '😀')]).toEqual([1, 1, 1]);
    });

    test('long similar texts are compared, and others are refused', () => {
      const long = 'x'.repeat(100_000);
      expect(levenshtein(`${long}a${long}`, `${long}bb${long}`)).toBe(2);
      const sentence = (name: string): RegExp =>
        new RegExp(
          `^${name}: texts of 100000 and 200 characters are too long to compare: the product of their lengths ` +
            'may be 16777216$',
        );
      for (const name of ['levenshtein', 'damerau', 'jaro_winkler']) {
        expect(() => sqlFunction(name)(long, 'y'.repeat(200))).toThrow(sentence(name));
      }
      expect(levenshtein('a', 'b')).toBe(1);
    });
  });

  describe('similarities', () => {
    // W. E. Winkler: String Comparator Metrics and Enhanced Decision Rules in the Fellegi-Sunter Model, 1990.
    test.each([
      ['MARTHA', 'MARHTA', 0.961],
      ['DWAYNE', 'DUANE', 0.84],
      ['DIXON', 'DICKSONX', 0.813],
      ['SHACKLEFORD', 'SHACKELFORD', 0.982],
      ['NICHLESON', 'NICHULSON', 0.956],
      ['JONES', 'JOHNSON', 0.832],
      ['MASSEY', 'MASSIE', 0.933],
      ['same', 'same', 1],
      ['', '', 1],
      ['', 'a', 0],
      ['abc', 'xyz', 0],
    ])('jaro_winkler of %s and %s is %f', (first, second, wanted) => {
      const similarity = sqlFunction('jaro_winkler');
      expect(similarity(first, second)).toBeCloseTo(wanted, 3);
      expect(similarity(second, first)).toBe(similarity(first, second));
    });

    // https://www.postgresql.org/docs/current/pgtrgm.html
    test.each([
      ['word', 'two words', 4 / 11],
      ['word', 'WORD', 1],
      ['a b', 'b, a!', 1],
      ['', '', 0],
      ['cat', '?!', 0],
      ['école', 'École', 1],
    ])('trigram_similarity of %s and %s is %f', (first, second, wanted) => {
      expect(sqlFunction('trigram_similarity')(first, second)).toBe(wanted);
    });

    test('they are real numbers even if they are integral', () => {
      expect(value("SELECT typeof(jaro_winkler('a', 'a')) || typeof(trigram_similarity('', ''))")).toBe(
        'realreal',
      );
      expect(value("SELECT typeof(levenshtein('a', 'b')) || typeof(text_length('a'))")).toBe(
        'integerinteger',
      );
    });
  });

  describe('arguments', () => {
    test('NULL returns NULL', () => {
      const sql =
        "SELECT coalesce(text_upper(NULL), text_length(NULL), text_normalize('a', NULL), levenshtein(NULL, 'a'))";
      expect(value(sql)).toBe(null);
    });

    test('a number is converted to text, as in SQLite', () => {
      const numbers = [
        '0, -5, 9007199254740991, -9007199254740991, 1.0, -0.0, 2.5, -0.1, 1e15, 1e16, 1e17, 123456.789, 1e100',
        '1e-4, 1.25e-5, 1.5e-300, 9e999, -9e999, 0.1 + 0.2, 12345678901234567.0',
      ].join(', ');
      for (const sql of numbers.split(', ')) {
        expect([sql, value(`SELECT text_normalize(${sql})`)]).toEqual([
          sql,
          value(`SELECT CAST(${sql} AS TEXT)`),
        ]);
      }
      expect(value('SELECT text_reverse(120) || levenshtein(1.5, 2.5)')).toBe('0211');
    });

    test('values that would lose digits, and blobs, are refused', () => {
      for (const large of [2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n]) {
        expect(() => upper(large)).toThrow(
          /^text_upper: an integer beyond 2\^53 would lose digits: pass CAST\(\.\.\. AS TEXT\)$/,
        );
      }
      expect(() => value("SELECT levenshtein('a', x'61')")).toThrow(
        /^levenshtein: the arguments must be text or numbers, not blobs: pass CAST\(\.\.\. AS TEXT\)$/,
      );
      expect(upper('goes on')).toBe('GOES ON');
    });

    test('U+0000 and U+FEFF are ordinary characters, and invalid UTF-8 becomes U+FFFD', () => {
      expect(upper('\ufeffa\0b\ufeff')).toBe('\ufeffA\0B\ufeff');
      expect(reverse('a\ufeff')).toBe('\ufeffa');
      expect(value("SELECT text_upper(CAST(x'61ff62' AS TEXT))")).toBe('A\ufffdB');
    });
  });
});
