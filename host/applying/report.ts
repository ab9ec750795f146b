/** Applying changesets with a report: everything that is skipped, omitted or replaced is reported. */

import { joinBytes } from '../changeset/bytes.js';
import {
  SQLITE_CHANGESET_ABORT,
  SQLITE_CHANGESET_FOREIGN_KEY,
  SQLITE_CHANGESET_OMIT,
  SQLITE_CHANGESET_REPLACE,
  SQLITE_CONSTRAINT,
  SQLITE_DBCONFIG_ENABLE_TRIGGER,
  SQLITE_ERROR,
  SQLITE_MISUSE,
} from '../core/constants.js';
import { refusal, SqliteError, sqliteError } from '../core/errors.js';
import type { Spool } from '../core/spool.js';
import { checkOptions, invalidType, invalidValue } from '../kernel/arguments.js';
import type { Connection } from '../kernel/connection.js';
import { unknownName } from '../kernel/nearest.js';
import { query, quotedName } from '../kernel/query.js';
import { insideSavepoint } from '../kernel/savepoint.js';
import type { Warning } from '../kernel/schema.js';
import { withSettings } from '../kernel/settings.js';
import { globsInclude, oncePerTable } from '../kernel/table-filters.js';
import {
  type Applied,
  type ApplyFlags,
  type ApplyHandlers,
  applyFlagKinds,
  applyTo,
  type ChangesetInput,
} from './apply.js';
import { type Change, type Conflict, outlineAt } from './changes.js';
import { changesOfInput } from './changeset-streams.js';
import {
  type ConflictAction,
  type ConflictKind,
  conflictActions,
  conflictKinds,
  decide,
  type Policy,
  policyRules,
} from './conflict-policy.js';
import { ConflictList, type ConflictReport } from './conflict-report.js';
import { survey, surveyKinds } from './survey.js';
import { type TableReport, Tally } from './tally.js';

/** Without `noSavepoint`: what is reported is done whole or not at all. */
export interface ReportOptions extends Omit<ApplyFlags, 'noSavepoint'> {
  /** What to do about conflicts; `abort` by default. */
  policy?: Policy;
  /** Decides before the policy does; undefined leaves it to the policy. */
  onConflict?: (kind: number, conflict: Conflict) => number | undefined;
  /** Only tables whose name matches one of these, as the GLOB operator does, and none that begins with "!". */
  tables?: readonly string[];
  /** Returns whether a change is applied. Called once for each. */
  filterChange?: (change: Change) => boolean;
  /** If false, triggers do not fire: the changes hold their effect already. C: `sqlite3_db_config`. */
  triggers?: boolean;
  /** Applies, reports, and rolls back everything. */
  dryRun?: boolean;
  /** Kinds of warnings on which nothing is applied; `true` means every kind. */
  refuse?: boolean | readonly Warning['kind'][];
  /**
   * What a DROP TABLE of a capture does to rows that refer to the table, if the capture does not record it (version 1, or
   * made by hand): nothing, or their foreign key actions. By default such a statement is refused.
   */
  drops?: 'alone' | 'cascade';
  /** Runs integrity_check and foreign_key_check at the end, and rolls back everything if they find something. */
  check?: boolean;
  /** How many conflicts the report lists: 20 by default. */
  conflicts?: number;
  /** Called periodically with the progress, of `total`, in bytes: each is read twice, to plan and to apply. */
  onProgress?: (done: number, total: number) => void;
}

/** The result of applying a changeset. It can be written as JSON, except `rebase`. */
export interface ApplyReport {
  /** False if a conflict or a check rolled everything back; for a dry run, what would happen. */
  applied: boolean;
  dryRun: boolean;
  /** Rows changed. */
  changes: number;
  tables: TableReport[];
  /**
   * The first conflicts, row by row. If the policy aborts, they are collected as if they were omitted, and everything is
   * rolled back when the list is full, or at the end.
   */
  conflicts: ConflictReport[];
  /** Rows that violate a foreign key, after the last changeset that left any. */
  foreignKeyViolations: number;
  warnings: Warning[];
  /** What `check` found, and the rows that violate a foreign key if that rolled everything back. */
  problems: string[];
  /** For the rebaser. */
  rebase: Uint8Array;
}

/** How much is read at a time if progress is reported, in bytes. */
const pieceSize = 65_536;

const { noSavepoint: _, ...flagKinds } = applyFlagKinds;

const optionKinds = {
  ...flagKinds,
  policy: 'any',
  onConflict: 'function',
  tables: 'any',
  filterChange: 'function',
  triggers: 'boolean',
  dryRun: 'boolean',
  refuse: 'any',
  drops: 'string',
  check: 'boolean',
  conflicts: 'integer',
  onProgress: 'function',
} as const;

