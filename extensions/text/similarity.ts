/** Measures how similar two texts are. Characters are code points here. */

import { fail } from './values.js';

const tooBig = 18; // SQLITE_TOOBIG
/** The maximum product of the lengths, because time and memory of a comparison grow with it. */
const mostPairs = 2 ** 24;

/** The code points of both texts. If `trimmed`, without a common beginning and end. */
function pair(name: string, first: string, second: string, trimmed: boolean): [a: number[], b: number[]] {
  const a = codePoints(first);
  const b = codePoints(second);
  let start = 0;
  let endA = a.length;
  let endB = b.length;
  if (trimmed) {
    while (start < endA && start < endB && a[start] === b[start]) start += 1;
    while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
      endA -= 1;
      endB -= 1;
    }
  }
  if ((endA - start) * (endB - start) > mostPairs) {
    fail(
      tooBig,
      `${name}: texts of ${a.length} and ${b.length} characters are too long to compare: the product of their ` +
        `lengths may be ${mostPairs}`,
    );
  }
  return [a.slice(start, endA), b.slice(start, endB)];
}

function codePoints(text: string): number[] {
  const points: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) ?? 0;
    if (point > 0xffff) i += 1;
    points.push(point);
  }
  return points;
}

/** The number of insertions, deletions and replacements that turn one text into the other. */
export function levenshtein(first: string, second: string): number {
  const [a, b] = pair('levenshtein', first, second, true);
  const row = Array.from({ length: b.length + 1 }, (_cell, j) => j);
  for (const [i, character] of a.entries()) {
    let corner = i; // the cell above and before
    let before = i + 1;
    row[0] = before;
    for (let j = 1; j < row.length; j++) {
      const above = row[j] ?? 0;
      const exchanged = b[j - 1] === character ? corner : corner + 1;
      before = Math.min(exchanged, above + 1, before + 1);
      row[j] = before;
      corner = above;
    }
  }
  return row[b.length] ?? 0;
}

/** Like `levenshtein`, but also exchanges neighbors: the unrestricted Damerau-Levenshtein distance. */
export function damerau(first: string, second: string): number {
  const [a, b] = pair('damerau', first, second, true);
  const most = a.length + b.length;
  // Rows and columns begin at -1.
  const width = b.length + 2;
  const cells = new Uint32Array((a.length + 2) * width).fill(most);
  for (let i = 0; i <= a.length; i++) cells[(i + 1) * width + 1] = i;
  for (let j = 0; j <= b.length; j++) cells[width + j + 1] = j;
  /** The last position of each character in `a`. */
  const lastRow = new Map<number, number>();
  for (let i = 1; i <= a.length; i++) {
    const character = a[i - 1] ?? 0;
    const here = (i + 1) * width + 1;
    let lastColumn = 0;
    for (let j = 1; j <= b.length; j++) {
      const row = lastRow.get(b[j - 1] ?? 0) ?? 0;
      const same = b[j - 1] === character;
      const exchanged = (cells[here - width + j - 1] ?? 0) + (same ? 0 : 1);
      const moved = Math.min(cells[here + j - 1] ?? 0, cells[here - width + j] ?? 0) + 1;
      // Characters between the two exchanged ones are deleted from `a` and inserted from `b`.
      const swapped = (cells[row * width + lastColumn] ?? 0) + (i - row - 1) + 1 + (j - lastColumn - 1);
      cells[here + j] = Math.min(exchanged, moved, swapped);
      if (same) lastColumn = j;
    }
    lastRow.set(character, i);
  }
  return cells[cells.length - 1] ?? 0;
}

/**
 * The Jaro-Winkler similarity, from 0 to 1 for equal texts. Equal characters count if their positions are close, and a
 * common beginning of up to 4 characters counts more. Half transpositions are rounded down, as in Winkler's own program.
 */
export function jaroWinkler(first: string, second: string): number {
  const [a, b] = pair('jaro_winkler', first, second, false);
  if (a.length === 0 && b.length === 0) return 1;
  const reach = Math.max(0, Math.floor(Math.max(a.length, b.length) / 2) - 1);
  const taken = new Uint8Array(b.length);
  const matches: number[] = [];
  for (const [i, character] of a.entries()) {
    const end = Math.min(b.length, i + reach + 1);
    for (let j = Math.max(0, i - reach); j < end; j++) {
      if (b[j] !== character || taken[j] === 1) continue;
      taken[j] = 1;
      matches.push(character);
      break;
    }
  }
  const count = matches.length;
  if (count === 0) return 0;
  const others = b.filter((_character, j) => taken[j] === 1);
  const displaced = matches.filter((character, i) => character !== others[i]).length;
  const jaro = (count / a.length + count / b.length + (count - Math.floor(displaced / 2)) / count) / 3;
  let prefix = 0;
  while (prefix < 4 && prefix < a.length && a[prefix] === b[prefix]) prefix += 1;
  return jaro + prefix * 0.1 * (1 - jaro);
}

/** The trigrams of the words of a text, in lower case and with spaces around each word. */
function trigramsOf(text: string): Set<string> {
  const found = new Set<string>();
  for (const word of text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []) {
    const characters = Array.from(`  ${word} `);
    for (let i = 0; i + 3 <= characters.length; i++) found.add(characters.slice(i, i + 3).join(''));
  }
  return found;
}

/** The proportion of common trigrams to all trigrams of both texts, from 0 to 1, as similarity() of pg_trgm. */
export function trigramSimilarity(first: string, second: string): number {
  const a = trigramsOf(first);
  const b = trigramsOf(second);
  let common = 0;
  for (const trigram of a) if (b.has(trigram)) common += 1;
  const all = a.size + b.size - common;
  return all === 0 ? 0 : common / all;
}
