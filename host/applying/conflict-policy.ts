/** Conflict policies: rules that can be written as JSON. */

import type { Operation } from '../changeset/format.js';
import * as sqlite from '../core/constants.js';
import type { Core } from '../core/core.js';
import { invalidValue } from '../kernel/arguments.js';
import { unknownName } from '../kernel/nearest.js';
import { matchesGlob } from '../kernel/table-filters.js';

/** Why a change cannot be applied: the SQLITE_CHANGESET_ constants by name. */
export type ConflictKind = 'data' | 'notfound' | 'conflict' | 'constraint' | 'foreign-key';
/** How a conflict is resolved: omit the change, replace the existing row, or abort. */
export type ConflictAction = 'omit' | 'replace' | 'abort';

/** SQLite's code for each kind. */
export const conflictKinds: Readonly<Record<ConflictKind, number>> = {
  data: sqlite.SQLITE_CHANGESET_DATA,
  notfound: sqlite.SQLITE_CHANGESET_NOTFOUND,
  conflict: sqlite.SQLITE_CHANGESET_CONFLICT,
  constraint: sqlite.SQLITE_CHANGESET_CONSTRAINT,
  'foreign-key': sqlite.SQLITE_CHANGESET_FOREIGN_KEY,
};

/** SQLite's code for each action. */
export const conflictActions: Readonly<Record<ConflictAction, number>> = {
  omit: sqlite.SQLITE_CHANGESET_OMIT,
  replace: sqlite.SQLITE_CHANGESET_REPLACE,
  abort: sqlite.SQLITE_CHANGESET_ABORT,
};

/** A rule of a policy. The first rule that matches a conflict decides. An omitted member matches everything. */
export interface PolicyRule {
  /** A GLOB pattern for the table's name. */
  readonly table?: string;
  readonly op?: Operation;
  readonly conflict?: ConflictKind | '*';
  /** `replace` is allowed only for the conflicts `data` and `conflict`. */
  readonly action: ConflictAction;
}

/**
 * `abort`: every conflict aborts. `ours`: existing rows stay. `theirs`: the changeset replaces existing rows if
 * possible. `append-only`: if a row to insert exists, the existing row stays, and all other conflicts abort. `ours`, `theirs` and `append-only` abort
 * if a foreign key is violated at the end.
 */
export type PolicyName = 'abort' | 'ours' | 'theirs' | 'append-only';
/** How conflicts are resolved: the name of a policy, or rules. */
export type Policy = PolicyName | readonly PolicyRule[];

const named: Readonly<Record<PolicyName, readonly PolicyRule[]>> = {
  abort: [],
  ours: [{ conflict: 'foreign-key', action: 'abort' }, { action: 'omit' }],
  theirs: [
    { conflict: 'data', action: 'replace' },
    { conflict: 'conflict', action: 'replace' },
    { conflict: 'foreign-key', action: 'abort' },
    { action: 'omit' },
  ],
  'append-only': [
    { conflict: 'foreign-key', action: 'abort' },
    { op: 'insert', action: 'omit' },
  ],
};

/** The names of the predefined policies. */
export const policyNames: readonly string[] = Object.keys(named);

function oneOf(what: string, value: unknown, names: readonly string[], place = ''): void {
  if (typeof value === 'string' && names.includes(value)) return;
  throw invalidValue(unknownName(what, value, names, place));
}

/** Checks a policy and returns its rules. @throws TypeError (ERR_INVALID_ARG_VALUE) that names the wrong part */
export function policyRules(policy: Policy): readonly PolicyRule[] {
  if (!Array.isArray(policy)) {
    oneOf('policy', policy, Object.keys(named));
    return named[policy as PolicyName];
  }
  for (const [index, rule] of (policy as PolicyRule[]).entries()) {
    const where = `policy rule ${index + 1}`;
    if (typeof rule !== 'object' || rule === null)
      throw invalidValue(`Policy rule ${index + 1} must be an object.`);
    const inRule = ` in ${where}`;
    for (const name of Object.keys(rule))
      oneOf('member', name, ['table', 'op', 'conflict', 'action'], inRule);
    if (rule.table !== undefined && typeof rule.table !== 'string') {
      throw invalidValue(`The table of ${where} must be a string.`);
    }
    if (rule.op !== undefined) oneOf('op', rule.op, ['insert', 'update', 'delete'], inRule);
    if (rule.conflict !== undefined)
      oneOf('conflict', rule.conflict, [...Object.keys(conflictKinds), '*'], inRule);
    oneOf('action', rule.action, Object.keys(conflictActions), inRule);
    if (rule.action === 'replace' && rule.conflict !== 'data' && rule.conflict !== 'conflict') {
      throw invalidValue(
        `The action replace of ${where} is possible only for the conflicts data and conflict.`,
      );
    }
  }
  return policy;
}

/** Returns the action of the first rule that matches a conflict. */
export function decide(
  core: Core,
  rules: readonly PolicyRule[],
  kind: ConflictKind,
  table: string,
  op: Operation,
): ConflictAction {
  for (const rule of rules) {
    if (rule.conflict !== undefined && rule.conflict !== '*' && rule.conflict !== kind) continue;
    if (rule.op !== undefined && (kind === 'foreign-key' || rule.op !== op)) continue;
    if (rule.table !== undefined && (kind === 'foreign-key' || !matchesGlob(core, rule.table, table)))
      continue;
    return rule.action;
  }
  return 'abort';
}
