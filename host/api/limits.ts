/** What a connection accepts: https://www.sqlite.org/limits.html. */

import {
  SQLITE_LIMIT_ATTACHED,
  SQLITE_LIMIT_COLUMN,
  SQLITE_LIMIT_COMPOUND_SELECT,
  SQLITE_LIMIT_EXPR_DEPTH,
  SQLITE_LIMIT_FUNCTION_ARG,
  SQLITE_LIMIT_LENGTH,
  SQLITE_LIMIT_LIKE_PATTERN_LENGTH,
  SQLITE_LIMIT_SQL_LENGTH,
  SQLITE_LIMIT_TRIGGER_DEPTH,
  SQLITE_LIMIT_VARIABLE_NUMBER,
  SQLITE_LIMIT_VDBE_OP,
} from '../core/constants.js';
import { checkArgument, invalidType, invalidValue, isInt32, outOfRange } from '../kernel/arguments.js';
import { unknownName } from '../kernel/nearest.js';
import type { OpenDatabase } from './open-database.js';

const numbers = {
  length: SQLITE_LIMIT_LENGTH,
  sqlLength: SQLITE_LIMIT_SQL_LENGTH,
  column: SQLITE_LIMIT_COLUMN,
  exprDepth: SQLITE_LIMIT_EXPR_DEPTH,
  compoundSelect: SQLITE_LIMIT_COMPOUND_SELECT,
  vdbeOp: SQLITE_LIMIT_VDBE_OP,
  functionArg: SQLITE_LIMIT_FUNCTION_ARG,
  attach: SQLITE_LIMIT_ATTACHED,
  likePatternLength: SQLITE_LIMIT_LIKE_PATTERN_LENGTH,
  variableNumber: SQLITE_LIMIT_VARIABLE_NUMBER,
  triggerDepth: SQLITE_LIMIT_TRIGGER_DEPTH,
} as const satisfies Record<keyof Limits, number>;
const names = Object.keys(numbers) as (keyof Limits)[];

/** The limits of a connection. Setting one changes it at once; it cannot exceed what SQLite was built with. */
export interface Limits {
  /** Bytes of a text, a BLOB or a row. */
  length: number;
  /** Bytes of SQL. */
  sqlLength: number;
  /** Columns of a table, an index, a result or a clause. */
  column: number;
  /** Levels of an expression. */
  exprDepth: number;
  /** Terms of a compound SELECT. */
  compoundSelect: number;
  /** Instructions of a statement. */
  vdbeOp: number;
  /** Arguments of a function. */
  functionArg: number;
  /** Attached databases. */
  attach: number;
  /** Bytes of a pattern of LIKE or GLOB. */
  likePatternLength: number;
  /** The highest number of a parameter. */
  variableNumber: number;
  /** Levels of triggers. */
  triggerDepth: number;
}

/** More than any limit: SQLite takes the most that there can be. */
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
