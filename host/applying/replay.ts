/**
 * Applies captures: their changesets and statements in order, all or none.
 *
 * A capture contains the changes made by triggers and foreign key actions, so both are disabled while it is applied. A
 * DROP TABLE deletes no rows of other tables, and foreign keys may be violated until the end. New violations at the end
 * are one foreign key conflict.
 */

import {
  SQLITE_CHANGESET_ABORT,
  SQLITE_CHANGESET_FOREIGN_KEY,
  SQLITE_DBCONFIG_DQS_DDL,
  SQLITE_DBCONFIG_DQS_DML,
  SQLITE_DBCONFIG_ENABLE_FKEY,
  SQLITE_DBCONFIG_ENABLE_TRIGGER,
  SQLITE_DBCONFIG_LEGACY_ALTER_TABLE,
  SQLITE_ERROR,
} from '../core/constants.js';
import { refusal, type SqliteError, sqliteError } from '../core/errors.js';
import { invalidValue } from '../kernel/arguments.js';
import { confinementOf, refusalOfText } from '../kernel/confinement.js';
import type { Connection } from '../kernel/connection.js';
import { isOneStatement, query, run } from '../kernel/query.js';
import { insideSavepoint } from '../kernel/savepoint.js';
import { schemaVersion } from '../kernel/schema.js';
import { isOn, withSettings } from '../kernel/settings.js';
import type { CaptureEntry, StatementSettings } from '../recording/capture-format.js';
import { inMain, isCaptured, type SchemaStatement, schemaStatement } from '../recording/ddl.js';
import { compiles, rowCount } from '../recording/schema-reading.js';
import type { OwnReportOptions, ReportOptions } from './apply-options.js';
import { IteratorConflict } from './changes.js';
import { decide, policyRules } from './conflict-policy.js';
import { answerTo, applyWithReport } from './execute.js';
import { added, problems, violations } from './problems.js';
import type { ApplyReport, Request } from './report.js';

/** The result of applying a capture. */
export interface CaptureReport {
  /** False if a conflict or a check rolled everything back. In a dry run, whether the changes would be applied. */
  applied: boolean;
  dryRun: boolean;
  /** The number of changed rows. */
  changes: number;
  /** For each entry up to the last one that ran: the report of a changeset, or the statement. */
  entries: (ApplyReport | { readonly sql: string })[];
  /** The number of rows that violate a foreign key at the end but did not before. */
  foreignKeyViolations: number;
  /** The errors that `check` found. */
  problems: string[];
}

interface Replay extends Request {
  readonly report: CaptureReport;
}

/**
 * Applies the entries of a capture to `main`. Each statement entry must be a single statement that changes the schema
 * and does not reach beyond the database.
 *
 * Triggers do not run by default. Foreign key actions can run only if the options allow them and the capture does not
 * change the schema.
 *
 * @throws SqliteError if an entry is malformed or fails; nothing is applied then
 * @throws TypeError (ERR_INVALID_ARG_VALUE) if the capture changes the schema and the options require inverting it or
 *   running foreign key actions
 */
export function applyCapture(
  connection: Connection,
  entries: readonly CaptureEntry[],
  options: OwnReportOptions = {},
): CaptureReport {
  const hasStatements = entries.some(({ kind }) => kind === 'ddl');
  if (hasStatements) refuseOptions(options);
  const { dryRun = false, check = false } = options;
  const report: CaptureReport = {
    applied: true,
    dryRun,
    changes: 0,
    entries: [],
    foreignKeyViolations: 0,
    problems: [],
  };
  const rules = policyRules(options.policy ?? 'abort');
  const replay = { connection, options, rules, report };
  const ordered = options.invert ? entries.toReversed() : entries;
  const settings = hasStatements
    ? [
        [SQLITE_DBCONFIG_ENABLE_FKEY, false] as const,
        [SQLITE_DBCONFIG_ENABLE_TRIGGER, options.triggers ?? false] as const,
      ]
    : [];
  const checked = hasStatements && isOn(connection, SQLITE_DBCONFIG_ENABLE_FKEY);
  const savepoint = (): void =>
    insideSavepoint(connection, 'sqlite_wasm_run_capture', () => {
      const before = checked ? violations(connection) : undefined;
      report.applied = runEntries(replay, ordered);
      if (before && report.applied) {
        report.foreignKeyViolations = added(before, violations(connection));
        report.applied = report.foreignKeyViolations === 0 || !aborts(replay);
      }
      if (check && report.applied) {
        report.problems = problems(connection);
        report.applied = report.problems.length === 0;
      }
      return [undefined, report.applied && !dryRun];
    });
  withSettings(connection, settings, savepoint);
  if (!report.applied) report.changes = 0;
  return report;
}

function refuseOptions({ invert, fkNoAction }: ReportOptions): void {
  if (invert) throw invalidValue('A capture that changes the schema cannot be inverted.');
  if (fkNoAction === false) {
    throw invalidValue(
      'Foreign key actions cannot run for a capture that changes the schema, because it already contains their changes. Omit "fkNoAction".',
    );
  }
}

