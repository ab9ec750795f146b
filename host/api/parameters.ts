/** Binds the parameters of statements, by position or by name. */

import {
  KEPT_TEXT,
  SQLITE_BLOB,
  SQLITE_FLOAT,
  SQLITE_INTEGER,
  SQLITE_NULL,
  SQLITE_TEXT,
} from '../core/constants.js';
import type { Core } from '../core/core.js';
import { bytesOf, invalidState, invalidType, invalidValue, isBytes } from '../kernel/arguments.js';
import { cellSize } from '../kernel/cells.js';
import { type Engine, scratchSize } from '../kernel/engine.js';
import type { OpenDatabase } from './open-database.js';
import { type Prepared, textsSize } from './prepared-statements.js';

/**
 * The types that can be bound to a parameter. A number is bound as REAL, a bigint as INTEGER, a boolean as 1 or 0, and
 * undefined as NULL.
 */
export type SupportedValueType =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | ArrayBuffer
  | ArrayBufferView;

/** The maximum number of parameters that one call binds. */
const mostPacked = 256;

export class Parameters {
  readonly #open: OpenDatabase;
  readonly #engine: Engine;
  readonly #core: Core;
  #allowBare: boolean;
  /** Whether unknown parameter names are ignored. */
  allowUnknown: boolean;
  #byName: Map<string, number> | undefined;

  constructor(
    open: OpenDatabase,
    options: { allowBareNamedParameters?: boolean; allowUnknownNamedParameters?: boolean },
  ) {
    this.#open = open;
    this.#engine = open.connection.engine;
    this.#core = this.#engine.core;
    this.#allowBare = options.allowBareNamedParameters ?? true;
    this.allowUnknown = options.allowUnknownNamedParameters ?? false;
  }

  /** Whether `{ id: 1 }` may name parameter `:id`. */
  setBare(enabled: boolean): void {
    this.#allowBare = enabled;
    this.#byName = undefined;
  }

  /** @param named the named parameters, from {@link namedIn} */
  bind(
    prepared: Prepared,
    parameters: readonly unknown[],
    named: readonly [string, unknown][] | undefined,
  ): void {
    const { positions } = prepared;
    if (!named && positions.length === parameters.length && prepared.count === parameters.length) {
      for (let i = 0; i < parameters.length; i++) {
        this.#bind(prepared.pointer, positions[i] as number, parameters[i]); // the usual case: all parameters in order
      }
    } else this.#bindAll(prepared, parameters, named);
  }

