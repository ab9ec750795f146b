/** Makes rows from the Cells that the core writes. */

import type { Memory } from '../core/memory.js';
import { cellSize, readCell } from '../kernel/cells.js';
import type { SqlValue } from '../kernel/values.js';

/**
 * A row: an object with the column names as keys, without a prototype unless `plainRows` is set. With `returnArrays`,
 * an array of the values.
 */
export type Row = Record<string, SqlValue>;

/** Makes a row from the Cells at an address. */
export type RowBuilder = (memory: Memory, cells: number, bigints: boolean) => Row;

/** The maximum number of properties added to an empty object. V8 turns larger objects into hash tables. */
const mostAdded = 256;

/**
 * Generates code for the names, which is several times faster than adding properties in a loop. The code removes the
 * prototype while the object is empty, because since Node 24 this takes longer the more properties there are.
 *
 * @param plain whether rows keep their prototype
 */
export function rowBuilder(names: readonly string[], plain: boolean): RowBuilder {
  const keys = names.map((name) => JSON.stringify(name));
  const read = (index: number): string => `read(memory,cells+${cellSize * index},bigints)`;
  const literal = `{${keys.map((key, index) => `${key === '"__proto__"' ? `[${key}]` : key}:${read(index)}`).join(',')}}`;
  let code: string;
  if (plain) code = `return (memory,cells,bigints)=>(${literal})`;
  else if (names.length > mostAdded) code = `return (memory,cells,bigints)=>bare(${literal},null)`;
  else {
    // Node prints the name of the constructor for an object without a prototype.
    const added = keys.map((key, index) => `this[${key}]=${read(index)};`).join('');
    code = `function Object(memory,cells,bigints){bare(this,null);${added}}
      return (memory,cells,bigints)=>new Object(memory,cells,bigints)`;
  }
  try {
    return new Function('read', 'bare', code)(readCell, Object.setPrototypeOf) as RowBuilder;
  } catch {
    // Node was started with --disallow-code-generation-from-strings.
    return (memory, cells, bigints) => buildRow(names, plain, memory, cells, bigints);
  }
}

/** Makes a row without generated code. */
export function buildRow(
  names: readonly string[],
  plain: boolean,
  memory: Memory,
  cells: number,
  bigints: boolean,
): Row {
  const row: Row = Object.create(null);
  for (let i = 0; i < names.length; i++) {
    row[names[i] as string] = readCell(memory, cells + cellSize * i, bigints);
  }
  return plain ? { ...row } : row;
}
