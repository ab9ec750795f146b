/** Reads Cells (c/host.h), in which bridge_row and bridge_values return several values at once. */

import { ASCII_TEXT, SQLITE_BLOB, SQLITE_FLOAT, SQLITE_INTEGER, SQLITE_TEXT } from '../core/constants.js';
import type { Memory } from '../core/memory.js';
import { outOfRange } from './arguments.js';
import type { SqlValue } from './values.js';

/** The size of a Cell: an int32 type, an int32 length, then a double, an int64 or a pointer. */
export const cellSize = 16;
export const cellLength = 4;
export const cellContent = 8;

/** Reads a 64-bit integer as a number. The number is exact if it is a safe integer. */
export function numberAt(view: DataView, at: number): number {
  const low = view.getInt32(at, true);
  const high = view.getInt32(at + 4, true);
  // V8 would allocate memory for the result of the calculation, even for a small integer.
  return low >> 31 === high ? low : high * 4_294_967_296 + (low >>> 0);
}

/**
 * Reads the value at `cell`.
 *
 * @param bigints whether integers are bigint
 * @throws RangeError (ERR_OUT_OF_RANGE) if an integer does not fit in a number
 */
export function readCell(memory: Memory, cell: number, bigints: boolean): SqlValue {
  const view = memory.view;
  switch (view.getInt32(cell, true)) {
    case SQLITE_INTEGER: {
      if (bigints) return view.getBigInt64(cell + cellContent, true);
      const value = numberAt(view, cell + cellContent);
      if (Number.isSafeInteger(value)) return value;
      throw outOfRange(
        `Value is too large to be represented as a JavaScript number: ${view.getBigInt64(cell + cellContent, true)}`,
      );
    }
    case SQLITE_FLOAT:
      return view.getFloat64(cell + cellContent, true);
    case SQLITE_TEXT:
      return memory.text(view.getUint32(cell + cellContent, true), view.getInt32(cell + cellLength, true));
    case ASCII_TEXT:
      return memory.asciiText(
        view.getUint32(cell + cellContent, true),
        view.getInt32(cell + cellLength, true),
      );
    case SQLITE_BLOB:
      return memory.copy(view.getUint32(cell + cellContent, true), view.getInt32(cell + cellLength, true));
    default:
      return null;
  }
}
