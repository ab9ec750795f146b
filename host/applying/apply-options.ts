/** What can be asked of an apply, checked at once. */

import type { Change } from '../changeset/format.js';
import { checkOptions, invalidType, invalidValue } from '../kernel/arguments.js';
import { unknownName } from '../kernel/nearest.js';
import type { Warning } from '../kernel/schema.js';
import type { Conflict } from './changes.js';
import { type Policy, policyRules } from './conflict-policy.js';

/** The flags of `sqlite3changeset_apply_v2`, by name. */
export interface ApplyFlags {
  /** Takes no savepoint of its own: after an error part of it may be done. SQLITE_CHANGESETAPPLY_NOSAVEPOINT. */
  noSavepoint?: boolean;
  /** Applies the inverse. SQLITE_CHANGESETAPPLY_INVERT. */
  invert?: boolean;
  /** A change that would change nothing is not a conflict. SQLITE_CHANGESETAPPLY_IGNORENOOP. */
  ignoreNoop?: boolean;
  /** Foreign key actions (such as ON DELETE CASCADE) do not run. SQLITE_CHANGESETAPPLY_FKNOACTION. */
  fkNoAction?: boolean;
  /** Does not retry UPDATEs that block each other. SQLITE_CHANGESETAPPLY_NOUPDATELOOP. */
  noUpdateLoop?: boolean;
}

export const applyFlagKinds = {
  noSavepoint: 'boolean',
  invert: 'boolean',
  ignoreNoop: 'boolean',
  fkNoAction: 'boolean',
  noUpdateLoop: 'boolean',
} as const;

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

/** With what only the host itself asks for. */
export interface OwnReportOptions extends ReportOptions {
  /**
   * Whether the changes of a virtual table are changes of its rows, and are made through it. If it is given, changes of
   * shadow tables are refused.
   */
  virtualRows?: (table: string) => boolean;
}

/** The kinds of warnings that can be refused: those about the tables of a changeset. */
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

/** The flags among the options. */
export function flagsOf(options: ReportOptions): ApplyFlags {
  const flags: ApplyFlags = {};
  for (const name of Object.keys(flagKinds) as (keyof typeof flagKinds)[]) {
    const value = options[name];
    if (value !== undefined) flags[name] = value;
  }
  return flags;
}
