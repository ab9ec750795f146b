/** Reads changes from SQLite's changeset iterator. */

import { type Change, type Operation, operationOf, type Value, type Values } from '../changeset/format.js';
import {
  SQLITE_CHANGESET_CONFLICT,
  SQLITE_CHANGESET_DATA,
  SQLITE_CHANGESET_FOREIGN_KEY,
  SQLITE_OK,
} from '../core/constants.js';
import type { Core } from '../core/core.js';
import { readValue } from '../kernel/values.js';

/** The table, operation and column count of an iterator's current change. */
interface Head {
  readonly table: string;
  readonly columns: number;
  readonly op: Operation;
  readonly indirect: boolean;
}

/** The last table name that was read, because the next change usually has the same table. */
const lastNames = new WeakMap<Core, { readonly text: string; readonly bytes: Uint8Array }>();

/** Reads the terminated table name at an address. */
function tableNameAt(core: Core, pointer: number): string {
  const known = lastNames.get(core);
  const { bytes } = core.memory;
  const start = pointer >>> 0;
  if (known?.bytes.every((byte, i) => bytes[start + i] === byte)) return known.text;
  const end = bytes.indexOf(0, start) + 1;
  const text = core.memory.cString(pointer) ?? '';
  lastNames.set(core, { text, bytes: bytes.slice(start, end) });
  return text;
}

/** C: `sqlite3changeset_op`. @param out 16 bytes of the core's memory */
function readHead(core: Core, iterator: number, out: number): Head {
  const { c, memory } = core;
  const code = c.sqlite3changeset_op(iterator, out, out + 4, out + 8, out + 12);
  if (code !== SQLITE_OK) throw core.error(0, code);
  const op = operationOf(memory.view.getInt32(out + 8, true));
  return {
    table: tableNameAt(core, memory.pointerAt(out)),
    columns: memory.view.getInt32(out + 4, true),
    op,
    indirect: memory.view.getInt32(out + 12, true) !== 0,
  };
}

type Reader = 'sqlite3changeset_old' | 'sqlite3changeset_new' | 'sqlite3changeset_conflict';

/** Reads values with one of the iterator's functions. A null pointer means that the value is not part of the change. */
function readValues(core: Core, iterator: number, columns: number, reader: Reader, out: number): Values {
  const { c, memory } = core;
  const values: (Value | undefined)[] = [];
  for (let i = 0; i < columns; i++) {
    const code = c[reader](iterator, i, out);
    if (code !== SQLITE_OK) throw core.error(0, code);
    const pointer = memory.pointerAt(out);
    values.push(pointer === 0 ? undefined : readValue(core, pointer));
  }
  return values;
}

/** For each column, its position in the PRIMARY KEY from 1, or 0. C: `sqlite3changeset_pk`. See {@link readHead}. */
function readKey(core: Core, iterator: number, columns: number, out: number): number[] {
  const { c, memory } = core;
  const code = c.sqlite3changeset_pk(iterator, out, out + 4);
  if (code !== SQLITE_OK) throw core.error(0, code);
  const start = memory.pointerAt(out);
  return [...memory.bytes.subarray(start, start + columns)];
}

/**
 * Reads the current change of the iterator at an address.
 *
 * @param out 16 bytes of the core's memory
 * @param patchset whether the change is from a patchset, which the iterator does not report
 */
export type Read<T> = (core: Core, iterator: number, out: number, patchset: boolean) => T;

/** Copies the whole change. C: `sqlite3changeset_op`, `_pk`, `_old`, `_new`. */
export const changeAt: Read<Change> = (core, iterator, out, patchset) => {
  const { table, columns, op, indirect } = readHead(core, iterator, out);
  const read = (reader: Reader): Values => readValues(core, iterator, columns, reader, out);
  const old = op === 'insert' ? [] : read('sqlite3changeset_old');
  const fresh = op === 'delete' ? [] : read('sqlite3changeset_new');
  const key = readKey(core, iterator, columns, out);
  return { table, op, indirect, key, patchset, old, new: fresh };
};

/** A change without its values, which is fast to read. */
export class Outline {
  readonly table: string;
  readonly op: Operation;
  readonly #core: Core;
  readonly #iterator: number;
  readonly #columns: number;
  readonly #out: number;

  constructor(core: Core, iterator: number, out: number) {
    const { table, columns, op } = readHead(core, iterator, out);
    this.table = table;
    this.op = op;
    this.#core = core;
    this.#iterator = iterator;
    this.#columns = columns;
    this.#out = out;
  }

