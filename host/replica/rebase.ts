/** Undoes the pending transactions, applies the history, and rebases the pending transactions, in one transaction. */

import { applyTo } from '../applying/apply.js';
import { applyCapture } from '../applying/replay.js';
import { concat, invert } from '../applying/transform.js';
import {
  SQLITE_CHANGESET_OMIT,
  SQLITE_DBCONFIG_ENABLE_FKEY,
  SQLITE_DBCONFIG_ENABLE_TRIGGER,
} from '../core/constants.js';
import { SqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { insideSavepoint } from '../kernel/savepoint.js';
import type { Warning } from '../kernel/schema.js';
import { withSettings } from '../kernel/settings.js';
import { type CaptureEntry, decodeCapture } from '../recording/capture-format.js';
import { isOfTheMachine, isReason, replicaError, textOf } from './errors.js';
import { isFullText } from './fulltext.js';
import { changesSchema, type TransactionRecorder } from './recorder.js';
import { rowsOf } from './rows.js';
import type { LocalTransaction, RejectionKind } from './state.js';

/**
 * How to rebase a local transaction on the history:
 *
 * - `rerun`: the function of the transaction runs again. If the function is unavailable, for example because it was a
 *   closure of an earlier process, the policy `reject` applies
 * - `reject`: the row changes are applied again, and a conflict rejects the transaction
 * - `ours`: the row changes are applied again, and rows with conflicts stay as the history has them
 * - `theirs`: the row changes are applied again, and overwrite rows with conflicts if possible
 */
export type ReplicaPolicy = 'rerun' | 'reject' | 'ours' | 'theirs';

export const replicaPolicies: readonly ReplicaPolicy[] = ['rerun', 'reject', 'ours', 'theirs'];

/** Warnings that SQLite would silently skip or alter changes. */
const skipping: readonly Warning['kind'][] = [
  'missing-table',
  'fewer-columns',
  'more-columns',
  'different-key',
  'key-collation',
];

/** A changeset larger than this number of bytes is applied with a time limit. */
const largeChangeset = 2 ** 16;

/** A transaction that was rebased. */
export interface Redone {
  readonly transaction: LocalTransaction;
  readonly entries: readonly CaptureEntry[];
  /** Whether its function ran again. */
  readonly reran: boolean;
  /** How many rows were skipped or overwritten because of conflicts. */
  readonly conflicts: number;
}

/** A transaction that could not be rebased. */
export interface Refused {
  readonly transaction: LocalTransaction;
  readonly kind: RejectionKind;
  /** Why the transaction could not be rebased. */
  readonly message: string;
}

/** A transaction's function made SQLite roll back the whole rebase. The next attempt must reject the transaction. */
export class RolledBack extends Error {
  readonly id: string;

  constructor(id: string) {
    super('SQLite rolled back the transaction');
    this.id = id;
  }
}

/** Runs `action` without triggers and foreign key actions, because changesets already contain their changes. */
export function verbatim<T>(connection: Connection, action: () => T): T {
  const off = [SQLITE_DBCONFIG_ENABLE_FKEY, SQLITE_DBCONFIG_ENABLE_TRIGGER].map(
    (option) => [option, false] as const,
  );
  return withSettings(connection, off, action);
}

/**
 * Applies entries to exactly the state for which they were recorded. Call this function in {@link verbatim}.
 *
 * @param check called repeatedly while a large changeset is applied; can throw to stop
 * @throws ReplicaError (`diverged`) if a change does not fit exactly
 */
export function applyExactly(
  connection: Connection,
  entries: readonly CaptureEntry[],
  what: string,
  check?: () => void,
): void {
  // Small changesets are applied without checks, which is faster.
  const isLarge = entries.some((entry) => entry.kind === 'changeset' && entry.bytes.length > largeChangeset);
  try {
    const { applied, entries: reports } = applyCapture(connection, entries, {
      policy: 'abort',
      triggers: false,
      refuse: skipping,
      conflicts: 1,
      virtualRows: (table) => isFullText(connection, table),
      ...(check && isLarge && { onProgress: check }),
    });
    if (applied) return;
    const last = reports.at(-1);
    const conflict = last && 'conflicts' in last ? last.conflicts[0] : undefined;
    const where = conflict ? ` (${conflict.kind} in ${conflict.table})` : '';
    throw diverged(what, `its changes do not fit${where}`);
  } catch (error) {
    if (!(error instanceof SqliteError) || isOfTheMachine(error)) throw error;
    throw diverged(what, error.message, error);
  }
}

function diverged(what: string, why: string, cause?: unknown): Error {
  return replicaError(
    'diverged',
    `this copy differs from the history: ${what}: ${why}; nothing was changed; make a new copy from a snapshot`,
    cause,
  );
}

/** Undoes the pending transactions with one inverse changeset. */
export function undo(connection: Connection, pending: readonly LocalTransaction[]): void {
  const { engine } = connection;
  const changesets = pending.flatMap(({ changes }) =>
    decodeCapture(changes).flatMap((entry) => (entry.kind === 'changeset' ? [entry.bytes] : [])),
  );
  const inverse = invert(engine.core, concat(engine, changesets));
  applyExactly(connection, [{ kind: 'changeset', bytes: inverse }], 'undoing local transactions');
}

/** Rebases transactions. Each transaction is rebased completely or rejected. */
export class Redoing {
  readonly #connection: Connection;
  readonly #recorder: TransactionRecorder;
  readonly #policy: ReplicaPolicy;
  /** The rows that rejected transactions had changed. */
  readonly #lost = new Set<string>();
  readonly redone: Redone[] = [];
  readonly refused: Refused[] = [];

  constructor(connection: Connection, recorder: TransactionRecorder, policy: ReplicaPolicy) {
    this.#connection = connection;
    this.#recorder = recorder;
    this.#policy = policy;
  }

  /**
   * Rebases a transaction.
   *
   * @param run runs the transaction's function; undefined if the function is unavailable
   * @param doomed whether to reject the transaction, because its function rolled back the whole rebase before
   * @throws RolledBack if the function rolls back the whole rebase
   */
  redo(transaction: LocalTransaction, run: (() => unknown) | undefined, doomed: boolean): void {
    const before = decodeCapture(transaction.changes);
    if (doomed) {
      const message = 'its function makes SQLite roll back the transaction: use ON CONFLICT ABORT';
      this.#refuse({ transaction, kind: 'threw', message }, before);
      return;
    }
    const result =
      this.#policy === 'rerun' && run
        ? this.#rerun(transaction, run)
        : this.#repeat(transaction, before, this.#policy === 'rerun' ? 'reject' : this.#policy);
    if ('kind' in result) this.#refuse(result, before);
    else this.redone.push(result);
  }

  #refuse(refused: Refused, before: readonly CaptureEntry[]): void {
    this.refused.push(refused);
    for (const row of rowsOf(before)) this.#lost.add(row);
  }

  #rerun(transaction: LocalTransaction, run: () => unknown): Redone | Refused {
    const connection = this.#connection;
    this.#recorder.drop();
    try {
      return insideSavepoint<Redone | Refused>(connection, 'sqlite_wasm_run_redo', () => {
        const { entries } = this.#recorder.run(run);
        const refuse = (kind: RejectionKind, message: string): readonly [Refused, boolean] => [
          { transaction, kind, message },
          false,
        ];
        if (changesSchema(entries)) return refuse('schema', 'it changes the schema when it runs again');
        if (dangles(connection))
          return refuse('conflict', 'its foreign keys refer to rows that were deleted');
        return [{ transaction, entries, reran: true, conflicts: 0 }, true];
      });
    } catch (error) {
      if (isOfTheMachine(error)) throw error;
      if (connection.engine.core.c.sqlite3_get_autocommit(connection.db) !== 0) {
        throw new RolledBack(transaction.id);
      }
      const kind = isReason(error, 'unrecordable') ? 'unrecordable' : 'threw';
      return { transaction, kind, message: textOf(error) };
    } finally {
      this.#recorder.drop();
    }
  }

  #repeat(
    transaction: LocalTransaction,
    before: readonly CaptureEntry[],
    policy: Exclude<ReplicaPolicy, 'rerun'>,
  ): Redone | Refused {
    for (const row of rowsOf(before)) {
      if (!this.#lost.has(row)) continue;
      const message = 'it changes a row that an earlier, rejected transaction changed';
      return { transaction, kind: 'depends-on', message };
    }
    this.#recorder.drop();
    let conflicts = 0;
    let refused: Refused | undefined;
    const refuse = (kind: RejectionKind, message: string): void => {
      refused = { transaction, kind, message };
    };
    try {
      const { entries } = this.#recorder.repeat(() => {
        const report = applyCapture(this.#connection, before, {
          policy: policy === 'reject' ? 'abort' : policy,
          triggers: false,
          refuse: skipping,
          conflicts: 1,
          virtualRows: (table) => isFullText(this.#connection, table),
        });
        const last = report.entries.at(-1);
        const first = last && 'conflicts' in last ? last.conflicts[0] : undefined;
        if (!report.applied) {
          const where = first
            ? `${first.kind} in ${first.table}`
            : 'foreign keys refer to rows that were deleted';
          refuse('conflict', `its changes conflict with the history (${where})`);
          return;
        }
        for (const entry of report.entries) {
          if ('tables' in entry)
            for (const table of entry.tables) conflicts += table.omitted + table.replaced;
        }
      });
      if (refused) return refused;
      if (entries.length > 0) return { transaction, entries, reran: false, conflicts };
      return {
        transaction,
        kind: 'conflict',
        message: 'all of its changes conflict with the history',
      };
    } catch (error) {
      if (!(error instanceof SqliteError) || isOfTheMachine(error)) throw error;
      return {
        transaction,
        kind: error.reason === 'refused' ? 'schema' : 'conflict',
        message: error.message,
      };
    } finally {
      this.#recorder.drop();
    }
  }
}

/** Whether deferred foreign key violations would make the commit fail. C: SQLITE_DBSTATUS_DEFERRED_FKS. */
export function dangles(connection: Connection): boolean {
  let found = false;
  applyTo(connection, new Uint8Array(0), {
    onConflict: () => {
      found = true;
      return SQLITE_CHANGESET_OMIT;
    },
  });
  return found;
}
