/** Implements `changeset apply`, which applies changesets and captures to a database, all of them or none. */

import { checkReportOptions, surveyKinds } from '../../applying/apply-options.js';
import { policyNames } from '../../applying/conflict-policy.js';
import { sqlOf } from '../../changeset/sql.js';
import { shown, shownLines, shownName } from '../../core/shown.js';
import {
  type ApplyReport,
  type CaptureEntry,
  type CaptureReport,
  type ConflictReport,
  type DatabaseSync,
  type NamedValues,
  type Policy,
  type PolicyRule,
  type ReportOptions,
  SqliteError,
  type TableReport,
} from '../../index.js';
import type { Action, Given } from '../command.js';
import { CommandError, exitCodes } from '../exit.js';
import { print, printJson, say } from '../output.js';
import { Progress } from '../progress.js';
import { changesetsOf, counted, readEntries, statementsOf } from './entries.js';
import { Output, openDatabase } from './files.js';

/** The default number of listed conflicts, as in the library. */
const shownConflicts = 20;

/**
 * Parses the values of `--policy`: one policy such as `ours`, or rules `TABLE:KIND:ACTION`, in which `*` means any
 * table or kind.
 */
function policyOf(texts: readonly string[]): Policy {
  if (texts.length === 0) return 'abort';
  const [first = ''] = texts;
  if (texts.length === 1 && !first.includes(':')) return first as Policy;
  return texts.map((text): PolicyRule => {
    const parts = text.split(':');
    if (parts.length !== 3) {
      throw new CommandError(
        `--policy takes abort, ours, theirs, append-only or a rule TABLE:KIND:ACTION such as users:data:replace, not "${text}"`,
        exitCodes.usage,
      );
    }
    const [table = '*', conflict = '*', action = ''] = parts;
    return {
      ...(table !== '*' && { table }),
      ...(conflict !== '*' && { conflict: conflict as NonNullable<PolicyRule['conflict']> }),
      action: action as PolicyRule['action'],
    };
  });
}

/** Describes the result for one table. */
function tableText(report: TableReport): string {
  const { table, inserted, updated, deleted, omitted, replaced, filtered, skipped, conflicts } = report;
  const kinds = Object.entries(conflicts).map(([kind, count]) => `${count} ${kind}`);
  const done = inserted + updated + deleted > 0 || (skipped + filtered + omitted === 0 && kinds.length === 0);
  const parts = [
    done && `${inserted} inserted, ${updated} updated, ${deleted} deleted`,
    omitted > 0 && `${omitted} omitted`,
    replaced > 0 && `${replaced} of them replaced`,
    filtered > 0 && `${filtered} filtered out`,
    skipped > 0 && `${skipped} skipped`,
    kinds.length > 0 && `conflicts: ${kinds.join(', ')}`,
  ];
  return `${shownName(table)}: ${parts.filter(Boolean).join(', ')}`;
}

/** Describes a conflict in one line, with the expected and the found values. */
function conflictText({ kind, op, table, key, expected, found, wanted, action }: ConflictReport): string {
  const named = (values: NamedValues): string =>
    Object.entries(values)
      .map(([name, value]) => `${name}=${sqlOf(value)}`)
      .join(', ');
  const parts = [
    expected && `expected ${named(expected)}`,
    found && `found ${named(found)}`,
    op === 'insert' && wanted && `wanted ${named(wanted)}`,
    action !== 'abort' && (action === 'omit' ? 'omitted' : 'replaced'),
  ].filter(Boolean);
  const rest = parts.length > 0 ? `: ${parts.join('; ')}` : '';
  return shown(`conflict (${kind}): ${op} ${table} ${named(key)}${rest}`, Number.POSITIVE_INFINITY);
}

