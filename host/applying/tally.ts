/** Counts the results of changes while they are applied. */

import type { Change, Values } from '../changeset/format.js';
import { toHex } from '../changeset/hex.js';
import { SQLITE_CHANGESET_OMIT, SQLITE_CHANGESET_REPLACE } from '../core/constants.js';
import type { ConflictKind } from './conflict-policy.js';

/** The results of one table's changes. */
export interface TableReport {
  table: string;
  /** The numbers of inserted, updated and deleted rows, including rows that a conflict replaced. */
  inserted: number;
  updated: number;
  deleted: number;
  /** The number of changes that were omitted after a conflict. */
  omitted: number;
  /** The number of changes that replaced an existing row. */
  replaced: number;
  /** The number of changes that a filter excluded. */
  filtered: number;
  /** The number of changes that were skipped because the table does not match; a warning explains why. */
  skipped: number;
  /** The number of conflicts by kind; kinds without conflicts are omitted. */
  conflicts: Partial<Record<ConflictKind, number>>;
}

/** Counts the results of changes: one {@link TableReport} per table. */
export class Tally {
  readonly #tables = new Map<string, TableReport>();
  /** The resolution of each row's last conflict. SQLite retries some rows and then reports the conflict again. */
  readonly #answers = new Map<string, number>();

  of(name: string): TableReport {
    let found = this.#tables.get(name);
    if (!found) {
      const none = { inserted: 0, updated: 0, deleted: 0, omitted: 0, replaced: 0, filtered: 0, skipped: 0 };
      found = { table: name, ...none, conflicts: {} };
      this.#tables.set(name, found);
    }
    return found;
  }

  /** @param by 1 for a change that will be applied, -1 to take that back */
  planned({ table, op }: Pick<Change, 'table' | 'op'>, by: 1 | -1): void {
    const counters = { insert: 'inserted', update: 'updated', delete: 'deleted' } as const;
    this.of(table)[counters[op]] += by;
  }

  /** Called before the next changeset, which has other rows. */
  next(): void {
    this.#answers.clear();
  }

  conflict(kind: ConflictKind, change: Change, answer: number): void {
    const counted = this.of(change.table);
    const row = `${change.table} ${keyOf(change)}`;
    const before = this.#answers.get(row);
    if (!this.#answers.has(`${row} ${kind}`)) {
      counted.conflicts[kind] = (counted.conflicts[kind] ?? 0) + 1;
      this.#answers.set(`${row} ${kind}`, 0);
    }
    if (before === SQLITE_CHANGESET_OMIT) this.#omitted(change, -1);
    if (before === SQLITE_CHANGESET_REPLACE) counted.replaced -= 1;
    if (answer === SQLITE_CHANGESET_OMIT) this.#omitted(change, 1);
    if (answer === SQLITE_CHANGESET_REPLACE) counted.replaced += 1;
    this.#answers.set(row, answer);
  }

  /** @param by 1 for a change that is omitted, -1 to take that back */
  #omitted(change: Change, by: 1 | -1): void {
    this.of(change.table).omitted += by;
    this.planned(change, by === 1 ? -1 : 1);
  }

  /** @param applied false if everything was rolled back */
  tables(applied: boolean): TableReport[] {
    const none = { inserted: 0, updated: 0, deleted: 0, omitted: 0, replaced: 0 };
    return [...this.#tables.values()].map((table) => (applied ? table : { ...table, ...none }));
  }
}

/** The key of a change, which is unique within a table of a changeset. */
function keyOf({ op, key, old, new: fresh }: Change): string {
  const values: Values = op === 'insert' ? fresh : old;
  const own = values.filter((_, i) => (key[i] ?? 0) > 0);
  const text = (value: Values[number]): string =>
    `${typeof value}:${value instanceof Uint8Array ? toHex(value) : value}`;
  return JSON.stringify(own.map(text));
}
