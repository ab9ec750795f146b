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

/**
 * An object literal is built several times as fast as an object to which the names are added one by one. Its
 * prototype is removed afterwards, because a literal without one is slower to make and to read.
 *
 * @param plain whether it keeps its prototype, which takes half of the time
 */
export function rowBuilder(names: readonly string[], plain: boolean): RowBuilder {
  const fields = names.map((name, index) => {
    const key = JSON.stringify(name);
    return `${name === '__proto__' ? `[${key}]` : key}:read(memory,cells+${cellSize * index},bigints)`;
  });
  const literal = `{${fields.join(',')}}`;
  const code = `return (memory,cells,bigints)=>${plain ? `(${literal})` : `Object.setPrototypeOf(${literal},null)`}`;
  try {
    return new Function('read', code)(readCell) as RowBuilder;
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
