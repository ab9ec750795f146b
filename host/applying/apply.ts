/** Applies changesets with the C function, with filters and conflict handlers. */

import type { Change } from '../changeset/format.js';
import {
  CALLBACK_CHANGE_FILTER,
  CALLBACK_CONFLICT,
  CALLBACK_STREAM_INPUT,
  CALLBACK_TABLE_FILTER,
  SQLITE_ABORT,
  SQLITE_BUSY,
  SQLITE_CHANGESET_ABORT,
  SQLITE_CHANGESET_CONFLICT,
  SQLITE_CHANGESET_DATA,
  SQLITE_CHANGESET_FOREIGN_KEY,
  SQLITE_CHANGESET_OMIT,
  SQLITE_CHANGESET_REPLACE,
  SQLITE_CHANGESETAPPLY_FKNOACTION,
  SQLITE_OK,
} from '../core/constants.js';
import type { Core } from '../core/core.js';
import type { Connection } from '../kernel/connection.js';
import type { Callback } from '../kernel/engine.js';
import { piecewise } from '../kernel/pieces.js';
import { insideSavepoint, refusedByWriter, whileApplying } from '../kernel/savepoint.js';
import { keepsTransaction } from '../kernel/statement-rules.js';
import { oncePerTable } from '../kernel/table-filters.js';
import { type ApplyFlags, applyFlagBits } from './apply-options.js';
import { ApplyTargets } from './apply-targets.js';
import { type Conflict, IteratorConflict, readChange } from './changes.js';
import { type ChangesetInput, marked } from './input.js';
import { malformedError } from './transform.js';

/** The callbacks of an apply. An exception ends the apply and is rethrown unchanged. */
export interface ApplyHandlers extends ApplyFlags {
  /** Called once for each table. Returns whether to apply the table's changes. */
  filter?: ((table: string) => boolean) | undefined;
  /** Called for each change. Returns whether to apply it. */
  filterChange?: ((change: Change) => boolean) | undefined;
  /** Returns SQLITE_CHANGESET_OMIT, REPLACE or ABORT. By default every conflict aborts. */
  onConflict?: ((kind: number, conflict: Conflict) => number) | undefined;
}

/** Handlers with an option that only the host uses. */
export interface OwnHandlers extends ApplyHandlers {
  /** See `OwnReportOptions`. */
  readonly virtualRows?: (table: string) => boolean;
}

/** The result of {@link applyTo}. */
export interface Applied {
  /** False if a conflict aborted the apply, so that nothing was applied. */
  readonly done: boolean;
  /** The rebase buffer; empty if no conflict was omitted or replaced. */
  readonly rebase: Uint8Array;
  /** The shadow tables that the apply changed. */
  readonly shadows: readonly string[];
}

/**
 * Applies a changeset to the database `main`. C: `sqlite3changeset_apply_v2`, or `_v3` with `filterChange`, and their
 * `_strm` forms for input in pieces.
 *
 * @throws SqliteError if the changeset is malformed or SQLite fails; an exception of a handler, unchanged. Nothing is
 *   applied then, unless `noSavepoint` is set
 */
export function applyTo(connection: Connection, input: ChangesetInput, handlers: OwnHandlers): Applied {
  // A filter cannot return an error, so SQLite would continue with the next changes.
  connection.refuse('', false);
  if (handlers.noSavepoint) return applyAsIs(connection, input, handlers);
  if (!handlers.filter && !handlers.filterChange) {
    const apply = (): Applied => applyAsIs(connection, input, handlers);
    return connection.ruled(keepsTransaction(whileApplying), apply);
  }
  return insideSavepoint(connection, 'sqlite_wasm_run_filtered', () => {
    const came = applyAsIs(connection, input, handlers);
    return [came, came.done];
  });
}

function applyAsIs(connection: Connection, given: ChangesetInput, handlers: OwnHandlers): Applied {
  const { input, isPatchset } = marked(given);
  const { engine, db } = connection;
  const { core } = engine;
  const { c, memory } = core;
  using targets = new ApplyTargets(connection, handlers.virtualRows);
  const calls = new HandlerCalls(core, targets, handlers, isPatchset);
  const whole = input instanceof Uint8Array ? input : undefined;
  const id = engine.register({
    ...calls.callback,
    ...(!whole && {
      streamInput: calls.guarded(
        -1,
        piecewise(input as Iterable<Uint8Array>, () => memory.bytes),
      ),
    }),
  });
  using arena = memory.arena();
  const out = arena.allocate(8);
  let flags = 0;
  for (const [name, bit] of Object.entries(applyFlagBits)) {
    if (handlers[name as keyof ApplyFlags]) flags |= bit;
  }
  const byChange = handlers.filterChange !== undefined;
  const ask = c.bridge_callback(byChange ? CALLBACK_CHANGE_FILTER : CALLBACK_TABLE_FILTER);
  const conflict = c.bridge_callback(CALLBACK_CONFLICT);
  try {
    let code: number;
    if (whole) {
      const apply = byChange ? c.sqlite3changeset_apply_v3 : c.sqlite3changeset_apply_v2;
      code = apply(db, whole.length, arena.bytes(whole), ask, conflict, id, out, out + 4, flags);
    } else {
      const apply = byChange ? c.sqlite3changeset_apply_v3_strm : c.sqlite3changeset_apply_v2_strm;
      const read = c.bridge_callback(CALLBACK_STREAM_INPUT);
      code = apply(db, read, id, ask, conflict, id, out, out + 4, flags);
    }
    if (calls.thrown) throw calls.thrown.error;
    engine.surface();
    const { shadows } = targets;
    if (shadows.length > 0) engine.check(db, reconnectVirtualTables(connection));
    if ((code & 0xff) === SQLITE_ABORT) return { done: false, rebase: new Uint8Array(0), shadows };
    if (code !== SQLITE_OK) {
      const error = malformedError(code, whole) ?? core.error(db, code);
      if (code === SQLITE_BUSY && connection.hasWriter) throw refusedByWriter(error);
      if (calls.illegal) error.cause = new Error(calls.illegal);
      throw error;
    }
    const rebase = memory.copy(memory.pointerAt(out), memory.view.getInt32(out + 4, true));
    return { done: true, rebase, shadows };
  } finally {
    c.sqlite3_free(memory.pointerAt(out));
    engine.release(id);
  }
}

