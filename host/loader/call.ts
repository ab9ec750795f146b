/**
 * Calls a component's scalar functions. The direct path copies values between the memories of the core and the
 * component with the canonical ABI. The wrapped path uses jco's wrappers, for components that the direct path does not
 * support.
 */

import type { Functions as ScalarFunction } from '../abi/generated/scalar-function.js';
import type { SqlValue as WitValue } from '../abi/generated/types.js';
import { sqlValue, valueOrError } from '../abi/layout.js';
import { callDone, callReturned, Linking } from '../abi/linked-calls.js';
import { failureAt, isOk, type WitError } from '../abi/results.js';
import { cellsToWit, fromWit, loweringCells, resulting, valueSize } from '../abi/values.js';
import { SQLITE_DONE, SQLITE_ERROR, SQLITE_ROW } from '../core/constants.js';
import type { Core } from '../core/core.js';
import { shown } from '../core/shown.js';
import type { Engine } from '../kernel/engine.js';
import { setResult } from '../kernel/function-results.js';
import { type CoreInterface, payloadOf } from './component.js';

/** Calls function `id` of a component with the values at address `cells`, and sets the result in `context`. */
export type Call = (id: bigint, context: number, count: number, cells: number) => void;

/** Makes the running statement fail with an error that a component returned. */
export function failWith({ c, memory }: Core, context: number, error: WitError): void {
  using arena = memory.arena();
  const { pointer, length } = arena.text(shown(error.message));
  c.sqlite3_result_error(context, pointer, length);
  const code = error.extendedCode || error.code;
  if (code > SQLITE_ERROR && code !== SQLITE_ROW && code !== SQLITE_DONE)
    c.sqlite3_result_error_code(context, code);
}

export function directCall(engine: Engine, exports: CoreInterface): Call {
  const { guest } = exports;
  const call = exports.function('call') as (id: bigint, args: number, count: number) => number;
  const post = exports.post('call');
  const lower = loweringCells(engine, guest);
  const setResultAt = resulting(engine, guest);
  const linking = new Linking(engine, exports, ['call']);

  const finish = (context: number, result: number): void => {
    if (isOk(guest, result, valueOrError)) setResultAt(context, result + valueOrError.payload);
    else failWith(engine.core, context, failureAt(guest, result, valueOrError));
    post(result);
  };

  return (id, context, count, cells) => {
    const { linked } = linking;
    if (linked) {
      const done = linked.call(id, context, count, cells);
      if (done === callDone) return;
      if (done === callReturned) {
        finish(context, linked.result.value >>> 0);
        return;
      }
    } else linking.count();
    let args = 0;
    if (count > 0) {
      args = guest.allocate(valueSize * count, sqlValue.align);
      lower(count, cells, args);
    }
    finish(context, call(id, args, count) >>> 0);
  };
}

/** Makes a {@link Call} that uses jco's wrappers. @param memory the component's memory limit in bytes */
export function wrappedCall(engine: Engine, functions: ScalarFunction, memory: number): Call {
  const { core } = engine;
  return (id, context, count, cells) => {
    const args = cellsToWit(core, count, cells, memory);
    let result: WitValue;
    try {
      result = functions.call(id, args);
    } catch (error) {
      failWith(core, context, payloadOf(error));
      return;
    }
    setResult(engine, context, fromWit(result));
  };
}
