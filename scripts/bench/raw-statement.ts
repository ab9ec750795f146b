/** Statements of @sqlite.org/sqlite-wasm, by direct calls of its exports; see peer-raw.ts. */

import type { Row, Statement, Value } from './peers.js';

type Exports = Readonly<Record<string, (...args: (number | bigint)[]) => number>>;
export interface Module {
  readonly wasm: {
    readonly exports: Exports;
    heap8u(): Uint8Array<ArrayBuffer>;
    heap32(): Int32Array<ArrayBuffer>;
    installFunction(signature: string, body: (...args: number[]) => number | undefined): number;
  };
}

const [done, row] = [101, 100];
const [integer, float, text] = [1, 2, 3];
/** The size of the buffer for texts, in bytes. */
const scratchSize = 1 << 20;

export class Raw {
  readonly c: Exports;
  readonly wasm: Module['wasm'];
  readonly scratch: number;
  /** The address to which C writes results. */
  readonly out: number;
  readonly #encoder = new TextEncoder();
  /** A view of the entire memory, made again when the memory has grown. */
  #text = Buffer.alloc(0);

  constructor(wasm: Module['wasm']) {
    this.wasm = wasm;
    this.c = wasm.exports;
    this.scratch = this.call('sqlite3_malloc', scratchSize);
    this.out = this.call('sqlite3_malloc', 16);
  }

  call(name: string, ...args: (number | bigint)[]): number {
    const found = this.c[name];
    if (!found) throw new Error(`sqlite-wasm does not export ${name}`);
    return found(...args);
  }

  check(rc: number): void {
    if (rc !== 0 && rc !== row && rc !== done) throw new Error(`sqlite-wasm answers ${rc}`);
  }

  /** Writes a text and a terminating zero to the buffer. Returns the length in bytes without the zero. */
  write(value: string): number {
    const heap = this.wasm.heap8u();
    const { written } = this.#encoder.encodeInto(
      value,
      heap.subarray(this.scratch, this.scratch + scratchSize - 1),
    );
    heap[this.scratch + written] = 0;
    return written;
  }

  read(at: number, length: number): string {
    const { buffer } = this.wasm.heap8u();
    if (this.#text.buffer !== buffer) this.#text = Buffer.from(buffer);
    return this.#text.toString('utf8', at, at + length);
  }

  int(at: number): number {
    return this.wasm.heap32()[at >> 2] ?? 0;
  }
}

export class RawStatement implements Statement {
  readonly #raw: Raw;
  readonly #c: Exports;
  readonly #statement: number;
  readonly #columns: number;
  readonly #build: (...values: Value[]) => Row;

  constructor(raw: Raw, statement: number) {
    this.#raw = raw;
    this.#c = raw.c;
    this.#statement = statement;
    this.#columns = raw.call('sqlite3_column_count', statement);
    const names = Array.from({ length: this.#columns }, (_, i) => {
      const at = raw.call('sqlite3_column_name', statement, i);
      return JSON.stringify(raw.read(at, raw.wasm.heap8u().indexOf(0, at) - at));
    });
    const parameters = names.map((_, i) => `v${i}`);
    const fields = names.map((name, i) => `${name}: v${i}`);
    this.#build = new Function(...parameters, `return { ${fields.join()} }`) as (...values: Value[]) => Row;
  }

  #bind(parameters: readonly Value[]): void {
    const { sqlite3_bind_int, sqlite3_bind_double, sqlite3_bind_text } = this.#c;
    const statement = this.#statement;
    for (let i = 0; i < parameters.length; i++) {
      const value = parameters[i];
      if (typeof value === 'string') {
        sqlite3_bind_text?.(statement, i + 1, this.#raw.scratch, this.#raw.write(value), -1);
      } else if (typeof value === 'number') {
        if ((value | 0) === value) sqlite3_bind_int?.(statement, i + 1, value);
        else sqlite3_bind_double?.(statement, i + 1, value);
      }
    }
  }

  #step(): boolean {
    const rc = this.#c.sqlite3_step?.(this.#statement) ?? 0;
    this.#raw.check(rc);
    return rc === row;
  }

  #reset(): void {
    this.#c.sqlite3_reset?.(this.#statement);
  }

  #value(i: number): Value {
    const c = this.#c;
    const statement = this.#statement;
    switch (c.sqlite3_column_type?.(statement, i)) {
      case integer:
      case float:
        return c.sqlite3_column_double?.(statement, i) ?? null;
      case text: {
        const at = c.sqlite3_column_text?.(statement, i) ?? 0;
        return this.#raw.read(at, c.sqlite3_column_bytes?.(statement, i) ?? 0);
      }
      default:
        return null;
    }
  }

  #row(): Row {
    const values: Value[] = [];
    for (let i = 0; i < this.#columns; i++) values.push(this.#value(i));
    return this.#build(...values);
  }

  run(...parameters: Value[]): void {
    this.#bind(parameters);
    this.#step();
    this.#reset();
  }

  get(...parameters: Value[]): Row | undefined {
    this.#bind(parameters);
    const found = this.#step() ? this.#row() : undefined;
    this.#reset();
    return found;
  }

  all(): Row[] {
    return [...this.iterate()];
  }

  *iterate(): Generator<Row> {
    while (this.#step()) yield this.#row();
    this.#reset();
  }

  finalize(): void {
    this.#c.sqlite3_finalize?.(this.#statement);
  }
}
