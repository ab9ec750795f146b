/**
 * Splits text into characters as people count them: the extended grapheme clusters of Unicode 17
 * (https://www.unicode.org/reports/tr29/#Grapheme_Cluster_Boundary_Rules). Regular expressions support most of the
 * properties. The others are listed here as parts of a character class.
 */

/** Grapheme_Cluster_Break=Extend. */
const extend = '\\p{Grapheme_Extend}\\p{Emoji_Modifier}';

const prepend =
  '\\u0600-\\u0605\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u0d4e\\u{110bd}\\u{110cd}\\u{111c2}\\u{111c3}\\u{113d1}' +
  '\\u{1193f}\\u{11941}\\u{11a84}-\\u{11a89}\\u{11d46}\\u{11f02}';

/** Spacing marks that begin a cluster. */
const apart =
  '\\u102b\\u102c\\u1038\\u1062-\\u1064\\u1067-\\u106d\\u1083\\u1087-\\u108c\\u108f\\u109a-\\u109c\\u1a61\\u1a63' +
  '\\u1a64\\uaa7b\\uaa7d\\u{11720}\\u{11721}';

/** Characters that continue a cluster: Extend, ZWJ, SpacingMark. */
const after = `[${extend}\\u200d[[\\p{Mc}\\u0e33\\u0eb3]--[${extend}${apart}]]]`;

const control = `[\\p{Zl}\\p{Zp}\\p{Cc}[\\p{Cf}--[${extend}\\u200d${prepend}]][\\p{Cn}&&\\p{Default_Ignorable_Code_Point}]]`;

const leading = '[\\u1100-\\u115f\\ua960-\\ua97c]';
const vowel = '[\\u1160-\\u11a7\\ud7b0-\\ud7c6\\u{16d63}\\u{16d67}-\\u{16d6a}]';
const trailing = '[\\u11a8-\\u11ff\\ud7cb-\\ud7fb]';
/** The syllables of two letters, which a vowel can follow: every 28th syllable. */
const open = `[${Array.from({ length: 399 }, (_syllable, i) => String.fromCodePoint(0xac00 + 28 * i)).join('')}]`;
const syllable = '[\\uac00-\\ud7a3]';
const hangul = `${leading}*(?:${open}${vowel}*|${syllable}|${vowel}+)${trailing}*|${leading}+|${trailing}+`;

const picture = `\\p{Extended_Pictographic}(?:[${extend}]*\\u200d\\p{Extended_Pictographic})*`;

/** Indic_Conjunct_Break: consonants, and the signs that join two consonants. */
const consonant =
  '[\\u0915-\\u0939\\u0958-\\u095f\\u0978-\\u097f\\u0995-\\u09a8\\u09aa-\\u09b0\\u09b2\\u09b6-\\u09b9\\u09dc\\u09dd' +
  '\\u09df\\u09f0\\u09f1\\u0a95-\\u0aa8\\u0aaa-\\u0ab0\\u0ab2\\u0ab3\\u0ab5-\\u0ab9\\u0af9\\u0b15-\\u0b28' +
  '\\u0b2a-\\u0b30\\u0b32\\u0b33\\u0b35-\\u0b39\\u0b5c\\u0b5d\\u0b5f\\u0b71\\u0c15-\\u0c28\\u0c2a-\\u0c39' +
  '\\u0c58-\\u0c5a\\u0d15-\\u0d3a\\u1000-\\u102a\\u103f\\u1050-\\u1055\\u105a-\\u105d\\u1061\\u1065\\u1066' +
  '\\u106e-\\u1070\\u1075-\\u1081\\u108e\\u1780-\\u17b3\\u1a20-\\u1a54\\u1b0b\\u1b0c\\u1b13-\\u1b33\\u1b45-\\u1b4c' +
  '\\u1b83-\\u1ba0\\u1bae\\u1baf\\u1bbb-\\u1bbd\\ua989-\\ua98b\\ua98f-\\ua9b2\\ua9e0-\\ua9e4\\ua9e7-\\ua9ef' +
  '\\ua9fa-\\ua9fe\\uaa60-\\uaa6f\\uaa71-\\uaa73\\uaa7a\\uaa7e\\uaa7f\\uaae0-\\uaaea\\uabc0-\\uabda\\u{10a00}' +
  '\\u{10a10}-\\u{10a13}\\u{10a15}-\\u{10a17}\\u{10a19}-\\u{10a35}\\u{11103}-\\u{11126}\\u{11144}\\u{11147}' +
  '\\u{11380}-\\u{11389}\\u{1138b}\\u{1138e}\\u{11390}-\\u{113b5}\\u{11900}-\\u{11906}\\u{11909}' +
  '\\u{1190c}-\\u{11913}\\u{11915}\\u{11916}\\u{11918}-\\u{1192f}\\u{11a00}\\u{11a0b}-\\u{11a32}\\u{11a50}' +
  '\\u{11a5c}-\\u{11a83}\\u{11f04}-\\u{11f10}\\u{11f12}-\\u{11f33}]';
const linker =
  '\\u094d\\u09cd\\u0acd\\u0b4d\\u0c4d\\u0d4d\\u1039\\u17d2\\u1a60\\u1b44\\u1bab\\ua9c0\\uaaf6\\u{10a3f}\\u{11133}' +
  '\\u{113d0}\\u{1193e}\\u{11a47}\\u{11a99}\\u{11f42}';
const between = `${extend}\\u200d`;
const conjunct = `${consonant}(?:[[${between}]--[\\u200c${linker}]]*[${linker}][[${between}]--\\u200c]*${consonant})+`;

const cluster = new RegExp(
  `\\r\\n|${control}|[${prepend}]*(?:${conjunct}|${picture}|\\p{RI}\\p{RI}|${hangul}|[^${control}])${after}*`,
  'gv',
);

/** Matches in every text that may have clusters of several code units. */
const joining = /[\r\P{ASCII}]/u;

export function length(text: string): number {
  if (!joining.test(text)) return text.length;
  cluster.lastIndex = 0;
  let count = 0;
  while (cluster.test(text)) count += 1;
  return count;
}

/** Returns the characters in reverse order. */
export function reverse(text: string): string {
  const step = joining.test(text) ? clusterEnd : unit;
  // Join pieces, so that a long text is not millions of strings at once.
  const pieces: string[] = [];
  let characters: string[] = [];
  for (let start = 0; start < text.length; ) {
    const end = step(text, start);
    characters.push(text.slice(start, end));
    start = end;
    if (characters.length === 4096 || end === text.length) {
      pieces.push(characters.reverse().join(''));
      characters = [];
    }
  }
  return pieces.reverse().join('');
}

const unit = (_text: string, start: number): number => start + 1;

function clusterEnd(text: string, start: number): number {
  cluster.lastIndex = start;
  return cluster.test(text) ? cluster.lastIndex : text.length;
}
