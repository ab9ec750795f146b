/**
 * Escapes foreign text before it is printed, logged or put into an error. Text from a component, a file or another
 * process may contain control sequences for a terminal.
 */

/** Made on first use, because that takes half a millisecond. */
let made: RegExp | undefined;

/**
 * Control characters, line and paragraph separators, marks that change the writing direction, invisible characters, and
 * lone surrogates. The joiners of letters and emoji (U+200C, U+200D) are not escaped.
 */
function unprintable(): RegExp {
  made ??= /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Co}]|(?![\u200c\u200d])\p{Cf}/gu;
  return made;
}

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The longest message, in characters. */
export const longestMessage = 4096;
/** The longest name, in characters. */
export const longestName = 300;

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return short[character] ?? `\\x${code.toString(16).padStart(2, '0')}`;
  return `\\u{${code.toString(16)}}`;
}

/** Returns the text on one line, with JavaScript escapes for unprintable characters, cut after `most` characters. */
export function shown(text: string, most = longestMessage): string {
  if (text.length <= most) return text.replace(unprintable(), escaped);
  return `${text.slice(0, most).replace(unprintable(), escaped)}... (${text.length} characters)`;
}

/** Escapes a name as {@link shown} does, with a shorter limit. */
export function shownName(name: string): string {
  return shown(name, longestName);
}

/**
 * Escapes each line of a text as {@link shown} does. Lines after the first are indented, so that they do not look like
 * output of the program itself.
 */
export function shownLines(text: string, indent = '    '): string {
  return text
    .split(/\r?\n/)
    .map((line) => shown(line, Number.POSITIVE_INFINITY))
    .join(`\n${indent}`);
}

/** Escapes the control characters in a JSON document without changing its meaning. */
export function shownJson(json: string): string {
  return json.replace(unprintable(), (character) => {
    if (character === '\n') return character; // whitespace of the document; inside a string it is already escaped
    return Array.from({ length: character.length }, (_, i) => {
      return `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }).join('');
  });
}
