/** The report of an apply: everything that is skipped, omitted or replaced is in it. */

import { joinBytes } from '../changeset/bytes.js';
import type { Connection } from '../kernel/connection.js';
import type { Warning } from '../kernel/schema.js';
import { globsInclude, oncePerTable } from '../kernel/table-filters.js';
import type { OwnReportOptions } from './apply-options.js';
import { type PolicyRule, policyRules } from './conflict-policy.js';
import { ConflictList, type ConflictReport } from './conflict-report.js';
import { type TableReport, Tally } from './tally.js';

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

/** What is applied to, and how. */
export interface Request {
  readonly connection: Connection;
  readonly options: OwnReportOptions;
  readonly rules: readonly PolicyRule[];
}

/** An apply on its way: each changeset is planned and executed, which is noted here, and reported at the end. */
export class Application implements Request {
  readonly connection: Connection;
  readonly options: OwnReportOptions;
  readonly rules: readonly PolicyRule[];
  /** Whether the changes of a table are wanted. */
  readonly includes: (table: string) => boolean;
  readonly tally = new Tally();
  readonly conflicts: ConflictList;
  readonly warnings: Warning[] = [];
  readonly problems: string[] = [];
  /** For the rebaser, one for each changeset that was executed. */
  readonly rebases: Uint8Array[] = [];
  foreignKeyViolations = 0;
  /** What the policy aborted for. After a conflict more of them are collected, as if they were omitted. */
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