/** Checks options of {@link applyWithReport} at once. @throws TypeError that names what is wrong */
export function checkReportOptions(options: ReportOptions): void {
  checkOptions(options, optionKinds);
  if (options.policy !== undefined) policyRules(options.policy);
  const { tables, refuse, drops, conflicts } = options;
  if (conflicts !== undefined && conflicts < 0) {
    throw invalidValue('The "options.conflicts" argument must be 0 or more.');
  }
  if (drops !== undefined && drops !== 'alone' && drops !== 'cascade') {
    throw invalidValue(`options.drops must be 'alone' or 'cascade', not ${JSON.stringify(drops)}.`);
  }
  if (tables !== undefined && !(Array.isArray(tables) && tables.every((glob) => typeof glob === 'string'))) {
    throw invalidType('The "options.tables" argument must be an array of strings.');
  }
  if (refuse !== undefined && typeof refuse !== 'boolean') {
    if (!Array.isArray(refuse)) {
      throw invalidType('The "options.refuse" argument must be a boolean or an array of kinds of warnings.');
    }
    for (const kind of refuse) {
      if (!surveyKinds.includes(kind)) {
        throw invalidValue(unknownName('warning', kind, surveyKinds));
      }
    }
  }
}

/**
 * Applies changesets one after another, all of them or none. Each is read twice: to plan, and to apply.
 *
 * @throws SqliteError if one is malformed, SQLite fails, or a warning must be refused
 */
export function applyWithReport(
  connection: Connection,
  changesets: readonly (Uint8Array | Spool)[],
  options: ReportOptions = {},
): ApplyReport {
  const { engine } = connection;
  const { core } = engine;
  const rules = policyRules(options.policy ?? 'abort');
  const report: ApplyReport = {
    applied: true,
    dryRun: options.dryRun ?? false,
    changes: 0,
    tables: [],
    conflicts: [],
    foreignKeyViolations: 0,
    warnings: [],
    problems: [],
    rebase: new Uint8Array(0),
  };
  const tally = new Tally();
  const include = oncePerTable((table) => !options.tables || globsInclude(core, options.tables, table));
  const { filterChange } = options;

  let round = 0;
  let violated = false; // foreign keys, and the answer was to abort
  let aborts = false; // the policy's answer was to abort; meanwhile more conflicts are collected
  const most = options.conflicts ?? 20;
  const list = new ConflictList(connection, most);
  const handlers: ApplyHandlers = {
    ...pick(options),
    ...(options.tables && { filter: include }),
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
    onConflict(kind, conflict) {
      const own = options.onConflict?.(kind, conflict);
      const name = nameOfKind(kind);
      if (kind === SQLITE_CHANGESET_FOREIGN_KEY) {
        if (aborts) return SQLITE_CHANGESET_ABORT;
        const rows = orphanRows(connection);
        report.foreignKeyViolations = Math.max(1, rows.length); // SQLite says that there are some, not how many
        const answer = own ?? conflictActions[decide(core, rules, name, '', 'update')];
        if (answer === SQLITE_CHANGESET_REPLACE) throw illegalReplace(name);
        violated = answer === SQLITE_CHANGESET_ABORT;
        if (violated) report.problems.push(...rows.slice(0, most));
        return answer;
      }
      const answer = own ?? conflictActions[decide(core, rules, name, conflict.table, conflict.op)];
      if (answer === SQLITE_CHANGESET_REPLACE && name !== 'data' && name !== 'conflict') {
        throw illegalReplace(name);
      }
      tally.conflict(round, name, conflict, answer);
      list.add(name, conflict, nameOfAction(answer));
      if (answer !== SQLITE_CHANGESET_ABORT || own !== undefined) return answer;
      aborts = true;
      return list.isFull ? answer : SQLITE_CHANGESET_OMIT;
    },
  };

  const { onProgress } = options;
  const sizeOf = (input: Uint8Array | Spool): number =>
    input instanceof Uint8Array ? input.length : input.size;
  const total = 2 * changesets.reduce((sum, input) => sum + sizeOf(input), 0);
  let done = 0;
  const watched = function* (input: Uint8Array | Spool): Generator<Uint8Array, void, void> {
    for (const piece of input instanceof Uint8Array ? cut(input) : input) {
      yield piece;
      done += piece.length;
      onProgress?.(done, total);
    }
  };
  const heard = (input: Uint8Array | Spool): ChangesetInput => (onProgress ? watched(input) : input);

  const rebases: Uint8Array[] = [];
  const all = (): boolean => {
    for (const changeset of changesets) {
      round += 1;
      const skips = survey(connection, report.warnings, options.triggers !== false);
      for (const change of changesOfInput(engine, heard(changeset), options.invert ?? false, outlineAt)) {
        if (skips(change)) tally.of(change.table).skipped += 1;
        else if (!include(change.table)) tally.of(change.table).filtered += 1;
        else tally.planned(change, 1);
      }
      refuse(report, options.refuse);
      const came = attempt(
        () => applyTo(connection, heard(changeset), handlers),
        () => violated,
        () => aborts,
        report.warnings.find(({ kind }) => kind === 'key-collation'),
      );
      if (!came?.done || aborts) {
        report.applied = false;
        return false;
      }
      rebases.push(came.rebase);
      report.problems.push(...damagedIndexes(connection, came.shadows));
    }
    if (options.check) report.problems.push(...problems(connection));
    report.applied = report.problems.length === 0;
    return report.applied && !report.dryRun;
  };
  const triggers = options.triggers === false ? [[SQLITE_DBCONFIG_ENABLE_TRIGGER, false] as const] : [];
  insideSavepoint(connection, 'sqlite_wasm_run_apply', () =>
    withSettings(connection, triggers, () => [undefined, all()]),
  );
  report.conflicts = list.conflicts;
  report.tables = report.applied ? tally.tables() : tally.tables().map(undone);
  if (!report.applied) return report;
  for (const table of report.tables) {
    report.changes += table.inserted + table.updated + table.deleted;
  }
  report.rebase = joinBytes(rebases);
  return report;
}

