/** Transforms changesets with the C library's functions that need no database. */

import { type Change, codeOf, patchsetMark, type Values } from '../changeset/format.js';
import { validate } from '../changeset/validate.js';
import { encode } from '../changeset/writer.js';
import {
  CALLBACK_STREAM_INPUT,
  SQLITE_CHANGEGROUP_CONFIG_PATCHSET,
  SQLITE_CORRUPT,
  SQLITE_ERROR,
  SQLITE_MISUSE,
  SQLITE_NOMEM,
  SQLITE_OK,
  SQLITE_ROW,
  SQLITE_SCHEMA,
} from '../core/constants.js';
import type { Core } from '../core/core.js';
import { errorText, malformed, type SqliteError, sqliteError } from '../core/errors.js';
import type { Arena } from '../core/memory.js';
import { invalidValue } from '../kernel/arguments.js';
import { Busy } from '../kernel/busy.js';
import type { Connection } from '../kernel/connection.js';
import type { Engine } from '../kernel/engine.js';
import { piecewise, streamed } from '../kernel/pieces.js';

/** The error messages for the C library's result codes. */
const meanings: Readonly<Record<number, string>> = {
  [SQLITE_ERROR]: 'changesets and patchsets cannot be mixed',
  [SQLITE_CORRUPT]: 'the changeset is malformed, or is a patchset, which is not allowed here',
  [SQLITE_MISUSE]: 'the changeset group was misused',
  [SQLITE_NOMEM]: 'out of memory',
  [SQLITE_SCHEMA]: 'the changesets differ in the columns or the key of a table',
};

/**
 * Makes the error of a failed operation on changesets. The message names the operation and explains the code.
 *
 * @param changeset the input; if it is malformed, the error names the wrong byte
 */
export function changesetError(
  what: string,
  code: number,
  { said, changeset }: { said?: string | null | undefined; changeset?: Uint8Array | undefined } = {},
): SqliteError {
  const found = said ? undefined : malformedError(code, changeset, what);
  if (found) return found;
  const detail = said || meanings[code & 0xff] || errorText(code);
  return sqliteError(code, `${what}: ${detail}`, { detail });
}

/** Makes the error for SQLITE_CORRUPT if the codec finds the wrong byte; otherwise undefined. */
export function malformedError(
  code: number,
  changeset: Uint8Array | undefined,
  what?: string,
): SqliteError | undefined {
  const fault = changeset && (code & 0xff) === SQLITE_CORRUPT ? validate(changeset) : null;
  return fault ? malformed(fault.reason, fault.offset, what) : undefined;
}

/** Calls a C function that writes a length and an address to pointers, and copies the bytes. */
export function takeBytes(
  core: Core,
  what: string,
  action: (length: number, place: number) => number,
  changeset?: Uint8Array,
): Uint8Array {
  const { c, memory } = core;
  using arena = memory.arena();
  const out = arena.allocate(8);
  const code = action(out, out + 4);
  const place = memory.pointerAt(out + 4);
  try {
    if (code !== SQLITE_OK) throw changesetError(what, code, { changeset });
    return memory.copy(place, memory.view.getInt32(out, true));
  } finally {
    c.sqlite3_free(place);
  }
}

/** Inverts a changeset. C: `sqlite3changeset_invert`. @throws SqliteError for a patchset or malformed bytes */
export function invert(core: Core, changeset: Uint8Array): Uint8Array {
  if (changeset[0] === patchsetMark) {
    throw changesetError('invert', SQLITE_CORRUPT, {
      said: 'a patchset has no old values, so it has no inverse',
    });
  }
  using arena = core.memory.arena();
  const bytes = arena.bytes(changeset);
  return takeBytes(
    core,
    'invert',
    (length, place) => core.c.sqlite3changeset_invert(changeset.length, bytes, length, place),
    changeset,
  );
}

