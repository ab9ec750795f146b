/**
 * Escapes foreign text before it is shown. Text of a component, a file or another process may hold control sequences
 * for a terminal: all of it that is printed, logged or put into an error passes through here.
 */

/**
 * Controls, ends of lines and paragraphs, marks that turn the direction of writing, what is not seen at all, and halves
 * of characters. What joins letters and emoji (U+200C, U+200D) stays.
 */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Co}]|(?![\u200c\u200d])\p{Cf}/gu;

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The most characters of a message. */
export const longestMessage = 4096;
/** The most characters of a name. */
export const longestName = 300;

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return short[character] ?? `\\x${code.toString(16).padStart(2, '0')}`;
  return `\\u{${code.toString(16)}}`;
}

/** The text on one line: what does not print is written as in JavaScript, and what is longer than `most` is cut. */
export function shown(text: string, most = longestMessage): string {
  if (text.length <= most) return text.replace(unprintable, escaped);
  return `${text.slice(0, most).replace(unprintable, escaped)}... (${text.length} characters)`;
}

/** A name: the same, and shorter. */
export function shownName(name: string): string {
  return shown(name, longestName);
}

/**
 * A text of several lines, each of them as {@link shown}: those after the first are indented by `indent`, so that none
 * looks like a line of the program's own.
 */
export function shownLines(text: string, indent = '    '): string {
  return text
    .split(/\r?\n/)
    .map((line) => shown(line, Number.POSITIVE_INFINITY))
    .join(`\n${indent}`);
}

/** An equal JSON document without control characters for a terminal. */
export function shownJson(json: string): string {
  return json.replace(unprintable, (character) => {
    if (character === '\n') return character; // between its parts; within a text it is escaped already
    return Array.from({ length: character.length }, (_, i) => {
      return `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }).join('');
  });
}
