/** Makes rows from the Cells that the core writes. */

import { SQLITE_FLOAT, SQLITE_INTEGER } from '../core/constants.js';
import type { Memory } from '../core/memory.js';
import { cellContent, cellSize, readCell } from '../kernel/cells.js';
import type { SqlValue } from '../kernel/values.js';

/**
 * A row: an object with the column names as keys, without a prototype unless `plainRows` is set. With `returnArrays`,
 * an array of the values.
 */
export type Row = Record<string, SqlValue>;

/** Makes a row from the Cells at an address. */
export type RowBuilder = (memory: Memory, cells: number, bigints: boolean) => Row;

/**
 * The maximum number of properties added to a copy of an empty object. The copy has room for four; for more columns,
 * moving the others again and again takes longer than removing the prototype.
 */
const mostCopied = 32;

/** The maximum number of properties added to an object. V8 turns larger objects into hash tables. */
const mostAdded = 256;

/**
 * Generates code for the names, which is several times faster than adding properties in a loop. V8 makes a copy of an
 * empty object without a prototype as fast as an ordinary object, but turns other literals without a prototype into hash
 * tables. A wider row loses its prototype while it is empty, because since Node 24 this takes longer the more properties
 * there are.
 *
 * @param plain whether rows keep their prototype
 */
export function rowBuilder(names: readonly string[], plain: boolean): RowBuilder {
  const keys = names.map((name) => JSON.stringify(name));
  const read = (index: number): string => cellReader(`cells+${cellSize * index}`);
  const literal = `{${keys.map((key, index) => `${key === '"__proto__"' ? `[${key}]` : key}:${read(index)}`).join(',')}}`;
  const added = (to: string): string => keys.map((key, index) => `${to}[${key}]=${read(index)};`).join('');
  let code: string;
  const begin = `const {view}=memory;let type,low;`;
  if (plain) code = `return (memory,cells,bigints)=>{${begin}return ${literal}}`;
  else if (names.length > mostAdded) {
    code = `return (memory,cells,bigints)=>{${begin}return bare(${literal},null)}`;
  } else if (names.length > mostCopied) {
    // Node prints the name of the constructor for an object without a prototype.
    code = `function Object(memory,cells,bigints){${begin}bare(this,null);${added('this')}}
      return (memory,cells,bigints)=>new Object(memory,cells,bigints)`;
  } else {
    code = `const empty={};
      return (memory,cells,bigints)=>{${begin}const row={...empty,__proto__:null};${added('row')}return row}`;
  }
  try {
    return new Function('read', 'bare', code)(readCell, Object.setPrototypeOf) as RowBuilder;
  } catch {
    // Node was started with --disallow-code-generation-from-strings.
    return (memory, cells, bigints) => buildRow(names, plain, memory, cells, bigints);
  }
}

/** An expression that reads a Cell as {@link readCell} does: small integers and numbers without a call. */
const cellReader = (cell: string): string =>
  `(type=view.getInt32(${cell},true))===${SQLITE_INTEGER}&&!bigints&&
    (low=view.getInt32(${cell}+${cellContent},true))>>31===view.getInt32(${cell}+${cellContent + 4},true)?low:
    type===${SQLITE_FLOAT}?view.getFloat64(${cell}+${cellContent},true):read(memory,${cell},bigints)`;

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
