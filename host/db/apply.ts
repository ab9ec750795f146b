/** Applying changesets: the C function, and around it a policy, a dry run, a report of what came of it. */

import {
  CALLBACK_CHANGE_FILTER,
  CALLBACK_CONFLICT,
  CALLBACK_STREAM_INPUT,
  CALLBACK_TABLE_FILTER,
  SQLITE_ABORT,
  SQLITE_CHANGESET_ABORT,
  SQLITE_CHANGESET_CONFLICT,
  SQLITE_CHANGESET_DATA,
  SQLITE_CHANGESET_OMIT,
  SQLITE_CHANGESET_REPLACE,
  SQLITE_CHANGESETAPPLY_FKNOACTION,
  SQLITE_CHANGESETAPPLY_IGNORENOOP,
  SQLITE_CHANGESETAPPLY_INVERT,
  SQLITE_CHANGESETAPPLY_NOSAVEPOINT,
  SQLITE_CHANGESETAPPLY_NOUPDATELOOP,
  SQLITE_OK,
} from '../core/constants.js';
import { type Change, Conflict, readChange } from './changes.js';
import type { Callback, Connection } from './engine.js';

/** The flags of `sqlite3changeset_apply_v2`, by name. */
export interface ApplyFlags {
  /** Takes no savepoint of its own: after an error part of it may be done. SQLITE_CHANGESETAPPLY_NOSAVEPOINT. */
  noSavepoint?: boolean;
  /** Applies the inverse. SQLITE_CHANGESETAPPLY_INVERT. */
  invert?: boolean;
  /** What would change nothing is no conflict. SQLITE_CHANGESETAPPLY_IGNORENOOP. */
  ignoreNoop?: boolean;
  /** Foreign key actions (ON DELETE CASCADE and the like) do not run. SQLITE_CHANGESETAPPLY_FKNOACTION. */
  fkNoAction?: boolean;
  /** UPDATEs that stand in each other's way are not tried in turn. SQLITE_CHANGESETAPPLY_NOUPDATELOOP. */
  noUpdateLoop?: boolean;
}

export const applyFlagKinds = {
  noSavepoint: 'boolean',
  invert: 'boolean',
  ignoreNoop: 'boolean',
  fkNoAction: 'boolean',
  noUpdateLoop: 'boolean',
} as const;

const flagBits: Readonly<Record<keyof ApplyFlags, number>> = {
  noSavepoint: SQLITE_CHANGESETAPPLY_NOSAVEPOINT,
  invert: SQLITE_CHANGESETAPPLY_INVERT,
  ignoreNoop: SQLITE_CHANGESETAPPLY_IGNORENOOP,
  fkNoAction: SQLITE_CHANGESETAPPLY_FKNOACTION,
  noUpdateLoop: SQLITE_CHANGESETAPPLY_NOUPDATELOOP,
};

/** Whom to ask while a changeset is applied. What they throw ends it and surfaces as itself. */
export interface ApplyHandlers extends ApplyFlags {
  /** Asked once for each table: whether its changes are applied. */
  filter?: ((table: string) => boolean) | undefined;
  /** Asked for each change: whether it is applied. */
  filterChange?: ((change: Change) => boolean) | undefined;
  /** Returns SQLITE_CHANGESET_OMIT, REPLACE or ABORT. Without it every conflict aborts. */
  onConflict?: ((kind: number, conflict: Conflict) => number) | undefined;
}

/** A changeset, whole or in pieces. */
export type ChangesetInput = Uint8Array | Iterable<Uint8Array>;

/** What came of {@link applyTo}. */
export interface Applied {
  /** False where a conflict aborted it: then nothing of it is there. */
  readonly done: boolean;
  /** For the rebaser; empty where there was nothing to note. */
  readonly rebase: Uint8Array;
}

/**
 * Applies a changeset to the database `main`. C: `sqlite3changeset_apply_v2`, or `_v3` with `filterChange`, and
 * their `_strm` forms where it comes in pieces.
 *
 * @throws SqliteError where it is malformed or SQLite fails; then nothing of it is there either
 */
