/** Copies the parameters and results of a component's SQL between the memories of core and component. */

import type { Bindings } from '../core/bindings.js';
import { SQLITE_BLOB, SQLITE_OK, SQLITE_TEXT } from '../core/constants.js';
import { copyBytes } from '../core/views.js';
import { cellContent, cellLength, cellSize } from '../kernel/cells.js';
import type { Connection } from '../kernel/connection.js';
import { scratchSize } from '../kernel/engine.js';

/** A buffer with more bytes than this is not reused for the next result. */
const keptBytes = 1 << 20;

/** The result of a statement. It is valid until the next statement at the same nesting depth. */
export class GuestResult {
  names: readonly Uint8Array[] = [];
  rows = 0;
  changes = 0n;
  lastInsertRowid = 0n;
  /**
   * The values in the form that bridge_row writes, 16 bytes each: type, length, then a number or an offset in `heap`.
   */
  cells = new DataView(new ArrayBuffer(1024));
  heap = new Uint8Array(1024);
  /** The number of used bytes of `heap`. */
  filled = 0;

  clear(): void {
    if (this.cells.byteLength > keptBytes) this.cells = new DataView(new ArrayBuffer(1024));
    if (this.heap.length > keptBytes) this.heap = new Uint8Array(1024);
    this.names = [];
    this.rows = 0;
    this.filled = 0;
  }

  /** Copies a row of `width` values from the address `source` of the core's memory. */
  add(memory: { readonly view: DataView; readonly bytes: Uint8Array }, source: number, width: number): void {
    const start = this.rows * width * cellSize;
    const end = start + width * cellSize;
    if (end > this.cells.byteLength) {
      const larger = new Uint8Array(Math.max(end, this.cells.byteLength * 2));
      larger.set(new Uint8Array(this.cells.buffer));
      this.cells = new DataView(larger.buffer);
    }
    const { view } = memory;
    const { cells } = this;
    for (let from = source, to = start; to < end; from += cellSize, to += cellSize) {
      const type = view.getInt32(from, true);
      const length = view.getInt32(from + cellLength, true);
      const word = view.getUint32(from + cellContent, true);
      cells.setInt32(to, type, true);
      cells.setInt32(to + cellLength, length, true);
      if (type === SQLITE_TEXT || type === SQLITE_BLOB) {
        cells.setUint32(to + cellContent, this.#put(memory.bytes, word, length), true);
      } else {
        cells.setUint32(to + cellContent, word, true);
        cells.setUint32(to + cellContent + 4, view.getUint32(from + cellContent + 4, true), true);
      }
    }
    this.rows += 1;
  }

  #put(source: Uint8Array, from: number, length: number): number {
    const start = this.filled;
    this.filled += length;
    if (this.filled > this.heap.length) {
      const larger = new Uint8Array(Math.max(this.filled, this.heap.length * 2));
      larger.set(this.heap.subarray(0, start));
      this.heap = larger;
    }
    copyBytes(source, from, length, this.heap, start);
    return start;
  }
}

/** Binds the parameters of a statement in order, beginning with parameter 1. */
export class Parameters {
  readonly #connection: Connection;
  readonly #null: Bindings['sqlite3_bind_null'];
  readonly #integer: Bindings['sqlite3_bind_int64'];
  readonly #real: Bindings['sqlite3_bind_double'];
  readonly #text: Bindings['bridge_bind_text'];
  readonly #blob: Bindings['bridge_bind_blob'];
  #statement = 0;
  #last = 0;

  constructor(connection: Connection) {
    const { c } = connection.engine.core;
    this.#connection = connection;
    this.#null = c.sqlite3_bind_null;
    this.#integer = c.sqlite3_bind_int64;
    this.#real = c.sqlite3_bind_double;
    this.#text = c.bridge_bind_text;
    this.#blob = c.bridge_bind_blob;
  }

  /** Selects a statement, and restarts at its first parameter. */
  of(statement: number): this {
    this.#statement = statement;
    this.#last = 0;
    return this;
  }

  null(): void {
    const bind = this.#null;
    this.#last += 1;
    this.#check(bind(this.#statement, this.#last));
  }

  integer(value: bigint): void {
    const bind = this.#integer;
    this.#last += 1;
    this.#check(bind(this.#statement, this.#last, value));
  }

  real(value: number): void {
    const bind = this.#real;
    this.#last += 1;
    this.#check(bind(this.#statement, this.#last, value));
  }

  text(bytes: Uint8Array): void {
    this.#bytes(this.#text, bytes);
  }

  blob(bytes: Uint8Array): void {
    this.#bytes(this.#blob, bytes);
  }

  #bytes(bind: Bindings['bridge_bind_text'], bytes: Uint8Array): void {
    const { engine } = this.#connection;
    const { memory } = engine.core;
    this.#last += 1;
    if (bytes.length <= scratchSize) {
      const { scratch } = engine;
      memory.bytes.set(bytes, scratch);
      this.#check(bind(this.#statement, this.#last, scratch, bytes.length));
      return;
    }
    using arena = memory.arena();
    this.#check(bind(this.#statement, this.#last, arena.bytes(bytes), bytes.length));
  }

  #check(code: number): void {
    if (code !== SQLITE_OK) throw this.#connection.engine.core.error(this.#connection.db, code);
  }
}
