/** Aggregate and window functions of components. The host numbers the groups; the component keeps their state. */

import type { Functions as AggregateFunction, FunctionSpec } from '../abi/generated/aggregate-function.js';
import { nothingOrError, sqlValue, valueOrError } from '../abi/layout.js';
import { callDone, callReturned, Linking } from '../abi/linked-calls.js';
import { failureAt, failureOf, isOk } from '../abi/results.js';
import { cellsToWit, fromWit, loweringCells, resulting, valueSize } from '../abi/values.js';
import { SQLITE_ERROR } from '../core/constants.js';
import type { Callback, Engine } from '../kernel/engine.js';
import { setResult } from '../kernel/function-results.js';
import { failWith } from './call.js';
import { type Component, type CoreInterface, payloadOf } from './component.js';
import { type Brought, letGo } from './replacements.js';
import { checkSpecs, flagsOf, nameOf } from './scalars.js';

/** Calls a component's aggregates, either directly or through jco's wrappers. */
interface Calls {
  take(id: bigint, context: number, group: number, count: number, cells: number, inverse: boolean): void;
  give(id: bigint, context: number, group: number, final: boolean): void;
}

/** The component that implements an aggregate. */
interface Answer {
  readonly component: Component;
  readonly spec: FunctionSpec;
  readonly calls: Calls;
}

/** The open groups of a connection, by number. Numbers are reused. */
class Groups {
  readonly #answers: (Answer | undefined)[] = [undefined]; // 0 is not a group
  readonly #free: number[] = [];

  begin(answer: Answer): number {
    const group = this.#free.pop() ?? this.#answers.length;
    this.#answers[group] = answer;
    return group;
  }

  /**
   * The component instance that has the state of a group, which is the instance with which the group began, even if the
   * component was loaded again meanwhile.
   */
  answer(group: number): Answer {
    return this.#answers[group] as Answer;
  }

  end(group: number): void {
    this.#answers[group] = undefined;
    this.#free.push(group);
  }
}

/** An SQL aggregate of a connection, and the implementation for its new groups. */
interface Slot {
  answer: Answer;
}

/** The aggregates of a connection. */
const registered = (): { groups: Groups; slots: Map<string, Slot> } => ({
  groups: new Groups(),
  slots: new Map(),
});

/** The aggregates of a component, with valid descriptions; undefined if it exports none. */
export function bringAggregates(component: Component, path: string): Brought | undefined {
  const functions = component.interface<AggregateFunction>('aggregate-function');
  if (!functions) return undefined;
  const specs = component.described(path, () => functions.describe());
  checkSpecs(component, specs);
  return { names: specs.map(nameOf), register: () => register(component, functions, specs) };
}

/** Registers the aggregates. The slot of an identical one gets the new instance; scalars.ts explains why. */
function register(component: Component, functions: AggregateFunction, specs: readonly FunctionSpec[]): void {
  const { connection } = component;
  const { engine, db } = connection;
  const core = component.core('aggregate-function');
  const calls = core ? directCalls(engine, core) : wrappedCalls(engine, functions, component.memory);
  const { groups, slots } = connection.part(registered);
  for (const spec of specs) {
    const flags = flagsOf(spec.options);
    const window = Number(spec.options.window ?? false);
    const key = `${spec.name.toLowerCase()}/${spec.numArgs}/${flags}/${window}`;
    const answer = { component, spec, calls };
    const there = slots.get(key);
    if (there) {
      there.answer = answer;
      continue;
    }
    const slot: Slot = { answer };
    const id = engine.register({
      ...aggregate(slot, groups),
      destroyed() {
        letGo(slot.answer.component, nameOf(spec));
        if (slots.get(key) === slot) slots.delete(key);
      },
    });
    slots.set(key, slot);
    using arena = engine.core.memory.arena();
    const name = arena.cString(spec.name);
    engine.check(db, engine.core.c.bridge_create_aggregate(db, name, spec.numArgs, flags, id, window));
  }
}

