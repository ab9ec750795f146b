/** Aggregate and window functions written in JavaScript, with the options of `node:sqlite`. */

import { SQLITE_DETERMINISTIC, SQLITE_DIRECTONLY } from '../core/constants.js';
import { HandleTable } from '../core/handles.js';
import { checkOptions, invalidType, isInt32 } from '../kernel/arguments.js';
import { cellSize, readCell } from '../kernel/cells.js';
import type { Connection } from '../kernel/connection.js';
import type { Callback } from '../kernel/engine.js';
import { setJsResult } from '../kernel/function-results.js';
import type { SqlValue } from '../kernel/values.js';

/** The functions and options of an aggregate. `State` is the state of one group. */
export interface AggregateOptions<State = unknown> {
  /** The state of a group without rows, or a function that makes it. */
  start: State | (() => State);
  /** Adds a row and returns the new state. The parameters after `state` are the SQL arguments. */
  step: (state: State, ...values: never[]) => State;
  /** Returns the SQL value of a state. If omitted, the state itself is the value. */
  result?: (state: State) => unknown;
  /** Removes the oldest row. If given, the aggregate is also a window function. */
  inverse?: (state: State, ...values: never[]) => State;
  /** Accepts any number of SQL arguments. */
  varargs?: boolean;
  /** Prevents calls from the schema, such as from a view or trigger. */
  directOnly?: boolean;
  /** Passes integers as bigint. */
  useBigIntArguments?: boolean;
  /** Declares that the same rows always give the same result. */
  deterministic?: boolean;
}

/** One group of one running statement. */
interface Group {
  state: unknown;
  /** Whether a value was requested before the end of the group. It is then a window, whose final result is not used. */
  isWindow: boolean;
  /** Whether a function threw. The statement has then failed, and the result is not used. */
  hasFailed: boolean;
}

/** Implements {@link DatabaseSync.aggregate}. */
export function createAggregate(connection: Connection, name: string, options: AggregateOptions): void {
  const { engine, db } = connection;
  const { start, step, result, inverse } = options;
  if (start === undefined) {
    throw invalidType('The "options.start" argument must be a function or a primitive value.');
  }
  if (typeof step !== 'function') throw invalidType('The "options.step" argument must be a function.');
  checkOptions(options, {
    start: 'any',
    step: 'function',
    result: 'any', // ignored if it is not a function, as in Node
    useBigIntArguments: 'boolean',
    varargs: 'boolean',
    directOnly: 'boolean',
    deterministic: 'boolean',
    inverse: 'function',
  });
  let count = -1;
  if (!options.varargs) {
    count = Math.max(argumentsOf('step', step), inverse ? argumentsOf('inverse', inverse) : 0, 0);
  }
  const flags =
    (options.deterministic ? SQLITE_DETERMINISTIC : 0) | (options.directOnly ? SQLITE_DIRECTONLY : 0);
  const id = engine.register(
    aggregate(connection, {
      start: typeof start === 'function' ? (start as () => unknown) : () => start,
      step: step as Step,
      inverse: inverse as Step | undefined,
      result: typeof result === 'function' ? result : (state) => state,
      bigints: options.useBigIntArguments ?? false,
    }),
  );
  const { core } = engine;
  using arena = core.memory.arena();
  engine.check(
    db,
    core.c.bridge_create_aggregate(db, arena.cString(name), count, flags, id, Number(inverse !== undefined)),
  );
}

/** The number of SQL arguments that a function declares: all parameters except the state. */
function argumentsOf(name: string, { length }: { length: unknown }): number {
  if (!isInt32(length)) {
    throw invalidType(`The "options.${name}.length" property must be an integer.`);
  }
  return length - 1;
}

type Step = (state: unknown, ...values: SqlValue[]) => unknown;

interface Parts {
  readonly start: () => unknown;
  readonly step: Step;
  readonly inverse: Step | undefined;
  readonly result: (state: unknown) => unknown;
  readonly bigints: boolean;
}

function aggregate({ engine }: Connection, parts: Parts): Callback {
  const { core } = engine;
  const { memory } = core;
  const groups = new HandleTable<Group>('group');
  const begin = (): number => groups.add({ state: parts.start(), isWindow: false, hasFailed: false });
  /** Runs `action` on an existing group. */
  const on = (number: number, context: number, action: (group: Group) => void): void => {
    const group = groups.get(number);
    try {
      action(group);
    } catch (error) {
      group.hasFailed = true;
      engine.failIn(context, error);
    }
  };
  return {
    step(context, given, count, cells, isInverse) {
      const number = given || begin();
      on(number, context, (group) => {
        const args: SqlValue[] = [];
        for (let i = 0; i < count; i++) args.push(readCell(memory, cells + cellSize * i, parts.bigints));
        const step = isInverse && parts.inverse ? parts.inverse : parts.step;
        group.state = step(group.state, ...args);
      });
      return number;
    },
    groupValue(context, given, final) {
      const number = given || begin();
      on(number, context, (group) => {
        const isOver = final && group.isWindow;
        if (!final) group.isWindow = true;
        if (isOver || group.hasFailed) return;
        setJsResult(engine, context, parts.result(group.state));
      });
      if (final) groups.delete(number);
      return final ? 0 : number;
    },
  };
}
