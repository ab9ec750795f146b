import type { FunctionSpec, Functions as ScalarFunction } from '../abi/generated/scalar-function.js';
import { SQLITE_DETERMINISTIC, SQLITE_DIRECTONLY, SQLITE_INNOCUOUS } from '../core/constants.js';
import { shownName } from '../core/shown.js';
import { type Call, directCall, wrappedCall } from './call.js';
import type { Component } from './component.js';
import { type Brought, checkCount, letGo, type Named } from './replacements.js';

/** An SQL function of a connection, and the component that implements it now. */
interface Slot {
  component: Component;
  spec: FunctionSpec;
  call: Call;
}

/** The functions of a connection by name, number of arguments and flags. */
const slots = (): Map<string, Slot> => new Map();

/** The functions of a component, with valid descriptions; undefined if it exports none. */
export function bringScalars(component: Component, path: string): Brought | undefined {
  const functions = component.interface<ScalarFunction>('scalar-function');
  if (!functions) return undefined;
  const specs = component.described(path, () => functions.describe());
  checkSpecs(component, specs);
  return { names: specs.map(nameOf), register: () => register(component, functions, specs) };
}

/**
 * Registers the functions. If an identical function exists, its slot gets the new instance, because SQLite does not
 * allow replacing a function while a statement runs, and `SELECT load_extension(...)` is a statement.
 */
function register(component: Component, functions: ScalarFunction, specs: readonly FunctionSpec[]): void {
  const { connection } = component;
  const { engine, db } = connection;
  const core = component.core('scalar-function');
  const call = core ? directCall(engine, core) : wrappedCall(engine, functions, component.memory);
  const known = connection.part(slots);
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
        letGo(slot.component, nameOf(spec));
        if (known.get(key) === slot) known.delete(key);
      },
    });
    known.set(key, slot);
    using arena = engine.core.memory.arena();
    const name = arena.cString(spec.name);
    engine.check(db, engine.core.c.bridge_create_function(db, name, spec.numArgs, flagsOf(spec.options), id));
  }
}

type Spec = Pick<FunctionSpec, 'name' | 'numArgs'>;

/** The SQL name and number of arguments of a function. */
export function nameOf({ name, numArgs }: Spec): Named {
  return { kind: 'function', name, args: numArgs };
}

/** @throws Error if there are too many functions, or if SQLite does not support one of them */
export function checkSpecs(component: Component, specs: readonly Spec[]): void {
  checkCount(component, specs.length, 'functions');
  for (const spec of specs) checkSpec(component, spec);
}

function checkSpec(component: Component, { name, numArgs }: Spec): void {
  const fault = faultOf(name, numArgs);
  if (fault === undefined) return;
  const shown = shownName(JSON.stringify(name));
  throw new Error(`component ${shownName(component.name)} describes function ${shown} with ${fault}`);
}

function faultOf(name: string, numArgs: number): string | undefined {
  const length = Buffer.byteLength(name);
  if (length < 1 || length > 255) return `a name of ${length} bytes: 1 to 255 are allowed`;
  if (name.includes('\0')) return 'a name that contains U+0000';
  if (numArgs < -1 || numArgs > 1000) return `${numArgs} arguments: -1 to 1000 are allowed`;
  return undefined;
}

/** Converts the function flags of the contract to SQLite's flags. */
export function flagsOf(options: FunctionSpec['options']): number {
  return (
    (options.deterministic ? SQLITE_DETERMINISTIC : 0) |
    (options.directOnly ? SQLITE_DIRECTONLY : 0) |
    (options.innocuous ? SQLITE_INNOCUOUS : 0)
  );
}
