/** Implements the interface `sqlite:extension/changeset` for one connection and one component's grants. */

import type { Field, Functions, Change as WitChange } from '../abi/generated/changeset.js';
import { asResult } from '../abi/results.js';
import { fromWit, toWit } from '../abi/values.js';
import { checkReportOptions, type ReportOptions } from '../applying/apply-options.js';
import { applyWithReport } from '../applying/execute.js';
import { concat, rebase } from '../applying/transform.js';
import { joinBytes } from '../changeset/bytes.js';
import { toHex } from '../changeset/hex.js';
import {
  type Change,
  ChangesetError,
  ChangesetReader,
  encode,
  fromJson,
  invert,
  statistics,
  toJson,
  toSql,
  type Value,
  validate,
} from '../changeset/index.js';
import { SQLITE_AUTH, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_MISUSE, SQLITE_TOOBIG } from '../core/constants.js';
import { sqliteError } from '../core/errors.js';
import { HandleTable } from '../core/handles.js';
import type { Owner } from '../kernel/owner.js';
import { changesetColumns, tableShape } from '../kernel/schema.js';
import type { Client } from './client.js';

/** A changeset that the host stores for a component, possibly in pieces. */
interface Held {
  pieces: Uint8Array[];
  /** The reader, at the position at which the last call of `changes` stopped. */
  reader: ChangesetReader | undefined;
}

const maxHeld = 10_000;
const maxHeldBytes = 2 ** 30;

/** The maximum number of changes of a page, and the maximum number of changeset bytes that they are read from. */
const maxPage = 4096;
const maxPageBytes = 4 * 2 ** 20;

/** The approximate memory in bytes that the host needs for a value and a change during conversion to text. */
const valueCost = 24;
const changeCost = 200;

/** The changesets that the host holds for one owner. */
class HeldChangesets {
  readonly #held = new HandleTable<Held>('changeset');
  readonly #who: string;
  /** The maximum number of bytes of all changesets together. */
  readonly #most: number;
  /** The present number of bytes of all changesets together. */
  #bytes = 0;

  /** @param who the owner, for error messages */
  constructor(who: string, most: number) {
    this.#who = who;
    this.#most = most;
  }

  add(bytes: Uint8Array = new Uint8Array(0)): number {
    if (this.#held.size >= maxHeld) {
      throw sqliteError(SQLITE_FULL, `the ${this.#who} already has ${maxHeld} changesets: drop unused ones`);
    }
    this.#grow(bytes.length);
    return this.#held.add({ pieces: [bytes], reader: undefined });
  }

  append(number: number, bytes: Uint8Array): void {
    const held = this.get(number);
    this.#grow(bytes.length);
    held.pieces.push(bytes.slice());
    held.reader = undefined;
  }

  #grow(bytes: number): void {
    if (this.#bytes + bytes > this.#most) {
      throw sqliteError(
        SQLITE_FULL,
        `the changesets of the ${this.#who} are limited to ${this.#most} bytes: drop unused ones`,
      );
    }
    this.#bytes += bytes;
  }

  get(number: number): Held {
    return this.#held.get(number);
  }

  bytes(number: number): Uint8Array {
    const held = this.get(number);
    if (held.pieces.length !== 1) held.pieces = [joinBytes(held.pieces)];
    return held.pieces[0] as Uint8Array;
  }

  drop(number: number): void {
    for (const { length } of this.get(number).pieces) this.#bytes -= length;
    this.#held.delete(number);
  }
}

/**
 * Makes the store of an owner. A component can hold as many bytes of changesets as its memory limit. They do not count
 * towards the memory of the component itself.
 */
const heldBy = ({ isUser, grants }: Owner): HeldChangesets =>
  new HeldChangesets(
    isUser ? 'connection' : 'component',
    Math.min(maxHeldBytes, grants?.memory ?? maxHeldBytes),
  );

/** The approximate memory in bytes that converting a changeset to text needs. Counting stops above `most`. */
function costOf(bytes: Uint8Array, most: number): number {
  const reader = new ChangesetReader(bytes);
  let cost = 4 * bytes.length;
  while (cost <= most && reader.next()) cost += changeCost + 2 * valueCost * reader.columns;
  return cost;
}

/** Runs an operation of the codec, and converts its errors to SQLITE_CORRUPT. */
function coded<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ChangesetError)) throw error;
    throw sqliteError(SQLITE_CORRUPT, error.message);
  }
}

