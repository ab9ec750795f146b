/** The session extension's stream functions. They keep neither the input nor the output completely in memory. */

import {
  CALLBACK_STREAM_INPUT,
  SQLITE_CHANGESETSTART_INVERT,
  SQLITE_DONE,
  SQLITE_OK,
  SQLITE_ROW,
  SQLITE_SESSION_CONFIG_STRMSIZE,
} from '../core/constants.js';
import { Spool } from '../core/spool.js';
import type { Engine } from '../kernel/engine.js';
import { piecewise, streamed } from '../kernel/pieces.js';
import type { Read } from './changes.js';
import { type ChangesetInput, marked } from './input.js';
import { changesetError } from './transform.js';

/** A changeset in pieces of any length, which are read one at a time. */
export type Pieces = Iterable<Uint8Array>;
/** Receives a piece that is valid only during the call. */
export type Take = (piece: Uint8Array) => void;

/**
 * Returns the approximate size of the pieces that the C library reads and writes. Sets it first if `bytes` is given.
 * Applies to all databases of the thread. C: `sqlite3session_config`.
 */
export function pieceSize(engine: Engine, bytes?: number): number {
  const { c, memory } = engine.core;
  using arena = memory.arena();
  const value = arena.allocate(4);
  memory.view.setInt32(value, bytes ?? 0, true);
  const code = c.sqlite3session_config(SQLITE_SESSION_CONFIG_STRMSIZE, value);
  if (code !== SQLITE_OK) throw changesetError('stream', code);
  return memory.view.getInt32(value, true);
}

/** Calls `action` with the address and the context of an input stream over `pieces`. */
export function withInput<T>(engine: Engine, pieces: Pieces, action: (input: number, id: number) => T): T {
  const { c, memory } = engine.core;
  const read = piecewise(pieces, () => memory.bytes);
  const id = engine.register({ streamInput: read });
  try {
    return action(c.bridge_callback(CALLBACK_STREAM_INPUT), id);
  } finally {
    engine.release(id);
  }
}

/** Throws the exception of a stream, unchanged, or the error for `code`. */
export function checkStream(engine: Engine, what: string, code: number, changeset?: Uint8Array): void {
  engine.surface();
  if (code !== SQLITE_OK) throw changesetError(what, code, { changeset });
}

/**
 * Iterates over the changes of a changeset and reads each with `read`. C: `sqlite3changeset_start_v2`, its `_strm` form
 * for input in pieces, and `sqlite3changeset_next`.
 */
export function* changesOf<T>(
  engine: Engine,
  given: ChangesetInput,
  inverted: boolean,
  read: Read<T>,
): Generator<T, void, void> {
  const { core } = engine;
  const { c, memory } = core;
  const { input, isPatchset } = marked(given);
  const whole = input instanceof Uint8Array ? input : undefined;
  const id = engine.register(whole ? {} : { streamInput: piecewise(input as Pieces, () => memory.bytes) });
  let iterator = 0;
  using arena = memory.arena();
  const out = arena.allocate(16);
  try {
    const flags = inverted ? SQLITE_CHANGESETSTART_INVERT : 0;
    const started = whole
      ? c.sqlite3changeset_start_v2(out, whole.length, arena.bytes(whole), flags)
      : c.sqlite3changeset_start_v2_strm(out, c.bridge_callback(CALLBACK_STREAM_INPUT), id, flags);
    checkStream(engine, 'read', started, whole);
    iterator = memory.pointerAt(out);
    for (;;) {
      const code = c.sqlite3changeset_next(iterator);
      if (code === SQLITE_ROW) yield read(core, iterator, out, isPatchset());
      else if (code === SQLITE_DONE) return;
      else checkStream(engine, 'read', code, whole);
    }
  } finally {
    if (iterator !== 0) c.sqlite3changeset_finalize(iterator);
    engine.release(id);
  }
}

export function invertPieces(engine: Engine, pieces: Pieces, take: Take): void {
  const { c } = engine.core;
  const code = withInput(engine, pieces, (input, inputId) =>
    streamed(engine, take, (output, id) => c.sqlite3changeset_invert_strm(input, inputId, output, id)),
  );
  checkStream(engine, 'invert', code);
}

export function concatPieces(engine: Engine, first: Pieces, second: Pieces, take: Take): void {
  const { c } = engine.core;
  const code = withInput(engine, first, (input, a) =>
    withInput(engine, second, (_, b) =>
      streamed(engine, take, (output, id) => c.sqlite3changeset_concat_strm(input, a, input, b, output, id)),
    ),
  );
  checkStream(engine, 'concat', code);
}

/**
 * Returns a stream of the output of `write`. `write` runs immediately, and large output is kept in a temporary file until
 * it is read.
 */
export function readable(write: (take: Take) => void): ReadableStream<Uint8Array> {
  const spool = new Spool();
  const pieces = spool[Symbol.iterator]();
  return new ReadableStream(
    {
      start() {
        try {
          write((piece) => spool.add(piece));
        } catch (error) {
          spool[Symbol.dispose]();
          throw error;
        }
      },
      pull(controller) {
        const { done, value } = pieces.next();
        if (!done) {
          controller.enqueue(value.slice());
          return;
        }
        spool[Symbol.dispose]();
        controller.close();
      },
      cancel: () => spool[Symbol.dispose](),
    },
    { highWaterMark: 0 },
  );
}