  /** See {@link Change}. It is read when requested, so the iterator must still be at this change. */
  get key(): readonly number[] {
    return readKey(this.#core, this.#iterator, this.#columns, this.#out);
  }

  /** Whether the change is an UPDATE of a key column. It is read when requested, as {@link key} is. */
  get changesKey(): boolean {
    if (this.op !== 'update') return false;
    const { c, memory } = this.#core;
    return this.key.some((place, column) => {
      if (place === 0) return false;
      const code = c.sqlite3changeset_new(this.#iterator, column, this.#out);
      return code === SQLITE_OK && memory.pointerAt(this.#out) !== 0;
    });
  }
}

export const outlineAt: Read<Outline> = (core, iterator, out) => new Outline(core, iterator, out);

/** Copies the current change of the iterator at an address. */
export function readChange(core: Core, iterator: number, patchset: boolean): Change {
  using arena = core.memory.arena();
  return changeAt(core, iterator, arena.allocate(16), patchset);
}

/** A change that could not be applied. Its members are read on request, and valid only during the handler's call. */
export interface Conflict extends Change {
  /** One of the SQLITE_CHANGESET_ constants: DATA, NOTFOUND, CONFLICT, CONSTRAINT, FOREIGN_KEY. */
  readonly kind: number;
  /** The existing row, for DATA and CONFLICT; otherwise empty. C: `sqlite3changeset_conflict`. */
  readonly conflicting: Values;
  /**
   * Above 0 for FOREIGN_KEY, otherwise 0. Current versions of SQLite return 1 for any number of violations. PRAGMA
   * foreign_key_check lists them. C: `sqlite3changeset_fk_conflicts`.
   */
  readonly foreignKeyViolations: number;
}

/** A conflict that reads from SQLite's iterator. */
export class IteratorConflict implements Conflict {
  readonly kind: number;
  readonly patchset: boolean;
  readonly #core: Core;
  readonly #violations: number | undefined;
  #iterator: number;
  #change: Change | undefined;

  /** @param violations for a FOREIGN_KEY conflict without an iterator: the number of rows that violate a foreign key */
  constructor(core: Core, kind: number, iterator: number, patchset: boolean, violations?: number) {
    this.kind = kind;
    this.patchset = patchset;
    this.#core = core;
    this.#iterator = iterator;
    this.#violations = violations;
  }

  get table(): string {
    return this.#read().table;
  }
  get op(): Operation {
    return this.#read().op;
  }
  get indirect(): boolean {
    return this.#read().indirect;
  }
  get key(): readonly number[] {
    return this.#read().key;
  }
  get old(): Values {
    return this.#read().old;
  }
  get new(): Values {
    return this.#read().new;
  }

  get conflicting(): Values {
    if (this.kind !== SQLITE_CHANGESET_DATA && this.kind !== SQLITE_CHANGESET_CONFLICT) return [];
    const { length } = this.#read().key;
    using arena = this.#core.memory.arena();
    const out = arena.allocate(16);
    return readValues(this.#core, this.#live(), length, 'sqlite3changeset_conflict', out);
  }

  get foreignKeyViolations(): number {
    if (this.#violations !== undefined) return this.#violations;
    if (this.kind !== SQLITE_CHANGESET_FOREIGN_KEY) return 0;
    const { c, memory } = this.#core;
    using arena = memory.arena();
    const out = arena.allocate(4);
    const code = c.sqlite3changeset_fk_conflicts(this.#live(), out);
    if (code !== SQLITE_OK) throw this.#core.error(0, code);
    return memory.view.getInt32(out, true);
  }

  /** The address of the iterator. @throws Error after the handler has returned */
  #live(): number {
    if (this.#iterator === 0) throw new Error('a conflict can be read only while its handler runs');
    return this.#iterator;
  }

  #read(): Change {
    const { patchset } = this;
    const iterator = this.#violations === undefined ? this.#live() : 0;
    if (this.kind === SQLITE_CHANGESET_FOREIGN_KEY) {
      // A foreign-key conflict concerns the whole changeset, so the iterator has no current change.
      this.#change ??= { table: '', op: 'update', indirect: false, key: [], patchset, old: [], new: [] };
    }
    this.#change ??= readChange(this.#core, iterator, patchset);
    return this.#change;
  }

  /**
   * The address of the iterator.
   *
   * @throws Error for a FOREIGN_KEY conflict, which has no change, and after the handler has returned
   */
  get address(): number {
    if (this.kind === SQLITE_CHANGESET_FOREIGN_KEY)
      throw new Error('a foreign-key conflict carries no change');
    return this.#live();
  }

  /** Called after the handler has returned, because SQLite then moves the iterator. */
  over(): void {
    this.#iterator = 0;
  }
}
