/** The limits of a connection: https://www.sqlite.org/limits.html. */

import * as sqlite from '../core/constants.js';
import { checkArgument, invalidType, invalidValue, isInt32, outOfRange } from '../kernel/arguments.js';
import { unknownName } from '../kernel/nearest.js';
import type { OpenDatabase } from './open-database.js';

const numbers = {
  length: sqlite.SQLITE_LIMIT_LENGTH,
  sqlLength: sqlite.SQLITE_LIMIT_SQL_LENGTH,
  column: sqlite.SQLITE_LIMIT_COLUMN,
  exprDepth: sqlite.SQLITE_LIMIT_EXPR_DEPTH,
  compoundSelect: sqlite.SQLITE_LIMIT_COMPOUND_SELECT,
  vdbeOp: sqlite.SQLITE_LIMIT_VDBE_OP,
  functionArg: sqlite.SQLITE_LIMIT_FUNCTION_ARG,
  attach: sqlite.SQLITE_LIMIT_ATTACHED,
  likePatternLength: sqlite.SQLITE_LIMIT_LIKE_PATTERN_LENGTH,
  variableNumber: sqlite.SQLITE_LIMIT_VARIABLE_NUMBER,
  triggerDepth: sqlite.SQLITE_LIMIT_TRIGGER_DEPTH,
} as const satisfies Record<keyof Limits, number>;
const names = Object.keys(numbers) as (keyof Limits)[];

/**
 * The limits of a connection. Assigning to a property changes the limit immediately. A limit cannot exceed SQLite's
 * compile-time maximum.
 */
export interface Limits {
  /** The size of a text, a BLOB or a row, in bytes. */
  length: number;
  /** The length of an SQL statement, in bytes. */
  sqlLength: number;
  /** The number of columns in a table, an index, a result or a clause. */
  column: number;
  /** The depth of an expression. */
  exprDepth: number;
  /** The number of terms in a compound SELECT. */
  compoundSelect: number;
  /** The number of virtual machine instructions in a statement. */
  vdbeOp: number;
  /** The number of arguments of a function. */
  functionArg: number;
  /** The number of attached databases. */
  attach: number;
  /** The length of a LIKE or GLOB pattern, in bytes. */
  likePatternLength: number;
  /** The highest number of a parameter. */
  variableNumber: number;
  /** The depth of trigger recursion. */
  triggerDepth: number;
}

/** Above every limit. SQLite then uses the maximum. */
const unlimited = 0x7fff_ffff;

/** @param open throws if the database is closed */
export function limitsOf(open: () => OpenDatabase): Limits {
  const limit = (name: keyof Limits, value: number): number => {
    const { engine, db } = open().connection;
    return engine.core.c.sqlite3_limit(db, numbers[name], value);
  };
  const limits = {} as Limits;
  for (const name of names) {
    Object.defineProperty(limits, name, {
      enumerable: true,
      get: () => limit(name, -1),
      set(value: unknown) {
        open();
        if (value !== Number.POSITIVE_INFINITY && !isInt32(value)) {
          throw invalidType('Limit value must be a non-negative integer or Infinity.');
        }
        if (Number(value) < 0) throw outOfRange('Limit value must be non-negative.');
        limit(name, value === Number.POSITIVE_INFINITY ? unlimited : (value as number));
      },
    });
  }
  return limits;
}

/** Checks the option `limits`. @throws TypeError, RangeError */
export function checkLimits(limits: unknown): void {
  if (limits === undefined) return;
  if (typeof limits !== 'object' || limits === null) {
    throw invalidType('The "options.limits" argument must be an object.');
  }
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(numbers, name)) throw invalidValue(unknownName('limit', name, names));
    if (value === undefined) continue;
    checkArgument(`options.limits.${name}`, value, 'integer');
    if (value < 0) throw outOfRange(`The "options.limits.${name}" argument must be non-negative.`);
  }
}