export function applyTo(connection: Connection, input: ChangesetInput, handlers: ApplyHandlers): Applied {
  const { engine, db } = connection;
  const { core } = engine;
  const { c, memory } = core;
  const { filterChange, onConflict } = handlers;
  const filter = filterChange && handlers.filter ? oncePerTable(handlers.filter) : handlers.filter;
  let flags = 0;
  for (const [name, bit] of Object.entries(flagBits)) if (handlers[name as keyof ApplyFlags]) flags |= bit;
  const whole = input instanceof Uint8Array ? input : undefined;
  const callback: Callback = {
    filterTable: (table) => Boolean(filter?.(table)), // asked only where there is one
    filterChange(iterator) {
      const change = readChange(core, iterator);
      return (!filter || Boolean(filter(change.table))) && Boolean(filterChange?.(change));
    },
    conflict(kind, iterator) {
      const conflict = new Conflict(core, kind, iterator);
      try {
        const answer = onConflict ? onConflict(kind, conflict) : SQLITE_CHANGESET_ABORT;
        illegal ??= illegalAnswer(kind, answer);
        return answer;
      } finally {
        conflict.over();
      }
    },
    ...(!whole && { streamInput: piecewise(input as Iterable<Uint8Array>, () => memory.bytes) }),
  };
  let illegal: string | undefined;
  const id = engine.register(callback);
  using arena = memory.arena();
  const out = arena.allocate(8);
  try {
    const ask = filterChange
      ? c.bridge_callback(CALLBACK_CHANGE_FILTER)
      : filter
        ? c.bridge_callback(CALLBACK_TABLE_FILTER)
        : 0; // so that SQLite never asks
    const conflict = c.bridge_callback(CALLBACK_CONFLICT);
    let code: number;
    if (whole) {
      const apply = filterChange ? c.sqlite3changeset_apply_v3 : c.sqlite3changeset_apply_v2;
      code = apply(db, whole.length, arena.bytes(whole), ask, conflict, id, out, out + 4, flags);
    } else {
      const apply = filterChange ? c.sqlite3changeset_apply_v3_strm : c.sqlite3changeset_apply_v2_strm;
      const read = c.bridge_callback(CALLBACK_STREAM_INPUT);
      code = apply(db, read, id, ask, conflict, id, out, out + 4, flags);
    }
    const thrown = engine.takeThrown();
    if (thrown) throw thrown.error;
    if ((code & 0xff) === SQLITE_ABORT) return { done: false, rebase: new Uint8Array(0) };
    if (code !== SQLITE_OK) {
      const error = core.error(db, code);
      if (illegal) error.cause = new Error(illegal);
      throw error;
    }
    return { done: true, rebase: memory.copy(memory.pointerAt(out), memory.view.getInt32(out + 4, true)) };
  } finally {
    c.sqlite3_free(memory.pointerAt(out));
    engine.release(id);
  }
}

/** What is wrong with a handler's answer, for which SQLite has no more than SQLITE_MISUSE. */
function illegalAnswer(kind: number, answer: number): string | undefined {
  if (answer === SQLITE_CHANGESET_OMIT || answer === SQLITE_CHANGESET_ABORT) return undefined;
  if (answer !== SQLITE_CHANGESET_REPLACE) {
    return 'a conflict handler returns SQLITE_CHANGESET_OMIT (0), SQLITE_CHANGESET_REPLACE (1) or SQLITE_CHANGESET_ABORT (2)';
  }
  if (kind === SQLITE_CHANGESET_DATA || kind === SQLITE_CHANGESET_CONFLICT) return undefined;
  return 'SQLITE_CHANGESET_REPLACE answers conflicts of the kinds DATA and CONFLICT only: omit this one or abort';
}

/** Asks `filter` once a table and remembers what it said. */
export function oncePerTable(filter: (table: string) => boolean): (table: string) => boolean {
  const known = new Map<string, boolean>();
  return (table) => {
    let answer = known.get(table);
    if (answer === undefined) {
      answer = Boolean(filter(table));
      known.set(table, answer);
    }
    return answer;
  };
}

/** An input stream of the C library over pieces of any length. */
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
