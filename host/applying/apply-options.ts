import type { Change } from '../changeset/format.js';
import * as sqlite from '../core/constants.js';
import { checkOptions, invalidType, invalidValue } from '../kernel/arguments.js';
import { unknownName } from '../kernel/nearest.js';
import type { Warning } from '../kernel/schema.js';
import type { Conflict } from './changes.js';
import { type Policy, policyRules } from './conflict-policy.js';

/** The flags of `sqlite3changeset_apply_v2`, by name. */
export interface ApplyFlags {
  /** Opens no savepoint, so an error may leave the changeset partly applied. SQLITE_CHANGESETAPPLY_NOSAVEPOINT. */
  noSavepoint?: boolean;
  /** Applies the inverse of the changeset. SQLITE_CHANGESETAPPLY_INVERT. */
  invert?: boolean;
  /** Does not report a conflict for a change that has no effect. SQLITE_CHANGESETAPPLY_IGNORENOOP. */
  ignoreNoop?: boolean;
  /** Disables foreign key actions, such as ON DELETE CASCADE. SQLITE_CHANGESETAPPLY_FKNOACTION. */
  fkNoAction?: boolean;
  /** Does not retry UPDATEs that block each other. SQLITE_CHANGESETAPPLY_NOUPDATELOOP. */
  noUpdateLoop?: boolean;
}

/** SQLite's bit for each flag. */
export const applyFlagBits: Readonly<Record<keyof ApplyFlags, number>> = {
  noSavepoint: sqlite.SQLITE_CHANGESETAPPLY_NOSAVEPOINT,
  invert: sqlite.SQLITE_CHANGESETAPPLY_INVERT,
  ignoreNoop: sqlite.SQLITE_CHANGESETAPPLY_IGNORENOOP,
  fkNoAction: sqlite.SQLITE_CHANGESETAPPLY_FKNOACTION,
  noUpdateLoop: sqlite.SQLITE_CHANGESETAPPLY_NOUPDATELOOP,
};

/** The types of the flags, for `checkOptions`. */
export const applyFlagKinds = Object.fromEntries(
  Object.keys(applyFlagBits).map((name) => [name, 'boolean']),
) as Record<keyof ApplyFlags, 'boolean'>;

/** Options of an apply with a report. `noSavepoint` is not available, because such an apply is always atomic. */
export interface ReportOptions extends Omit<ApplyFlags, 'noSavepoint'> {
  /** How conflicts are resolved; `abort` by default. */
  policy?: Policy;
  /** Resolves a conflict before the policy does. Return undefined to apply the policy. */
  onConflict?: (kind: number, conflict: Conflict) => number | undefined;
  /** GLOB patterns that select the tables. A pattern that begins with "!" excludes tables. */
  tables?: readonly string[];
  /** Called once for each change. Returns whether to apply it. */
  filterChange?: (change: Change) => boolean;
  /** If false, triggers do not fire, because the changeset already contains their changes. C: `sqlite3_db_config`. */
  triggers?: boolean;
  /** Applies the changes, reports, and rolls everything back. */
  dryRun?: boolean;
  /** The kinds of warnings that make the apply fail; `true` for all kinds. */
  refuse?: boolean | readonly Warning['kind'][];
  /**
   * What a DROP TABLE of a capture does to rows that refer to the table, if the capture does not record it (version 1,
   * or made by hand). `alone` leaves them, `cascade` runs their foreign key actions. By default such a statement is
   * refused.
   */
  drops?: 'alone' | 'cascade';
  /** Runs integrity_check and foreign_key_check at the end, and rolls everything back if they report errors. */
  check?: boolean;
  /** The maximum number of conflicts that the report lists; 20 by default. */
  conflicts?: number;
  /**
   * Called periodically with the number of bytes read and the total. Each changeset counts twice, because it is read to
   * plan and to apply.
   */
  onProgress?: (done: number, total: number) => void;
}

/** Report options with one that only the host uses. */
export interface OwnReportOptions extends ReportOptions {
  /**
   * Whether the changeset contains the rows of a virtual table, so that its changes are applied to the virtual table
   * itself. If given, changes of shadow tables are refused.
   */
  virtualRows?: (table: string) => boolean;
}

/** The kinds of warnings that `refuse` accepts, all about tables of a changeset. */
export const surveyKinds: readonly Warning['kind'][] = [
  'missing-table',
  'fewer-columns',
  'more-columns',
  'different-key',
  'triggers',
  'key-collation',
];

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

/** Checks the options of {@link applyWithReport}. @throws TypeError that names the wrong option */
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

export function flagsOf(options: ReportOptions): ApplyFlags {
  const flags: ApplyFlags = {};
  for (const name of Object.keys(flagKinds) as (keyof typeof flagKinds)[]) {
    const value = options[name];
    if (value !== undefined) flags[name] = value;
  }
  return flags;
}
