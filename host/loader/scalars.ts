/** Scalar functions of components, as SQL functions of the connection. */

import { SQLITE_DETERMINISTIC, SQLITE_DIRECTONLY, SQLITE_INNOCUOUS } from '../core/constants.js';
import type { Connection } from '../db/engine.js';
import type { FunctionSpec, Functions as ScalarFunction } from '../interfaces/generated/scalar-function.js';
import { type Call, directCall, wrappedCall } from './call.js';
import type { Component } from './component.js';

/** One SQL function of a connection, and the component that answers it now. */
interface Slot {
  component: Component;
  spec: FunctionSpec;
  call: Call;
}

const slots = new WeakMap<Connection, Map<string, Slot>>();

/**
 * Registers the functions; none where a description is refused. A function that is there already as it should
 * be is handed to the new instance in place, since SQLite lets none be replaced while a statement runs, which
 * `SELECT load_extension(...)` is.
 */
export function registerScalars(component: Component, path: string): void {
  const functions = component.interface<ScalarFunction>('scalar-function');
  if (!functions) return;
  const { connection } = component;
  const { engine, db } = connection;
  const specs = component.described(path, () => functions.describe());
  for (const spec of specs) checkSpec(component, spec);
  const core = component.core('scalar-function');
  const call = core ? directCall(engine, core) : wrappedCall(engine.core, functions);
  const known = slots.get(connection) ?? new Map<string, Slot>();
  slots.set(connection, known);
  for (const spec of specs) {
    const key = `${spec.name.toLowerCase()}/${spec.numArgs}/${flagsOf(spec.options)}`;
    const there = known.get(key);
    if (there) {
      Object.assign(there, { component, spec, call });
      continue;
    }
    const slot: Slot = { component, spec, call };
    const id = engine.register({
      call(context, count, cells) {
        const { component, spec, call } = slot;
        try {
          component.enter(spec.name);
          call(spec.id, context, count, cells);
        } catch (error) {
          throw component.failed(spec.name, error);
        }
      },
      destroyed() {
        if (known.get(key) === slot) known.delete(key);
      },
    });
    known.set(key, slot);
    using arena = engine.core.memory.arena();
    const name = arena.cString(spec.name);
    engine.check(db, engine.core.c.bridge_create_function(db, name, spec.numArgs, flagsOf(spec.options), id));
  }
}

/** @throws Error where SQLite cannot have such a function */
export function checkSpec(component: Component, spec: Pick<FunctionSpec, 'name' | 'numArgs'>): void {
  const length = Buffer.byteLength(spec.name);
  const where = `component ${component.name} describes function ${JSON.stringify(spec.name)}`;
  if (length < 1 || length > 255)
    throw new Error(`${where} with a name of ${length} bytes: 1 to 255 are allowed`);
  if (spec.name.includes('\0')) throw new Error(`${where} with a name that contains U+0000`);
  if (spec.numArgs < -1 || spec.numArgs > 1000) {
    throw new Error(`${where} with ${spec.numArgs} arguments: -1 to 1000 are allowed`);
  }
}

/** SQLite's flags for those of the contract. */
export function flagsOf(options: FunctionSpec['options']): number {
  return (
    (options.deterministic ? SQLITE_DETERMINISTIC : 0) |
    (options.directOnly ? SQLITE_DIRECTONLY : 0) |
    (options.innocuous ? SQLITE_INNOCUOUS : 0)
  );
}