export function changesetInterface({ owner, grants }: Client): Functions {
  const { connection } = owner;
  const { engine } = connection;
  const mayApply = grants.sql === 'rw';
  const held = owner.part(heldBy);
  /** The bytes of a changeset to convert to text. Refuses a changeset whose text would need too much memory. */
  const forText = (number: number): Uint8Array => {
    const bytes = held.bytes(number);
    if (costOf(bytes, grants.memory) > grants.memory) {
      throw sqliteError(
        SQLITE_TOOBIG,
        `the changeset is too large to convert to text within ${grants.memory} bytes: use changes to read it page by page`,
      );
    }
    return bytes;
  };
  const call = <T>(action: () => T, use: 'changeset' | 'changeset.apply' = 'changeset'): T =>
    asResult(() => {
      connection.refuseWithin('changeset', use);
      return coded(action);
    });

  const columnNames = (table: string, count: number): readonly string[] | undefined => {
    return changesetColumns(tableShape(connection, 'main', table), count);
  };

  return {
    create: () => call(() => held.add()),
    append: (number, bytes) => call(() => held.append(number, bytes)),
    size: (number) => call(() => BigInt(held.bytes(number).length)),
    read: (number, offset, length) =>
      call(() => {
        const bytes = held.bytes(number);
        const start = Number(offset > BigInt(bytes.length) ? BigInt(bytes.length) : offset);
        return bytes.slice(start, start + length);
      }),
    drop: (number) => call(() => held.drop(number)),
    validate: (number) =>
      call(() => {
        const fault = validate(held.bytes(number));
        return fault ? { offset: BigInt(fault.offset), reason: fault.reason } : undefined;
      }),
    changes: (number, position, max) =>
      call(() => {
        const entry = held.get(number);
        const bytes = held.bytes(number);
        let { reader } = entry;
        if (position === 0n || !reader || BigInt(reader.end) !== position) {
          reader = new ChangesetReader(bytes);
          while (BigInt(reader.end) < position && reader.next());
        }
        const changes: WitChange[] = [];
        let more = true;
        const begin = reader.end;
        while (changes.length < Math.min(max, maxPage) && reader.end - begin < maxPageBytes) {
          more = reader.next();
          if (!more) break;
          changes.push(toWitChange(reader.change()));
        }
        entry.reader = reader;
        return more ? { changes, next: BigInt(reader.end) } : { changes };
      }),
    columnNames: (table, count) =>
      call(() => [...(columnNames(table, count) ?? Array.from({ length: count }, (_, i) => `c${i + 1}`))]),
    invert: (number) => call(() => held.add(invert(held.bytes(number)))),
    concat: (numbers, schema) =>
      call(() => {
        const all = [...numbers].map((number) => held.bytes(number));
        return held.add(
          concat(engine, all, schema === undefined ? undefined : { connection, database: schema }),
        );
      }),
    build: (changes, patchset) =>
      call(() => held.add(encode(changes.map((change) => fromWitChange(change, patchset))))),
    rebase: (number, rebases) => call(() => held.add(rebase(engine.core, held.bytes(number), rebases))),
    toJson: (number) => call(() => JSON.stringify(toJson(forText(number), columnNames))),
    fromJson: (json) => call(() => held.add(fromJson(parsed(json)))),
    toSql: (number) => call(() => toSql(forText(number), { columnNames })),
    statistics: (number) => call(() => JSON.stringify(statistics(held.bytes(number)))),
    apply: (number, options) =>
      call(() => {
        if (!mayApply) {
          throw sqliteError(
            SQLITE_AUTH,
            'this component may not apply changesets: allow it with --allow-sql',
          );
        }
        const asked = parsed(options) as ReportOptions;
        try {
          checkReportOptions(asked);
        } catch (error) {
          throw sqliteError(SQLITE_MISUSE, error instanceof Error ? error.message : String(error));
        }
        const { rebase: buffer, ...report } = applyWithReport(connection, [held.bytes(number)], asked);
        return JSON.stringify({ ...report, rebase: toHex(buffer) });
      }, 'changeset.apply'),
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw sqliteError(SQLITE_MISUSE, `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function toField(value: Value | undefined): Field {
  return value === undefined ? { tag: 'undefined' } : { tag: 'value', val: toWit(value) };
}

function toWitChange(change: Change): WitChange {
  return {
    table: change.table,
    op: change.op,
    indirect: change.indirect,
    key: Uint8Array.from(change.key),
    old: change.old.map(toField),
    new: change.new.map(toField),
  };
}

function fromWitChange(change: WitChange, patchset: boolean): Change {
  const values = (fields: readonly Field[]): (Value | undefined)[] =>
    fields.map((field) => (field.tag === 'undefined' ? undefined : fromWit(field.val)));
  return {
    ...change,
    key: [...change.key],
    patchset,
    old: values(change.old),
    new: values(change.new),
  };
}
