/**
 * Sends the rows of a statement from the database thread to the main thread in pieces. The database thread waits if too
 * many pieces are unread.
 */

import { SQLITE_INTERRUPT } from '../../core/constants.js';
import { sqliteError } from '../../core/errors.js';
import type { SqlValue } from '../../kernel/values.js';
import type { RowSink } from '../journal/recorder.js';
import { Word } from './messages.js';
import { jsonOf, lineValue } from './protocol.js';

/** The size of a piece in characters. */
const pieceSize = 65_536;
/** The maximum number of unread pieces. */
const mostPieces = 16;

/** The number of pieces that this thread has sent. The main thread counts the received pieces. */
let pieces = 0;

export class RowPieces implements RowSink {
  names: readonly string[] = [];
  count = 0;
  readonly #text: (row: readonly SqlValue[]) => string;
  readonly #shared: Int32Array;
  readonly #post: (bytes: Uint8Array<ArrayBuffer>) => void;
  #parts: string[] = [];
  #size = 0;

  /**
   * @param shared the shared integers, with the indexes of {@link Word}
   * @param post sends a piece to the main thread
   */
  constructor(frames: boolean, shared: Int32Array, post: (bytes: Uint8Array<ArrayBuffer>) => void) {
    this.#shared = shared;
    this.#post = post;
    this.#text = frames
      ? (row) => `${this.count > 1 ? ',' : ''}${JSON.stringify(row.map(jsonOf))}`
      : (row) => `${row.map(lineValue).join('\t')}\n`;
  }

  columns(names: readonly string[]): void {
    this.names = names;
  }

  row(values: readonly SqlValue[]): void {
    this.count += 1;
    const text = this.#text(values);
    this.#parts.push(text);
    this.#size += text.length;
    if (this.#size >= pieceSize) this.send();
  }

  /** Sends the collected rows. @throws SqliteError (SQLITE_INTERRUPT) if the statement is interrupted meanwhile */
  send(): void {
    if (this.#size === 0) return;
    for (;;) {
      const taken = Atomics.load(this.#shared, Word.taken);
      if (((pieces - taken) | 0) < mostPieces) break;
      if (Atomics.load(this.#shared, Word.interrupt) !== 0) throw sqliteError(SQLITE_INTERRUPT);
      Atomics.wait(this.#shared, Word.taken, taken, 1000);
    }
    const bytes = new TextEncoder().encode(this.#parts.join(''));
    this.#parts = [];
    this.#size = 0;
    pieces = (pieces + 1) | 0;
    this.#post(bytes);
  }
}