  #bindAll(
    prepared: Prepared,
    parameters: readonly unknown[],
    named: readonly [string, unknown][] | undefined,
  ): void {
    const { c } = this.#core;
    const { pointer: statement, count, positions } = prepared;
    if (count > 0 && (named || parameters.length < count)) c.sqlite3_clear_bindings(statement);
    if (parameters.length === 0) return;
    if (named) {
      for (const [name, value] of named) {
        const index = this.#indexOf(prepared, name);
        if (index > 0) this.#bind(statement, index, value);
        else if (!this.allowUnknown) throw invalidState(`Unknown named parameter '${name}'`);
      }
    }
    const skipped = named ? 1 : 0;
    for (let i = skipped; i < parameters.length; i++) {
      // SQLite refuses a parameter after the last one.
      this.#bind(statement, positions[i - skipped] ?? count + 1, parameters[i]);
    }
  }

  /**
   * Writes the parameters as Cells to the scratch space, so that one call can bind all of them. Short texts are written to
   * the statement's own buffer, and other bytes after the Cells.
   *
   * @returns the address of the Cells; 0 if the parameters do not fit, or must be bound one by one
   */
  pack(prepared: Prepared, parameters: readonly unknown[]): number {
    const { count, positions, texts } = prepared;
    if (parameters.length !== count || positions.length !== count || count > mostPacked) return 0;
    const { scratch } = this.#engine;
    const { memory } = this.#core;
    const { bytes, view } = memory;
    const end = scratch + scratchSize;
    const textsEnd = texts === 0 ? -1 : texts + textsSize;
    let free = scratch + cellSize * count;
    let freeText = texts;
    for (let i = 0, cell = scratch; i < count; i++, cell += cellSize) {
      const value = parameters[i];
      if (typeof value === 'number') {
        view.setInt32(cell, SQLITE_FLOAT, true);
        view.setFloat64(cell + 8, value, true);
      } else if (typeof value === 'string') {
        const most = value.length * 3;
        if (most <= textsEnd - freeText) {
          const length = memory.writeText(freeText, value);
          putBytes(view, cell, KEPT_TEXT, freeText, length);
          freeText += length;
        } else {
          if (most > end - free) return this.#discard(prepared);
          const length = memory.writeText(free, value);
          putBytes(view, cell, SQLITE_TEXT, free, length);
          free += length;
        }
      } else if (value === null || value === undefined) view.setInt32(cell, SQLITE_NULL, true);
      else if (typeof value === 'boolean') putInteger(view, cell, value ? 1n : 0n);
      else if (typeof value === 'bigint' && isInteger(value)) putInteger(view, cell, value);
      else if (isBytes(value)) {
        const blob = this.#bytesOf(prepared, value);
        if (blob.length > end - free) return this.#discard(prepared);
        bytes.set(blob, free);
        putBytes(view, cell, SQLITE_BLOB, free, blob.length);
        free += blob.length;
      } else {
        this.#discard(prepared);
        throw typeof value === 'bigint' ? tooLarge() : unbindable(i + 1);
      }
    }
    return scratch;
  }

  #bytesOf(prepared: Prepared, value: ArrayBufferLike | ArrayBufferView): Uint8Array {
    try {
      return bytesOf(value);
    } catch (error) {
      this.#discard(prepared); // the value has members of its own that throw
      throw error;
    }
  }

  /** Unbinds the texts of the last run, which {@link pack} may have overwritten. */
  #discard({ pointer }: Prepared): 0 {
    this.#core.c.sqlite3_clear_bindings(pointer);
    return 0;
  }

  #bind(statement: number, index: number, value: unknown): void {
    const { c, memory } = this.#core;
    let code: number;
    if (typeof value === 'number') code = c.sqlite3_bind_double(statement, index, value);
    else if (typeof value === 'string') code = this.#bindText(statement, index, value);
    else if (value === null || value === undefined) code = c.sqlite3_bind_null(statement, index);
    else if (typeof value === 'boolean') code = c.sqlite3_bind_int64(statement, index, value ? 1n : 0n);
    else if (typeof value === 'bigint') {
      if (!isInteger(value)) throw tooLarge();
      code = c.sqlite3_bind_int64(statement, index, value);
    } else if (isBytes(value)) {
      const bytes = bytesOf(value);
      using arena = memory.arena();
      code = c.bridge_bind_blob(statement, index, arena.bytes(bytes), bytes.length);
    } else {
      throw unbindable(index);
    }
    if (code !== 0) this.#engine.check(this.#open.connection.db, code);
  }

  #bindText(statement: number, index: number, value: string): number {
    const { c, memory } = this.#core;
    if (value.length * 3 <= scratchSize) {
      const scratch = this.#engine.scratch;
      return c.bridge_bind_text(statement, index, scratch, memory.writeText(scratch, value));
    }
    using arena = memory.arena();
    const { pointer, length } = arena.text(value);
    return c.bridge_bind_text(statement, index, pointer, length);
  }

  #indexOf(prepared: Prepared, name: string): number {
    this.#byName ??= this.#readByName(prepared);
    return this.#byName.get(name) ?? 0;
  }

  /** The name of each parameter; null for an unnamed parameter. */
  #names({ pointer, count }: Prepared): (string | null)[] {
    const { c, memory } = this.#core;
    return Array.from({ length: count }, (_, i) =>
      memory.cString(c.sqlite3_bind_parameter_name(pointer, i + 1)),
    );
  }

  #readByName(prepared: Prepared): Map<string, number> {
    const parameters = new Map<string, number>();
    const bare = new Map<string, string>();
    for (const [i, full] of this.#names(prepared).entries()) {
      if (full === null) continue;
      parameters.set(full, i + 1);
      if (!this.#allowBare) continue;
      const name = full.slice(1);
      const other = bare.get(name);
      if (other !== undefined && other !== full) {
        throw invalidState(
          `Cannot create bare named parameter '${name}' because of conflicting names '${other}' and '${full}'.`,
        );
      }
      bare.set(name, full);
      parameters.set(name, i + 1);
    }
    return parameters;
  }
}

/** The entries of the first parameter, if it is an object of named parameters. */
export function namedIn(parameters: readonly unknown[]): [string, unknown][] | undefined {
  const first = parameters[0];
  return (typeof first === 'object' || typeof first === 'function') && first !== null && !isBytes(first)
    ? Object.entries(first)
    : undefined;
}

const unbindable = (index: number): Error =>
  invalidType(`Provided value cannot be bound to SQLite parameter ${index}.`);

const tooLarge = (): Error => invalidValue('BigInt value is too large to bind.');

const isInteger = (value: bigint): boolean => BigInt.asIntN(64, value) === value;

function putInteger(view: DataView, cell: number, value: bigint): void {
  view.setInt32(cell, SQLITE_INTEGER, true);
  view.setBigInt64(cell + 8, value, true);
}

function putBytes(view: DataView, cell: number, type: number, at: number, length: number): void {
  view.setInt32(cell, type, true);
  view.setInt32(cell + 4, length, true);
  view.setUint32(cell + 8, at, true);
}
