/** Converts `sqlite3_index_info` to the arguments of best-index, and the plan of the component back. */

import type { IndexPlan, IndexQuery } from '../abi/generated/virtual-table.js';
import { toWit } from '../abi/values.js';
import { SQLITE_ERROR, SQLITE_INDEX_SCAN_UNIQUE, SQLITE_OK } from '../core/constants.js';
import { type SqliteError, sqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { readValue } from '../kernel/values.js';

// The layout of struct sqlite3_index_info in wasm32.
const info = {
  constraintCount: 0,
  constraints: 4, // 12 bytes each: int column, u8 op, u8 usable
  orderCount: 8,
  orders: 12, // 8 bytes each: int column, u8 descending
  usages: 16, // 8 bytes each: int argument, u8 omit
  number: 20,
  text: 24,
  freeText: 28,
  ordered: 32,
  cost: 40,
  rows: 48,
  flags: 56,
  columnsUsed: 64,
} as const;

const equal = 2; // SQLITE_INDEX_CONSTRAINT_EQ
/** The operators that compare texts by a collation: EQ, GT, LE, LT, GE, NE, ISNOT, IS. */
const comparing = new Set([equal, 4, 8, 16, 32, 68, 69, 72]);
const mostRows = 2n ** 62n;

/**
 * Reads the query from the `sqlite3_index_info` at an address. A constraint whose collation differs from its column's
 * is not usable, because the component does not know that collation. The C functions can grow the memory, so views are
 * not kept across calls.
 */
export function readQuery(
  { engine }: Connection,
  at: number,
  collations: readonly (string | undefined)[],
): IndexQuery {
  const { c, memory } = engine.core;
  using arena = memory.arena();
  const out = arena.allocate(4);
  const asked: IndexQuery = {
    constraints: [],
    orderBy: [],
    distinct: c.sqlite3_vtab_distinct(at),
    columnsUsed: memory.view.getBigUint64(at + info.columnsUsed, true),
  };
  const constraints = memory.pointerAt(at + info.constraints);
  const constraintCount = memory.view.getInt32(at + info.constraintCount, true);
  for (let i = 0; i < constraintCount; i++) {
    const one = constraints + 12 * i;
    const column = memory.view.getInt32(one, true);
    const op = memory.view.getUint8(one + 4);
    const own = comparing.has(op) ? collations[column] : undefined;
    const usable =
      memory.view.getUint8(one + 5) !== 0 &&
      (own === undefined || memory.cString(c.sqlite3_vtab_collation(at, i))?.toLowerCase() === own);
    const known = c.sqlite3_vtab_rhs_value(at, i, out) === SQLITE_OK && memory.pointerAt(out) !== 0;
    asked.constraints.push({
      column,
      op,
      usable,
      isIn: usable && op === equal && c.sqlite3_vtab_in(at, i, -1) !== 0,
      ...(known && { value: toWit(readValue(engine.core, memory.pointerAt(out))) }),
    });
  }
  const orders = memory.pointerAt(at + info.orders);
  const orderCount = memory.view.getInt32(at + info.orderCount, true);
  for (let i = 0; i < orderCount; i++) {
    const one = orders + 8 * i;
    asked.orderBy.push({
      column: memory.view.getInt32(one, true),
      descending: memory.view.getUint8(one + 4) !== 0,
    });
  }
  return asked;
}

/**
 * Writes the plan into the `sqlite3_index_info` at an address.
 *
 * @param name the name of the table, for errors
 * @throws SqliteError if the plan does not fit the query
 */
export function writePlan(
  { engine }: Connection,
  at: number,
  { constraints }: IndexQuery,
  plan: IndexPlan,
  name: string,
): void {
  const { c, memory } = engine.core;
  const wrong = (what: string): SqliteError =>
    sqliteError(SQLITE_ERROR, `${name}: the component's plan ${what}`);
  const taken = plan.usages.filter(({ argument }) => argument > 0).map(({ argument }) => argument);
  if (plan.usages.length > constraints.length) throw wrong('uses more constraints than exist');
  if (new Set(taken).size !== taken.length || taken.some((argument) => argument > taken.length)) {
    throw wrong('does not number its arguments from 1 on');
  }
  if (plan.text.includes('\0')) throw wrong('has a text that contains U+0000');
  if (!(plan.cost >= 0)) throw wrong(`has the cost ${plan.cost}, which is not a number of 0 or more`);
  const usages = memory.pointerAt(at + info.usages);
  const lists: number[] = [];
  for (const [i, { argument, omit, allAtOnce }] of plan.usages.entries()) {
    if (argument === 0) continue;
    if (!constraints[i]?.usable) throw wrong(`uses constraint ${i}, which cannot be used`);
    if (allAtOnce) {
      if (!constraints[i]?.isIn) throw wrong(`requests all values of constraint ${i}, which is not an IN`);
      c.sqlite3_vtab_in(at, i, 1);
      lists.push(argument - 1);
    }
    memory.view.setInt32(usages + 8 * i, argument, true);
    memory.view.setUint8(usages + 8 * i + 4, Number(omit));
  }
  const text = planText(lists, plan.text);
  const pointer = text === '' ? 0 : memory.allocateText(text);
  const { view } = memory;
  view.setInt32(at + info.number, plan.number, true);
  view.setUint32(at + info.text, pointer, true);
  view.setInt32(at + info.freeText, Number(pointer !== 0), true);
  view.setInt32(at + info.ordered, Number(plan.ordered), true);
  view.setFloat64(at + info.cost, plan.cost, true);
  view.setBigInt64(at + info.rows, plan.rows > mostRows ? mostRows : plan.rows, true);
  if (plan.unique) view.setInt32(at + info.flags, SQLITE_INDEX_SCAN_UNIQUE, true);
}

/** The string for xFilter: the indexes of list arguments, and the text of the plan, such as `2,3|text`. */
function planText(lists: readonly number[], text: string): string {
  return lists.length === 0 && text === '' ? '' : `${lists.join()}|${text}`;
}

const none: readonly number[] = [];

/** Parses a string of {@link planText}. */
export function readPlanText(given: string): { lists: readonly number[]; text: string } {
  if (given === '') return { lists: none, text: '' };
  const bar = given.indexOf('|');
  return { lists: given.slice(0, bar).split(',').filter(Boolean).map(Number), text: given.slice(bar + 1) };
}
