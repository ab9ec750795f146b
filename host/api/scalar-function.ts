/** Scalar functions written in JavaScript, with the options of `node:sqlite`. */

import { SQLITE_DETERMINISTIC, SQLITE_DIRECTONLY, SQLITE_FLOAT } from '../core/constants.js';
import { checkArgument, checkOptions, invalidType, isInt32 } from '../kernel/arguments.js';
import { cellContent, cellSize, readCell } from '../kernel/cells.js';
import type { Connection } from '../kernel/connection.js';
import { setJsResult } from '../kernel/function-results.js';
import type { SqlValue } from '../kernel/values.js';

/** Options of {@link DatabaseSync.function}. */
export interface FunctionOptions {
  /** Passes integers as bigint. */
  useBigIntArguments?: boolean;
  /** Accepts any number of arguments; by default, as many as the function declares. */
  varargs?: boolean;
  /** Declares that the same arguments always give the same result. */
  deterministic?: boolean;
  /** Prevents calls from the schema, such as from a view or trigger. */
  directOnly?: boolean;
}

/** Implements {@link DatabaseSync.function}. @param rest the arguments after the name: options if given, the function */
export function createFunction(connection: Connection, name: string, rest: readonly unknown[]): void {
  const { engine, db } = connection;
  const options = (rest.length > 1 ? rest[0] : {}) as FunctionOptions;
  const implementation = rest[rest.length > 1 ? 1 : 0];
  if (rest.length > 1 && options === undefined) {
    throw invalidType('The "options" argument must be an object.');
  }
  checkOptions(options, {
    useBigIntArguments: 'boolean',
    varargs: 'boolean',
    deterministic: 'boolean',
    directOnly: 'boolean',
  });
  checkArgument('function', implementation, 'function');
  const target = implementation as (...values: SqlValue[]) => unknown;
  const bigints = options.useBigIntArguments ?? false;
  const { memory, c } = engine.core;
  const id = engine.register({
    call(context, count, cells) {
      const args: SqlValue[] = [];
      for (let i = 0; i < count; i++) args.push(readCell(memory, cells + cellSize * i, bigints));
      const result = target(...args);
      if (typeof result === 'number') {
        memory.view.setFloat64(cells + cellContent, result, true);
        return SQLITE_FLOAT;
      }
      setJsResult(engine, context, result);
      return undefined;
    },
  });
  const flags =
    (options.deterministic ? SQLITE_DETERMINISTIC : 0) | (options.directOnly ? SQLITE_DIRECTONLY : 0);
  using arena = memory.arena();
  const count = options.varargs ? -1 : target.length;
  if (!isInt32(count)) throw invalidType('The "function.length" property must be an integer.');
  engine.check(db, c.bridge_create_function(db, arena.cString(name), count, flags, id));
}
