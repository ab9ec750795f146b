/** Applying changesets with a report: nothing is skipped, omitted or replaced without being said. */

import {
  SQLITE_CHANGESET_ABORT,
  SQLITE_CHANGESET_FOREIGN_KEY,
  SQLITE_CHANGESET_OMIT,
  SQLITE_CHANGESET_REPLACE,
  SQLITE_CONSTRAINT,
} from '../core/constants.js';
import { SqliteError } from '../core/errors.js';
import { type Applied, type ApplyFlags, type ApplyHandlers, applyFlagKinds, applyTo } from './apply.js';
import { checkOptions, invalidType, invalidValue } from './arguments.js';
import type { Change, Conflict } from './changes.js';
import type { Connection } from './engine.js';
import {
  type ConflictKind,
  conflictActions,
  conflictKinds,
  decide,
  globsInclude,
  type Policy,
  policyRules,
} from './policy.js';
import { query, quotedName, run } from './query.js';
import { tableShape, type Warning } from './schema.js';
import { changesOf } from './transform.js';

export interface ReportOptions extends ApplyFlags {
  /** What to do about conflicts; `abort` where it is not given. */
  policy?: Policy;
  /** Decides before the policy does; undefined leaves it to the policy. */
  onConflict?: (kind: number, conflict: Conflict) => number | undefined;
  /** Only tables whose name matches one of these, as the GLOB operator does, and none that begins with "!". */
  tables?: readonly string[];
  /** Whether a change is applied. */
  filterChange?: (change: Change) => boolean;
  /** Applies, reports, and takes everything back. */
  dryRun?: boolean;
  /** Kinds of warnings on which nothing is applied; `true` means every kind. */
  refuse?: boolean | readonly Warning['kind'][];
  /** Runs integrity_check and foreign_key_check at the end, and takes everything back where they find something. */
  check?: boolean;
}

/** What came of one table's changes. */
export interface TableReport {
  table: string;
  inserted: number;
  updated: number;
  deleted: number;
  /** Changes that a conflict left out. */
  omitted: number;
  /** Changes that overwrote what was there. */
  replaced: number;
  /** Changes that a filter left out. */
  filtered: number;
  /** Changes of a table that cannot take any; a warning says why. */
  skipped: number;
  /** Conflicts by kind; kinds without any are left out. */
  conflicts: Partial<Record<ConflictKind, number>>;
}

/** What came of a changeset. It can be written as JSON but for `rebase`. */
export interface ApplyReport {
  /** False where a conflict or a check took everything back; a dry run says what would be. */
  applied: boolean;
  dryRun: boolean;
  /** Rows changed. */
  changes: number;
  tables: TableReport[];
  /** Rows that refer to none, as the changeset left them. */
  foreignKeyViolations: number;
  warnings: Warning[];
  /** What `check` found. */
  problems: string[];
  /** For the rebaser. */
  rebase: Uint8Array;
}

const optionKinds = {
  ...applyFlagKinds,
  policy: 'any',
  onConflict: 'function',
  tables: 'any',
  filterChange: 'function',
  dryRun: 'boolean',
  refuse: 'any',
  check: 'boolean',
} as const;

/** Checks options of {@link applyWithReport} at once. @throws TypeError that names what is wrong */
export function checkReportOptions(options: ReportOptions): void {
  checkOptions(options, optionKinds);
  if (options.policy !== undefined) policyRules(options.policy);
  const { tables, refuse } = options;
  if (tables !== undefined && !(Array.isArray(tables) && tables.every((glob) => typeof glob === 'string'))) {
    throw invalidType('The "options.tables" argument must be an array of strings.');
  }
  if (refuse !== undefined && typeof refuse !== 'boolean') {
    if (!Array.isArray(refuse)) {
      throw invalidType('The "options.refuse" argument must be a boolean or an array of kinds of warnings.');
    }
    const known = ['missing-table', 'fewer-columns', 'more-columns', 'different-key', 'triggers'];
    for (const kind of refuse) {
      if (!known.includes(kind)) {
        throw invalidValue(`The warning ${JSON.stringify(kind)} is not known: there is ${known.join(', ')}.`);
      }
    }
  }
}