/** Calls the handlers of one apply. After an exception, no handler is called again. */
class HandlerCalls {
  readonly #core: Core;
  readonly #targets: ApplyTargets;
  readonly #handlers: ApplyHandlers;
  readonly #isPatchset: () => boolean;
  /** The first exception. */
  thrown: { readonly error: unknown } | undefined;
  /** The error message for an invalid return value of a conflict handler. */
  illegal: string | undefined;

  constructor(core: Core, targets: ApplyTargets, handlers: ApplyHandlers, isPatchset: () => boolean) {
    this.#core = core;
    this.#isPatchset = isPatchset;
    this.#targets = targets;
    const { filter, filterChange } = handlers;
    this.#handlers = filter && filterChange ? { ...handlers, filter: oncePerTable(filter) } : handlers;
  }

  /** Wraps `action` to keep its exception and return `failed`. Also returns `failed` after an earlier exception. */
  guarded<A extends unknown[], T>(failed: T, action: (...args: A) => T): (...args: A) => T {
    return (...args) => {
      if (this.thrown) return failed;
      try {
        return action(...args);
      } catch (error) {
        this.thrown = { error };
        return failed;
      }
    };
  }

  get callback(): Callback {
    return {
      filterTable: this.guarded(false, (table) => this.#filterTable(table)),
      filterChange: this.guarded(false, (iterator) => this.#filterChange(iterator)),
      conflict: this.guarded(SQLITE_CHANGESET_ABORT, (kind, iterator) => this.#conflict(kind, iterator)),
    };
  }

  #filterTable(table: string): boolean {
    const { filter } = this.#handlers;
    const wanted = !filter || Boolean(this.#targets.outside(() => filter(table)));
    if (wanted) this.#targets.enter(table);
    return wanted;
  }

  #filterChange(iterator: number): boolean {
    const { filter, filterChange } = this.#handlers;
    const change = readChange(this.#core, iterator, this.#isPatchset());
    this.#targets.isShadow(change.table); // only refuses virtual tables, because the table's statements are already compiled
    return (!filter || Boolean(filter(change.table))) && Boolean(filterChange?.(change));
  }

  #conflict(kind: number, iterator: number): number {
    const { onConflict } = this.#handlers;
    if (!onConflict) return SQLITE_CHANGESET_ABORT;
    const conflict = new IteratorConflict(this.#core, kind, iterator, this.#isPatchset());
    try {
      const answer = this.#targets.outside(() => onConflict(kind, conflict));
      this.illegal ??= illegalAnswer(kind, answer);
      // Applying only some changes of shadow tables would damage the virtual table.
      const isShadow = this.#targets.inShadow && kind !== SQLITE_CHANGESET_FOREIGN_KEY;
      return isShadow ? SQLITE_CHANGESET_ABORT : answer;
    } finally {
      conflict.over();
    }
  }
}

/**
 * Makes SQLite read the schema again, which disconnects all virtual tables. Otherwise a virtual table that caches parts
 * of its shadow tables, as FTS5 does, would not notice that they changed.
 */
function reconnectVirtualTables({ engine, db }: Connection): number {
  const { c } = engine.core;
  // With the flag FKNOACTION, SQLite reads the schema again before and after the apply.
  const conflict = c.bridge_callback(CALLBACK_CONFLICT);
  return c.sqlite3changeset_apply_v2(db, 0, 0, 0, conflict, 0, 0, 0, SQLITE_CHANGESETAPPLY_FKNOACTION);
}

/** The error for a handler's return value, for which SQLite reports only SQLITE_MISUSE; undefined if it is valid. */
function illegalAnswer(kind: number, answer: number): string | undefined {
  if (answer === SQLITE_CHANGESET_OMIT || answer === SQLITE_CHANGESET_ABORT) return undefined;
  if (answer !== SQLITE_CHANGESET_REPLACE) {
    return 'a conflict handler must return SQLITE_CHANGESET_OMIT (0), SQLITE_CHANGESET_REPLACE (1) or SQLITE_CHANGESET_ABORT (2)';
  }
  if (kind === SQLITE_CHANGESET_DATA || kind === SQLITE_CHANGESET_CONFLICT) return undefined;
  return 'SQLITE_CHANGESET_REPLACE is allowed only for conflicts of the kinds DATA and CONFLICT: omit this one or abort';
}