function aggregate(slot: Slot, groups: Groups): Pick<Required<Callback>, 'step' | 'groupValue'> {
  return {
    step(context, group, count, cells, inverse) {
      const own = group || groups.begin(slot.answer);
      const { component, spec, calls } = groups.answer(own);
      try {
        component.enter(spec.name);
        calls.take(spec.id, context, own, count, cells, inverse);
      } catch (error) {
        component.connection.engine.failIn(context, component.failed(spec.name, error));
      }
      return own; // return the number of the group even after an error
    },
    groupValue(context, group, final) {
      const own = group || groups.begin(slot.answer);
      const { component, spec, calls } = groups.answer(own);
      try {
        component.enter(spec.name);
        calls.give(spec.id, context, own, final);
      } catch (thrown) {
        const { engine } = component.connection;
        const error = component.failed(spec.name, thrown);
        // After an error, SQLite finalizes the groups of the statement. That error must be kept.
        if (final)
          failWith(engine.core, context, {
            code: SQLITE_ERROR,
            extendedCode: SQLITE_ERROR,
            message: error.message,
          });
        else engine.failIn(context, error);
      }
      if (final) groups.end(own);
      return final ? 0 : own;
    },
  };
}

function directCalls(engine: Engine, exports: CoreInterface): Calls {
  const { guest } = exports;
  type Take = (id: bigint, group: number, args: number, count: number) => number;
  const [step, inverse] = [exports.function('step') as Take, exports.function('inverse') as Take];
  const [stepped, inverted] = [exports.post('step'), exports.post('inverse')];
  type Give = (id: bigint, group: number) => number;
  const [value, finalize] = [exports.function('value') as Give, exports.function('finalize') as Give];
  const [valued, finalized] = [exports.post('value'), exports.post('finalize')];
  const lower = loweringCells(engine, guest);
  const setResultAt = resulting(engine, guest);
  const linking = new Linking(engine, exports, ['step', 'inverse', 'value', 'finalize']);

  const taken = (context: number, result: number, isInverse: boolean): void => {
    const error = failureOf(guest, result, nothingOrError);
    if (error) failWith(engine.core, context, error);
    if (isInverse) inverted(result);
    else stepped(result);
  };

  const given = (context: number, result: number, final: boolean): void => {
    if (isOk(guest, result, valueOrError)) setResultAt(context, result + valueOrError.payload);
    else failWith(engine.core, context, failureAt(guest, result, valueOrError));
    if (final) finalized(result);
    else valued(result);
  };

  return {
    take(id, context, group, count, cells, isInverse) {
      const { linked } = linking;
      if (linked) {
        const done = isInverse
          ? linked.inverse(id, group, count, cells)
          : linked.step(id, group, count, cells);
        if (done === callDone) return;
        if (done === callReturned) {
          taken(context, linked.result.value >>> 0, isInverse);
          return;
        }
      } else linking.count();
      let args = 0;
      if (count > 0) {
        args = guest.allocate(valueSize * count, sqlValue.align);
        lower(count, cells, args);
      }
      const result = isInverse ? inverse(id, group, args, count) : step(id, group, args, count);
      taken(context, result >>> 0, isInverse);
    },
    give(id, context, group, final) {
      const { linked } = linking;
      if (!linked) given(context, (final ? finalize(id, group) : value(id, group)) >>> 0, final);
      else if (
        (final ? linked.finalize(id, group, context) : linked.value(id, group, context)) === callReturned
      )
        given(context, linked.result.value >>> 0, final);
    },
  };
}

function wrappedCalls(engine: Engine, functions: AggregateFunction, memory: number): Calls {
  const { core } = engine;
  /** Runs `action`. An error that the component returns becomes the error of the statement. */
  const call = (context: number, action: () => void): void => {
    try {
      action();
    } catch (error) {
      failWith(core, context, payloadOf(error));
    }
  };
  return {
    take(id, context, group, count, cells, inverse) {
      const args = cellsToWit(core, count, cells, memory);
      call(context, () => (inverse ? functions.inverse(id, group, args) : functions.step(id, group, args)));
    },
    give(id, context, group, final) {
      call(context, () => {
        setResult(
          engine,
          context,
          fromWit(final ? functions.finalize(id, group) : functions.value(id, group)),
        );
      });
    },
  };
}
