/** The report of an apply, with all changes that are skipped, omitted or replaced. */

import { joinBytes } from '../changeset/bytes.js';
import type { Connection } from '../kernel/connection.js';
import type { Warning } from '../kernel/schema.js';
import { globsInclude, oncePerTable } from '../kernel/table-filters.js';
import type { OwnReportOptions } from './apply-options.js';
import { type PolicyRule, policyRules } from './conflict-policy.js';
import { ConflictList, type ConflictReport } from './conflict-report.js';
import { type TableReport, Tally } from './tally.js';

/** The result of applying changesets. All of it except `rebase` can be written as JSON. */
export interface ApplyReport {
  /** False if a conflict or a check rolled everything back. In a dry run, whether the changes would be applied. */
  applied: boolean;
  dryRun: boolean;
  /** The number of changed rows. */
  changes: number;
  tables: TableReport[];
  /**
   * The first conflicts. If the policy aborts, the apply continues as if the changes were omitted, to collect more
   * conflicts. It is rolled back when the list is full or at the end.
   */
  conflicts: ConflictReport[];
  /** The number of rows that violate a foreign key, after the last changeset that caused violations. */
  foreignKeyViolations: number;
  warnings: Warning[];
  /** The errors that `check` found, and the rows with violated foreign keys if these rolled everything back. */
  problems: string[];
  /** The rebase buffer for the rebaser. */
  rebase: Uint8Array;
}

/** The database and the options of an apply. */
export interface Request {
  readonly connection: Connection;
  readonly options: OwnReportOptions;
  readonly rules: readonly PolicyRule[];
}

/** A running apply. It collects the results of all its changesets for the report. */
export class Application implements Request {
  readonly connection: Connection;
  readonly options: OwnReportOptions;
  readonly rules: readonly PolicyRule[];
  /** Whether the option `tables` selects a table. */
  readonly includes: (table: string) => boolean;
  readonly tally = new Tally();
  readonly conflicts: ConflictList;
  readonly warnings: Warning[] = [];
  readonly problems: string[] = [];
  /** The rebase buffers, one for each executed changeset. */
  readonly rebases: Uint8Array[] = [];
  foreignKeyViolations = 0;
  /** Why the policy aborted. The apply then continues as if the change were omitted, to collect more conflicts. */
  abortedFor: 'a conflict' | 'foreign keys' | undefined;

  constructor(connection: Connection, options: OwnReportOptions) {
    const { tables, policy = 'abort', conflicts = 20 } = options;
    this.connection = connection;
    this.options = options;
    this.rules = policyRules(policy);
    this.includes = oncePerTable((table) => !tables || globsInclude(connection.engine.core, tables, table));
    this.conflicts = new ConflictList(connection, conflicts);
  }

  /** @param applied false if everything was rolled back because of a conflict or a check */
  report(applied: boolean): ApplyReport {
    const tables = this.tally.tables(applied);
    return {
      applied,
      dryRun: this.options.dryRun ?? false,
      changes: tables.reduce((sum, { inserted, updated, deleted }) => sum + inserted + updated + deleted, 0),
      tables,
      conflicts: this.conflicts.conflicts,
      foreignKeyViolations: this.foreignKeyViolations,
      warnings: this.warnings,
      problems: this.problems,
      rebase: joinBytes(applied ? this.rebases : []),
    };
  }
}
