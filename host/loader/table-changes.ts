/** INSERT, UPDATE and DELETE on tables of components, with direct calls or through jco's wrappers. */

import type { SqlValue as WitValue } from '../abi/generated/types.js';
import type { ConflictMode, Functions as WritableTable } from '../abi/generated/writable-table.js';
import { caseNull, integerOrError, nothingOrError, optionalValue, sqlValue } from '../abi/layout.js';
import { failureAt, failureOf, isOk, type WitError } from '../abi/results.js';
import { lowering, toWitList, valueSize } from '../abi/values.js';
import { SQLITE_NULL } from '../core/constants.js';
import type { Engine } from '../kernel/engine.js';
import { type CoreInterface, payloadOf } from './component.js';

/**
 * Passes changes to a component. A row consists of `count` values at the address `values`. Each function returns the
 * error of the component; undefined if there was none.
 */
export interface Changes {
  /** Returns also the rowid of the new row. */
  insert(
    table: number,
    rowid: bigint | undefined,
    count: number,
    values: number,
    mode: number,
  ): bigint | WitError;
  update(
    table: number,
    rowid: bigint,
    fresh: bigint,
    count: number,
    values: number,
    mode: number,
  ): WitError | undefined;
  delete(table: number, rowid: bigint): WitError | undefined;
}

/** The cases of `conflict-mode`. `sqlite3_vtab_on_conflict` numbers them in the same order, from 1. */
const modes: readonly ConflictMode[] = ['rollback', 'ignore', 'fail', 'abort', 'replace'];

const { size: optionSize, payload: optionPayload } = optionalValue;

export function directChanges(engine: Engine, exports: CoreInterface): Changes {
  const { core } = engine;
  const { memory } = core;
  const { sqlite3_value_nochange } = core.c;
  const { guest } = exports;
  type Row = [values: number, count: number, mode: number];
  const insert = exports.function('insert') as (
    table: number,
    known: number,
    rowid: bigint,
    ...row: Row
  ) => number;
  const update = exports.function('update') as (
    table: number,
    rowid: bigint,
    fresh: bigint,
    ...row: Row
  ) => number;
  const remove = exports.function('delete') as (table: number, rowid: bigint) => number;
  const [inserted, updated, removed] = [
    exports.post('insert'),
    exports.post('update'),
    exports.post('delete'),
  ];
  const lower = lowering(engine, guest);

  return {
    insert(table, rowid, count, values, mode) {
      const row = guest.allocate(valueSize * count, sqlValue.align);
      lower(count, values, row);
      const result = insert(table, Number(rowid !== undefined), rowid ?? 0n, row, count, mode) >>> 0;
      const made = isOk(guest, result, integerOrError)
        ? guest.view.getBigInt64(result + integerOrError.payload, true)
        : failureAt(guest, result, integerOrError);
      inserted(result);
      return made;
    },
    update(table, rowid, fresh, count, values, mode) {
      const row = guest.allocate(optionSize * count, optionalValue.align);
      lower(count, values, row + optionPayload, optionSize);
      const { view } = guest;
      for (let i = 0; i < count; i++) {
        const at = row + optionSize * i;
        const kept =
          view.getUint8(at + optionPayload) === caseNull &&
          sqlite3_value_nochange(memory.pointerAt(values + 4 * i)) !== 0;
        view.setUint8(at, Number(!kept));
      }
      const result = update(table, rowid, fresh, row, count, mode) >>> 0;
      const error = failureOf(guest, result, nothingOrError);
      updated(result);
      return error;
    },
    delete(table, rowid) {
      const result = remove(table, rowid) >>> 0;
      const error = failureOf(guest, result, nothingOrError);
      removed(result);
      return error;
    },
  };
}

export function wrappedChanges({ core }: Engine, writable: WritableTable): Changes {
  const { c, memory } = core;

  const attempt = <T>(action: () => T): T | WitError => {
    try {
      return action();
    } catch (error) {
      return payloadOf(error);
    }
  };
  const modeOf = (mode: number): ConflictMode => modes[mode] as ConflictMode;
  const isKept = (value: number): boolean =>
    c.sqlite3_value_type(value) === SQLITE_NULL && c.sqlite3_value_nochange(value) !== 0;

  return {
    insert(table, rowid, count, values, mode) {
      const row = toWitList(core, count, values);
      return attempt(() => writable.insert(table, rowid, row, modeOf(mode)));
    },
    update(table, rowid, fresh, count, values, mode) {
      const row = toWitList(core, count, values).map((value, i): WitValue | undefined =>
        isKept(memory.pointerAt(values + 4 * i)) ? undefined : value,
      );
      return attempt(() => writable.update(table, rowid, fresh, row, modeOf(mode))) as WitError | undefined;
    },
    delete: (table, rowid) => attempt(() => writable.delete(table, rowid)) as WitError | undefined,
  };
}