/** A line that says that more conflicts exist than are listed; undefined if all are listed. */
function hiddenConflicts({ conflicts, tables }: ApplyReport, applied: boolean): string | undefined {
  const counts = tables.flatMap((table) => Object.values(table.conflicts));
  const more = counts.reduce((sum, count) => sum + count, 0) - conflicts.length;
  if (more > 0) return `${counted(more, 'more conflict')}`;
  const isFull = !applied && conflicts.length >= shownConflicts;
  return isFull
    ? `more conflicts may follow these ${conflicts.length} (--conflicts N lists more)`
    : undefined;
}

type Report = ApplyReport | CaptureReport;

function reportText(report: Report): string {
  const steps = 'entries' in report ? report.entries : [report];
  const lines = steps.flatMap((step) => {
    if ('sql' in step) return [`! ${shownLines(step.sql)}`];
    const violated = step.foreignKeyViolations;
    const hidden = hiddenConflicts(step, report.applied);
    return [
      ...step.conflicts.map(conflictText),
      ...(hidden === undefined ? [] : [hidden]),
      ...step.tables.map(tableText),
      ...(violated > 0 ? [`${counted(violated, 'row')} would violate a foreign key`] : []),
    ];
  });
  if ('entries' in report && report.foreignKeyViolations > 0) {
    lines.push(`${counted(report.foreignKeyViolations, 'row')} would violate a foreign key`);
  }
  lines.push(...report.problems.map((problem) => `problem: ${shown(problem)}`));
  if (!report.applied) lines.push('nothing was applied');
  else if (report.dryRun) lines.push(`dry run: ${counted(report.changes, 'row')} would be changed`);
  else lines.push(`${counted(report.changes, 'row')} changed`);
  return lines.map((line) => `${line}\n`).join('');
}

export const apply: Action = {
  operands: 'IN ...',
  options: {
    db: { value: 'FILE', required: true, help: 'the database' },
    policy: {
      value: 'POLICY',
      hints: policyNames,
      multiple: true,
      help: 'abort (the default), ours, theirs or append-only; or rules TABLE:KIND:ACTION, of which the first match applies',
    },
    'dry-run': { help: 'report what would happen, but change nothing' },
    table: { value: 'GLOB', multiple: true, help: 'only tables whose names match; !GLOB excludes tables' },
    invert: { help: 'undo the changesets instead' },
    'ignore-noop': { help: 'do not treat a change that was already made as a conflict' },
    'fk-no-action': {
      help: 'do not run foreign key actions such as ON DELETE CASCADE: the changeset contains their effects',
    },
    'no-triggers': { help: 'do not fire triggers: the changeset contains their effects' },
    drops: {
      value: 'HOW',
      hints: ['alone', 'cascade'],
      help: 'how to drop a table to which other rows refer, if the capture does not record what happened to these rows: alone keeps them, cascade runs their foreign key actions',
    },
    refuse: {
      value: 'KIND',
      hints: [...surveyKinds, 'all'],
      multiple: true,
      help: 'apply nothing on a warning of this kind, such as missing-table, or of any kind (all)',
    },
    check: {
      help: 'check integrity and foreign keys at the end; roll back if they fail',
    },
    conflicts: {
      value: 'N',
      help: `list at most N conflicts, row by row (default ${shownConflicts})`,
    },
    json: { help: 'print the report as JSON' },
    'rebase-out': { value: 'FILE', help: 'write the rebase buffer to FILE' },
  },
  async run(given) {
    const path = given.text('db') ?? '';
    const options = optionsOf(given);
    const out = given.text('rebase-out');
    const output = out === undefined ? undefined : new Output(out, path);
    usage(() => checkReportOptions(options)); // before any file is opened
    const inputs = given.rest.map(readEntries);
    if (options.invert) inputs.reverse();
    const entries = inputs.flat();
    if (output && statementsOf(entries).length > 0) {
      const message = '--rebase-out cannot be used with a capture that changes the schema';
      throw new CommandError(message, exitCodes.usage);
    }
    using database = openDatabase(path);
    const report = usage(() => applied(database, entries, options));
    if (given.on('json')) printJson(`${JSON.stringify(report, hexOfBytes, 2)}\n`);
    else {
      const steps = 'entries' in report ? report.entries : [report];
      for (const step of steps) {
        if ('warnings' in step) for (const { message } of step.warnings) say(`warning: ${shown(message)}`);
      }
      print(reportText(report));
      const hint = report.applied ? undefined : hintOf(database, steps, options);
      if (hint !== undefined) say(hint);
    }
    if (output && report.applied && 'rebase' in report) await output.write(report.rebase);
    return report.applied ? exitCodes.done : exitCodes.notApplied;
  },
};

