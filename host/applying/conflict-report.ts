import { sameBytes } from '../changeset/bytes.js';
import type { Operation, Values } from '../changeset/format.js';
import { toHex } from '../changeset/hex.js';
import type { JsonValue } from '../changeset/index.js';
import type { Connection } from '../kernel/connection.js';
import { changesetColumns, tableShape } from '../kernel/schema.js';
import type { SqlValue } from '../kernel/values.js';
import type { Conflict } from './changes.js';
import type { ConflictAction, ConflictKind } from './conflict-policy.js';

/** Values by column name, as in the JSON form of a changeset. */
export type NamedValues = Record<string, JsonValue>;

/** One conflict in a report. */
export interface ConflictReport {
  kind: ConflictKind;
  table: string;
  op: Operation;
  /** The key of the row in the change. */
  key: NamedValues;
  /** The old values that the change expected. If the row exists, only those that differ. */
  expected?: NamedValues;
  /** The values in the database; omitted if the row does not exist. */
  found?: NamedValues;
  /** The new values of the change. */
  wanted?: NamedValues;
  /** How the conflict was resolved. */
  action: ConflictAction;
}

/** Lists a limited number of conflicts. */
export class ConflictList {
  readonly conflicts: ConflictReport[] = [];
  readonly #connection: Connection;
  readonly #most: number;
  readonly #columns = new Map<string, readonly string[]>();

  constructor(connection: Connection, most: number) {
    this.#connection = connection;
    this.#most = most;
  }

  get isFull(): boolean {
    return this.conflicts.length >= this.#most;
  }

  /**
   * Adds the conflict of a running handler unless the list is full. If SQLite reports the same conflict twice, the last
   * action is kept.
   */
  add(kind: ConflictKind, conflict: Conflict, action: ConflictAction): void {
    const { table, op, key, old, new: fresh } = conflict;
    const names = this.#names(table, key.length);
    const named = (values: Values, wanted: (i: number) => boolean): NamedValues | undefined => {
      const entries = names.flatMap((name, i): [string, JsonValue][] => {
        const value = values[i];
        return value !== undefined && wanted(i) ? [[name, jsonOf(value)]] : [];
      });
      return entries.length > 0 ? Object.fromEntries(entries) : undefined;
    };
    const isKey = (i: number): boolean => (key[i] ?? 0) > 0;
    const own = named(op === 'insert' ? fresh : old, isKey) ?? {};
    const again = this.conflicts.find(
      (known) => known.table === table && known.kind === kind && same(known.key, own),
    );
    if (again) {
      again.action = action;
      return;
    }
    if (this.isFull) return;
    const { conflicting } = conflict;
    const differs = (i: number): boolean =>
      !isKey(i) && (conflicting.length === 0 || old[i] === undefined || !equal(old[i], conflicting[i]));
    const expected = op === 'insert' ? undefined : named(old, differs);
    const found = named(
      conflicting,
      op === 'insert' ? () => true : (i) => old[i] !== undefined && differs(i),
    );
    const wanted = op === 'delete' ? undefined : named(fresh, (i) => !isKey(i));
    this.conflicts.push({
      kind,
      table,
      op,
      key: own,
      ...(expected && { expected }),
      ...(found && { found }),
      ...(wanted && { wanted }),
      action,
    });
  }

  #names(table: string, count: number): readonly string[] {
    let names = this.#columns.get(table);
    if (!names) {
      const known = changesetColumns(tableShape(this.#connection, 'main', table), count);
      names = known ?? Array.from({ length: count }, (_, i) => `c${i + 1}`);
      this.#columns.set(table, names);
    }
    return names;
  }
}

function jsonOf(value: SqlValue): JsonValue {
  if (typeof value === 'bigint') {
    return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value))
      ? Number(value)
      : { integer: `${value}` };
  }
  if (typeof value === 'number') {
    return Number.isInteger(value) || !Number.isFinite(value)
      ? { real: Object.is(value, -0) ? '-0' : `${value}` }
      : value;
  }
  return value instanceof Uint8Array ? { blob: toHex(value) } : value;
}

const same = (a: NamedValues, b: NamedValues): boolean => JSON.stringify(a) === JSON.stringify(b);

function equal(a: SqlValue | undefined, b: SqlValue | undefined): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return sameBytes(a, b);
  return a === b;
}