/**
 * Applies changesets one after another, all of them or none.
 *
 * @throws SqliteError where one is malformed, SQLite fails, or a warning is to be refused
 */
export function applyWithReport(
  connection: Connection,
  changesets: readonly Uint8Array[],
  options: ReportOptions = {},
): ApplyReport {
  const { engine } = connection;
  const rules = policyRules(options.policy ?? 'abort');
  const report: ApplyReport = {
    applied: true,
    dryRun: options.dryRun ?? false,
    changes: 0,
    tables: [],
    foreignKeyViolations: 0,
    warnings: [],
    problems: [],
    rebase: new Uint8Array(0),
  };
  const tables = new Map<string, TableReport>();
  const included = new Map<string, boolean>();
  const of = (name: string): TableReport => {
    let found = tables.get(name);
    if (!found) {
      const none = { inserted: 0, updated: 0, deleted: 0, omitted: 0, replaced: 0, filtered: 0, skipped: 0 };
      found = { table: name, ...none, conflicts: {} };
      tables.set(name, found);
    }
    return found;
  };
  const include = (table: string): boolean => {
    let found = included.get(table);
    if (found === undefined) {
      found = !options.tables || globsInclude(engine.core, options.tables, table);
      included.set(table, found);
    }
    return found;
  };

  const rebases: Uint8Array[] = [];
  let violated = false; // foreign keys, and the answer was to abort
  const handlers: ApplyHandlers = {
    ...pick(options),
    ...(options.tables && { filter: include }),
    ...(options.filterChange && { filterChange: options.filterChange }),
    onConflict(kind, conflict) {
      const own = options.onConflict?.(kind, conflict);
      const name = nameOfKind(kind);
      if (kind === SQLITE_CHANGESET_FOREIGN_KEY) {
        report.foreignKeyViolations += conflict.foreignKeyViolations;
        const answer = own ?? conflictActions[decide(engine.core, rules, name, '', 'update')];
        violated = answer === SQLITE_CHANGESET_ABORT;
        return answer;
      }
      const { table, op } = conflict;
      const answer = own ?? conflictActions[decide(engine.core, rules, name, table, op)];
      const counted = of(table);
      counted.conflicts[name] = (counted.conflicts[name] ?? 0) + 1;
      if (answer === SQLITE_CHANGESET_OMIT) counted.omitted += 1;
      if (answer === SQLITE_CHANGESET_REPLACE) {
        if (name !== 'data' && name !== 'conflict') throw illegalReplace(name);
        counted.replaced += 1;
      }
      return answer;
    },
  };

  const own = 'sqlite_wasm_run_apply';
  openSavepoint(connection, own);
  let keep = false;
  try {
    for (const changeset of changesets) {
      const skipped = survey(connection, changeset, report);
      count(connection, changeset, options, skipped, include, of);
      refuse(connection, report, options.refuse);
      const came = attempt(
        () => applyTo(connection, changeset, handlers),
        () => violated,
      );
      report.applied &&= came?.done ?? false;
      if (!came?.done) break;
      rebases.push(came.rebase);
    }
    if (report.applied && options.check) report.problems = problems(connection);
    if (report.problems.length > 0) report.applied = false;
    keep = report.applied && !report.dryRun;
  } finally {
    if (!keep) run(connection, `ROLLBACK TO ${own}`);
    run(connection, `RELEASE ${own}`);
  }
  report.tables = [...tables.values()];
  for (const table of report.tables) {
    report.changes += table.inserted + table.updated + table.deleted - table.omitted;
  }
  if (!report.applied) report.changes = 0;
  else report.rebase = join(rebases);
  return report;
}

/** What `action` returns; undefined where it failed for the reason that is expected: violated foreign keys. */
function attempt(action: () => Applied, expected: () => boolean): Applied | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof SqliteError && (error.errcode & 0xff) === SQLITE_CONSTRAINT && expected())
      return undefined;
    throw error;
  }
}

function illegalReplace(kind: ConflictKind): TypeError {
  return invalidValue(`A ${kind} conflict of a changeset cannot be replaced: omit it or abort.`);
}

