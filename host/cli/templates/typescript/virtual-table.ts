/** words(text): a table of the words in a text, such as `SELECT word FROM words('one two')`. */

import { fail } from './errors.js';
import type { Batch, Functions } from './types/virtual-table.js';

/** The columns. The hidden column `text` is the argument. */
const declaration = 'CREATE TABLE x(word TEXT, position INTEGER, text HIDDEN)';
const textColumn = 2;
const equal = 2; // https://www.sqlite.org/c3ref/c_index_constraint_eq.html

/** The remaining words in reverse order, and the number of words that were returned. */
interface Cursor {
  left: string[];
  count: number;
}

const cursors = new Map<number, Cursor>();
let last = 0;

/** ASCII punctuation and spaces separate words. */
const wordsOf = (text: string): string[] => text.match(/[0-9A-Za-z\u0080-\u{10ffff}]+/gu) ?? [];

export const virtualTable: Functions = {
  describe: () => [{ id: 0, name: 'words', options: { eponymous: true, innocuous: true }, shadowNames: [] }],

  connect: () => ({ table: 0, declaration }), // all tables of this module are the same
  disconnect() {},
  destroy() {},

  /** A scan needs the text. Without it there is no plan, and SQLite tries another order of joins. */
  bestIndex(_table, { constraints }) {
    const term = constraints.findIndex(
      ({ column, op, usable }) => column === textColumn && op === equal && usable,
    );
    if (term < 0) return null;
    return {
      usages: constraints.map((_constraint, i) => ({
        argument: i === term ? 1 : 0,
        omit: i === term,
        allAtOnce: false,
      })),
      number: 0,
      text: '',
      ordered: false,
      cost: 10,
      rows: 10,
      unique: false,
    };
  },

  open() {
    last += 1;
    cursors.set(last, { left: [], count: 0 });
    return last;
  },

  close(cursor) {
    cursors.delete(cursor);
  },

  filter(cursor, _number, _text, [argument], maxRows) {
    const text = argument?.tag === 'value' ? argument.val : undefined;
    if (text?.tag !== 'text' && text?.tag !== 'null') {
      return fail(20, 'words: the argument must be text');
    }
    const words = text.tag === 'text' ? wordsOf(text.val) : [];
    cursors.set(cursor, { left: words.reverse(), count: 0 });
    return virtualTable.fetch(cursor, maxRows);
  },

  fetch(number, maxRows) {
    const cursor = cursors.get(number) ?? fail(1, `words: unknown scan ${number}`);
    const batch: Batch = { rowids: [], values: [], done: false };
    while (batch.rowids.length < maxRows && cursor.left.length > 0) {
      cursor.count += 1;
      batch.rowids.push(cursor.count);
      batch.values.push({ tag: 'text', val: cursor.left.pop() ?? '' });
      batch.values.push({ tag: 'integer', val: cursor.count }, { tag: 'null' });
    }
    batch.done = cursor.left.length === 0;
    return batch;
  },
};
