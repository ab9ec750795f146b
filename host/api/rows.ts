/** Rows as objects, of the cells that the core writes. */

import type { Memory } from '../core/memory.js';
import { cellSize, readCell } from '../kernel/cells.js';
import type { SqlValue } from '../kernel/values.js';

/**
 * A row by column names, without a prototype unless `plainRows` is set; or, with `returnArrays`, its values in order.
 */
export type Row = Record<string, SqlValue>;

/** Makes a row of the cells at an address. */
export type RowBuilder = (memory: Memory, cells: number, bigints: boolean) => Row;

/** The most properties that are added to an empty object: of many more, V8 makes a hash table. */
const mostAdded = 256;

/**
 * Code for these names is several times as fast as adding one name after the other. Rows without a prototype lose it
 * while they are empty: since Node 24 the time that this takes grows with the number of properties.
 *
 * @param plain whether it keeps its prototype
 */
export function rowBuilder(names: readonly string[], plain: boolean): RowBuilder {
  const keys = names.map((name) => JSON.stringify(name));
  const read = (index: number): string => `read(memory,cells+${cellSize * index},bigints)`;
  const literal = `{${keys.map((key, index) => `${key === '"__proto__"' ? `[${key}]` : key}:${read(index)}`).join(',')}}`;
  let code: string;
  if (plain) code = `return (memory,cells,bigints)=>(${literal})`;
  else if (names.length > mostAdded) code = `return (memory,cells,bigints)=>bare(${literal},null)`;
  else {
    // Node shows an object without a prototype with the name of the function that made it.
    const added = keys.map((key, index) => `this[${key}]=${read(index)};`).join('');
    code = `function Object(memory,cells,bigints){bare(this,null);${added}}
      return (memory,cells,bigints)=>new Object(memory,cells,bigints)`;
  }
  try {
    return new Function('read', 'bare', code)(readCell, Object.setPrototypeOf) as RowBuilder;
  } catch {
    // Node does not allow code from strings.
    return (memory, cells, bigints) => buildRow(names, plain, memory, cells, bigints);
  }
}

/** Makes a row name by name. */
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