function openSavepoint(connection: Connection, name: string): void {
  try {
    run(connection, `SAVEPOINT ${name}`);
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    throw new SqliteError(
      `a changeset cannot be applied while a statement of the same connection writes: ${error.message}`,
      error.errcode,
      error.errstr,
    );
  }
}

function pick(options: ReportOptions): ApplyFlags {
  const flags: ApplyFlags = {};
  for (const name of Object.keys(applyFlagKinds) as (keyof ApplyFlags)[]) {
    const value = options[name];
    if (value !== undefined) flags[name] = value;
  }
  return flags;
}

function nameOfKind(kind: number): ConflictKind {
  const found = Object.entries(conflictKinds).find(([, value]) => value === kind);
  return (found?.[0] ?? 'data') as ConflictKind;
}

/**
 * Adds what SQLite would pass over without a word to the warnings: it only logs that a table is missing, has
 * fewer columns or another key. Returns those tables.
 */
function survey(connection: Connection, changeset: Uint8Array, report: ApplyReport): Set<string> {
  const skipped = new Set<string>();
  const seen = new Set<string>();
  const warn = (kind: Warning['kind'], table: string, text: string): void => {
    if (report.warnings.some((known) => known.kind === kind && known.table === table)) return;
    report.warnings.push({ kind, table, message: `${table}: ${text}` });
  };
  for (const { table, key } of changesOf(connection.engine.core, changeset)) {
    if (seen.has(table)) continue;
    seen.add(table);
    const shape = tableShape(connection, 'main', table);
    if (!shape || shape.kind === 'view') {
      warn('missing-table', table, 'there is no such table, so its changes are skipped');
      skipped.add(table);
      continue;
    }
    const keyed = table === 'sqlite_stat1' || shape.key.some((place) => place > 0);
    const own = keyed ? shape.key : [1, ...shape.key];
    const has = own.length;
    if (has < key.length) {
      warn('fewer-columns', table, `it has ${has} columns, the changes have ${key.length}: they are skipped`);
      skipped.add(table);
    } else if (table !== 'sqlite_stat1' && key.some((place, i) => place !== own[i])) {
      warn('different-key', table, 'it has another PRIMARY KEY than the changes, which are skipped');
      skipped.add(table);
    } else if (has > key.length) {
      warn(
        'more-columns',
        table,
        `it has ${has} columns, the changes have ${key.length}: the rest get defaults`,
      );
    }
    const triggers = query(
      connection,
      "SELECT count(*) FROM main.sqlite_schema WHERE type='trigger' AND tbl_name=?1 COLLATE NOCASE",
      table,
    );
    if (triggers[0]?.[0]) {
      warn('triggers', table, 'it has triggers, which fire on the changes: what they did may be done twice');
    }
  }
  return skipped;
}

/** Counts the changes that are going to be applied, and those that are not. */
function count(
  connection: Connection,
  changeset: Uint8Array,
  options: ReportOptions,
  skipped: Set<string>,
  include: (table: string) => boolean,
  of: (table: string) => TableReport,
): void {
  const counters = { insert: 'inserted', update: 'updated', delete: 'deleted' } as const;
  for (const change of changesOf(connection.engine.core, changeset, options.invert)) {
    const counted = of(change.table);
    if (skipped.has(change.table)) counted.skipped += 1;
    else if (!include(change.table) || options.filterChange?.(change) === false) counted.filtered += 1;
    else counted[counters[change.op]] += 1;
  }
}

function refuse(connection: Connection, report: ApplyReport, kinds: ReportOptions['refuse']): void {
  if (!kinds) return;
  const found = report.warnings.find(({ kind }) => kinds === true || kinds.includes(kind));
  if (!found) return;
  const { core } = connection.engine;
  throw new SqliteError(`refused: ${found.message}`, SQLITE_CONSTRAINT, core.errorText(SQLITE_CONSTRAINT));
}

function problems(connection: Connection): string[] {
  const found = query(connection, 'PRAGMA main.integrity_check')
    .map((row) => String(row[0]))
    .filter((text) => text !== 'ok');
  for (const [table, rowid, parent] of query(connection, 'PRAGMA main.foreign_key_check')) {
    found.push(
      `row ${rowid} of ${quotedName(String(table))} refers to none of ${quotedName(String(parent))}`,
    );
  }
  return found;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