/** Runs `action`, and reports a TypeError as an error in the command line. */
function usage<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof TypeError) throw new CommandError(error.message, exitCodes.usage);
    throw error;
  }
}

/**
 * Suggests options if applying may have failed because triggers or foreign key actions repeated recorded changes;
 * undefined if not.
 */
function hintOf(
  database: DatabaseSync,
  steps: readonly (ApplyReport | { sql: string })[],
  { triggers, fkNoAction }: ReportOptions,
): string | undefined {
  const reports = steps.filter((step): step is ApplyReport => 'tables' in step);
  const conflicts = reports.flatMap(({ tables }) => tables.flatMap((table) => Object.keys(table.conflicts)));
  if (conflicts.length === 0) return undefined;
  const fires = reports.some(({ warnings }) => warnings.some(({ kind }) => kind === 'triggers'));
  const acts = conflicts.includes('notfound') && !fkNoAction && hasActions(database);
  const options = [fires && triggers !== false && '--no-triggers', acts && '--fk-no-action'].filter(Boolean);
  if (options.length === 0) return undefined;
  return `hint: a changeset already contains the effects of triggers and foreign key actions; to keep them from running again, add ${options.join(' ')}`;
}

function hasActions(database: DatabaseSync): boolean {
  const sql = `SELECT 1 FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS f
    WHERE t.type='table' AND (f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') OR f.on_update IN ('CASCADE', 'SET NULL', 'SET DEFAULT')) LIMIT 1`;
  return database.prepare(sql).get() !== undefined;
}

const hexOfBytes = (_name: string, value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;

function optionsOf(given: Given): ReportOptions {
  const kinds = given.texts('refuse');
  const tables = given.texts('table');
  const drops = given.text('drops');
  const most = given.text('conflicts');
  if (most !== undefined && !/^\d{1,9}$/.test(most)) {
    throw new CommandError(`--conflicts takes a number of conflicts, not "${most}"`, exitCodes.usage);
  }
  return {
    policy: policyOf(given.texts('policy')),
    dryRun: given.on('dry-run'),
    invert: given.on('invert'),
    ignoreNoop: given.on('ignore-noop'),
    // If the option is absent, use the default, which for a capture is not to run foreign key actions.
    ...(given.on('fk-no-action') && { fkNoAction: true }),
    // If the option is absent, use the default, which for a capture is not to fire triggers.
    ...(given.on('no-triggers') && { triggers: false }),
    check: given.on('check'),
    ...(most !== undefined && { conflicts: Number(most) }),
    ...(drops !== undefined && { drops: drops as 'alone' | 'cascade' }),
    ...(tables.length > 0 && { tables }),
    ...(kinds.length > 0 && { refuse: kinds.includes('all') || (kinds as never) }),
  };
}

function applied(database: DatabaseSync, entries: readonly CaptureEntry[], options: ReportOptions): Report {
  const changesets = changesetsOf(entries);
  const total = changesets.reduce((sum, { length }) => sum + length, 0);
  using progress = new Progress('applying', total);
  // Every byte is read twice: once to plan, and once to apply.
  const watched: ReportOptions = { ...options, onProgress: (done) => progress.at(done / 2) };
  try {
    if (statementsOf(entries).length === 0) return database.apply(changesets, watched);
    return database.applyCapture(entries, watched);
  } catch (error) {
    if (error instanceof TypeError) throw error;
    const isRefused = error instanceof SqliteError && error.reason === 'refused';
    throw new CommandError((error as Error).message, isRefused ? exitCodes.notApplied : exitCodes.failed);
  }
}
