/**
 * The table of numbers of extensions/series in JavaScript, for the benchmark of tables. The API has no virtual tables
 * in JavaScript, so this one is a module of the engine, as a component's is, and writes its rows to the core's batches.
 */

import { join } from 'node:path';
import type { DatabaseSync } from 'sqlite-wasm-run';
import type { TableModule } from '../../host/core/host-services.js';
import type { Connection } from '../../host/kernel/connection.js';
import { dist } from '../sources.js';

const { connectionOf } = (await import(
  join(dist, 'internals.js')
)) as typeof import('../../host/internals.js');

/** A row of a generator. */
type Row = readonly (bigint | number)[];

function* rowsUpTo(last: number): Generator<Row> {
  for (let value = 1n; value <= last; value++) yield [value];
}

/** The size of a cell in bytes, and the maximum number of rows in a batch. */
const cellSize = 16;
const largest = 1024;

/**
 * Registers a table of one column with the numbers from 1 to `last`. `how` selects rows of a generator or a loop that
 * writes batches.
 */
export function registerNumbers(db: DatabaseSync, name: string, last: number, how: 'rows' | 'batches'): void {
  const connection = connectionOf(db);
  const { engine } = connection;
  using arena = engine.core.memory.arena();
  const id = engine.register({ module: new Numbers(connection, last, how) });
  const { c } = engine.core;
  engine.check(
    connection.db,
    c.bridge_create_module(connection.db, arena.cString(name), id, 1, arena.cString('')),
  );
}

class Numbers implements TableModule {
  readonly #connection: Connection;
  readonly #last: number;
  readonly #how: 'rows' | 'batches';
  #rows: Generator<Row> = rowsUpTo(0);
  #at = 0;

  constructor(connection: Connection, last: number, how: 'rows' | 'batches') {
    this.#connection = connection;
    this.#last = last;
    this.#how = how;
  }

  connect(db: number): { table: number; columns: number } {
    const { engine } = this.#connection;
    using arena = engine.core.memory.arena();
    engine.check(db, engine.core.c.sqlite3_declare_vtab(db, arena.cString('CREATE TABLE x(value)')));
    return { table: 1, columns: 1 };
  }

  bestIndex(): boolean {
    return true;
  }

  open(): number {
    return 1;
  }

  filter(_cursor: number, batch: number, ...[, , , , ask]: [number, string, number, number, number]): void {
    this.#rows = rowsUpTo(this.#last);
    this.#at = 0;
    this.fetch(1, batch, ask);
  }

  fetch(_cursor: number, batch: number, ask: number): void {
    const { memory } = this.#connection.engine.core;
    let block = memory.pointerAt(batch);
    if (block === 0) {
      const size = (8 + cellSize) * largest;
      block = memory.allocate(size);
      memory.view.setUint32(batch, block, true);
      memory.view.setInt32(batch + 4, size, true);
    }
    const rows = this.#how === 'rows' ? this.#putRows(block, ask) : this.#putBatch(block, ask);
    const { view } = memory;
    view.setInt32(batch + 8, (8 + cellSize) * rows, true);
    view.setInt32(batch + 12, rows, true);
    view.setInt32(batch + 16, Number(rows < ask), true);
  }

  /** Writes rows from a generator. */
  #putRows(block: number, ask: number): number {
    const { view } = this.#connection.engine.core.memory;
    const taken: Row[] = [];
    while (taken.length < ask) {
      const { done, value } = this.#rows.next();
      if (done) break;
      taken.push(value);
    }
    let cell = block + 8 * taken.length;
    for (const [i, row] of taken.entries()) {
      view.setBigInt64(block + 8 * i, BigInt(i), true);
      for (const value of row) {
        view.setUint8(cell, typeof value === 'bigint' ? 1 : 2);
        if (typeof value === 'bigint') view.setBigInt64(cell + 8, value, true);
        else view.setFloat64(cell + 8, value, true);
        cell += cellSize;
      }
    }
    return taken.length;
  }

  /** Writes numbers directly into the batch. */
  #putBatch(block: number, ask: number): number {
    const { view } = this.#connection.engine.core.memory;
    const rows = Math.min(ask, this.#last - this.#at);
    for (let i = 0, cell = block + 8 * rows; i < rows; i++, cell += cellSize) {
      this.#at += 1;
      view.setUint32(block + 8 * i, this.#at, true);
      view.setUint32(block + 8 * i + 4, 0, true);
      view.setUint8(cell, 1);
      view.setUint32(cell + 8, this.#at, true);
      view.setUint32(cell + 12, 0, true);
    }
    return rows;
  }

  disconnect(): void {}
  destroy(): void {}
  close(): void {}
  transaction(): void {}
  rename(): void {}

  update(): undefined {
    return undefined;
  }

  integrity(): undefined {
    return undefined;
  }
}
