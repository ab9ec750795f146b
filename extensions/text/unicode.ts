/** Folds case and removes accents. */

/**
 * Returns a form in which texts that differ only in case are equal: Unicode's full case folding, without the mappings
 * for Turkic languages (https://www.unicode.org/reports/tr44/#CaseFolding.txt).
 */
export function casefold(text: string): string {
  return mapped(text.toLowerCase(), folded);
}

/** Replaces each character that is not ASCII by the result of `change`. */
function mapped(text: string, change: (character: string) => string): string {
  if (!/\P{ASCII}/u.test(text)) return text;
  // replace() would hold all matches at once.
  let result = '';
  for (const character of text) result += character < '\x80' ? character : change(character);
  return result;
}

/** Folds a lower-case character: the lower case of its upper case, with two exceptions. */
function folded(character: string): string {
  const capital = character.toUpperCase();
  if (character === 'ı') return character; // its upper case is that of i
  if (/^[\u13a0-\u13f5]/.test(capital)) return capital; // Cherokee is folded to upper case
  return capital.toLowerCase();
}

/** Replacements for Latin letters that have no decomposition. */
const plain: Readonly<Record<string, string>> = {
  ß: 'ss',
  ẞ: 'SS',
  æ: 'ae',
  Æ: 'AE',
  œ: 'oe',
  Œ: 'OE',
  ø: 'o',
  Ø: 'O',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'TH',
  ł: 'l',
  Ł: 'L',
  ħ: 'h',
  Ħ: 'H',
  ı: 'i',
  ŋ: 'n',
  Ŋ: 'N',
  ŧ: 't',
  Ŧ: 'T',
};

const accent = /^[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]$/;

/**
 * Removes accents, and replaces Latin letters with a stroke and ligatures. Removes only the combining marks of European
 * scripts, because in other scripts marks are vowels or make another letter.
 */
export function unaccent(text: string): string {
  return mapped(text.normalize('NFD'), (character) =>
    accent.test(character) ? '' : (plain[character] ?? character),
  ).normalize('NFC');
}
