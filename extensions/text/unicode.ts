/** Case folding, and letters without their accents. */

/**
 * A form in which texts that differ only in case are the same: Unicode's full case folding, without the mappings for
 * Turkic languages (https://www.unicode.org/reports/tr44/#CaseFolding.txt).
 */
export function casefold(text: string): string {
  return mapped(text.toLowerCase(), folded);
}

/** Each character that is not ASCII by what `change` makes of it. */
function mapped(text: string, change: (character: string) => string): string {
  if (!/\P{ASCII}/u.test(text)) return text;
  // replace() would hold all matches at once.
  let result = '';
  for (const character of text) result += character < '\x80' ? character : change(character);
  return result;
}

/** Of a character in lower case. Folding is what capitals become in lower case, with two exceptions. */
function folded(character: string): string {
  const capital = character.toUpperCase();
  if (character === 'ı') return character; // its capital is that of i
  if (/^[\u13a0-\u13f5]/.test(capital)) return capital; // Cherokee is folded to capitals
  return capital.toLowerCase();
}

/** Letters of Latin script that no decomposition makes plain. */
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
 * Without accents, and with Latin letters that have a stroke or are joined as plain ones. Only the combining marks
 * that European scripts use are left out: in other scripts marks are vowels, or make another letter.
 */
export function unaccent(text: string): string {
  return mapped(text.normalize('NFD'), (character) =>
    accent.test(character) ? '' : (plain[character] ?? character),
  ).normalize('NFC');
}
