/** Applies changesets with a report: plans and executes each, and resolves and reports its conflicts. */

import {
  SQLITE_CHANGESET_ABORT,
  SQLITE_CHANGESET_OMIT,
  SQLITE_CHANGESET_REPLACE,
  SQLITE_CONSTRAINT,
  SQLITE_DBCONFIG_ENABLE_TRIGGER,
  SQLITE_ERROR,
  SQLITE_MISUSE,
} from '../core/constants.js';
import { SqliteError, sqliteError } from '../core/errors.js';
import type { Spool } from '../core/spool.js';
import type { Connection } from '../kernel/connection.js';
import { insideSavepoint } from '../kernel/savepoint.js';
import { withSettings } from '../kernel/settings.js';
import { type Applied, applyTo, type OwnHandlers } from './apply.js';
import { flagsOf, type OwnReportOptions, type ReportOptions } from './apply-options.js';
import type { Conflict } from './changes.js';
import {
  type ConflictAction,
  type ConflictKind,
  conflictActions,
  conflictKinds,
  decide,
} from './conflict-policy.js';
import type { ChangesetInput } from './input.js';
import { plan } from './plan.js';
import { damagedIndexes, orphanRows, problems } from './problems.js';
import { Application, type ApplyReport, type Request } from './report.js';

/** A changeset that can be read twice. */
type Whole = Uint8Array | Spool;

/** The bytes read between two progress reports. */
const pieceSize = 65_536;

/**
 * Applies changesets one after another, all or none. Each is read twice, to plan and to apply.
 *
 * @throws SqliteError if a changeset is malformed, SQLite fails, or the option `refuse` refuses a warning
 */
export function applyWithReport(
  connection: Connection,
  changesets: readonly Whole[],
  options: OwnReportOptions = {},
): ApplyReport {
  const application = new Application(connection, options);
  const watched = watcher(changesets, options.onProgress);
  const all = (): boolean => {
    for (const changeset of changesets) {
      plan(application, watched(changeset));
      if (!execute(application, watched(changeset))) return false;
    }
    if (options.check) application.problems.push(...problems(connection));
    return application.problems.length === 0;
  };
  const triggers = options.triggers === false ? [[SQLITE_DBCONFIG_ENABLE_TRIGGER, false] as const] : [];
  return insideSavepoint(connection, 'sqlite_wasm_run_apply', () =>
    withSettings(connection, triggers, () => {
      const applied = all();
      return [application.report(applied), applied && !options.dryRun];
    }),
  );
}

/** Reads changesets in pieces to report progress, if `onProgress` is given. */
function watcher(
  changesets: readonly Whole[],
  onProgress: ReportOptions['onProgress'],
): (input: Whole) => ChangesetInput {
  if (!onProgress) return (input) => input;
  const sizes = changesets.map((input) => (input instanceof Uint8Array ? input.length : input.size));
  const total = 2 * sizes.reduce((sum, size) => sum + size, 0);
  let done = 0;
  return function* (input) {
    for (const piece of input instanceof Uint8Array ? cut(input) : input) {
      yield piece;
      done += piece.length;
      onProgress(done, total);
    }
  };
}

function* cut(bytes: Uint8Array): Generator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += pieceSize) yield bytes.subarray(at, at + pieceSize);
}

/** Applies a planned changeset. Returns false if a conflict aborts. @throws the errors of {@link applyTo} */
function execute(application: Application, input: ChangesetInput): boolean {
  const { connection, options, tally } = application;
  const { filterChange, virtualRows } = options;
  tally.next();
  const handlers: OwnHandlers = {
    ...flagsOf(options),
    ...(options.tables && { filter: application.includes }),
    ...(virtualRows && { virtualRows }),
    ...(filterChange && {
      filterChange(change) {
        const applied = Boolean(filterChange(change));
        if (!applied) {
          tally.planned(change, -1);
          tally.of(change.table).filtered += 1;
        }
        return applied;
      },
    }),
    onConflict: (_, conflict) => resolve(application, conflict),
  };
  const came = attempt(application, () => applyTo(connection, input, handlers));
  if (!came?.done || application.abortedFor) return false;
  application.rebases.push(came.rebase);
  application.problems.push(...damagedIndexes(connection, came.shadows));
  return true;
}

/** Resolves a conflict and adds it to the report. */
function resolve(application: Application, conflict: Conflict): number {
  const { connection, options, tally, conflicts } = application;
  const { kind, answer, isOwn } = answerTo(application, conflict);
  if (kind === 'foreign-key') {
    if (application.abortedFor) return SQLITE_CHANGESET_ABORT;
    const rows = orphanRows(connection);
    application.foreignKeyViolations = Math.max(1, rows.length); // SQLite reports violations but not their number
    if (answer === SQLITE_CHANGESET_ABORT) {
      application.abortedFor = 'foreign keys';
      application.problems.push(...rows.slice(0, options.conflicts ?? 20));
    }
    return answer;
  }
  tally.conflict(kind, conflict, answer);
  conflicts.add(kind, conflict, nameOfAction(answer));
  if (answer !== SQLITE_CHANGESET_ABORT || isOwn) return answer;
  application.abortedFor = 'a conflict';
  return conflicts.isFull ? answer : SQLITE_CHANGESET_OMIT;
}

/**
 * Returns the action for a conflict: that of `onConflict`, otherwise that of the policy.
 *
 * @throws SqliteError if the action is not allowed
 */
export function answerTo(
  { connection, options, rules }: Request,
  conflict: Conflict,
): { kind: ConflictKind; answer: number; isOwn: boolean } {
  const { core } = connection.engine;
  const own = options.onConflict?.(conflict.kind, conflict);
  const kind = nameOfKind(conflict.kind);
  const answer = own ?? conflictActions[decide(core, rules, kind, conflict.table, conflict.op)];
  if (answer === SQLITE_CHANGESET_REPLACE && kind !== 'data' && kind !== 'conflict') {
    throw sqliteError(
      SQLITE_MISUSE,
      `A ${kind} conflict cannot be resolved by replace: omit the change or abort.`,
    );
  }
  return { kind, answer, isOwn: own !== undefined };
}

/** Returns the result of `action`, or undefined if it failed because the policy aborts. */
function attempt(application: Application, action: () => Applied): Applied | undefined {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    const { abortedFor, warnings } = application;
    if (abortedFor === 'a conflict') return undefined; // the error is a consequence of changes that were omitted to collect conflicts
    if (abortedFor === 'foreign keys' && (error.errcode & 0xff) === SQLITE_CONSTRAINT) return undefined;
    const reason = warnings.find(({ kind }) => kind === 'key-collation');
    // SQLite returns only SQLITE_ERROR for such a key.
    throw error.errcode === SQLITE_ERROR && reason ? sqliteError(error.errcode, reason.message) : error;
  }
}

function nameOfAction(answer: number): ConflictAction {
  if (answer === SQLITE_CHANGESET_ABORT) return 'abort';
  return answer === SQLITE_CHANGESET_REPLACE ? 'replace' : 'omit';
}

function nameOfKind(kind: number): ConflictKind {
  const found = Object.entries(conflictKinds).find(([, value]) => value === kind);
  return (found?.[0] ?? 'data') as ConflictKind;
}
