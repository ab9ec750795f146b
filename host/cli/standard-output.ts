/** Writes the shell's standard output in pieces, so that Ctrl-C is handled between two pieces. */

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { patiently, transfer, type WasiFunction } from './devices.js';

/** The size of a piece in bytes, which a terminal shows in some ms. */
const pieceSize = 16_384;
const newline = 10;
const success = 0;

export interface Hearing {
  /** Interrupts the shell if there was a Ctrl-C. */
  poll(): void;
  /** Whether to drop the rest of the output. */
  muted(): boolean;
}

/**
 * Makes `fd_write` of WASI for standard output, without the parameter for the descriptor.
 *
 * @param memory returns the memory, which does not exist yet
 * @param usual writes output that is not larger than a piece
 */
export function standardOutput(
  memory: () => WebAssembly.Memory,
  usual: WasiFunction,
  { poll, muted }: Hearing,
): WasiFunction {
  const onTerminal = isatty(1);
  /** Whether the cursor is at the beginning of a line. */
  let fresh = true;
  const inPieces = transfer(memory, (buffer) => {
    poll();
    if (muted()) return buffer.length;
    const piece = buffer.subarray(0, pieceSize);
    return patiently(() => (muted() ? buffer.length : writeSync(1, piece)), poll);
  });
  return (vectors = 0, count = 0, result = 0) => {
    poll();
    const view = new DataView(memory().buffer);
    let total = 0;
    let last = newline;
    for (let at = vectors >>> 0, end = at + 8 * count; at < end; at += 8) {
      const length = view.getUint32(at + 4, true);
      if (length > 0) last = view.getUint8(view.getUint32(at, true) + length - 1);
      total += length;
    }
    if (muted()) {
      if (onTerminal && !fresh) writeSync(1, '\n');
      fresh = true;
      view.setUint32(result >>> 0, total, true);
      return success;
    }
    // After a part of a longer write, the rest is always written, or dropped after a newline.
    fresh = total <= pieceSize && last === newline;
    return total <= pieceSize ? usual(vectors, count, result) : inPieces(vectors, count, result);
  };
}
