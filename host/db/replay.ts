/** Applying captures: their changesets and statements in order, all or none. */

import { SQLITE_ERROR } from '../core/constants.js';
import { SqliteError } from '../core/errors.js';
import { invalidValue } from './arguments.js';
import type { CaptureEntry } from './capture-format.js';
import { refusalOfText } from './confine.js';
import { isCaptured } from './ddl.js';
import type { Connection } from './engine.js';
import { isOneStatement, run } from './query.js';
import {
  type ApplyReport,
  applyWithReport,
  problems,
  type ReportOptions,
  withinSavepoint,
} from './report.js';

/** What came of a capture. */
export interface CaptureReport {
  /** False where a conflict or a check took everything back; a dry run says what would be. */
  applied: boolean;
  dryRun: boolean;
  /** Rows changed. */
  changes: number;
  /** Per entry, up to the one that ended it: a changeset's report, or the statement that was run. */
  entries: (ApplyReport | { readonly sql: string })[];
  /** What `check` found. */
  problems: string[];
}

/**
 * Applies the entries of a capture to `main`. Its statements are held to what a capture holds: one statement each
 * that changes the schema, and nothing that reaches beyond the database.
 *
 * Where the options do not say otherwise, triggers and foreign key actions do not run: what they did was captured.
 *
 * @throws SqliteError where an entry is malformed or fails; then nothing of it is there
 * @throws TypeError (ERR_INVALID_ARG_VALUE) where statements were to be inverted
 */
export function applyCapture(
  connection: Connection,
  entries: readonly CaptureEntry[],
  options: ReportOptions = {},
): CaptureReport {
  if (options.invert && entries.some(({ kind }) => kind === 'ddl')) {
    throw invalidValue('A capture in which the schema changes cannot be inverted.');
  }
  const { dryRun = false, check = false, onProgress, ...rest } = options;
  const each: ReportOptions = { triggers: false, fkNoAction: true, ...rest };
  const report: CaptureReport = { applied: true, dryRun, changes: 0, entries: [], problems: [] };
  const ordered = options.invert ? entries.toReversed() : entries;
  const sizeOf = (entry: CaptureEntry): number => (entry.kind === 'ddl' ? 0 : 2 * entry.bytes.length);
  const total = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  let before = 0;
  withinSavepoint(connection, 'sqlite_wasm_run_capture', () => {
    for (const entry of ordered) {
      if (entry.kind === 'ddl') {
        change(connection, entry.sql);
        report.entries.push({ sql: entry.sql });
        continue;
      }
      const heard = onProgress && ((done: number): void => onProgress(before + done, total));
      const came = applyWithReport(connection, [entry.bytes], {
        ...each,
        ...(heard && { onProgress: heard }),
      });
      before += sizeOf(entry);
      report.entries.push(came);
      report.changes += came.changes;
      if (!came.applied) {
        report.applied = false;
        return false;
      }
    }
    if (check) report.problems = problems(connection);
    report.applied = report.problems.length === 0;
    return report.applied && !dryRun;
  });
  if (!report.applied) report.changes = 0;
  return report;
}

/** Runs a statement of a capture. */
function change(connection: Connection, sql: string): void {
  const { confinement, engine } = connection;
  const refuse = (why: string): SqliteError =>
    new SqliteError(
      `a statement of the capture is refused, ${why}: ${sql}`,
      SQLITE_ERROR,
      engine.core.errorText(SQLITE_ERROR),
    );
  if (!isCaptured(sql)) throw refuse('for it does not change the schema');
  const text = refusalOfText(sql);
  if (text !== undefined) throw refuse(`for ${text}`);
  confinement.run(false, () => {
    try {
      if (!isOneStatement(connection, sql)) throw refuse('for there is more than one');
      run(connection, sql);
    } catch (error) {
      throw confinement.refused === undefined ? error : refuse(`for ${confinement.refused}`);
    }
  });
}
