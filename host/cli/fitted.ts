/** Breaks the lines of the help for terminals that are narrower than the help. */

import { isatty } from 'node:tty';

/** The width of the help, in columns. */
export const helpWidth = 80;
/** The minimum width of a description. If less is left beside the option, it begins on its own line. */
const leastRoom = 20;
const smallIndent = 6;

/** Breaks a text between words into lines of at most `width` characters; a longer word has a line of its own. */
export function broken(text: string, width: number): string[] {
  const lines: string[] = [];
  let line: string | undefined;
  for (const word of text.split(' ')) {
    if (line !== undefined && line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      if (line !== undefined) lines.push(line);
      line = word;
    }
  }
  return [...lines, line ?? ''];
}

/** The number of columns of the terminal at a file descriptor; undefined if it is not a terminal. */
export function columnsOf(fd: 1 | 2): number | undefined {
  return isatty(fd) ? (fd === 1 ? process.stdout : process.stderr).columns : undefined;
}

/** The beginning of a line, such as the name of an option, and its text, which the next lines may continue. */
interface Entry {
  readonly lead: string;
  lines: string[];
}

/** Breaks lines that are wider than `columns` between words, and keeps their indentation. */
export function fitted(text: string, columns = helpWidth): string {
  if (columns >= helpWidth) return text;
  const entries: Entry[] = [];
  for (const line of text.split('\n')) {
    const [lead = ''] = /^ *(?:\S+(?: \S+)* {2,})?/.exec(line) ?? [];
    const last = entries.at(-1);
    const continues = last && lead.trim() === '' && lead.length === last.lead.length && line !== '';
    if (continues && last.lines[0] !== '') last.lines.push(line.slice(lead.length));
    else entries.push({ lead, lines: [line.slice(lead.length)] });
  }
  return entries.map((entry) => shaped(entry, columns)).join('\n');
}

function shaped({ lead, lines }: Entry, columns: number): string {
  const isWide = lines.some((line) => lead.length + line.length > columns);
  const room = columns - lead.length;
  const longest = Math.max(
    ...lines
      .join(' ')
      .split(' ')
      .map((word) => word.length),
  );
  const hangs = lead.trim() !== '' && (room < leastRoom || room < longest);
  const indent = ' '.repeat(hangs ? smallIndent : lead.length);
  const shown = isWide ? broken(lines.join(' '), columns - indent.length) : lines;
  const first = hangs && isWide ? `${lead.trimEnd()}\n${indent}` : lead;
  return first + shown.join(`\n${indent}`);
}
