/** Aggregate and window functions of components. The component keeps the state of each group by its number. */

import type { Engine } from '../db/engine.js';
import { setResult } from '../db/values.js';
import type {
  Functions as AggregateFunction,
  FunctionSpec,
} from '../interfaces/generated/aggregate-function.js';
import { failWith } from './call.js';
import { type Component, type CoreInterface, payloadOf } from './component.js';
import { checkSpec, flagsOf } from './scalars.js';
import { fromWit, isOk, lowering, resulting, toWitList, valueSize } from './sql-values.js';

/** How a component's aggregates are called: directly, or through jco's wrappers. */
interface Calls {
  take(id: bigint, context: number, group: number, count: number, values: number, inverse: boolean): void;
  give(id: bigint, context: number, group: number, final: boolean): void;
}

/** Numbers of groups: those that ended are used again. */
class Groups {
  readonly #free: number[] = [];
  #last = 0;

  take(): number {
    return this.#free.pop() ?? ++this.#last;
  }

  free(group: number): void {
    this.#free.push(group);
  }
}

/** Registers the aggregates of a component; none where a description is refused. */
export function registerAggregates(component: Component, path: string): void {
  const functions = component.interface<AggregateFunction>('aggregate-function');
  if (!functions) return;
  const { engine, db } = component.connection;
  const specs = component.described(path, () => functions.describe());
  for (const spec of specs) checkSpec(component, spec);
  const core = component.core('aggregate-function');
  const calls = core ? directCalls(engine, core) : wrappedCalls(engine, functions);
  const groups = new Groups();
  for (const spec of specs) {
    const id = engine.register(aggregate(component, spec, calls, groups));
    using arena = engine.core.memory.arena();
    const name = arena.cString(spec.name);
    const flags = flagsOf(spec.options);
    const window = Number(spec.options.window ?? false);
    engine.check(db, engine.core.c.bridge_create_aggregate(db, name, spec.numArgs, flags, id, window));
  }
}

function aggregate(component: Component, spec: FunctionSpec, calls: Calls, groups: Groups) {
  const { id, name } = spec;
  return {
    step(context: number, group: number, count: number, values: number, inverse: boolean): number {
      const own = group || groups.take();
      try {
        component.guard(name, () => calls.take(id, context, own, count, values, inverse));
      } catch (error) {
        component.connection.engine.failIn(context, error); // the group has its number all the same
      }
      return own;
    },
    groupValue(context: number, group: number, final: boolean): number {
      const own = group || groups.take();
      try {
        component.guard(name, () => calls.give(id, context, own, final));
      } finally {
        if (final) groups.free(own);
      }
      return final ? 0 : own;
    },
  };
}

// result<_, sqlite-error>: case at 0, error at 4; result<sql-value, sqlite-error>: payload at 8.
const emptyResultSize = 20;
const valueResultSize = 24;

function directCalls(engine: Engine, exports: CoreInterface): Calls {
  const { guest } = exports;
  type Take = (id: bigint, group: number, args: number, count: number) => number;
  const [step, inverse] = [exports.function('step') as Take, exports.function('inverse') as Take];
  const [stepped, inverted] = [exports.post('step'), exports.post('inverse')];
  type Give = (id: bigint, group: number) => number;
  const [value, finalize] = [exports.function('value') as Give, exports.function('finalize') as Give];
  const [valued, finalized] = [exports.post('value'), exports.post('finalize')];
  const lower = lowering(engine, guest);
  const setResultAt = resulting(engine, guest);
  return {
    take(id, context, group, count, values, isInverse) {
      let args = 0;
      if (count > 0) {
        args = guest.allocate(valueSize * count, 8);
        lower(count, values, args);
      }
      const result = (isInverse ? inverse(id, group, args, count) : step(id, group, args, count)) >>> 0;
      if (!isOk(guest, result, emptyResultSize, 4)) failWith(engine.core, context, guest.errorAt(result + 4));
      if (isInverse) inverted(result);
      else stepped(result);
    },
    give(id, context, group, final) {
      const result = (final ? finalize(id, group) : value(id, group)) >>> 0;
      if (isOk(guest, result, valueResultSize)) setResultAt(context, result + 8);
      else failWith(engine.core, context, guest.errorAt(result + 8));
      if (final) finalized(result);
      else valued(result);
    },
  };
}

function wrappedCalls({ core }: Engine, functions: AggregateFunction): Calls {
  /** Runs `action`; the component's own error becomes the statement's. */
  const call = (context: number, action: () => void): void => {
    try {
      action();
    } catch (error) {
      failWith(core, context, payloadOf(error));
    }
  };
  return {
    take(id, context, group, count, values, inverse) {
      const args = toWitList(core, count, values);
      call(context, () => (inverse ? functions.inverse(id, group, args) : functions.step(id, group, args)));
    },
    give(id, context, group, final) {
      call(context, () => {
        setResult(core, context, fromWit(final ? functions.finalize(id, group) : functions.value(id, group)));
      });
    },
  };
}