/** Checks a changeset, because the rebaser silently stops at malformed bytes. @throws SqliteError (SQLITE_CORRUPT) */
export function checkChangeset(core: Core, what: string, changeset: Uint8Array): void {
  const { c, memory } = core;
  using arena = memory.arena();
  const out = arena.allocate(4);
  const started = c.sqlite3changeset_start(out, changeset.length, arena.bytes(changeset));
  if (started !== SQLITE_OK) throw changesetError(what, started, { changeset });
  const iterator = memory.pointerAt(out);
  while (c.sqlite3changeset_next(iterator) === SQLITE_ROW);
  const code = c.sqlite3changeset_finalize(iterator);
  if (code !== SQLITE_OK) throw changesetError(what, code, { changeset });
}

/** A change to build. An INSERT needs no old values, a DELETE no new values, and a change of a known table no key. */
export type ChangeLike = Pick<Change, 'table' | 'op'> & Partial<Change>;

const busy = 'the changeset group cannot be used in its own callback';

/** Joins changesets into one. Dispose of the group to free its memory. C: `sqlite3changegroup_new`, `_delete`. */
export class Group implements Disposable {
  readonly #engine: Engine;
  #pointer: number;
  #isClosed = (): boolean => false;
  /** If a callback used the group during an operation, SQLite could use freed memory. */
  readonly #busy = new Busy();
  #hasSchema = false;
  #isPatchset = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    const { c, memory } = engine.core;
    using arena = memory.arena();
    const out = arena.allocate(4);
    const code = c.sqlite3changegroup_new(out);
    if (code !== SQLITE_OK) throw changesetError('group', code);
    this.#pointer = memory.pointerAt(out);
  }

  /**
   * Sets the database whose columns complete changesets that were made before columns were added. Use the group only
   * while the connection is open. C: `sqlite3changegroup_schema`.
   */
  schema(connection: Connection, database: string): void {
    const { c, memory } = this.#engine.core;
    this.#isClosed = () => connection.isClosed;
    using arena = memory.arena();
    const name = arena.cString(database);
    this.#check('schema', c.sqlite3changegroup_schema(this.#live(), connection.db, name));
    this.#hasSchema = true;
  }

  /** Makes {@link addChange} build a patchset. C: `sqlite3changegroup_config`. */
  patchset(): void {
    const { c, memory } = this.#engine.core;
    using arena = memory.arena();
    const on = arena.allocate(4);
    memory.view.setInt32(on, 1, true);
    const code = c.sqlite3changegroup_config(this.#live(), SQLITE_CHANGEGROUP_CONFIG_PATCHSET, on);
    this.#check('patchset', code);
    this.#isPatchset = true;
  }

  /** Adds a changeset. If it fails, the group is unchanged. C: `sqlite3changegroup_add`. */
  add(changeset: Uint8Array): void {
    const { c, memory } = this.#engine.core;
    using arena = memory.arena();
    const bytes = arena.bytes(changeset);
    this.#check('concat', c.sqlite3changegroup_add(this.#live(), changeset.length, bytes), changeset);
  }

  /** Adds a changeset that is given in pieces. C: `sqlite3changegroup_add_strm`. */
  addFrom(pieces: Iterable<Uint8Array>): void {
    const group = this.#live();
    const { core } = this.#engine;
    const read = piecewise(pieces, () => core.memory.bytes);
    const streamInput: typeof read = (pointer, room) => {
      const count = read(pointer, room);
      if (this.#isClosed()) throw this.#misuse('the database of its schema is closed');
      return count;
    };
    const id = this.#engine.register({ streamInput });
    try {
      const input = core.c.bridge_callback(CALLBACK_STREAM_INPUT);
      const code = this.#busy.during(() => core.c.sqlite3changegroup_add_strm(group, input, id));
      this.#check('concat', code);
    } finally {
      this.#engine.release(id);
    }
  }

  /** Adds the current change of the iterator at an address. C: `sqlite3changegroup_add_change`. */
  addIterated(iterator: number): void {
    this.#check('group', this.#engine.core.c.sqlite3changegroup_add_change(this.#live(), iterator));
  }

  /**
   * Adds a change made of values. Its table must be known from a changeset that was added or from `schema`; without a
   * schema, the change's own `key` is enough, which every change that was read has. C:
   * `sqlite3changegroup_change_begin`, `_int64`, `_double`, `_text`, `_blob`, `_null`, `_finish`.
   */
  addChange(change: ChangeLike): void {
    const { core } = this.#engine;
    const { c, memory } = core;
    const group = this.#live();
    // The C library cannot build a change of a patchset in a group whose kind is unknown, so such a change is encoded
    // as a patchset.
    const ofPatchset = change.patchset === true && !this.#isPatchset && !this.#hasSchema;
    const read = ofPatchset ? byItself(change, true) : undefined;
    if (read) {
      this.add(read);
      return;
    }
    using arena = memory.arena();
    const error = arena.allocate(4);
    const check = (code: number): void => {
      if (code === SQLITE_OK) return;
      const said = memory.cString(memory.pointerAt(error));
      c.sqlite3_free(memory.pointerAt(error));
      memory.view.setUint32(error, 0, true);
      throw changesetError(`build a change of ${change.table}`, code, { said });
    };
    const table = arena.cString(change.table);
    const indirect = Number(change.indirect ?? false);
    const begun = c.sqlite3changegroup_change_begin(group, codeOf(change.op), table, indirect, error);
    const whole = begun === SQLITE_ERROR && !this.#hasSchema ? byItself(change, this.#isPatchset) : undefined;
    if (whole) {
      c.sqlite3_free(memory.pointerAt(error));
      this.add(whole);
      return;
    }
    check(begun);
    try {
      (change.old ?? []).forEach((value, column) => {
        check(this.#put(group, arena, 0, column, value));
      });
      (change.new ?? []).forEach((value, column) => {
        check(this.#put(group, arena, 1, column, value));
      });
    } catch (thrown) {
      c.sqlite3changegroup_change_finish(group, 1, 0);
      throw thrown;
    }
    check(c.sqlite3changegroup_change_finish(group, 0, error));
  }

  #put(group: number, arena: Arena, isNew: number, column: number, value: Values[number]): number {
    const { c } = this.#engine.core;
    if (value === undefined) return SQLITE_OK;
    if (value === null) return c.sqlite3changegroup_change_null(group, isNew, column);
    if (typeof value === 'bigint') {
      if (BigInt.asIntN(64, value) !== value) throw invalidValue('BigInt value is too large to bind.');
      return c.sqlite3changegroup_change_int64(group, isNew, column, value);
    }
    if (typeof value === 'number') return c.sqlite3changegroup_change_double(group, isNew, column, value);
    if (typeof value === 'string') {
      const { pointer, length } = arena.text(value);
      return c.sqlite3changegroup_change_text(group, isNew, column, pointer, length);
    }
    return c.sqlite3changegroup_change_blob(group, isNew, column, arena.bytes(value), value.length);
  }

  /** Returns all changes as one changeset. More changes can be added afterwards. C: `sqlite3changegroup_output`. */
  output(): Uint8Array {
    const group = this.#live();
    const { core } = this.#engine;
    return takeBytes(core, 'concat', (length, place) =>
      core.c.sqlite3changegroup_output(group, length, place),
    );
  }

  /**
   * Passes the changeset to `take` in pieces of a few KiB, each valid only during the call. C:
   * `sqlite3changegroup_output_strm`.
   */
  outputTo(take: (piece: Uint8Array) => void): void {
    const group = this.#live();
    const { c } = this.#engine.core;
    const code = this.#busy.during(() =>
      streamed(this.#engine, take, (output, id) => c.sqlite3changegroup_output_strm(group, output, id)),
    );
    this.#check('concat', code);
  }

  /**
   * Frees the group. Can be called more than once. C: `sqlite3changegroup_delete`.
   *
   * @throws SqliteError (SQLITE_MISUSE) within a callback of the group
   */
  [Symbol.dispose](): void {
    this.#engine.refuseInLog();
    if (this.#busy.isOn) throw this.#misuse(busy);
    if (this.#pointer !== 0) this.#engine.core.c.sqlite3changegroup_delete(this.#pointer);
    this.#pointer = 0;
  }

  #live(): number {
    this.#engine.refuseInLog();
    if (this.#busy.isOn) throw this.#misuse(busy);
    if (this.#isClosed()) throw this.#misuse('the database of its schema is closed');
    if (this.#pointer === 0) throw this.#misuse('the changeset group is closed');
    return this.#pointer;
  }

  #misuse(said: string): SqliteError {
    return changesetError('group', SQLITE_MISUSE, { said });
  }

  #check(what: string, code: number, changeset?: Uint8Array): void {
    this.#engine.surface();
    if (code !== SQLITE_OK) throw changesetError(what, code, { changeset });
  }
}

/**
 * Encodes one change as a changeset. Undefined if its `key` does not describe the table, or values are missing.
 *
 * @param patchset whether the change is from a patchset, if the change itself does not show it
 */
function byItself(change: ChangeLike, patchset: boolean): Uint8Array | undefined {
  const { table, op, indirect = false, key = [], old = [], new: fresh = [] } = change;
  if (!key.some((place) => place > 0)) return undefined;
  if (old.length !== (op === 'insert' ? 0 : key.length)) return undefined;
  if (fresh.length !== (op === 'delete' ? 0 : key.length)) return undefined;
  const fits = (isPatchset: boolean): boolean =>
    key.every((place, i) => {
      const [hasOld, hasNew] = [old[i] !== undefined, fresh[i] !== undefined];
      if (op === 'insert') return hasNew;
      if (place > 0) return hasOld && !hasNew;
      if (isPatchset) return !hasOld;
      return op === 'delete' ? hasOld : hasOld === hasNew;
    });
  const given = change.patchset === undefined ? [patchset, !patchset] : [change.patchset];
  const own = given.find(fits);
  const kind = own === false && change.patchset === false ? patchset : own; // a patchset has no old values
  return kind === undefined
    ? undefined
    : encode([{ table, op, indirect, key, patchset: kind, old, new: fresh }]);
}

/** Joins changesets, in order, into one. @param schema see {@link Group.schema} */
export function concat(
  engine: Engine,
  changesets: Iterable<Uint8Array>,
  schema?: { readonly connection: Connection; readonly database: string },
): Uint8Array {
  using group = new Group(engine);
  if (schema) group.schema(schema.connection, schema.database);
  for (const changeset of changesets) group.add(changeset);
  return group.output();
}

/**
 * Rebases local changes on changesets that were applied before them. `rebases` are the rebase buffers of those applies,
 * in order. C: `sqlite3rebaser_create`, `_configure`, `_rebase`, `_delete`.
 */
export function rebase(core: Core, changeset: Uint8Array, rebases: Iterable<Uint8Array>): Uint8Array {
  checkChangeset(core, 'rebase', changeset);
  const { c, memory } = core;
  using arena = memory.arena();
  const out = arena.allocate(4);
  const created = c.sqlite3rebaser_create(out);
  if (created !== SQLITE_OK) throw changesetError('rebase', created);
  const rebaser = memory.pointerAt(out);
  try {
    for (const buffer of rebases) {
      const code = c.sqlite3rebaser_configure(rebaser, buffer.length, arena.bytes(buffer));
      if (code !== SQLITE_OK) throw changesetError('rebase', code, { said: 'a rebase buffer is malformed' });
    }
    const bytes = arena.bytes(changeset);
    return takeBytes(core, 'rebase', (length, place) =>
      c.sqlite3rebaser_rebase(rebaser, changeset.length, bytes, length, place),
    );
  } finally {
    c.sqlite3rebaser_delete(rebaser);
  }
}