function* cut(bytes: Uint8Array): Generator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += pieceSize) yield bytes.subarray(at, at + pieceSize);
}

/** The result of `action`; undefined if it failed for the expected reason: violated foreign keys. */
function attempt(
  action: () => Applied,
  expected: () => boolean,
  aborted: () => boolean,
  reason: Warning | undefined,
): Applied | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof SqliteError && aborted()) return undefined; // caused by changes that were omitted meanwhile
    // SQLite has no specific error for such a key.
    if (error instanceof SqliteError && error.errcode === SQLITE_ERROR && reason) {
      throw sqliteError(error.errcode, reason.message);
    }
    if (error instanceof SqliteError && (error.errcode & 0xff) === SQLITE_CONSTRAINT && expected())
      return undefined;
    throw error;
  }
}

export function illegalReplace(kind: ConflictKind): SqliteError {
  return sqliteError(
    SQLITE_MISUSE,
    `A ${kind} conflict of a changeset cannot be replaced: omit it or abort.`,
  );
}

function pick(options: ReportOptions): ApplyFlags {
  const flags: ApplyFlags = {};
  for (const name of Object.keys(flagKinds) as (keyof typeof flagKinds)[]) {
    const value = options[name];
    if (value !== undefined) flags[name] = value;
  }
  return flags;
}

/** The result for a table if everything was rolled back. */
function undone(table: TableReport): TableReport {
  return { ...table, inserted: 0, updated: 0, deleted: 0, omitted: 0, replaced: 0 };
}

function nameOfAction(answer: number): ConflictAction {
  if (answer === SQLITE_CHANGESET_ABORT) return 'abort';
  return answer === SQLITE_CHANGESET_REPLACE ? 'replace' : 'omit';
}

function nameOfKind(kind: number): ConflictKind {
  const found = Object.entries(conflictKinds).find(([, value]) => value === kind);
  return (found?.[0] ?? 'data') as ConflictKind;
}

function refuse(report: ApplyReport, kinds: ReportOptions['refuse']): void {
  if (!kinds) return;
  const found = report.warnings.find(({ kind }) => kinds === true || kinds.includes(kind));
  if (!found) return;
  throw refusal(found.message);
}

/**
 * Errors that the virtual tables of shadow tables find in themselves. The changes may
 * fit, and the index may still be damaged.
 */
function damagedIndexes(connection: Connection, shadows: readonly string[]): string[] {
  if (shadows.length === 0) return [];
  const virtual = query(
    connection,
    "SELECT name FROM pragma_table_list WHERE schema='main' AND type='virtual'",
  ).map(([name]) => String(name));
  const owners = virtual.filter((name) =>
    shadows.some((shadow) => shadow.toLowerCase().startsWith(`${name.toLowerCase()}_`)),
  );
  return owners.flatMap((name) =>
    query(connection, `PRAGMA main.integrity_check(${quotedName(name)})`)
      .map(([text]) => String(text))
      .filter((text) => text !== 'ok'),
  );
}

/** What integrity_check and foreign_key_check find in `main`. */
export function problems(connection: Connection): string[] {
  const found = query(connection, 'PRAGMA main.integrity_check')
    .map((row) => String(row[0]))
    .filter((text) => text !== 'ok');
  found.push(...orphanRows(connection));
  return found;
}

/** The rows that violate a foreign key, in words. */
function orphanRows(connection: Connection): string[] {
  return query(connection, 'PRAGMA main.foreign_key_check').map(
    ([table, rowid, parent]) =>
      `${rowid === null ? 'a row' : `row ${rowid}`} of ${quotedName(String(table))} refers to no row of ${quotedName(String(parent))}`,
  );
}