/** Applies the entries in order. Returns false if a conflict aborted. */
function runEntries(replay: Replay, entries: readonly CaptureEntry[]): boolean {
  const { connection, options, report } = replay;
  const { dryRun: _, check: __, drops, onProgress, ...rest } = options;
  const each: OwnReportOptions = { triggers: false, fkNoAction: true, ...rest };
  const sizeOf = (entry: CaptureEntry): number => (entry.kind === 'ddl' ? 0 : 2 * entry.bytes.length);
  const total = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  let before = 0;
  for (const entry of entries) {
    if (entry.kind === 'ddl') {
      change(replay, entry);
      report.entries.push({ sql: entry.sql });
      continue;
    }
    const done = before;
    const heard = onProgress && ((now: number): void => onProgress(done + now, total));
    const came = applyWithReport(connection, [entry.bytes], {
      ...each,
      ...(heard && { onProgress: heard }),
    });
    before += sizeOf(entry);
    report.entries.push(came);
    report.changes += came.changes;
    if (!came.applied) return false;
  }
  return true;
}

/** Whether the replay aborts because of rows that violate a foreign key. */
function aborts(replay: Replay): boolean {
  const { connection, report } = replay;
  const { core } = connection.engine;
  const conflict = new IteratorConflict(
    core,
    SQLITE_CHANGESET_FOREIGN_KEY,
    0,
    false,
    report.foreignKeyViolations,
  );
  return answerTo(replay, conflict).answer === SQLITE_CHANGESET_ABORT;
}

type Statement = Extract<CaptureEntry, { kind: 'ddl' }>;

/** Runs a statement of a capture. */
function change(request: Request, { sql, settings }: Statement): void {
  const { connection, options } = request;
  const confinement = confinementOf(connection);
  const refuse = (why: string): SqliteError =>
    sqliteError(SQLITE_ERROR, `a statement of the capture is refused because ${why}: ${sql}`);
  if (!isCaptured(sql)) throw refuse('it does not change the schema');
  const text = refusalOfText(sql);
  if (text !== undefined) throw refuse(text);
  const statement = schemaStatement(sql);
  const isDrop = statement.verb === 'drop' && statement.object === 'table';
  if (isDrop) refuseDrop(request, statement, settings);
  const own = inMain(sql);
  const before = schemaVersion(connection, 'main');
  confinement.run(false, () => {
    try {
      const isText = settings?.doubleQuotedText && statement.verb !== 'alter' && sql.includes('"');
      if (isText) refuseNamed(connection, own, refuse);
      withSettings(connection, under(statement, settings, options), () => {
        if (!isOneStatement(connection, own)) throw refuse('it is more than one statement');
        run(connection, own);
      });
    } catch (error) {
      throw confinement.refused === undefined ? error : refuse(confinement.refused);
    }
  });
  if (['create', 'alter', 'drop'].includes(statement.verb) && schemaVersion(connection, 'main') === before) {
    throw refuse(
      `it changes nothing in this database: ${statement.name} ${statement.verb === 'drop' ? 'does not exist' : 'already exists'}`,
    );
  }
}

/** Returns the settings under which a statement runs: those during the capture, if they affect it. */
function under(
  { verb, object, renames }: SchemaStatement,
  settings: StatementSettings | undefined,
  options: ReportOptions,
): (readonly [option: number, on: boolean])[] {
  const text = settings?.doubleQuotedText ?? false;
  const chosen: (readonly [number, boolean])[] = [
    [SQLITE_DBCONFIG_DQS_DDL, text],
    [SQLITE_DBCONFIG_DQS_DML, text],
  ];
  if (verb === 'alter' && settings)
    chosen.push([SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, settings.legacyAlterTable]);
  if (renames && settings) chosen.push([SQLITE_DBCONFIG_ENABLE_FKEY, settings.foreignKeys]);
  if (verb === 'drop' && object === 'table' && !settings && options.drops === 'cascade') {
    chosen.push([SQLITE_DBCONFIG_ENABLE_FKEY, true]);
  }
  return chosen;
}

/** Refuses a DROP TABLE that would have effects that it did not have during the capture. */
function refuseDrop(
  { connection, options, rules }: Request,
  { name = '' }: SchemaStatement,
  settings: StatementSettings | undefined,
): void {
  if (!settings) {
    const [child] = query(
      connection,
      "SELECT m.name FROM main.sqlite_schema m, pragma_foreign_key_list(m.name, 'main') f WHERE m.type='table' AND f.\"table\"=?1 COLLATE NOCASE AND m.name<>?1 COLLATE NOCASE",
      name,
    );
    if (child && options.drops === undefined) {
      throw refusal(
        `DROP TABLE ${name}: ${child[0]} refers to it, and the capture does not record what happened to those rows; set "drops": alone keeps them, cascade runs their foreign key actions`,
      );
    }
    return;
  }
  const rows = settings.rows === undefined ? undefined : rowCount(connection, 'main', name);
  const extra = (rows ?? 0) - (settings.rows ?? 0);
  if (rows === undefined || extra <= 0) return;
  const { core } = connection.engine;
  if (decide(core, rules, 'data', name, 'delete') === 'replace') return;
  throw refusal(
    `DROP TABLE ${name} would delete ${extra} rows that the captured database did not have; the policy theirs deletes them`,
  );
}

/** Refuses a statement in which a text in double quotes would now be the name of a column. */
function refuseNamed(connection: Connection, sql: string, refuse: (why: string) => SqliteError): void {
  const off = [SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_DQS_DML].map((option) => [option, false] as const);
  if (!withSettings(connection, off, () => compiles(connection, sql))) return;
  throw refuse('a name in double quotes was a text during the capture but is a column in this database');
}
