/** Adapts JavaScript iterables and functions to the streams of the session extension. */

import { CALLBACK_STREAM_OUTPUT } from '../core/constants.js';
import type { Engine } from './engine.js';

/** Makes an input stream of the session extension from pieces of any length. */
export function piecewise(
  pieces: Iterable<Uint8Array>,
  target: () => Uint8Array,
): (pointer: number, room: number) => number {
  const iterator = pieces[Symbol.iterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return (pointer, room) => {
    while (rest.length === 0) {
      const { done, value } = iterator.next();
      if (done) return 0;
      if (!(value instanceof Uint8Array)) throw new TypeError('a piece of a changeset must be a Uint8Array');
      rest = value;
    }
    const piece = rest.subarray(0, room);
    target().set(piece, pointer);
    rest = rest.subarray(piece.length);
    return piece.length;
  };
}

/**
 * Runs a C function that writes to an output stream, and passes each piece to `take`. Rethrows an exception of `take`.
 * Returns the C function's result code.
 */
export function streamed(
  engine: Engine,
  take: (piece: Uint8Array) => void,
  action: (output: number, id: number) => number,
): number {
  const { c, memory } = engine.core;
  const id = engine.register({
    streamOutput: (pointer, length) => take(memory.bytes.subarray(pointer, pointer + length)),
  });
  try {
    const code = action(c.bridge_callback(CALLBACK_STREAM_OUTPUT), id);
    engine.surface();
    return code;
  } finally {
    engine.release(id);
  }
}
